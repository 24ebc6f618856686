"""Failures of papers and of the server: retries, backoff, and the end of a round."""

from datetime import timedelta

import pytest

from digests.model import NOT_REVIEWED, ReviewDepth, Trouble
from digests.ports.budget import Spending
from digests.reviewers.budget import DailyBudget
from digests.reviewers.context import MAX_CONSECUTIVE_FAULTS, RoundOutcome
from digests.reviewers.probe import SAMPLE_PAPER
from digests.reviewers.tasks import MAX_ATTEMPTS
from tests.builders import NOW, TODAY
from tests.digests.reviewers.harness import ReviewerHarness, store_with_papers
from tests.fakes.openai_server import ModelFault


def test_a_failing_paper_is_retried_with_backoff_and_then_abandoned() -> None:
    reviewer = ReviewerHarness(store_with_papers(3), full_reviews_per_day=0)
    reviewer.server.fault_by_title["Paper 00001"] = ModelFault.SCHEMA_IGNORED
    assert (outcome := reviewer.run_round()).failure_count == 1
    assert outcome.score_count == 2
    assert reviewer.get_paper(1).review == NOT_REVIEWED
    [failure] = reviewer.store.review_queue.recent_failures(9)
    assert "could not be used" in failure.reason
    assert failure.next_try_at == NOW + timedelta(minutes=15)
    assert reviewer.run_round().failure_count == 0
    for _ in range(MAX_ATTEMPTS):
        reviewer.now += timedelta(days=1)
        reviewer.store.library.add([(reviewer.get_paper(1).paper, NOT_REVIEWED)], now=reviewer.now)
        reviewer.run_round()
    [failure] = reviewer.store.review_queue.recent_failures(9)
    assert failure.is_abandoned
    request_count = len(reviewer.server.requests)
    reviewer.now += timedelta(days=1)
    reviewer.run_round()
    assert len(reviewer.server.requests) == request_count


def test_a_server_that_is_down_ends_the_round_and_counts_no_attempt() -> None:
    reviewer = ReviewerHarness(store_with_papers(30), full_reviews_per_day=0)
    outcome = reviewer.run_round(is_server_down=True)
    assert outcome.trouble is Trouble.REVIEWER_DOWN
    assert "does not answer" in outcome.detail
    assert reviewer.store.budget.spending_on(TODAY) == Spending()
    tasks = reviewer.store.review_queue.next(ReviewDepth.SCORE, 99, now=NOW)
    assert [task.attempts for task in tasks] == [0] * 30
    assert reviewer.run_round().score_count == 30


@pytest.mark.parametrize(
    "fault", [ModelFault.SERVER_ERROR, ModelFault.BROKEN_OFF, ModelFault.COMPRESSED, ModelFault.ENDLESS_ERROR]
)
def test_one_failing_paper_does_not_stop_the_others(fault: ModelFault) -> None:
    reviewer = ReviewerHarness(store_with_papers(10), full_reviews_per_day=0)
    reviewer.server.fault_by_title["Paper 00003"] = fault
    outcome = reviewer.run_round()
    assert (outcome.score_count, outcome.failure_count, outcome.trouble) == (9, 1, None)


def test_consecutive_server_faults_end_the_round() -> None:
    reviewer = ReviewerHarness(store_with_papers(40), full_reviews_per_day=0)
    reviewer.server.fault_by_title[""] = ModelFault.SERVER_ERROR
    outcome = reviewer.run_round()
    assert outcome.trouble is Trouble.REVIEWER_DOWN
    assert len(reviewer.server.requests) < 12


@pytest.mark.parametrize("fault", [ModelFault.SERVER_ERROR, ModelFault.REDIRECT, ModelFault.BROKEN_OFF])
def test_papers_that_a_server_always_refuses_stop_no_others_and_are_abandoned(fault: ModelFault) -> None:
    reviewer = ReviewerHarness(store_with_papers(40), full_reviews_per_day=5, pairwise_limit=2)
    reviewer.server.fault_by_title["Paper 0000"] = fault
    reviewer.server.redirect_url = "http://127.0.0.1:9/v1/chat/completions"
    outcome = reviewer.run_round()
    assert (outcome.score_count, outcome.full_review_count, outcome.failure_count) == (30, 5, 10)
    assert (outcome.comparison_count, outcome.trouble) == (2, None)
    for _ in range(2 * MAX_ATTEMPTS):
        reviewer.now += timedelta(hours=16)
        assert reviewer.run_round().trouble is None
    # The first ones of a round may be the server's fault: no harmless paper was asked for yet.
    waiting = reviewer.store.review_queue.count_waiting().get(ReviewDepth.SCORE, 0)
    assert waiting <= MAX_CONSECUTIVE_FAULTS


