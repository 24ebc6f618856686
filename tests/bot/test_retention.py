"""Retention: the periodic erasure of old names, and of workspaces that removed the app."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.retention import BATCH_SIZE, Retention
from digests.errors import StoreError
from digests.model import Mark, MarkSource
from digests.ports import Store
from digests.ports.people import Subject, SubjectKind
from digests.ports.workspaces import WorkspaceState
from digests.store.people import SqlPeople
from digests.subscription import Channel
from tests.builders import NOW, a_store

GRACE, YEAR = timedelta(days=30), timedelta(days=365)
HERE, THERE = Channel("discord", "1", "10"), Channel("discord", "2", "20")


def mark_in(
    store: Store, channel: Channel, at: datetime, *, is_on: bool = True, message: str = "1.0"
) -> None:
    store.marks.set_mark(Mark(channel, message, "2402.01306", "7", MarkSource.REACTION, at), is_on)


def erase_at(store: Store, now: datetime) -> None:
    """Let the leader erase what is due at an instant."""
    retention = Retention(store, lambda: now, YEAR, GRACE)
    asyncio.run(retention.erase_due_records(asyncio.Event()))


def count_marks(store: Store) -> Mapping[str, int]:
    people = (Subject(SubjectKind.PERSON, "discord", channel.workspace, "7") for channel in (HERE, THERE))
    return {person.workspace: len(store.people.export(person)["marks"]) for person in people}


def a_store_with_two_workspaces() -> Store:
    store = a_store()
    for channel in (HERE, THERE):
        mark_in(store, channel, NOW)
        store.workspaces.decide("discord", channel.workspace, WorkspaceState.SERVED, now=NOW)
    return store


def test_a_workspace_that_removed_the_app_is_erased_after_the_grace_and_not_before() -> None:
    store = a_store_with_two_workspaces()
    removed_at = NOW + timedelta(days=1)
    store.workspaces.record_removal("discord", ["10"], now=removed_at)
    erase_at(store, removed_at + GRACE)
    assert count_marks(store) == {"10": 1, "20": 1}
    erase_at(store, removed_at + GRACE + timedelta(seconds=1))
    assert count_marks(store) == {"10": 0, "20": 1}
    assert store.workspaces.list_removed(before=NOW + YEAR) == []
    assert store.workspaces.list_served("discord") == {"20"}


def test_a_repeated_removal_does_not_begin_the_grace_anew() -> None:
    store = a_store_with_two_workspaces()
    for day in (1, 20):
        store.workspaces.record_removal("discord", ["10"], now=NOW + timedelta(days=day))
    erase_at(store, NOW + timedelta(days=32))
    assert count_marks(store)["10"] == 0


def test_a_workspace_that_is_back_within_the_grace_keeps_everything() -> None:
    store = a_store_with_two_workspaces()
    store.workspaces.record_removal("discord", ["10"], now=NOW)
    store.workspaces.record_return("discord", ["10", "30"])
    erase_at(store, NOW + GRACE * 2)
    assert count_marks(store) == {"10": 1, "20": 1}


def test_a_workspace_that_is_used_after_its_removal_is_back() -> None:
    store = a_store_with_two_workspaces()
    store.workspaces.record_removal("discord", ["10"], now=NOW)
    mark_in(store, HERE, NOW + timedelta(days=3), message="2.0")
    erase_at(store, NOW + GRACE * 2)
    assert count_marks(store)["10"] == 2
    assert store.workspaces.list_removed(before=NOW + YEAR) == []


def test_a_workspace_that_cannot_be_erased_keeps_no_other_from_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = a_store_with_two_workspaces()
    store.workspaces.record_removal("discord", ["10", "20"], now=NOW)
    forget = SqlPeople.forget_removed

    def forget_some(self: SqlPeople, workspace: Subject, **instants: Any) -> Any:
        if workspace.workspace == "10":
            raise StoreError("The store is locked.")
        return forget(self, workspace, **instants)

    monkeypatch.setattr(SqlPeople, "forget_removed", forget_some)
    erase_at(store, NOW + GRACE * 2)
    assert count_marks(store) == {"10": 1, "20": 0}
    assert "could not be erased: The store is locked." in caplog.text


def test_old_records_are_erased_in_bounded_batches_until_none_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.retention.PAUSE_SECONDS", 0)
    store = a_store()
    for number in range(BATCH_SIZE + 3):
        for is_on in (True, False):
            mark_in(store, HERE, NOW, is_on=is_on, message=str(number))
    mark_in(store, THERE, NOW)
    limits = list[int]()
    prune = SqlPeople.prune

    def count_batches(self: SqlPeople, *, before: datetime, limit: int) -> int:
        limits.append(limit)
        return prune(self, before=before, limit=limit)

    monkeypatch.setattr(SqlPeople, "prune", count_batches)
    erase_at(store, NOW + YEAR)
    assert count_marks(store)["10"] == BATCH_SIZE + 3
    erase_at(store, NOW + YEAR + timedelta(seconds=1))
    assert count_marks(store) == {"10": 0, "20": 1}
    assert limits == [BATCH_SIZE] * 3
