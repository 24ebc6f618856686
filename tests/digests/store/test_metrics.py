"""Counts of the use by workspace. `tests/bot/web` has those for monitors."""

from datetime import timedelta

import pytest

from digests.model import NOT_REVIEWED, Mark, MarkSource
from digests.ports import Store
from digests.ports.metrics import WorkspaceUse
from digests.subscription import Channel
from tests.builders import NOW, TODAY, a_paper, a_review, a_store

pytestmark = pytest.mark.usefixtures("over_both")

HERE, THERE = Channel("slack", "C1", "T1"), Channel("discord", "1", "2")


def mark(
    store: Store, channel: Channel, paper: str, person: str, message: str = "1.1", *, on: bool = True
) -> None:
    store.marks.set_mark(Mark(channel, message, paper, person, MarkSource.REACTION, NOW), on)


def test_a_person_who_marks_a_paper_twice_counts_once_and_a_removed_mark_not_at_all() -> None:
    store = a_store()
    assert store.metrics.count_use(today=TODAY) == {}
    mark(store, HERE, "2401.00001", "UADA")
    mark(store, HERE, "2401.00001", "UADA", "2.2")
    mark(store, HERE, "2401.00001", "UBOB")
    mark(store, HERE, "2401.00002", "UBOB")
    mark(store, HERE, "2401.00002", "UBOB", on=False)
    mark(store, THERE, "2401.00001", "7")
    use = store.metrics.count_use(today=TODAY)
    assert use == {("slack", "T1"): WorkspaceUse(marks=2), ("discord", "2"): WorkspaceUse(marks=1)}


def test_requests_count_until_the_paper_is_reviewed_and_granted_ones_for_their_day() -> None:
    store = a_store()
    store.library.add([(a_paper(f"2401.0000{n}"), NOT_REVIEWED) for n in range(3)], now=NOW)
    for paper, person in (("2401.00001", "UADA"), ("2401.00001", "UBOB"), ("2401.00002", "UADA")):
        store.paper_requests.add(paper, now=NOW, platform="slack", workspace="T1", person=person)
    store.paper_requests.grant(["2401.00001"], TODAY)
    place = ("slack", "T1")
    assert store.metrics.count_use(today=TODAY)[place] == WorkspaceUse(requests=2, reviews_today=1)
    store.library.add([(a_paper("2401.00001"), a_review())], now=NOW)
    assert store.metrics.count_use(today=TODAY)[place] == WorkspaceUse(requests=1, reviews_today=1)
    tomorrow = TODAY + timedelta(days=1)
    assert store.metrics.count_use(today=tomorrow)[place] == WorkspaceUse(requests=1)
