"""The day's budget and its shares."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import ParamSpec, TypeVar

from digests.model import NOT_REVIEWED, REVIEWER, ReviewDepth, Trouble
from digests.reviewers.budget import DailyBudget
from tests.builders import NOW, TODAY, a_paper
from tests.digests.reviewers.harness import (
    ABSTRACT,
    AFTER_MIDNIGHT,
    ANNOUNCEMENT_IS_SCORED,
    ReviewerHarness,
    store_with_papers,
)
from tests.fakes.openai_server import ModelFault

P = ParamSpec("P")
R = TypeVar("R")


def test_the_budget_is_never_exceeded_and_the_rest_waits_for_tomorrow() -> None:
    reviewer = ReviewerHarness(
        store_with_papers(30), full_reviews_per_day=0, budget=DailyBudget(tokens=45_000)
    )
    outcome = reviewer.run_round()
    spent = reviewer.store.budget.spending_on(TODAY)
    assert outcome.trouble is Trouble.BUDGET_SPENT
    assert 0 < outcome.score_count < 30
    assert spent.tokens <= 45_000
    waiting = reviewer.store.review_queue.count_waiting()[ReviewDepth.SCORE]
    assert waiting == 30 - outcome.score_count
    [condition] = reviewer.store.health.latest_reports()
    assert (condition.subject, condition.trouble, condition.waiting_count) == (
        REVIEWER,
        Trouble.BUDGET_SPENT,
        waiting,
    )
    reviewer.now = NOW + timedelta(days=1)
    assert reviewer.run_round().score_count > 0


def test_a_backlog_leaves_half_of_the_budget_to_the_papers_of_the_day() -> None:
    reviewer = ReviewerHarness(
        store_with_papers(90),
        full_reviews_per_day=0,
        budget=DailyBudget(tokens=40_000),
        has_daily_announcement=True,
    )
    reviewer.run_rounds_until_idle()
    reviewer.now = AFTER_MIDNIGHT
    reviewer.run_rounds_until_idle()
    spent = reviewer.store.budget.spending_on(reviewer.now.date())
    assert 0 < spent.tokens <= 20_000
    reviewer.now += timedelta(hours=6)
    reviewer.store.library.add([(a_paper("2611.99999", abstract=ABSTRACT), NOT_REVIEWED)], now=reviewer.now)
    reviewer.run_round()
    assert reviewer.get_paper(99999).review.score is not None
    reviewer.now += timedelta(hours=6)
    assert reviewer.run_round().score_count > 0


def test_the_budget_limits_money() -> None:
    reviewer = ReviewerHarness(
        store_with_papers(30),
        full_reviews_per_day=0,
        budget=DailyBudget(money=0.10, price_in=2.0, price_out=6.0),
    )
    outcome = reviewer.run_round()
    assert outcome.trouble is Trouble.BUDGET_SPENT
    assert reviewer.store.budget.spending_on(TODAY).millionths <= 100_000
    assert outcome.score_count > 0


def test_scoring_leaves_budget_for_full_reviews() -> None:
    reviewer = ReviewerHarness(
        store_with_papers(60), full_reviews_per_day=2, budget=DailyBudget(tokens=65_000)
    )
    outcome = reviewer.run_round()
    assert outcome.full_review_count == 2
    assert outcome.trouble is Trouble.BUDGET_SPENT


def test_scoring_a_big_day_leaves_budget_for_full_reviews() -> None:
    reviewer = ReviewerHarness(
        store_with_papers(90),
        full_reviews_per_day=2,
        budget=DailyBudget(tokens=65_000),
        has_daily_announcement=True,
    )
    reviewer.now = ANNOUNCEMENT_IS_SCORED - timedelta(minutes=45)
    reviewer.store.library.add(
        [(a_paper(f"2611.8{number:04}", abstract=ABSTRACT), NOT_REVIEWED) for number in range(90)],
        now=reviewer.now,
    )
    reviewer.run_rounds_until_idle()
    assert reviewer.store.budget.spending_on(reviewer.now.date()).tokens <= 39_000
    reviewer.now = ANNOUNCEMENT_IS_SCORED
    outcome = reviewer.run_round()
    assert outcome.full_review_count == 2
    assert outcome.trouble is Trouble.BUDGET_SPENT


def test_a_call_that_may_be_billed_stays_counted() -> None:
    reviewer = ReviewerHarness(store_with_papers(1), full_reviews_per_day=0)
    reviewer.server.faults.append(ModelFault.NOT_JSON)
    reviewer.run_round()
    assert reviewer.store.budget.spending_on(TODAY).tokens > 2000


def test_scoring_keeps_the_budget_when_the_announcement_becomes_due_during_a_round() -> None:
    reviewer = ReviewerHarness(
        store_with_papers(90),
        full_reviews_per_day=2,
        budget=DailyBudget(tokens=65_000),
        has_daily_announcement=True,
    )
    reviewer.now = ANNOUNCEMENT_IS_SCORED - timedelta(minutes=45)
    papers = [(a_paper(f"2611.8{number:04}", abstract=ABSTRACT), NOT_REVIEWED) for number in range(90)]
    reviewer.store.library.add(papers, now=reviewer.now)

    async def run_blocking(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        result = await asyncio.to_thread(function, *args, **kwargs)
        if getattr(function, "__name__", "") == "enqueue_full_reviews":
            reviewer.now = ANNOUNCEMENT_IS_SCORED
        return result

    reviewer.run_rounds_until_idle()
    reviewer.run_round(run_blocking=run_blocking)
    assert reviewer.store.budget.spending_on(reviewer.now.date()).tokens <= 39_000
    assert reviewer.run_round().full_review_count == 2


def test_a_paper_with_an_endless_title_and_abstract_leaves_the_budget_to_the_others() -> None:
    store, endless = store_with_papers(3), "Words without an end. " * 20_000
    paper = a_paper("2611.99999", title=endless, abstract=endless, upvotes=999)
    store.library.add([(paper, NOT_REVIEWED)], now=NOW)
    reviewer = ReviewerHarness(store, full_reviews_per_day=4, budget=DailyBudget(tokens=1_000_000))
    outcome = reviewer.run_round()
    assert (outcome.score_count, outcome.full_review_count, outcome.trouble) == (4, 4, None)
    longest = max(len(request["messages"][1]["content"]) for request in reviewer.server.requests)
    assert longest < 20_000


def test_a_call_without_room_waits_for_what_the_open_calls_do_not_use() -> None:
    """A call reserves several times what it uses: four open calls leave no room for a fifth."""
    reviewer = ReviewerHarness(
        store_with_papers(8), full_reviews_per_day=0, budget=DailyBudget(tokens=40_000)
    )
    outcome = reviewer.run_round()
    assert (outcome.score_count, outcome.trouble) == (8, None)
    assert reviewer.store.budget.spending_on(TODAY).tokens <= 40_000
