"""The forecast of a day."""

import asyncio

import pytest

from bot.ingest.reviewing import describe_plan
from digests.ports.budget import Spending
from digests.reviewers.budget import DailyBudget
from digests.reviewers.context import PanelSeat, ReviewContext
from digests.reviewers.openai import ServerAddress, open_model_server
from digests.reviewers.plan import ReviewPlan, plan_round
from digests.subscription import Preferences
from tests.builders import NOW
from tests.digests.reviewers.harness import ANY_PAPER, ReviewerHarness, store_with_papers
from tests.fakes.openai_server import MODEL


def test_a_plan_forecasts_the_day_and_calls_no_model() -> None:
    store, budget = store_with_papers(40), DailyBudget(tokens=50_000)

    async def make_plan() -> ReviewPlan:
        # Nothing listens at this address: a call would fail.
        async with open_model_server(ServerAddress("http://127.0.0.1:1/v1", MODEL)) as server:
            context = ReviewContext(store, server, lambda: NOW, full_reviews_per_day=5, budget=budget)
            return plan_round(context, ANY_PAPER)

    plan = asyncio.run(make_plan())
    assert (plan.papers_to_score, plan.papers_to_review) == (40, 5)
    assert 0 < plan.expected_spending.tokens <= 50_000
    assert plan.deferred_papers > 0


def test_a_plan_counts_the_comparisons_without_a_verdict() -> None:
    reviewer = ReviewerHarness(store_with_papers(10), full_reviews_per_day=3)
    reviewer.run_round(pairwise_limit=3)

    async def make_plan(full_reviews: int) -> int:
        async with open_model_server(ServerAddress("http://127.0.0.1:1/v1", MODEL)) as server:
            context = ReviewContext(
                reviewer.store, server, lambda: NOW, full_reviews_per_day=full_reviews, pairwise_limit=4
            )
            return plan_round(context, ANY_PAPER).pairs_to_compare

    assert asyncio.run(make_plan(3)) == 0
    assert asyncio.run(make_plan(9)) == 4 * 3 - 3 * 2


@pytest.mark.parametrize(
    ("preferences", "least", "most"),
    [
        (Preferences(top=40), 40, 40),
        (Preferences(top=5), 6, 25),
        (Preferences(top=5, domains=("vision",)), 1, 12),
    ],
)
def test_a_plan_forecasts_the_votes_and_the_cost_of_every_member(
    preferences: Preferences, least: int, most: int
) -> None:
    reviewer = ReviewerHarness(store_with_papers(40))

    async def make_plan() -> ReviewPlan:
        async with open_model_server(ServerAddress("http://127.0.0.1:1/v1", MODEL)) as server:
            further = PanelSeat(server, 1), PanelSeat(server, 2)
            context = ReviewContext(
                reviewer.store, server, lambda: NOW, full_reviews_per_day=2, further_seats=further
            )
            return plan_round(context, [[Preferences(top=1)], [preferences]])

    plan = asyncio.run(make_plan())
    first, second, third = plan.members.values()
    assert list(plan.members) == [MODEL, f"{MODEL} (vote 2)", f"{MODEL} (vote 3)"]
    assert (first.first_looks, first.full_reviews) == (40, 2)
    assert second == third
    assert least <= second.first_looks <= most
    total = sum((member.spending for member in plan.members.values()), Spending())
    assert plan.expected_spending == total
    assert 0 < second.spending.tokens <= first.spending.tokens


def test_a_plan_counts_the_translations_that_the_round_makes() -> None:
    german, japanese = Preferences(top=3, language="de"), Preferences(top=2, language="ja")
    workspaces = ((german, Preferences(top=30)), (japanese,))
    reviewer = ReviewerHarness(store_with_papers(20), full_reviews_per_day=4)

    async def make_plan() -> tuple[ReviewPlan, str]:
        async with open_model_server(ServerAddress("http://127.0.0.1:1/v1", MODEL)) as server:
            context = ReviewContext(reviewer.store, server, lambda: reviewer.now, full_reviews_per_day=4)
            plan = plan_round(context, workspaces)
            return plan, " ".join(describe_plan(plan, context))

    plan, described = asyncio.run(make_plan())
    assert plan.translations == 2 * 3 + 2 * 2
    assert "Translations for channels with a language: 10." in described
    assert reviewer.run_round(workspaces).translation_count == plan.translations
    done, described = asyncio.run(make_plan())
    assert (done.translations, done.expected_spending) == (0, Spending())
    assert "ranslation" not in described
