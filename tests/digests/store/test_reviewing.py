"""What waits for our own reviewer, what a day costs, and what is held for a person."""

from datetime import timedelta

import pytest

from digests.model import NOT_REVIEWED, Assessment, Better, KeyPoint, Placing, Stage
from digests.ports import Ceiling, Decision, Spending
from tests.builders import NOW, TODAY, a_paper, a_review, a_store

pytestmark = pytest.mark.usefixtures("over_both")

LATER = NOW + timedelta(hours=1)
GRADES = (("methodology", 3), ("experiments", 4))


def an_assessment(stage: Stage = Stage.SCORE) -> Assessment:
    points = (KeyPoint("Only English", "we test on English alone"),)
    return Assessment("1", stage, GRADES, 2, points, "we train a model", dropped_quotes=1, tokens=1234)


def names(waiting: object) -> list[str]:
    return [one.paper for one in waiting]  # type: ignore[attr-defined]


def test_how_a_review_came_about_comes_back_with_it() -> None:
    papers = a_store().papers
    review = a_review(model="qwen3", assessment=an_assessment())
    papers.add([(a_paper("a"), review)], now=NOW)
    assert papers.get(["a"])["a"].review == review
    [candidate] = papers.candidates(0, papers.last_change(), texts=False)
    assert candidate.scale == "qwen3, rubric 1"


def test_the_highest_promise_is_read_first_and_one_that_waits_already_gets_its_new_promise() -> None:
    reviewing = a_store().reviewing
    reviewing.put({"a": 1.0, "b": 3.0, "c": 2.0}, Stage.SCORE, now=NOW)
    reviewing.put({"a": 9.0}, Stage.SCORE, now=LATER)
    assert names(reviewing.next(Stage.SCORE, 2, now=LATER)) == ["a", "b"]
    reviewing.done("a")
    assert names(reviewing.next(Stage.SCORE, 9, now=LATER)) == ["b", "c"]


def test_of_equal_promise_the_newest_is_read_first() -> None:
    """Today's digest is to have today's papers, however long the queue is."""
    reviewing = a_store().reviewing
    reviewing.put({"old": 1.0}, Stage.SCORE, now=NOW)
    reviewing.put({"new": 1.0}, Stage.SCORE, now=LATER)
    assert names(reviewing.next(Stage.SCORE, 9, now=LATER)) == ["new", "old"]


def test_what_promised_little_and_waited_long_is_let_go() -> None:
    reviewing = a_store().reviewing
    reviewing.put({"old": 1.0, "wanted": 9.0}, Stage.SCORE, now=NOW)
    reviewing.put({"best": 1.0}, Stage.FULL, now=NOW)
    reviewing.put({"new": 1.0}, Stage.SCORE, now=LATER)
    reviewing.let_go(Stage.SCORE, before=LATER, below=9.0)
    assert names(reviewing.next(Stage.SCORE, 9, now=LATER)) == ["wanted", "new"]
    assert names(reviewing.next(Stage.FULL, 9, now=LATER)) == ["best"]


def test_a_paper_is_lifted_to_a_full_review_and_never_back() -> None:
    reviewing = a_store().reviewing
    reviewing.put({"a": 1.0}, Stage.SCORE, now=NOW)
    reviewing.put({"a": 5.0}, Stage.FULL, now=NOW)
    reviewing.put({"a": 2.0}, Stage.SCORE, now=NOW)
    assert reviewing.waiting() == {Stage.FULL: 1}
    assert names(reviewing.next(Stage.SCORE, 9, now=NOW)) == []


def test_what_failed_waits_for_its_next_try_and_what_is_given_up_for_none() -> None:
    reviewing = a_store().reviewing
    reviewing.put({"a": 1.0, "b": 1.0}, Stage.SCORE, now=NOW)
    reviewing.failed("a", "The model refused.", next_try_at=LATER, counts=True)
    reviewing.failed("b", "The model refused again.", next_try_at=None, counts=True)
    assert names(reviewing.next(Stage.SCORE, 9, now=NOW)) == []
    [ready] = reviewing.next(Stage.SCORE, 9, now=LATER)
    assert (ready.paper, ready.attempts, ready.reason) == ("a", 1, "The model refused.")
    assert reviewing.waiting() == {Stage.SCORE: 1}
    assert {(one.paper, one.given_up) for one in reviewing.failures(9)} == {("a", False), ("b", True)}


def test_a_failure_that_is_not_the_papers_does_not_count() -> None:
    reviewing = a_store().reviewing
    reviewing.put({"a": 1.0}, Stage.SCORE, now=NOW)
    reviewing.failed("a", "The server is broken.", next_try_at=NOW, counts=False)
    assert reviewing.next(Stage.SCORE, 9, now=NOW)[0].attempts == 0


def test_what_was_given_up_waits_again_when_it_is_revived() -> None:
    reviewing = a_store().reviewing
    reviewing.put({"a": 1.0}, Stage.SCORE, now=NOW)
    reviewing.failed("a", "The model refused.", next_try_at=None, counts=True)
    reviewing.revive()
    [ready] = reviewing.next(Stage.SCORE, 9, now=NOW)
    assert (ready.attempts, ready.given_up) == (0, False)


