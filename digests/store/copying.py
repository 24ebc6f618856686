"""Copy of a store to another database, row for row, between SQLite and PostgreSQL.

A store of a checkout before 0.1.0 is converted to the current schema.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, delete, func, insert, inspect, select, text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, StatementError

from digests.errors import StoreError
from digests.store import postgres
from digests.store.carry_over import (
    NEW_TABLES,
    OLD_REVISION,
    convert_row,
    find_old_table,
    is_old_role_held,
    select_old_rows,
)
from digests.store.engine import Database, open_database, translate_errors
from digests.store.leadership import is_any_role_held
from digests.store.migration import fetch_revision, migrate
from digests.store.outbox.conditions import has_live_lease
from digests.store.people import SqlPeople
from digests.store.schema import deliveries, metadata
from digests.store.tombstones import TombstoneFile, locate_tombstones
from digests.store.workspace_filling import fill_workspaces

DEFAULT_TOMBSTONES = Path("paperround.tombstones")
"""File of the tombstones of a store in PostgreSQL, unless the settings name another one."""

BATCH_ROWS = 1_000
"""Rows in memory at a time. A paper with its review has some five thousand characters."""

CopyProgress = Callable[[int, int], None]
"""Receives the number of rows copied so far and the number of all rows."""


def copy_store(source: str, target: str, *, now: datetime, progress: CopyProgress) -> Mapping[str, int]:
    """Copy every row of the store at one address to an empty store at another.

    Returns the number of rows by table. The target is created or migrated first, and left empty by a failure.
    A source with the schema before 0.1.0 is only read; any other is migrated to this version first.
    The source's tombstones are appended to those of the target, and count there. `progress` is called after
    each batch. Raises StoreError, also for a source that is in use, and for a
    target that is in use or not empty.
    """
    old, new = open_database(source), open_database(target)
    try:
        _require_distinct_stores(old, new)
        _require_existing_store(old)
        is_old_schema = fetch_revision(old) == OLD_REVISION
        _require_unused(old, new, is_old_schema)
        if not is_old_schema:
            migrate(old, now=now)
        migrate(new, now=now)
        with _open_snapshot(old) as reading, new.write(lock_name="migration") as writing:
            if new.is_postgres:
                postgres.lift_timeouts(writing)
            snapshot = _Snapshot(reading, old.name, is_old_schema)
            snapshot.require_no_live_lease(now)
            _require_empty_store(writing, new.name, now)
            tombstones = _append_tombstones(old, new)
            counts = snapshot.count_rows()
            _copy_tables(snapshot, writing, new.name, sum(counts.values()), progress)
            _require_equal_counts(counts, _count_rows(writing), new.name)
            if is_old_schema:
                fill_workspaces(writing)
        SqlPeople(new, tombstones).reapply_tombstones()
        if new.is_postgres:
            with new.read() as connection:
                connection.execute(text("ANALYZE"))  # Without statistics the planner chooses badly.
    finally:
        old.engine.dispose()
        new.engine.dispose()
    return counts


def _append_tombstones(old: Database, new: Database) -> TombstoneFile:
    """Append the source's tombstones to those of the target, and return these."""
    theirs, ours = (
        locate_tombstones(database.file) or TombstoneFile(DEFAULT_TOMBSTONES) for database in (old, new)
    )
    if theirs.path != ours.path:
        ours.append_all(theirs)
    return ours


def _require_distinct_stores(old: Database, new: Database) -> None:
    if old.name == new.name:
        raise StoreError(f"The store {old.name} cannot be copied onto itself: name another one to copy to.")
    for database in (old, new):
        if not database.is_postgres and database.file is None:
            raise StoreError(
                "A store in memory ends with its process: name a file, such as sqlite:///paperround.db."
            )


def _require_existing_store(old: Database) -> None:
    """Raise StoreError for a source that does not exist, so that opening it does not create it."""
    if old.file and not old.file.exists():
        raise StoreError(f"There is no store {old.file} to copy from.")
    with old.read() as connection:
        if not inspect(connection).has_table("alembic_version"):
            raise StoreError(f"There is no store in {old.name} to copy from: it has no tables.")


def _require_unused(old: Database, new: Database, is_old_schema: bool) -> None:
    """Raise StoreError while a process holds a leader lock of one of the stores, for any role."""
    if is_any_role_held(old) or (is_old_schema and is_old_role_held(old)):
        raise StoreError(_IN_USE_MESSAGE.format(old.name, "a process leads there"))
    if is_any_role_held(new):
        raise StoreError(
            f"The store {new.name} is in use (a process leads there): stop every “paperround run” over it, "
            "or copy to a new one."
        )


_IN_USE_MESSAGE = (
    "The store {} is in use ({}): stop every “paperround run” over it and copy then, "
    "or what it posts from now on would be posted again out of the copy."
)


