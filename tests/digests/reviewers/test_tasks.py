"""Failures of papers and of the server: retries, backoff, and the end of a round."""

from datetime import timedelta

from digests.model import NOT_REVIEWED, ReviewDepth, Trouble
from digests.ports.budget import Spending
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


def test_one_failing_paper_does_not_stop_the_others() -> None:
    reviewer = ReviewerHarness(store_with_papers(10), full_reviews_per_day=0)
    reviewer.server.fault_by_title["Paper 00003"] = ModelFault.SERVER_ERROR
    outcome = reviewer.run_round()
    assert (outcome.score_count, outcome.failure_count, outcome.trouble) == (9, 1, None)


def test_consecutive_server_faults_end_the_round() -> None:
    reviewer = ReviewerHarness(store_with_papers(40), full_reviews_per_day=0)
    reviewer.server.fault_by_title["Paper"] = ModelFault.SERVER_ERROR
    outcome = reviewer.run_round()
    assert outcome.trouble is Trouble.REVIEWER_DOWN
    assert len(reviewer.server.requests) < 12
