"""Copies of a store in another database: every row the same, or none."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Table, insert, select

from digests.errors import StoreError
from digests.store import copying, open_store
from digests.store.copying import copy_store
from digests.store.engine import open_database
from digests.store.schema import Instant, StorableText, metadata
from tests.builders import NOW, TODAY, a_paper, a_review, a_subscription, save_subscription
from tests.postgres import PostgresServer, StorePool

Rows = dict[str, list[tuple[Any, ...]]]


def ignore_progress(done: int, rows: int) -> None:
    pass


def read_rows(url: str) -> Rows:
    database = open_database(url)
    with database.read() as connection:
        rows = {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in metadata.sorted_tables
        }
    database.engine.dispose()
    return rows


@contextmanager
def open_for_writing(url: str) -> Iterator[Connection]:
    database = open_database(url)
    with database.write() as connection:
        yield connection
    database.engine.dispose()


def fill_store(url: str, rows: int = 3) -> Rows:
    """Fill every column of every table of a store, and return the rows."""
    open_store(url).close()
    with open_for_writing(url) as connection:
        for table in metadata.sorted_tables:
            first = 1 if table.name != "counters" else 10
            connection.execute(insert(table), [a_row(table, number) for number in range(first, first + rows)])
    return read_rows(url)


def a_row(table: Table, number: int) -> dict[str, Any]:
    """Return values that no other row has; foreign keys refer to the row of the same number."""
    return {column.name: a_value(column.type, number, bool(column.nullable)) for column in table.columns}


def a_value(kind: Any, number: int, nullable: bool) -> Any:
    if nullable and number == 2:
        return None
    if isinstance(kind, Instant):
        return NOW.replace(microsecond=number)
    if isinstance(kind, StorableText):
        return f"“ünï” 🦉 'x' \\ \n\t{number}"
    values: dict[type, Any] = {
        bool: number % 2 == 0, int: number, float: number / 3, date: NOW.date().replace(day=number)
    }  # fmt: skip
    return values[kind.python_type]


def test_a_copy_to_postgres_and_back_keeps_every_row(tmp_path: Path, postgres: PostgresServer) -> None:
    here, there, back = (
        f"sqlite:///{tmp_path / 'a.db'}",
        postgres.create_store_database(),
        f"sqlite:///{tmp_path / 'b.db'}",
    )
    before = fill_store(here)
    assert all(len(rows) >= 3 for rows in before.values())
    progress_calls: list[tuple[int, int]] = []
    counts = copy_store(here, there, now=NOW, progress=lambda done, rows: progress_calls.append((done, rows)))
    assert counts == {name: len(rows) for name, rows in before.items()}
    assert progress_calls[-1] == (sum(counts.values()),) * 2
    assert read_rows(there) == before
    copy_store(there, back, now=NOW, progress=ignore_progress)
    assert read_rows(back) == read_rows(here) == before


def test_a_copy_continues_the_sequences_of_its_source(tmp_path: Path, postgres: PostgresServer) -> None:
    here, there = f"sqlite:///{tmp_path / 'a.db'}", postgres.create_store_database()
    old = open_store(here)
    old.library.add([(a_paper(), a_review())], now=NOW)
    old.subscriptions.sync_from_settings([a_subscription("one"), a_subscription("two")], now=NOW)
    copy_store(here, there, now=NOW, progress=ignore_progress)
    with closing(open_store(there)) as new:
        new.library.add([(a_paper("2401.00002"), a_review())], now=NOW)
        assert new.library.latest_sequence() == 2
        new.subscriptions.sync_from_settings(
            [a_subscription("one"), a_subscription("two"), a_subscription("three")], now=NOW
        )
        assert [subscription.id for subscription in new.subscriptions.list_active()] == [1, 2, 3]
        new.sources.record_import(now=NOW)


def test_rows_beyond_one_batch_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "BATCH_ROWS", 2)
    here, there = f"sqlite:///{tmp_path / 'a.db'}", f"sqlite:///{tmp_path / 'b.db'}"
    before = fill_store(here, rows=7)
    copy_store(here, there, now=NOW, progress=ignore_progress)
    assert read_rows(there) == before


def test_a_target_that_is_not_empty_is_refused_and_unchanged(
    tmp_path: Path, postgres_stores: StorePool
) -> None:
    here, there = f"sqlite:///{tmp_path / 'a.db'}", postgres_stores.create_database()
    fill_store(here)
    with closing(open_store(there)) as store:
        store.library.add([(a_paper(), a_review())], now=NOW)
    before = read_rows(there)
    with pytest.raises(StoreError, match="is not empty"):
        copy_store(here, there, now=NOW, progress=ignore_progress)
    with pytest.raises(StoreError, match="is not empty"):
        copy_store(there, here, now=NOW, progress=ignore_progress)
    assert read_rows(there) == before


def test_a_copy_that_fails_half_way_leaves_the_target_empty(
    tmp_path: Path, postgres_stores: StorePool
) -> None:
    here, there = f"sqlite:///{tmp_path / 'a.db'}", postgres_stores.create_database()
    fill_store(here)
    empty = read_rows(there)

    def power_cut(done: int, rows: int) -> None:
        if done > rows / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_store(here, there, now=NOW, progress=power_cut)
    assert read_rows(there) == empty
    copy_store(here, there, now=NOW, progress=ignore_progress)
    assert read_rows(there) == read_rows(here)


def test_a_value_out_of_range_is_reported_and_leaves_the_target_empty(
    tmp_path: Path, postgres_stores: StorePool
) -> None:
    here, there = f"sqlite:///{tmp_path / 'a.db'}", postgres_stores.create_database()
    fill_store(here)
    empty = read_rows(there)
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute("UPDATE papers SET version = 99999")
        connection.commit()
    with pytest.raises(StoreError, match="out of range"):
        copy_store(here, there, now=NOW, progress=ignore_progress)
    assert read_rows(there) == empty


def test_a_missing_source_is_not_created(tmp_path: Path, postgres: PostgresServer) -> None:
    there = f"sqlite:///{tmp_path / 'b.db'}"
    for missing in (f"sqlite:///{tmp_path / 'no.db'}", postgres.create_database()):
        with pytest.raises(StoreError, match="There is no store"):
            copy_store(missing, there, now=NOW, progress=ignore_progress)
    assert list(tmp_path.iterdir()) == []


def test_a_store_is_not_copied_onto_itself_nor_into_memory(tmp_path: Path) -> None:
    here = f"sqlite:///{tmp_path / 'a.db'}"
    fill_store(here)
    with pytest.raises(StoreError, match="onto itself"):
        copy_store(here, here, now=NOW, progress=ignore_progress)
    with pytest.raises(StoreError, match="in memory"):
        copy_store(here, "sqlite://", now=NOW, progress=ignore_progress)


def list_store_addresses(tmp_path: Path, postgres_stores: StorePool) -> list[str]:
    return [f"sqlite:///{tmp_path / 'a.db'}", postgres_stores.create_database()]


def test_a_store_with_a_leader_is_not_copied(tmp_path: Path, postgres_stores: StorePool) -> None:
    there = f"sqlite:///{tmp_path / 'b.db'}"
    for here in list_store_addresses(tmp_path, postgres_stores):
        with closing(open_store(here)) as used:
            lead = used.leadership.acquire("a role of any name")
            assert lead
            with pytest.raises(StoreError, match=r"is in use \(a process leads there\): stop every"):
                copy_store(here, there, now=NOW, progress=ignore_progress)
            assert lead.is_held()
            lead.release()
        Path(tmp_path / "b.db").unlink(missing_ok=True)
        copy_store(here, there, now=NOW, progress=ignore_progress)
        Path(tmp_path / "b.db").unlink()


def test_a_store_with_a_live_lease_is_not_copied(tmp_path: Path, postgres_stores: StorePool) -> None:
    there, lease = f"sqlite:///{tmp_path / 'b.db'}", timedelta(minutes=5)
    for here in list_store_addresses(tmp_path, postgres_stores):
        with closing(open_store(here)) as used:
            subscription = save_subscription(used, a_subscription())
            used.outbox.claim(subscription, TODAY, owner="a", now=NOW, lease=lease)
        with pytest.raises(StoreError, match="a digest is under way there until 09:05:00 UTC"):
            copy_store(here, there, now=NOW, progress=ignore_progress)
        copy_store(here, there, now=NOW + lease, progress=ignore_progress)
        Path(tmp_path / "b.db").unlink()
