"""Brings a store's tables to what this version needs, with a copy of the file first."""

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from digests.errors import StoreError
from digests.store import postgres
from digests.store.engine import Database, translate_errors

HEAD_REVISION = "0101"
"""The newest migration; a test holds it equal to the scripts."""

MIGRATIONS_FOLDER = Path(__file__).parent / "migrations"


def migrate(database: Database, *, now: datetime) -> None:
    """Make or renew the tables when that is needed. Raises StoreError; a store of a newer version is left alone.

    Of several processes that start at once, one does it and the others wait for it.
    """
    with database.read() as connection:
        if _fetch_revision(connection) == HEAD_REVISION:
            return
    with database.write(lock_name="migration") as connection:
        revision = _fetch_revision(connection)
        _require_own_tables(connection, database.name, revision)
        if database.is_postgres:
            postgres.require_supported_server(connection, database.name)
    if revision == HEAD_REVISION:
        return
    if revision is not None and database.file:
        _back_up_file(
            database.file,
            database.file.with_name(f"{database.file.name}.{revision}.{now:%Y%m%d-%H%M%S}.backup"),
        )
    _run_migrations(database)


def _require_own_tables(connection: Connection, name: str, revision: str | None) -> None:
    if revision is None and inspect(connection).get_table_names():
        raise StoreError(f"{name} is a database of something else: name another one under [store] url.")
    if revision is not None and revision > HEAD_REVISION:
        raise StoreError(
            f"The store {name} was written by a newer Paperround (its tables are {revision}, this version knows "
            f"{HEAD_REVISION}): upgrade Paperround, or use another store."
        )


def _fetch_revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _back_up_file(file: Path, copy: Path) -> None:
    try:
        with closing(sqlite3.connect(file)) as old, closing(sqlite3.connect(copy)) as new:
            old.backup(new)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"The store {file} needs new tables, but no backup could be written to {copy}: {error}."
        ) from error


def _run_migrations(database: Database) -> None:
    from alembic import command  # A tenth of a second to load, and seldom needed.
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS_FOLDER).replace("%", "%%"))
    if database.file:
        with translate_errors(database.name), database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    with database.write(lock_name="migration") as connection:
        if database.is_postgres:
            postgres.lift_timeouts(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
