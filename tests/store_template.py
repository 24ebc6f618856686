"""New stores of tests, copied from a template: all migrations take 150 ms of CPU time, and many writes."""

import os
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection

from digests import store
from digests.private_files import open_private
from digests.store.engine import Database, open_database
from digests.store.migration import migrate


def copy_new_stores() -> None:
    """Make `open_store` copy the template where it would migrate a new SQLite store, from now on.

    An existing file, and PostgreSQL, are migrated. Tests of migrations call `migrate` itself.
    """
    setattr(store, "migrate", migrate_or_copy)  # noqa: B010 (a name that it only imports)


def migrate_or_copy(database: Database, *, now: datetime) -> None:
    if database.is_postgres:
        migrate(database, now=now)
    elif database.file is None:
        _copy_into_memory(database)
    else:
        if not database.file.exists():
            with suppress(OSError):  # `migrate` describes a missing folder or right better.
                _write_template(database.file)
        migrate(database, now=now)


def _copy_into_memory(database: Database) -> None:
    with _migrate_in_memory().read() as template, database.read() as copy:
        _driver_connection(template).backup(_driver_connection(copy))


def _write_template(file: Path) -> None:
    """Write the template to a file that does not exist. Raises OSError if another process made it first."""
    draft = file.with_name(f"{file.name}.draft-{os.getpid()}")
    with open(draft, "xb", opener=open_private) as new:
        new.write(build_file_template())
    try:
        os.link(draft, file)
    finally:
        draft.unlink()


@cache
def _migrate_in_memory() -> Database:
    database = open_database("sqlite://")
    migrate(database, now=datetime.now(UTC))
    return database


@cache
def build_file_template() -> bytes:
    """Return the content of a new store's file. A process that forks calls it before, for all its forks."""
    with TemporaryDirectory() as folder:
        database = open_database(f"sqlite:///{folder}/template.db")
        migrate(database, now=datetime.now(UTC))
        database.engine.dispose()  # The last connection writes the log back into the file.
        return (Path(folder) / "template.db").read_bytes()


def _driver_connection(connection: Connection) -> Any:
    return connection.connection.driver_connection
