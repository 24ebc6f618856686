"""Likeness of new papers to marked ones, which never delays a digest."""

import threading
from pathlib import Path

import pytest

from bot.cli.demo import read_sample_papers
from digests.errors import SearchError
from digests.ports import Store
from digests.search import likeness as likeness_module
from digests.search.index import SearchIndex
from digests.search.likeness import IndexedLikeness
from tests.builders import NOW, a_store
from tests.fakes.wire import WAIT_SECONDS

KTO, DPO = "2402.01306", "2305.18290"


@pytest.fixture
def store() -> Store:
    """A store with the bundled papers: KTO, and DPO after it."""
    store = a_store()
    papers = [scored for _, scored in read_sample_papers(NOW)]
    store.library.add(sorted(papers, key=lambda scored: scored[0].id != KTO), now=NOW)
    return store


@pytest.fixture
def index(tmp_path: Path) -> SearchIndex:
    return SearchIndex.open(tmp_path)


def test_a_paper_of_the_same_subject_is_like_a_marked_one(store: Store, index: SearchIndex) -> None:
    found = IndexedLikeness(store.library, lambda: index).find([KTO], 0)
    assert max(found, key=lambda paper: found[paper].strength) == DPO
    assert found[DPO].paper == KTO
    assert found[DPO].title == "KTO"
    assert 0.25 <= found[DPO].strength < 1
    assert KTO not in found
    assert len(found) < 6


def test_only_papers_that_changed_after_a_number_are_compared(store: Store, index: SearchIndex) -> None:
    finder = IndexedLikeness(store.library, lambda: index)
    changes = {scored.paper.id: seq for seq, scored in store.library.changes_after(0, 99)}
    assert DPO in finder.find([KTO], changes[DPO] - 1)
    assert DPO not in finder.find([KTO], changes[DPO])


def test_nothing_is_like_no_paper_and_an_unknown_one(store: Store, index: SearchIndex) -> None:
    finder = IndexedLikeness(store.library, lambda: index)
    assert finder.find([], 0) == {}
    assert finder.find(["2401.99999"], 0) == {}


def test_a_missing_index_means_no_likeness(store: Store) -> None:
    def get_index() -> SearchIndex:
        raise SearchError("There is no room.")

    finder = IndexedLikeness(store.library, get_index)
    assert finder.find([KTO], 0) == {}
    assert finder.find([KTO], 0) == {}


def test_a_slow_index_means_no_likeness_until_it_is_done(
    store: Store, index: SearchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_released, threads = threading.Event(), list[threading.Thread]()

    def get_index() -> SearchIndex:
        threads.append(threading.current_thread())
        assert is_released.wait(WAIT_SECONDS)
        return index

    finder = IndexedLikeness(store.library, get_index)
    with monkeypatch.context() as patch:
        patch.setattr(likeness_module, "DEADLINE_SECONDS", 0.01)
        assert finder.find([KTO], 0) == {}
    assert finder.find([KTO], 0) == {}  # It does not wait for the first one.
    is_released.set()
    threads[0].join()
    assert DPO in finder.find([KTO], 0)