def test_a_fault_during_a_probe_that_is_answered_counts_as_an_attempt() -> None:
    faults = 5
    reviewer = ReviewerHarness(store_with_papers(faults), full_reviews_per_day=0)
    reviewer.server.fault_by_title["Paper"] = ModelFault.SERVER_ERROR
    reviewer.server.latency = 0.5  # Of the probe's answer alone: faults come at once.
    assert reviewer.run_round().failure_count == faults
    attempts = sum(task.attempts for task in reviewer.store.review_queue.recent_failures(faults))
    assert attempts == faults - (MAX_CONSECUTIVE_FAULTS - 1)


def test_the_probe_of_a_server_is_within_the_budget() -> None:
    reviewer = ReviewerHarness(
        store_with_papers(40), full_reviews_per_day=0, budget=DailyBudget(tokens=100_000)
    )
    reviewer.server.fault_by_title["Paper"] = ModelFault.SERVER_ERROR
    assert reviewer.run_round().failure_count == 40
    probe_count = reviewer.server.title_counts[SAMPLE_PAPER.title]
    spent = reviewer.store.budget.spending_on(TODAY)
    assert probe_count == 40 // MAX_CONSECUTIVE_FAULTS
    assert 0 < spent.tokens <= 100_000
    reviewer.now += timedelta(hours=1)
    without_room = DailyBudget(tokens=spent.tokens)
    assert reviewer.run_round(budget=without_room).trouble is Trouble.BUDGET_SPENT


@pytest.mark.parametrize("count", [10**30, -1, 0.5, True, float("nan")])
def test_a_token_count_out_of_range_ends_no_round_and_no_paper_is_paid_twice(count: object) -> None:
    reviewer = ReviewerHarness(store_with_papers(6), full_reviews_per_day=3, pairwise_limit=3)
    reviewer.server.token_count = count
    outcome = reviewer.run_round()
    assert (outcome.score_count, outcome.full_review_count, outcome.comparison_count) == (6, 3, 6)
    spent = reviewer.store.budget.spending_on(TODAY)
    assert 0 < spent.tokens < 200_000
    request_count = len(reviewer.server.requests)
    assert reviewer.run_round() == RoundOutcome()
    assert (len(reviewer.server.requests), reviewer.store.budget.spending_on(TODAY)) == (request_count, spent)


def test_a_servers_message_reaches_status_and_log_without_control_characters(
    caplog: pytest.LogCaptureFixture,
) -> None:
    reviewer = ReviewerHarness(store_with_papers(9), full_reviews_per_day=0)
    reviewer.server.fault_by_title[""] = ModelFault.CONTROL_CHARACTERS
    outcome = reviewer.run_round()
    reasons = [failure.reason for failure in reviewer.store.review_queue.recent_failures(9)]
    (health,) = reviewer.store.health.latest_reports()
    assert len(reasons) >= 3
    for text in (outcome.detail, health.detail, *reasons, *caplog.messages):
        assert "evil" in text
        assert text.isprintable()


def test_a_redirecting_server_ends_the_round_and_gets_no_further_paper() -> None:
    reviewer = ReviewerHarness(store_with_papers(40), full_reviews_per_day=0)
    reviewer.server.redirect_url = "http://127.0.0.1:9/v1/chat/completions"
    reviewer.server.fault_by_title[""] = ModelFault.REDIRECT
    outcome = reviewer.run_round()
    assert outcome.trouble is Trouble.REVIEWER_DOWN
    assert "a redirect to http://127.0.0.1:9/v1/chat/completions" in outcome.detail
    assert len(reviewer.server.requests) < 12
    assert reviewer.store.budget.spending_on(TODAY) == Spending()