@contextmanager
def _open_snapshot(old: Database) -> Iterator[Connection]:
    """Open a read transaction that sees all tables at one instant, despite concurrent writes.

    Raises StoreError.
    """
    with translate_errors(old.name), old.engine.connect() as connection:
        if old.is_postgres:
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
            postgres.lift_timeouts(connection)
        else:
            connection.exec_driver_sql("BEGIN")
        yield connection.execution_options(yield_per=BATCH_ROWS)


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """The source at one instant. Its errors carry `name`, the source's, and never the target's."""

    connection: Connection
    name: str
    is_old_schema: bool

    def require_no_live_lease(self, now: datetime) -> None:
        """Raise StoreError while a delivery is leased: the copy would record its pages as not posted."""
        query = select(func.max(deliveries.c.lease_until)).where(has_live_lease(now))
        with translate_errors(self.name), self._describe_damage(deliveries):
            lease = self.connection.execute(query).scalar()
        if lease is not None:
            raise StoreError(
                _IN_USE_MESSAGE.format(self.name, f"a digest is under way there until {lease:%H:%M:%S} UTC")
            )

    def count_rows(self) -> dict[str, int]:
        with translate_errors(self.name):
            return _count_rows(self.connection, self.is_old_schema)

    def read_batches(self, table: Table) -> Iterator[list[dict[str, Any]]]:
        """Yield the rows of a table as dictionaries of current columns, at most `BATCH_ROWS` at a time.

        Raises StoreError, also for a row that cannot be decoded.
        """
        if self.is_old_schema and table.name in NEW_TABLES:
            return
        query = select_old_rows(table) if self.is_old_schema else select(table).order_by(*table.primary_key)
        with translate_errors(self.name), self._describe_damage(table):
            for rows in self.connection.execute(query).mappings().partitions(BATCH_ROWS):
                yield [convert_row(table, dict(row)) if self.is_old_schema else dict(row) for row in rows]

    @contextmanager
    def _describe_damage(self, table: Table) -> Iterator[None]:
        """Raise StoreError for a value that cannot be decoded, such as a text in place of a date."""
        try:
            yield
        except (ValueError, TypeError) as error:
            name = getattr(find_old_table(table) if self.is_old_schema else table, "name", table.name)
            raise StoreError(
                f"The store {self.name} is damaged: a row of its table {name} cannot be read ({error}). "
                "Restore a backup, or mend that row, then copy again; nothing was copied."
            ) from error


def _require_empty_store(target: Connection, name: str, now: datetime) -> None:
    """Raise StoreError if the store holds other rows than a new store does."""
    fresh = open_database("sqlite://")
    migrate(fresh, now=now)
    with fresh.read() as connection:
        for table in metadata.sorted_tables:
            if _first_rows(target, table) != _first_rows(connection, table):
                raise StoreError(
                    f"The store {name} is not empty (there is something in its table {table.name}): "
                    "copy to a new one."
                )
    fresh.engine.dispose()


def _first_rows(connection: Connection, table: Table) -> list[tuple[Any, ...]]:
    rows = connection.execute(select(table).order_by(*table.primary_key).limit(BATCH_ROWS))
    return [tuple(row) for row in rows]


def _copy_tables(
    source: _Snapshot, target: Connection, target_name: str, total_rows: int, progress: CopyProgress
) -> None:
    copied_rows = 0
    for table in reversed(metadata.sorted_tables):
        target.execute(delete(table))
    for table in metadata.sorted_tables:
        for batch in source.read_batches(table):
            with _describe_misfits(source.name, target_name, table):
                target.execute(insert(table), batch)
            copied_rows += len(batch)
            progress(copied_rows, total_rows)
        _advance_key_sequence(target, table)


@contextmanager
def _describe_misfits(source_name: str, target_name: str, table: Table) -> Iterator[None]:
    """Raise StoreError for a row that the target refuses. Other database errors pass through."""
    try:
        yield
    except StatementError as error:
        if isinstance(error, DBAPIError) and not isinstance(error, DataError | IntegrityError):
            raise
        reason = next(iter(str(error.orig).splitlines()), type(error.orig).__name__)
        raise StoreError(
            f"A row of {source_name} does not fit into the table {table.name} of {target_name} ({reason}). "
            "Mend that row, then copy again; nothing was copied."
        ) from error


def _advance_key_sequence(target: Connection, table: Table) -> None:
    """Advance PostgreSQL's key sequence past the copied keys; inserts with a given key do not."""
    key = table.autoincrement_column
    if key is None or target.dialect.name != "postgresql":
        return
    last = target.execute(select(func.max(key))).scalar()
    sequence = func.pg_get_serial_sequence(table.name, key.name)
    target.execute(select(func.setval(sequence, last or 1, last is not None)))


def _count_rows(connection: Connection, is_old_schema: bool = False) -> dict[str, int]:
    """Count the rows of every table, by its current name."""
    return {
        table.name: connection.execute(
            select(func.count()).select_from(find_old_table(table) if is_old_schema else table)
        ).scalar_one()
        for table in metadata.sorted_tables
        if not (is_old_schema and table.name in NEW_TABLES)
    }


def _require_equal_counts(counts: Mapping[str, int], copied_counts: Mapping[str, int], name: str) -> None:
    differences = [
        f"{table} {copied_counts[table]:,} of {count:,}"
        for table, count in counts.items()
        if copied_counts[table] != count
    ]
    if differences:
        raise StoreError(
            f"Not everything arrived in {name} ({', '.join(differences)}); it was left empty. Try again."
        )
