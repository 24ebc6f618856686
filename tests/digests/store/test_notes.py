"""Notes and events in the store."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from digests.store import open_store
from tests.builders import NOW, a_store

pytestmark = pytest.mark.usefixtures("over_both")


def test_concurrent_callers_record_an_event_once(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'p.db'}")
    with ThreadPoolExecutor(8) as pool:
        first = list(pool.map(lambda _: store.events.record_once("Ev1", now=NOW), range(40)))
    assert first.count(True) == 1
    assert store.events.record_once("Ev2", now=NOW)


def test_an_event_older_than_two_days_is_deleted_with_the_next_one() -> None:
    store = a_store()
    store.events.record_once("Ev1", now=NOW)
    store.events.record_once("Ev2", now=NOW + timedelta(days=2))
    assert not store.events.record_once("Ev1", now=NOW + timedelta(days=2))
    store.events.record_once("Ev3", now=NOW + timedelta(days=2, hours=1))
    assert store.events.record_once("Ev1", now=NOW + timedelta(days=2, hours=1))
    assert not store.events.record_once("Ev2", now=NOW + timedelta(days=2, hours=1))


def test_the_latest_note_of_a_name_counts() -> None:
    notes = a_store().notes
    assert notes.read("commands") == ""
    notes.write("commands", "one")
    notes.write("commands", "two")
    assert notes.read("commands") == "two"
