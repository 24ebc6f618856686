"""What waits for our own reviewer, what a day costs, and what is held for a person."""

from datetime import timedelta

import pytest

from digests.model import NOT_REVIEWED, Assessment, PairwiseRank, QuotedLimitation, ReviewDepth, Verdict
from digests.ports.budget import BudgetLimit, Spending
from digests.ports.moderation import ModerationDecision
from tests.builders import NOW, TODAY, a_paper, a_review, a_store

pytestmark = pytest.mark.usefixtures("over_both")

LATER = NOW + timedelta(hours=1)
GRADES = (("methodology", 3), ("experiments", 4))


def an_assessment(stage: ReviewDepth = ReviewDepth.SCORE) -> Assessment:
    points = (QuotedLimitation("Only English", "we test on English alone"),)
    return Assessment("1", stage, GRADES, 2, points, "we train a model", dropped_quotes=1, tokens=1234)


def names(waiting: object) -> list[str]:
    return [one.paper for one in waiting]  # type: ignore[attr-defined]


def test_how_a_review_came_about_comes_back_with_it() -> None:
    papers = a_store().library
    review = a_review(model="qwen3", assessment=an_assessment())
    papers.add([(a_paper("a"), review)], now=NOW)
    assert papers.get(["a"])["a"].review == review
    [candidate] = papers.candidates(0, papers.latest_sequence(), with_text=False)
    assert candidate.scale == "qwen3, rubric 1"


def test_the_highest_promise_is_read_first_and_one_that_waits_already_gets_its_new_promise() -> None:
    review_queue = a_store().review_queue
    review_queue.enqueue({"a": 1.0, "b": 3.0, "c": 2.0}, ReviewDepth.SCORE, now=NOW)
    review_queue.enqueue({"a": 9.0}, ReviewDepth.SCORE, now=LATER)
    assert names(review_queue.next(ReviewDepth.SCORE, 2, now=LATER)) == ["a", "b"]
    review_queue.complete("a")
    assert names(review_queue.next(ReviewDepth.SCORE, 9, now=LATER)) == ["b", "c"]


def test_of_equal_promise_the_newest_is_read_first() -> None:
    """Today's digest is to have today's papers, however long the queue is."""
    review_queue = a_store().review_queue
    review_queue.enqueue({"old": 1.0}, ReviewDepth.SCORE, now=NOW)
    review_queue.enqueue({"new": 1.0}, ReviewDepth.SCORE, now=LATER)
    assert names(review_queue.next(ReviewDepth.SCORE, 9, now=LATER)) == ["new", "old"]


def test_what_promised_little_and_waited_long_is_let_go() -> None:
    review_queue = a_store().review_queue
    review_queue.enqueue({"old": 1.0, "wanted": 9.0}, ReviewDepth.SCORE, now=NOW)
    review_queue.enqueue({"best": 1.0}, ReviewDepth.FULL, now=NOW)
    review_queue.enqueue({"new": 1.0}, ReviewDepth.SCORE, now=LATER)
    review_queue.expire(ReviewDepth.SCORE, queued_before=LATER, below_priority=9.0)
    assert names(review_queue.next(ReviewDepth.SCORE, 9, now=LATER)) == ["wanted", "new"]
    assert names(review_queue.next(ReviewDepth.FULL, 9, now=LATER)) == ["best"]


def test_a_paper_is_lifted_to_a_full_review_and_never_back() -> None:
    review_queue = a_store().review_queue
    review_queue.enqueue({"a": 1.0}, ReviewDepth.SCORE, now=NOW)
    review_queue.enqueue({"a": 5.0}, ReviewDepth.FULL, now=NOW)
    review_queue.enqueue({"a": 2.0}, ReviewDepth.SCORE, now=NOW)
    assert review_queue.count_waiting() == {ReviewDepth.FULL: 1}
    assert names(review_queue.next(ReviewDepth.SCORE, 9, now=NOW)) == []


def test_what_failed_waits_for_its_next_try_and_what_is_given_up_for_none() -> None:
    review_queue = a_store().review_queue
    review_queue.enqueue({"a": 1.0, "b": 1.0}, ReviewDepth.SCORE, now=NOW)
    review_queue.fail("a", "The model refused.", next_try_at=LATER, counts_as_attempt=True)
    review_queue.fail("b", "The model refused again.", next_try_at=None, counts_as_attempt=True)
    assert names(review_queue.next(ReviewDepth.SCORE, 9, now=NOW)) == []
    [ready] = review_queue.next(ReviewDepth.SCORE, 9, now=LATER)
    assert (ready.paper, ready.attempts, ready.reason) == ("a", 1, "The model refused.")
    assert review_queue.count_waiting() == {ReviewDepth.SCORE: 1}
    assert {(one.paper, one.is_abandoned) for one in review_queue.recent_failures(9)} == {
        ("a", False),
        ("b", True),
    }


def test_a_failure_that_is_not_the_papers_does_not_count() -> None:
    review_queue = a_store().review_queue
    review_queue.enqueue({"a": 1.0}, ReviewDepth.SCORE, now=NOW)
    review_queue.fail("a", "The server is broken.", next_try_at=NOW, counts_as_attempt=False)
    assert review_queue.next(ReviewDepth.SCORE, 9, now=NOW)[0].attempts == 0


