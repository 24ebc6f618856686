"""A store moved to another database and back: row for row the same, or nothing."""

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


def quiet(done: int, rows: int) -> None:
    pass


def rows_of(url: str) -> Rows:
    database = open_database(url)
    with database.read() as connection:
        rows = {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in metadata.sorted_tables
        }
    database.engine.dispose()
    return rows


@contextmanager
def writing(url: str) -> Iterator[Connection]:
    database = open_database(url)
    with database.write() as connection:
        yield connection
    database.engine.dispose()


def filled(url: str, rows: int = 3) -> Rows:
    """A store with something in every table there is, and in every column."""
    open_store(url).close()
    with writing(url) as connection:
        for table in metadata.sorted_tables:
            first = 1 if table.name != "counters" else 10
            connection.execute(insert(table), [a_row(table, number) for number in range(first, first + rows)])
    return rows_of(url)


def a_row(table: Table, number: int) -> dict[str, Any]:
    """Values of which no two rows have the same; keys point to the row of the same number."""
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


def test_there_and_back_again_every_row_is_the_same(tmp_path: Path, postgres: PostgresServer) -> None:
    here, there, back = (
        f"sqlite:///{tmp_path / 'a.db'}",
        postgres.create_database(),
        f"sqlite:///{tmp_path / 'b.db'}",
    )
    before = filled(here)
    assert all(len(rows) >= 3 for rows in before.values())
    told: list[tuple[int, int]] = []
    counts = copy_store(here, there, now=NOW, progress=lambda done, rows: told.append((done, rows)))
    assert counts == {name: len(rows) for name, rows in before.items()}
    assert told[-1] == (sum(counts.values()),) * 2
    assert rows_of(there) == before
    copy_store(there, back, now=NOW, progress=quiet)
    assert rows_of(back) == rows_of(here) == before


def test_a_copy_goes_on_where_the_old_store_stopped(tmp_path: Path, postgres: PostgresServer) -> None:
    here, there = f"sqlite:///{tmp_path / 'a.db'}", postgres.create_database()
    old = open_store(here)
    old.library.add([(a_paper(), a_review())], now=NOW)
    old.subscriptions.sync_from_settings([a_subscription("one"), a_subscription("two")], now=NOW)
    copy_store(here, there, now=NOW, progress=quiet)
    with closing(open_store(there)) as new:
        new.library.add([(a_paper("2401.00002"), a_review())], now=NOW)
        assert new.library.latest_sequence() == 2
        new.subscriptions.sync_from_settings(
            [a_subscription("one"), a_subscription("two"), a_subscription("three")], now=NOW
        )
        assert [one.id for one in new.subscriptions.list_active()] == [1, 2, 3]
        new.sources.record_import(now=NOW)


def test_more_rows_than_are_in_memory_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "BATCH_ROWS", 2)
    here, there = f"sqlite:///{tmp_path / 'a.db'}", f"sqlite:///{tmp_path / 'b.db'}"
    before = filled(here, rows=7)
    copy_store(here, there, now=NOW, progress=quiet)
    assert rows_of(there) == before


def test_a_target_that_is_not_empty_is_refused_and_left_as_it_was(
    tmp_path: Path, postgres_stores: StorePool
) -> None:
    here, there = f"sqlite:///{tmp_path / 'a.db'}", postgres_stores.create_database()
    filled(here)
    with closing(open_store(there)) as store:
        store.library.add([(a_paper(), a_review())], now=NOW)
    before = rows_of(there)
    with pytest.raises(StoreError, match="is not empty"):
        copy_store(here, there, now=NOW, progress=quiet)
    with pytest.raises(StoreError, match="is not empty"):
        copy_store(there, here, now=NOW, progress=quiet)
    assert rows_of(there) == before


def test_a_copy_that_fails_half_way_leaves_the_target_empty(
    tmp_path: Path, postgres_stores: StorePool
) -> None:
    here, there = f"sqlite:///{tmp_path / 'a.db'}", postgres_stores.create_database()
    filled(here)
    empty = rows_of(there)

    def power_cut(done: int, rows: int) -> None:
        if done > rows / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_store(here, there, now=NOW, progress=power_cut)
    assert rows_of(there) == empty
    copy_store(here, there, now=NOW, progress=quiet)
    assert rows_of(there) == rows_of(here)


def test_what_postgres_does_not_take_is_said_and_nothing_is_left_half_copied(
    tmp_path: Path, postgres_stores: StorePool
) -> None:
    here, there = f"sqlite:///{tmp_path / 'a.db'}", postgres_stores.create_database()
    filled(here)
    empty = rows_of(there)
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute("UPDATE papers SET version = 99999")
        connection.commit()
    with pytest.raises(StoreError, match="out of range"):
        copy_store(here, there, now=NOW, progress=quiet)
    assert rows_of(there) == empty


def test_a_store_that_is_not_there_is_not_made_by_copying_it(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    there = f"sqlite:///{tmp_path / 'b.db'}"
    for nothing in (f"sqlite:///{tmp_path / 'no.db'}", postgres.create_database()):
        with pytest.raises(StoreError, match="There is no store"):
            copy_store(nothing, there, now=NOW, progress=quiet)
    assert list(tmp_path.iterdir()) == []


def test_a_store_is_not_copied_onto_itself_nor_into_memory(tmp_path: Path) -> None:
    here = f"sqlite:///{tmp_path / 'a.db'}"
    filled(here)
    with pytest.raises(StoreError, match="onto itself"):
        copy_store(here, here, now=NOW, progress=quiet)
    with pytest.raises(StoreError, match="in memory"):
        copy_store(here, "sqlite://", now=NOW, progress=quiet)


def stores_there_are(tmp_path: Path, postgres_stores: StorePool) -> list[str]:
    return [f"sqlite:///{tmp_path / 'a.db'}", postgres_stores.create_database()]


def test_a_store_in_which_a_process_leads_is_not_copied(tmp_path: Path, postgres_stores: StorePool) -> None:
    there = f"sqlite:///{tmp_path / 'b.db'}"
    for here in stores_there_are(tmp_path, postgres_stores):
        with closing(open_store(here)) as used:
            lead = used.leadership.acquire("a role of any name")
            assert lead
            with pytest.raises(StoreError, match=r"is in use \(a process leads there\): stop every"):
                copy_store(here, there, now=NOW, progress=quiet)
            assert lead.is_held()
            lead.release()
        Path(tmp_path / "b.db").unlink(missing_ok=True)
        copy_store(here, there, now=NOW, progress=quiet)
        Path(tmp_path / "b.db").unlink()


def test_a_store_in_which_a_digest_is_under_way_is_not_copied(
    tmp_path: Path, postgres_stores: StorePool
) -> None:
    there, lease = f"sqlite:///{tmp_path / 'b.db'}", timedelta(minutes=5)
    for here in stores_there_are(tmp_path, postgres_stores):
        with closing(open_store(here)) as used:
            subscription = save_subscription(used, a_subscription())
            used.outbox.claim(subscription, TODAY, owner="a", now=NOW, lease=lease)
        with pytest.raises(StoreError, match="a digest is under way there until 09:05:00 UTC"):
            copy_store(here, there, now=NOW, progress=quiet)
        copy_store(here, there, now=NOW + lease, progress=quiet)
        Path(tmp_path / "b.db").unlink()
