"""Panels in the store: reviews of several models, each kept, and the one that they make."""

import itertools
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from digests.model import Review
from digests.panel import MIN_SCORES
from digests.ports import Store
from digests.ports.library import ImportCounts
from digests.store import schema
from tests.builders import NOW, a_paper, a_review, a_store

pytestmark = pytest.mark.usefixtures("over_both")

LATER = NOW + timedelta(hours=1)
PAPER = a_paper()
ONE = a_review(8.6, model="one", reviewed_at=NOW, limitations="Only English text was evaluated.")
TWO = a_review(7.4, model="two", reviewed_at=NOW, limitations="It was evaluated on English text alone.")
THREE = a_review(8.3, model="three", reviewed_at=NOW, limitations="No code.")


def current_review(store: Store, paper: str = PAPER.id) -> Review:
    return store.library.get([paper])[paper].review


def count_rows(store: Store) -> int:
    with store.library.database.read() as connection:  # type: ignore[attr-defined]
        count: int = connection.execute(select(func.count()).select_from(schema.reviews)).scalar_one()
        return count


def test_reviews_of_several_models_make_a_panel_whatever_their_order_and_batches() -> None:
    results = []
    for order in itertools.permutations([ONE, TWO, THREE]):
        store = a_store()
        store.library.add([(PAPER, order[0])], now=NOW)
        store.library.add([(PAPER, review) for review in order[1:]], now=LATER)
        results.append(current_review(store))
        assert set(store.library.reviews_of(PAPER.id)) == {current_review(store), *order}
        assert count_rows(store) == 4, "a replaced panel is removed"
    panel = results[0].panel
    assert panel
    assert all(result == results[0] for result in results)
    assert (results[0].score, panel.placed_scores) == (8.1, (7.4, 8.3, 8.6))
    assert [point.found_count for point in panel.limitations] == [2, 1]


def test_a_panel_of_one_batch_is_the_same() -> None:
    store, other = a_store(), a_store()
    store.library.add([(PAPER, review) for review in (ONE, TWO, THREE)], now=NOW)
    for review in (THREE, TWO, ONE):
        other.library.add([(PAPER, review)], now=NOW)
    assert current_review(store) == current_review(other)
    assert count_rows(store) == count_rows(other) == 4


def test_a_repeated_import_of_a_panel_changes_nothing() -> None:
    store = a_store()
    records = [(PAPER, review) for review in (ONE, TWO, THREE)]
    store.library.add(records, now=NOW)
    before = store.library.latest_sequence()
    assert store.library.add(records, now=LATER) == ImportCounts(unchanged=3)
    assert (store.library.latest_sequence(), count_rows(store)) == (before, 4)


def test_a_further_review_makes_the_paper_known_again_with_the_score_of_the_panel() -> None:
    store = a_store()
    store.library.add([(PAPER, ONE)], now=NOW)
    seen = store.library.latest_sequence()
    assert store.library.add([(PAPER, TWO)], now=LATER) == ImportCounts(changed=1)
    (candidate,) = store.library.candidates(seen, store.library.latest_sequence(), with_text=False)
    assert (candidate.score, candidate.scale) == (8.0, "one")
    (change,) = store.library.changes_after(seen, 9)
    assert change[1].review == current_review(store)


def test_a_newer_review_of_one_model_replaces_its_own_and_an_older_one_nothing() -> None:
    store = a_store()
    store.library.add([(PAPER, ONE), (PAPER, TWO)], now=NOW)
    again = a_review(9.6, model="one", reviewed_at=LATER)
    store.library.add([(PAPER, again)], now=LATER)
    assert current_review(store).score == 8.5
    before = current_review(store)
    store.library.add([(PAPER, a_review(1.0, model="two", reviewed_at=NOW - timedelta(days=1)))], now=LATER)
    assert current_review(store) == before
    assert count_rows(store) == 5


def test_samples_of_one_model_make_a_panel() -> None:
    store = a_store()
    votes = [a_review(score, model="one", sample=sample) for sample, score in enumerate((6.0, 7.0, 9.5))]
    store.library.add([(PAPER, vote) for vote in votes], now=NOW)
    assert current_review(store).score == 7.5
    assert [review.sample for review in store.library.reviews_of(PAPER.id)[1:]] == [2, 1, 0]


def test_reviews_of_one_model_make_no_panel() -> None:
    store = a_store()
    store.library.add([(PAPER, a_review(3.0, model="one", reviewed_at=NOW)), (PAPER, ONE)], now=NOW)
    assert current_review(store) == ONE
    assert count_rows(store) == 2


def test_a_model_with_enough_scores_is_placed_on_the_scale_of_the_first() -> None:
    store = a_store()
    for number in range(MIN_SCORES):
        low, high = (4.0, 8.0) if number % 2 else (6.0, 8.5)
        paper = a_paper(f"2401.{number:05}")
        store.library.add([(paper, a_review(low, model="a")), (paper, a_review(high, model="b"))], now=NOW)
    # The last paper has the mean and one deviation of both, and so the first model's score.
    last = store.library.get(["2401.00048"])["2401.00048"].review
    assert (last.score, last.panel and len(last.panel.members)) == (7.25, 2), "one score too few"
    odd = a_paper("2401.99999")
    store.library.add([(odd, a_review(5.0, model="a")), (odd, a_review(8.25, model="b"))], now=NOW)
    assert current_review(store, odd.id).score == pytest.approx(5.0, abs=0.05)
