"""A store moved to another database, row for row: from SQLite to PostgreSQL and back."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, func, insert, inspect, select, text

from digests.errors import StoreError
from digests.ports import LEADS
from digests.store import postgres
from digests.store.engine import Database, connect, sentences
from digests.store.leadership import leads_taken
from digests.store.migration import migrate
from digests.store.schema import deliveries, metadata
from digests.store.unfinished import is_at_it

BATCH = 1_000
"""Rows in memory at a time: with a review a paper has some five thousand characters."""

Progress = Callable[[int, int], None]
"""Told now and then how many rows of how many are copied."""


def copy_store(source: str, target: str, *, now: datetime, progress: Progress) -> Mapping[str, int]:
    """Copy every table of the store at one address to an empty one at another; how many rows each has.

    All or nothing: when it fails, the target is as empty as before. The source is only read, once its tables are those of
    this version. Raises StoreError, for a source that is in use too.
    """
    old, new = connect(source), connect(target)
    try:
        _require_two(old, new)
        _require_store(old)
        _require_no_leader(old)
        migrate(old, now=now)
        migrate(new, now=now)
        with _snapshot(old) as reading, new.write(alone="migration") as writing:
            if new.is_postgres:
                postgres.take_time(writing)
            _require_rest(reading, old.name, now)
            _require_empty(writing, new.name, now)
            counts = _counts(reading)
            _copy(reading, writing, sum(counts.values()), progress)
            _require_equal(counts, _counts(writing), new.name)
        if new.is_postgres:
            with new.read() as connection:
                connection.execute(text("ANALYZE"))  # Until it knows how much there is, it plans badly.
    finally:
        old.engine.dispose()
        new.engine.dispose()
    return counts


def _require_two(old: Database, new: Database) -> None:
    if old.name == new.name:
        raise StoreError(f"The store {old.name} cannot be copied onto itself: name another one to copy to.")
    for one in (old, new):
        if not one.is_postgres and one.file is None:
            raise StoreError(
                "A store in memory is gone at the end: name a file, such as sqlite:///paperround.db."
            )


def _require_store(old: Database) -> None:
    """A store that is not there must not be made by asking for a copy of it."""
    if old.file and not old.file.exists():
        raise StoreError(f"There is no store {old.file} to copy from.")
    with old.read() as connection:
        if not inspect(connection).has_table("alembic_version"):
            raise StoreError(f"There is no store in {old.name} to copy from: it has no tables.")


def _require_no_leader(old: Database) -> None:
    """Raises StoreError while a process over the store has a lead."""
    if leading := leads_taken(old, LEADS):
        raise StoreError(_IN_USE.format(old.name, f"a process leads there: {', '.join(leading)}"))


def _require_rest(reading: Connection, name: str, now: datetime) -> None:
    """Raises StoreError while a process delivers, or may: what it posts is in the copy as not posted."""
    lease = reading.execute(select(func.max(deliveries.c.lease_until)).where(is_at_it(now))).scalar()
    if lease is not None:
        raise StoreError(_IN_USE.format(name, f"a digest is under way there until {lease:%H:%M:%S} UTC"))


_IN_USE = (
    "The store {} is in use ({}): stop every “paperround run” over it and copy then, or what it posts from now on would "
    "be posted again out of the copy."
)


@contextmanager
def _snapshot(old: Database) -> Iterator[Connection]:
    """All tables as they are at one instant, whatever is written meanwhile."""
    with sentences(old.name), old.engine.connect() as connection:
        if old.is_postgres:
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
            postgres.take_time(connection)
        else:
            connection.exec_driver_sql("BEGIN")
        yield connection.execution_options(yield_per=BATCH)


def _require_empty(target: Connection, name: str, now: datetime) -> None:
    """Raises StoreError unless nothing is in the store but what every new one has."""
    fresh = connect("sqlite://")
    migrate(fresh, now=now)
    with fresh.read() as connection:
        for table in metadata.sorted_tables:
            if _first_rows(target, table) != _first_rows(connection, table):
                raise StoreError(
                    f"The store {name} is not empty (there is something in its table {table.name}): copy to a new one."
                )
    fresh.engine.dispose()


def _first_rows(connection: Connection, table: Table) -> list[tuple[Any, ...]]:
    rows = connection.execute(select(table).order_by(*table.primary_key).limit(BATCH))
    return [tuple(row) for row in rows]


def _copy(source: Connection, target: Connection, rows: int, progress: Progress) -> None:
    done = 0
    for table in reversed(metadata.sorted_tables):
        target.execute(delete(table))
    for table in metadata.sorted_tables:
        for batch in source.execute(select(table).order_by(*table.primary_key)).mappings().partitions(BATCH):
            target.execute(insert(table), [dict(row) for row in batch])
            done += len(batch)
            progress(done, rows)
        _go_on_counting(target, table)


def _go_on_counting(target: Connection, table: Table) -> None:
    """PostgreSQL gives out keys by a sequence, which knows nothing of rows that came with theirs."""
    key = table.autoincrement_column
    if key is None or target.dialect.name != "postgresql":
        return
    last = target.execute(select(func.max(key))).scalar()
    sequence = func.pg_get_serial_sequence(table.name, key.name)
    target.execute(select(func.setval(sequence, last or 1, last is not None)))


def _counts(connection: Connection) -> dict[str, int]:
    return {
        table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in metadata.sorted_tables
    }


def _require_equal(counts: Mapping[str, int], copied: Mapping[str, int], name: str) -> None:
    other = [
        f"{table} {copied[table]:,} of {count:,}" for table, count in counts.items() if copied[table] != count
    ]
    if other:
        raise StoreError(
            f"Not everything arrived in {name} ({', '.join(other)}); it was left empty. Try again."
        )
