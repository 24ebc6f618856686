"""Migration of a store's tables to this version, after a backup of an SQLite file."""

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from digests.errors import StoreError
from digests.private_files import create_private_file
from digests.store import postgres
from digests.store.engine import Database, translate_errors

HEAD_REVISION = "0135"
"""The newest migration; a test holds it equal to the scripts."""

FIRST_REVISION = "0101"
"""First revision of 0.1.0. Earlier checkouts had their own revisions, the last being `OLD_REVISION`."""

MIGRATIONS_FOLDER = Path(__file__).parent / "migrations"
"""Folder of the migration scripts."""


def migrate(database: Database, *, now: datetime) -> None:
    """Create the tables of an empty database, or migrate those of a store. Current tables are left alone.

    An SQLite file is first backed up beside itself, under a name with its revision and `now`. When several
    processes start at once, one migrates and the others wait. Raises StoreError, changing nothing, for a
    store of a newer version, a store from before 0.1.0, a database of something else, a PostgreSQL that is
    too old or not in UTF-8, and if the backup cannot be written or a migration fails.
    """
    if fetch_revision(database) == HEAD_REVISION:
        return
    with database.write(lock_name="migration") as connection:
        revision = _fetch_revision(connection)
        _require_own_tables(connection, database, revision)
        if database.is_postgres:
            postgres.require_supported_server(connection, database.name)
        if revision == HEAD_REVISION:
            return
        if revision is not None and database.file:
            # Under the lock: no other process can migrate the file meanwhile.
            backup = f"{database.file.name}.{revision}.{now:%Y%m%d-%H%M%S}.backup"
            _back_up_file(database.file, database.file.with_name(backup))
    try:
        _run_migrations(database)
    except Exception as error:
        if revision is None:
            raise
        raise StoreError(
            f"The tables of the store {database.name} could not be changed from {revision} to "
            f"{HEAD_REVISION} ({error}). The store is as it was: the version that wrote it works with it. "
            "docs/operations.md says more under “Upgrade, and the way back”."
        ) from error


def _require_own_tables(connection: Connection, database: Database, revision: str | None) -> None:
    name = database.name
    if revision is None and inspect(connection).get_table_names():
        raise StoreError(f"{name} is a database of something else: name another one under [store] url.")
    if revision is not None and revision < FIRST_REVISION:
        raise StoreError(_describe_old_store(database, revision))
    if revision is not None and revision > HEAD_REVISION:
        raise StoreError(
            f"The store {name} was written by a newer Paperround (its tables are {revision}, this version "
            f"knows {HEAD_REVISION}): upgrade Paperround, or use another store."
        )


def _describe_old_store(database: Database, revision: str) -> str:
    """Return the error sentence for a store from before 0.1.0, with the command that converts it."""
    from digests.store.carry_over import OLD_REVISION

    if revision > OLD_REVISION:
        return (
            f"The store {database.name} has tables of an unknown version ({revision}, between {OLD_REVISION} "
            f"and {FIRST_REVISION}): use the store that it was made from, or restore a backup."
        )
    if revision != OLD_REVISION:
        return (
            f"The store {database.name} was made by an early checkout (its tables are {revision}): start "
            f"the checkout fa069ce on it once, which brings them to {OLD_REVISION}, then carry it over "
            "with “paperround db copy”."
        )
    address = f"sqlite:///{database.name}" if database.file else database.name
    return (
        f"The store {database.name} was made by a checkout before 0.1.0 (its tables are {revision}): "
        f"carry it over with “paperround db copy {address} sqlite:///NEW.db” (or to a PostgreSQL database), "
        "then name the new one under [store] url. The old one is only read."
    )


def fetch_revision(database: Database) -> str | None:
    """Return the revision of a store's tables, None for a database without a store's tables.

    Raises StoreError.
    """
    with database.read() as connection:
        return _fetch_revision(connection)


def _fetch_revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _back_up_file(file: Path, copy: Path) -> None:
    try:
        create_private_file(copy)
        with closing(sqlite3.connect(file)) as old, closing(sqlite3.connect(copy)) as new:
            old.backup(new)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(
            f"The store {file} needs new tables, but no backup could be written to {copy}: {error}."
        ) from error


def _run_migrations(database: Database) -> None:
    from alembic import command  # Takes 0.1 s to load and is seldom needed.
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS_FOLDER).replace("%", "%%"))
    if database.file:
        with translate_errors(database.name), database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
    with database.rebuild_tables(lock_name="migration") as connection:
        if database.is_postgres:
            postgres.lift_timeouts(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