def test_what_was_given_up_waits_again_when_it_is_revived() -> None:
    review_queue = a_store().review_queue
    review_queue.enqueue({"a": 1.0}, ReviewDepth.SCORE, now=NOW)
    review_queue.fail("a", "The model refused.", next_try_at=None, counts_as_attempt=True)
    review_queue.requeue_failed()
    [ready] = review_queue.next(ReviewDepth.SCORE, 9, now=NOW)
    assert (ready.attempts, ready.is_abandoned) == (0, False)


def test_nothing_is_reserved_over_either_ceiling_and_what_is_settled_is_free_again() -> None:
    budget = a_store().budget
    ceiling = BudgetLimit(tokens=1000, millionths=500)
    assert budget.reserve(TODAY, Spending(600, 300), ceiling)
    assert not budget.reserve(TODAY, Spending(600, 1), ceiling)
    assert not budget.reserve(TODAY, Spending(1, 300), ceiling)
    budget.settle(TODAY, Spending(600, 300), Spending(100, 50))
    assert budget.spending_on(TODAY) == Spending(100, 50)
    assert budget.reserve(TODAY, Spending(900, 450), ceiling)
    assert budget.spending_on(TODAY + timedelta(days=1)) == Spending()


def test_full_reviews_of_a_day_are_counted() -> None:
    budget = a_store().budget
    budget.reserve(TODAY, Spending(9, 9), BudgetLimit())
    budget.settle(TODAY, Spending(9, 9), Spending(8, 8), is_full_review=True)
    assert budget.count_full_reviews(TODAY) == 1
    assert budget.count_full_reviews(TODAY + timedelta(days=1)) == 0


def test_papers_with_a_first_look_of_one_scale_are_found_and_others_not() -> None:
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


def test_a_held_paper_is_no_candidate_until_it_is_released_and_is_then_known_anew() -> None:
    store = a_store()
    store.library.add([(a_paper("a"), a_review()), (a_paper("b"), a_review())], now=NOW)
    for name in ("a", "b"):
        store.moderation.hold(name, "It holds an order, and its score stands out.", now=NOW)
    assert store.moderation.find_decision("a") is None
    held = store.moderation.list_held()
    assert [(one.scored_paper.paper.id, one.reason[:8]) for one in held] == [
        ("a", "It holds"),
        ("b", "It holds"),
    ]
    last = store.library.latest_sequence()
    assert store.moderation.release("a", by="ada", now=LATER)
    assert store.moderation.reject("b", by="ada", now=LATER)
    assert not store.moderation.release("b", by="bob", now=LATER)
    assert store.moderation.find_decision("a") == ModerationDecision(True, "ada", LATER)
    assert store.moderation.find_decision("b") == ModerationDecision(False, "ada", LATER)
    assert store.moderation.find_decision("unknown") is None
    assert not store.moderation.release("unknown", by="bob", now=LATER)
    assert [
        (one.id, one.held)
        for one in store.library.candidates(last, store.library.latest_sequence(), with_text=False)
    ] == [("a", False)]
    assert {one.id: one.held for one in store.library.candidates(0, last, with_text=False)} == {"b": True}
    assert store.moderation.list_held() == []


def test_a_decision_is_for_good() -> None:
    store = a_store()
    store.library.add([(a_paper("a"), a_review())], now=NOW)
    store.moderation.hold("a", "Why.", now=NOW)
    store.moderation.release("a", by="ada", now=NOW)
    store.moderation.hold("a", "Why again.", now=LATER)
    assert store.moderation.list_held() == []


def test_what_was_compared_is_kept_once_and_found_by_its_papers_and_scale() -> None:
    pairwise_ranking = a_store().pairwise_ranking
    pairwise_ranking.save_verdict("s", "a", "b", Verdict.FIRST, now=NOW)
    pairwise_ranking.save_verdict("s", "a", "b", Verdict.SECOND, now=LATER)
    pairwise_ranking.save_verdict("s", "b", "c", Verdict.NEITHER, now=NOW)
    pairwise_ranking.save_verdict("other", "b", "a", Verdict.SECOND, now=NOW)
    assert pairwise_ranking.verdicts("s", ["a", "b"]) == {("a", "b"): Verdict.FIRST}
    assert pairwise_ranking.verdicts("s", ["b", "c"]) == {("b", "c"): Verdict.NEITHER}
    assert pairwise_ranking.verdicts("s", []) == {}


def test_a_placing_stands_at_the_candidate_until_its_day_is_placed_anew() -> None:
    store = a_store()
    store.library.add([(a_paper(name), a_review()) for name in "abc"], now=NOW)

    def placed() -> dict[str, object]:
        found = store.library.candidates(0, store.library.latest_sequence(), with_text=False)
        return {one.id: one.pairwise_rank for one in found if one.pairwise_rank}

    store.pairwise_ranking.save_ranking(TODAY, ["b", "a"])
    store.pairwise_ranking.save_ranking(TODAY, ["b", "a"])
    assert placed() == {"b": PairwiseRank(TODAY, 1, 2), "a": PairwiseRank(TODAY, 2, 2)}
    store.pairwise_ranking.save_ranking(TODAY, ["c", "b", "gone"])
    assert placed() == {"c": PairwiseRank(TODAY, 1, 3), "b": PairwiseRank(TODAY, 2, 3)}
    store.pairwise_ranking.save_ranking(TODAY + timedelta(days=1), ["b"])
    assert placed() == {"c": PairwiseRank(TODAY, 1, 3), "b": PairwiseRank(TODAY + timedelta(days=1), 1, 1)}
