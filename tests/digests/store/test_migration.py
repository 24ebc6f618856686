"""Migrations: tables are created, older stores are backed up, newer ones refused."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from digests.errors import StoreError
from digests.store import migration, open_store, schema
from digests.store.engine import Database, open_database
from digests.store.migration import HEAD_REVISION, MIGRATIONS_FOLDER
from tests.builders import NOW, a_paper, a_review


def address_of(file: Path) -> str:
    return f"sqlite:///{file}"


def test_the_migrations_create_the_tables_of_the_schema() -> None:
    database = open_database("sqlite://")
    migration.migrate(database, now=NOW)
    assert compare_tables(database) == []


def compare_tables(database: Database) -> list[object]:
    """Return the differences between the tables and the schema."""
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        return list(compare_metadata(context, schema.metadata))


def test_the_head_revision_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS_FOLDER))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD_REVISION


def test_an_older_store_is_backed_up_before_its_migration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "p.db"
    open_store(address_of(file)).library.add([(a_paper(), a_review())], now=NOW)
    monkeypatch.setattr(migration, "HEAD_REVISION", "9998")
    monkeypatch.setattr(migration, "_run_migrations", lambda database: None)
    open_store(address_of(file), now=NOW)
    (copy,) = tmp_path.glob("*.backup")
    assert f".{HEAD_REVISION}." in copy.name
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT count(*) FROM papers").fetchone() == (1,)


def test_no_other_process_migrates_a_store_during_its_backup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "p.db"
    open_store(address_of(file))

    def back_up(original: Path, copy: Path) -> None:
        with closing(sqlite3.connect(original, timeout=0)) as other, pytest.raises(sqlite3.OperationalError):
            other.execute("BEGIN IMMEDIATE")
        copy.touch()

    monkeypatch.setattr(migration, "HEAD_REVISION", "9998")
    monkeypatch.setattr(migration, "_back_up_file", back_up)
    monkeypatch.setattr(migration, "_run_migrations", lambda database: None)
    open_store(address_of(file), now=NOW)
    assert list(tmp_path.glob("*.backup"))


def test_a_store_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "p.db"
    open_store(address_of(file))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(StoreError, match="newer Paperround"):
        open_store(address_of(file))
