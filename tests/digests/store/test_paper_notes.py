"""Notes about papers in the store."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from digests.ports import Store
from digests.ports.marks import QueueScope
from digests.ports.paper_notes import NoteSource
from tests.builders import NOW, a_store

pytestmark = pytest.mark.usefixtures("over_both")

TEAM, NEIGHBOUR = QueueScope("slack", "T1"), QueueScope("slack", "T2")


def write(store: Store, text: str, person: str = "ada", minute: int = 0, scope: QueueScope = TEAM) -> bool:
    at = NOW + timedelta(minutes=minute)
    return store.paper_notes.add(scope, "kto", person, text, limit=3, now=at)


def read(store: Store, scope: QueueScope = TEAM, limit: int = 9) -> list[str]:
    return [note.text for note in store.paper_notes.list_of_paper(scope, "kto", limit)]


def test_the_newest_notes_come_in_the_order_in_which_they_were_written() -> None:
    store = a_store()
    for minute, text in enumerate(("one", "two", "three")):
        assert write(store, text, f"U{minute}", minute)
    assert read(store) == ["one", "two", "three"]
    assert read(store, limit=2) == ["two", "three"]
    assert store.paper_notes.count(TEAM, ["kto", "dpo"]) == {"kto": 3}
    assert [note.text for note in store.paper_notes.list_own(TEAM, "U1", 9)] == ["two"]


def test_a_neighbour_neither_reads_nor_removes_a_note() -> None:
    store = a_store()
    write(store, "ours")
    assert read(store, NEIGHBOUR) == []
    assert read(store, replace(NEIGHBOUR, partners=(TEAM,))) == [], "partners share a queue alone"
    assert store.paper_notes.list_own(NEIGHBOUR, "ada", 9) == []
    (note,) = store.paper_notes.list_of_paper(TEAM, "kto", 9)
    assert store.paper_notes.remove(NEIGHBOUR, note.id, "ada") is None
    assert store.paper_notes.remove(TEAM, note.id, "bob") is None
    assert store.paper_notes.remove(TEAM, note.id, "ada") == note
    assert store.paper_notes.remove(TEAM, note.id, "ada") is None


def test_a_message_is_kept_once_whoever_keeps_it_and_belongs_to_both() -> None:
    store, source = a_store(), NoteSource("eve", "C1", "1.2")

    def keep(person: str, minute: int, source: NoteSource = source, scope: QueueScope = TEAM) -> bool:
        at = NOW + timedelta(minutes=minute)
        return store.paper_notes.add(scope, "kto", person, "yes", limit=2, now=at, source=source)

    assert keep("ada", 1)
    assert keep("bob", 2), "it is there already"
    assert keep("ada", 3, NoteSource("eve", "C1", "1.3")), (
        "the same words in another message are another note"
    )
    assert keep("ada", 4, scope=NEIGHBOUR), "notes of others do not count"
    assert not keep("ada", 5, NoteSource("eve", "C1", "1.4"))
    first, second = store.paper_notes.list_of_paper(TEAM, "kto", 9)
    assert (first.person, first.author, first.source) == ("ada", "eve", source)
    assert [note.id for note in store.paper_notes.list_own(TEAM, "eve", 9)] == [second.id, first.id]
    assert store.paper_notes.remove(TEAM, first.id, "bob") is None
    assert store.paper_notes.remove(TEAM, first.id, "eve") == first
    assert store.paper_notes.remove(TEAM, second.id, "ada") == second


def test_a_person_has_a_limit_also_when_they_write_at_once() -> None:
    store = a_store()
    with ThreadPoolExecutor(6) as pool:
        saved = list(pool.map(lambda number: write(store, f"note {number}"), range(12)))
    assert sum(saved) == 3
    assert write(store, "of bob", "bob")
    assert write(store, read(store)[0]), "the same text is there already"
    assert len(read(store)) == 4