def test_nothing_is_reserved_over_either_ceiling_and_what_is_settled_is_free_again() -> None:
    reviewing = a_store().reviewing
    ceiling = Ceiling(tokens=1000, millionths=500)
    assert reviewing.reserve(TODAY, Spending(600, 300), ceiling)
    assert not reviewing.reserve(TODAY, Spending(600, 1), ceiling)
    assert not reviewing.reserve(TODAY, Spending(1, 300), ceiling)
    reviewing.settle(TODAY, Spending(600, 300), Spending(100, 50))
    assert reviewing.spent(TODAY) == Spending(100, 50)
    assert reviewing.reserve(TODAY, Spending(900, 450), ceiling)
    assert reviewing.spent(TODAY + timedelta(days=1)) == Spending()


def test_full_reviews_of_a_day_are_counted() -> None:
    reviewing = a_store().reviewing
    reviewing.reserve(TODAY, Spending(9, 9), Ceiling())
    reviewing.settle(TODAY, Spending(9, 9), Spending(8, 8), full_review=True)
    assert reviewing.full_reviews(TODAY) == 1
    assert reviewing.full_reviews(TODAY + timedelta(days=1)) == 0


def test_papers_with_a_first_look_of_one_scale_are_found_and_others_not() -> None:
    store = a_store()
    first, full = an_assessment(), an_assessment(Stage.FULL)
    store.papers.add(
        [
            (a_paper("first"), a_review(model="qwen3", assessment=first)),
            (a_paper("full"), a_review(model="qwen3", assessment=full)),
            (a_paper("other"), a_review(model="mistral", assessment=first)),
            (a_paper("imported"), a_review(model="qwen3")),
            (a_paper("none"), NOT_REVIEWED),
        ],
        now=NOW,
    )
    assert store.reviewing.graded("qwen3, rubric 1", NOW) == ["first"]
    assert store.reviewing.graded("qwen3, rubric 1", LATER) == []


def test_a_held_paper_is_no_candidate_until_it_is_released_and_is_then_known_anew() -> None:
    store = a_store()
    store.papers.add([(a_paper("a"), a_review()), (a_paper("b"), a_review())], now=NOW)
    for name in ("a", "b"):
        store.reviewing.hold(name, "It holds an order, and its score stands out.", now=NOW)
    assert store.reviewing.decision("a") is None
    held = store.reviewing.held()
    assert [(one.scored.paper.id, one.reason[:8]) for one in held] == [("a", "It holds"), ("b", "It holds")]
    last = store.papers.last_change()
    assert store.reviewing.release("a", by="ada", now=LATER)
    assert store.reviewing.reject("b", by="ada", now=LATER)
    assert not store.reviewing.release("b", by="bob", now=LATER)
    assert store.reviewing.decision("a") == Decision(True, "ada", LATER)
    assert store.reviewing.decision("b") == Decision(False, "ada", LATER)
    assert store.reviewing.decision("unknown") is None
    assert not store.reviewing.release("unknown", by="bob", now=LATER)
    assert [
        (one.id, one.held) for one in store.papers.candidates(last, store.papers.last_change(), texts=False)
    ] == [("a", False)]
    assert {one.id: one.held for one in store.papers.candidates(0, last, texts=False)} == {"b": True}
    assert store.reviewing.held() == []


def test_a_decision_is_for_good() -> None:
    store = a_store()
    store.papers.add([(a_paper("a"), a_review())], now=NOW)
    store.reviewing.hold("a", "Why.", now=NOW)
    store.reviewing.release("a", by="ada", now=NOW)
    store.reviewing.hold("a", "Why again.", now=LATER)
    assert store.reviewing.held() == []


def test_what_was_compared_is_kept_once_and_found_by_its_papers_and_scale() -> None:
    reviewing = a_store().reviewing
    reviewing.keep_compared("s", "a", "b", Better.FIRST, now=NOW)
    reviewing.keep_compared("s", "a", "b", Better.SECOND, now=LATER)
    reviewing.keep_compared("s", "b", "c", Better.NEITHER, now=NOW)
    reviewing.keep_compared("other", "b", "a", Better.SECOND, now=NOW)
    assert reviewing.compared("s", ["a", "b"]) == {("a", "b"): Better.FIRST}
    assert reviewing.compared("s", ["b", "c"]) == {("b", "c"): Better.NEITHER}
    assert reviewing.compared("s", []) == {}


def test_a_placing_stands_at_the_candidate_until_its_day_is_placed_anew() -> None:
    store = a_store()
    store.papers.add([(a_paper(name), a_review()) for name in "abc"], now=NOW)

    def placed() -> dict[str, object]:
        found = store.papers.candidates(0, store.papers.last_change(), texts=False)
        return {one.id: one.placing for one in found if one.placing}

    store.reviewing.place(TODAY, ["b", "a"])
    store.reviewing.place(TODAY, ["b", "a"])
    assert placed() == {"b": Placing(TODAY, 1, 2), "a": Placing(TODAY, 2, 2)}
    store.reviewing.place(TODAY, ["c", "b", "gone"])
    assert placed() == {"c": Placing(TODAY, 1, 3), "b": Placing(TODAY, 2, 3)}
    store.reviewing.place(TODAY + timedelta(days=1), ["b"])
    assert placed() == {"c": Placing(TODAY, 1, 3), "b": Placing(TODAY + timedelta(days=1), 1, 1)}
