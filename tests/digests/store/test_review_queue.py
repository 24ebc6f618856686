"""The review queue: order, failures, expiry; and assessments of reviews."""

from datetime import timedelta

import pytest

from digests.model import NOT_REVIEWED, Assessment, QuotedLimitation, ReviewDepth
from tests.builders import NOW, a_paper, a_review, a_store

pytestmark = pytest.mark.usefixtures("over_both")

LATER = NOW + timedelta(hours=1)

GRADES = (("methodology", 3), ("experiments", 4))


def an_assessment(stage: ReviewDepth = ReviewDepth.SCORE) -> Assessment:
    points = (QuotedLimitation("Only English", "we test on English alone"),)
    return Assessment("1", stage, GRADES, 2, points, "we train a model", 1, 1234, (("JSON mended", 2),))


def list_papers(tasks: object) -> list[str]:
    return [task.paper for task in tasks]  # type: ignore[attr-defined]


def test_an_assessment_is_stored_with_its_review() -> None:
    papers = a_store().library
    review = a_review(model="qwen3", assessment=an_assessment())
    papers.add([(a_paper("a"), review)], now=NOW)
    assert papers.get(["a"])["a"].review == review
    [candidate] = papers.candidates(0, papers.latest_sequence(), with_text=False)
    assert candidate.scale == "qwen3, rubric 1"


def test_tasks_come_by_priority_and_enqueue_updates_it() -> None:
    review_queue = a_store().review_queue
    review_queue.enqueue({"a": 1.0, "b": 3.0, "c": 2.0}, ReviewDepth.SCORE, now=NOW)
    review_queue.enqueue({"a": 9.0}, ReviewDepth.SCORE, now=LATER)
    assert list_papers(review_queue.next(ReviewDepth.SCORE, 2, now=LATER)) == ["a", "b"]
    review_queue.complete("a")
    assert list_papers(review_queue.next(ReviewDepth.SCORE, 9, now=LATER)) == ["b", "c"]


def test_of_equal_priority_the_newest_task_comes_first() -> None:
    """A long queue must not keep today's papers out of today's digest."""
    review_queue = a_store().review_queue
    review_queue.enqueue({"old": 1.0}, ReviewDepth.SCORE, now=NOW)
    review_queue.enqueue({"new": 1.0}, ReviewDepth.SCORE, now=LATER)
    assert list_papers(review_queue.next(ReviewDepth.SCORE, 9, now=LATER)) == ["new", "old"]


def test_old_tasks_expire_unless_they_are_kept() -> None:
    review_queue = a_store().review_queue
    review_queue.enqueue({"old": 1.0, "wanted": 9.0}, ReviewDepth.SCORE, now=NOW)
    review_queue.enqueue({"best": 1.0}, ReviewDepth.FULL, now=NOW)
    review_queue.enqueue({"new": 1.0}, ReviewDepth.SCORE, now=LATER)
    review_queue.expire(ReviewDepth.SCORE, queued_before=LATER, keeping=["wanted"])
    assert list_papers(review_queue.next(ReviewDepth.SCORE, 9, now=LATER)) == ["wanted", "new"]
    assert list_papers(review_queue.next(ReviewDepth.FULL, 9, now=LATER)) == ["best"]


def test_cleared_priorities_are_those_of_one_depth() -> None:
    review_queue = a_store().review_queue
    review_queue.enqueue({"a": 5.0, "b": 1.0}, ReviewDepth.SCORE, now=NOW)
    review_queue.enqueue({"best": 3.0}, ReviewDepth.FULL, now=NOW)
    review_queue.clear_priorities(ReviewDepth.SCORE)
    review_queue.enqueue({"b": 1.0}, ReviewDepth.SCORE, now=NOW)
    assert list_papers(review_queue.next(ReviewDepth.SCORE, 9, now=NOW)) == ["b", "a"]
    assert [task.priority for task in review_queue.next(ReviewDepth.FULL, 9, now=NOW)] == [3.0]


def test_a_task_is_upgraded_to_a_full_review_and_never_downgraded() -> None:
    review_queue = a_store().review_queue
    review_queue.enqueue({"a": 1.0}, ReviewDepth.SCORE, now=NOW)
    review_queue.enqueue({"a": 5.0}, ReviewDepth.FULL, now=NOW)
    review_queue.enqueue({"a": 2.0}, ReviewDepth.SCORE, now=NOW)
    assert review_queue.count_waiting() == {ReviewDepth.FULL: 1}
    assert list_papers(review_queue.next(ReviewDepth.SCORE, 9, now=NOW)) == []


