"""How far sources have come, turns between processes, and what people asked for."""

from datetime import timedelta
from pathlib import Path

import pytest

from digests.model import NOT_REVIEWED
from digests.ports.library import ImportCounts
from digests.ports.sources import SourceState
from digests.store import open_store
from tests.builders import NOW, a_paper, a_review, a_store

pytestmark = pytest.mark.usefixtures("over_both")

LATER = NOW + timedelta(hours=1)
LEASE = timedelta(minutes=2)


def test_what_was_kept_of_a_source_comes_back() -> None:
    sources = a_store().sources
    assert sources.load_state("arxiv") == SourceState()
    for position in ("2026-11-23", "2026-11-24"):
        state = SourceState(position, NOW, NOW, "It did not answer.", LATER)
        sources.save_state("arxiv", state)
        assert sources.load_state("arxiv") == state


def test_a_turn_is_one_owners_until_it_ends_it_and_the_pause_after_it_is_over(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'p.db'}"
    ours, theirs = open_store(url).sources, open_store(url).sources
    assert ours.take_turn("arxiv", "a", now=NOW, lease=LEASE) is None
    assert theirs.take_turn("arxiv", "b", now=NOW, lease=LEASE) == NOW + LEASE
    assert theirs.take_turn("hugging face", "b", now=NOW, lease=LEASE) is None
    ours.end_turn("arxiv", "a", free_at=NOW + timedelta(seconds=3))
    assert theirs.take_turn("arxiv", "b", now=NOW, lease=LEASE) == NOW + timedelta(seconds=3)
    assert theirs.take_turn("arxiv", "b", now=NOW + timedelta(seconds=3), lease=LEASE) is None


def test_a_turn_whose_owner_died_is_free_after_its_lease_and_no_more_the_dead_ones_to_end() -> None:
    sources = a_store().sources
    assert sources.take_turn("arxiv", "dead", now=NOW, lease=LEASE) is None
    assert sources.take_turn("arxiv", "b", now=NOW + LEASE, lease=LEASE) is None
    sources.end_turn("arxiv", "dead", free_at=NOW)
    assert sources.take_turn("arxiv", "c", now=NOW + LEASE, lease=LEASE) == NOW + 2 * LEASE


def test_a_turn_of_a_clock_that_was_far_ahead_holds_nobody_up() -> None:
    sources = a_store().sources
    assert sources.take_turn("arxiv", "a", now=NOW + timedelta(days=300), lease=LEASE) is None
    assert sources.take_turn("arxiv", "b", now=NOW, lease=LEASE) is None
    assert sources.take_turn("arxiv", "c", now=NOW, lease=LEASE) == NOW + LEASE


def test_what_people_asked_for_waits_in_their_order_until_it_is_reviewed_or_not_to_be_had() -> None:
    store = a_store()
    papers, requests = store.library, store.paper_requests
    papers.add([(a_paper("2401.00001"), NOT_REVIEWED), (a_paper("2401.00002"), NOT_REVIEWED)], now=NOW)
    requests.add("2401.00003", now=NOW)
    requests.add("2401.00002", now=NOW)
    requests.add("2401.00001", now=LATER)
    requests.add("2401.00002", now=LATER + timedelta(hours=1))
    assert [scored.paper.id for scored in requests.list_unreviewed(9)] == ["2401.00002", "2401.00001"]
    assert [scored.paper.id for scored in requests.list_unreviewed(1)] == ["2401.00002"]
    assert requests.list_unknown(9) == ["2401.00003"]
    papers.add([(a_paper("2401.00002"), a_review())], now=LATER)
    requests.drop(["2401.00003"])
    assert [scored.paper.id for scored in requests.list_unreviewed(9)] == ["2401.00001"]
    assert requests.list_unknown(9) == []


def test_facts_are_renewed_of_known_papers_alone() -> None:
    papers = a_store().library
    papers.add([(a_paper(version=1), NOT_REVIEWED)], now=NOW)
    touched = [a_paper(version=2, title="Better"), a_paper("1601.00001", title="Old")]
    assert papers.update_known(touched, now=LATER) == ImportCounts(changed=1)
    assert papers.update_known(touched, now=LATER) == ImportCounts(unchanged=1)
    assert papers.get(["1601.00001"]) == {}
    assert papers.get([a_paper().id])[a_paper().id].paper.title == "Better"
