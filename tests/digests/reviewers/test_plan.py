"""The forecast of a day."""

import asyncio

from digests.reviewers.budget import DailyBudget
from digests.reviewers.context import ReviewContext
from digests.reviewers.openai import ServerAddress, open_model_server
from digests.reviewers.plan import ReviewPlan, plan_round
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