def test_a_failed_task_is_retried_later_and_an_abandoned_one_never() -> None:
    review_queue = a_store().review_queue
    review_queue.enqueue({"a": 1.0, "b": 1.0}, ReviewDepth.SCORE, now=NOW)
    review_queue.fail("a", "The model refused.", next_try_at=LATER, counts_as_attempt=True)
    review_queue.fail("b", "The model refused again.", next_try_at=None, counts_as_attempt=True)
    assert list_papers(review_queue.next(ReviewDepth.SCORE, 9, now=NOW)) == []
    [ready] = review_queue.next(ReviewDepth.SCORE, 9, now=LATER)
    assert (ready.paper, ready.attempts, ready.reason) == ("a", 1, "The model refused.")
    assert review_queue.count_waiting() == {ReviewDepth.SCORE: 1}
    assert {(failure.paper, failure.is_abandoned) for failure in review_queue.recent_failures(9)} == {
        ("a", False),
        ("b", True),
    }


def test_a_failure_that_is_not_the_papers_fault_is_no_attempt() -> None:
    review_queue = a_store().review_queue
    review_queue.enqueue({"a": 1.0}, ReviewDepth.SCORE, now=NOW)
    review_queue.fail("a", "The server is broken.", next_try_at=NOW, counts_as_attempt=False)
    assert review_queue.next(ReviewDepth.SCORE, 9, now=NOW)[0].attempts == 0


def test_requeued_tasks_start_without_attempts() -> None:
    review_queue = a_store().review_queue
    review_queue.enqueue({"a": 1.0}, ReviewDepth.SCORE, now=NOW)
    review_queue.fail("a", "The model refused.", next_try_at=None, counts_as_attempt=True)
    review_queue.requeue_failed()
    [ready] = review_queue.next(ReviewDepth.SCORE, 9, now=NOW)
    assert (ready.attempts, ready.is_abandoned) == (0, False)


def test_only_scored_papers_of_the_scale_are_returned() -> None:
    store = a_store()
    first, full = an_assessment(), an_assessment(ReviewDepth.FULL)
    store.library.add(
        [
            (a_paper("first"), a_review(model="qwen3", assessment=first)),
            (a_paper("full"), a_review(model="qwen3", assessment=full)),
            (a_paper("other"), a_review(model="mistral", assessment=first)),
            (a_paper("imported"), a_review(model="qwen3")),
            (a_paper("none"), NOT_REVIEWED),
        ],
        now=NOW,
    )
    assert store.review_queue.scored_since("qwen3, rubric 1", NOW) == ["first"]
    assert store.review_queue.scored_since("qwen3, rubric 1", LATER) == []


def test_an_unreadable_text_is_that_of_one_version_and_outlasts_its_task() -> None:
    review_queue = a_store().review_queue
    review_queue.enqueue({"a": 1.0}, ReviewDepth.FULL, now=NOW)
    for _ in range(2):
        review_queue.mark_unreadable("a", 1, now=NOW)
    review_queue.mark_unreadable("b", None, now=NOW)
    review_queue.complete("a")
    review_queue.end_reading("a", 2)
    assert [review_queue.is_unreadable("a", version) for version in (1, 2, None)] == [True, False, False]
    assert review_queue.is_unreadable("b", None)
    review_queue.end_reading("a", 1)
    assert not review_queue.is_unreadable("a", 1)


def test_a_text_is_unreadable_after_two_readings_that_never_ended() -> None:
    review_queue = a_store().review_queue
    review_queue.begin_reading("a", 1, now=NOW)
    review_queue.begin_reading("a", 2, now=NOW)
    assert not review_queue.is_unreadable("a", 1)
    review_queue.begin_reading("a", 1, now=NOW)
    assert [review_queue.is_unreadable("a", version) for version in (1, 2)] == [True, False]
    review_queue.end_reading("a", 1)
    review_queue.begin_reading("a", 1, now=NOW)
    assert not review_queue.is_unreadable("a", 1)
