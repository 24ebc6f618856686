"""Brings a store's tables to what this version needs, with a copy of the file first."""

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from digests.errors import StoreError
from digests.store import postgres
from digests.store.engine import Database, sentences

HEAD = "0013"
"""The newest migration; a test holds it equal to the scripts."""

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(database: Database, *, now: datetime) -> None:
    """Make or renew the tables when that is needed. Raises StoreError; a store of a newer version is left alone.

    Of several processes that start at once, one does it and the others wait for it.
    """
    with database.read() as connection:
        if _revision(connection) == HEAD:
            return
    with database.write(alone="migration") as connection:
        known = _revision(connection)
        _require_ours(connection, database.name, known)
        if database.is_postgres:
            postgres.require_fit(connection, database.name)
    if known == HEAD:
        return
    if known is not None and database.file:
        _back_up(
            database.file, database.file.with_name(f"{database.file.name}.{known}.{now:%Y%m%d-%H%M%S}.backup")
        )
    _upgrade(database)


def _require_ours(connection: Connection, name: str, known: str | None) -> None:
    if known is None and inspect(connection).get_table_names():
        raise StoreError(f"{name} is a database of something else: name another one under [store] url.")
    if known is not None and known > HEAD:
        raise StoreError(
            f"The store {name} was written by a newer Paperround (its tables are {known}, this version knows "
            f"{HEAD}): upgrade Paperround, or use another store."
        )


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _back_up(file: Path, copy: Path) -> None:
    try:
        with closing(sqlite3.connect(file)) as old, closing(sqlite3.connect(copy)) as new:
            old.backup(new)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"The store {file} needs new tables, but no backup could be written to {copy}: {error}."
        ) from error


def _upgrade(database: Database) -> None:
    from alembic import command  # A tenth of a second to load, and seldom needed.
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    if database.file:
        with sentences(database.name), database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    with database.write(alone="migration") as connection:
        if database.is_postgres:
            postgres.take_time(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
