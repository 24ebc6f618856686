"""Migrations: tables are created, older stores are backed up, newer ones refused."""

import shutil
import sqlite3
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import select, text

from digests.errors import StoreError
from digests.store import migration, open_store, schema
from digests.store.engine import Database, open_database
from digests.store.marks import SqlMarks
from digests.store.migration import HEAD_REVISION, MIGRATIONS_FOLDER
from tests.builders import NOW, a_paper, a_review
from tests.postgres import PostgresServer


def address_of(file: Path) -> str:
    return f"sqlite:///{file}"


def test_the_migrations_create_the_tables_of_the_schema() -> None:
    database = open_database("sqlite://")
    migration.migrate(database, now=NOW)
    assert compare_tables(database) == []


def compare_tables(database: Database) -> list[object]:
    """Return the differences between the tables and the schema."""
    with database.engine.connect() as connection, warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*expression-based index")
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


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return address_of(tmp_path / "p.db")
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.create_database()


def create_store(address: str, revision: str, *statements: str) -> None:
    """Create the tables of an earlier revision, and run statements on them."""
    database = open_database(address)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS_FOLDER))
    with database.write(lock_name="migration") as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        for statement in statements:
            connection.execute(text(statement))
    database.engine.dispose()


MARK = (
    "INSERT INTO marks (platform, channel, paper, person, mark_source, message_id, is_on, at) "
    "VALUES ('{}', '{}', '{}', 'U1', 'button', '', TRUE, '2026-11-24 09:00:00')"
)
POST = (
    "INSERT INTO posts (id, platform, workspace, channel, message_id, first_number, posted_at) "
    "VALUES ({}, '{}', '{}', '{}', '1.0', 1, '2026-11-24 09:00:00')"
)
DISCUSSION = "INSERT INTO discussions VALUES ('{}', '{}', '{}', '2026-11-24 10:00:00')"


def test_marks_and_discussions_get_the_workspaces_of_their_channels(address: str) -> None:
    create_store(
        address, "0101",
        POST.format(1, "slack", "T1", "C1"), POST.format(2, "slack", "T2", "C2"),
        POST.format(3, "slack", "", "C3"),
        MARK.format("slack", "C1", "a"), MARK.format("slack", "C2", "a"), MARK.format("slack", "C3", "a"),
        MARK.format("discord", "C1", "a"), MARK.format("slack", "C1", "b"),
        DISCUSSION.format("a", "", ""), DISCUSSION.format("b", "slack", "C1"),
        DISCUSSION.format("c", "", ""),
    )  # fmt: skip
    store = open_store(address)
    assert isinstance(store.marks, SqlMarks)
    with store.marks.database.read() as connection:
        marks, discussions = schema.marks.c, schema.discussions.c
        stored_marks = connection.execute(
            select(marks.platform, marks.workspace, marks.channel, marks.paper)
        ).all()
        stored_discussions = connection.execute(
            select(discussions.paper, discussions.platform, discussions.workspace, discussions.channel)
        ).all()
        (instant,) = connection.execute(select(discussions.at).distinct()).scalars()
    store.close()
    assert {tuple(row) for row in stored_marks} == {
        ("slack", "T1", "C1", "a"), ("slack", "T2", "C2", "a"), ("slack", "", "C3", "a"),
        ("discord", "", "C1", "a"), ("slack", "T1", "C1", "b"),
    }  # fmt: skip
    assert {tuple(row) for row in stored_discussions} == {
        ("a", "slack", "T1", ""), ("a", "slack", "T2", ""), ("a", "slack", "", ""),
        ("a", "discord", "", ""), ("b", "slack", "T1", "C1"),
    }  # fmt: skip
    assert instant == NOW + timedelta(hours=1)


def test_a_store_of_the_first_revision_gets_the_tables_of_the_schema(address: str) -> None:
    create_store(address, "0101", "INSERT INTO holds VALUES ('a', 'held', 'Why.', '', '2026-11-24 09:00:00')")
    open_store(address).close()
    database = open_database(address)
    assert compare_tables(database) == []
    with database.read() as connection:
        assert connection.execute(select(schema.holds.c.by_id)).scalars().all() == [""]
    database.engine.dispose()


FAILING_SCRIPT = """
import sqlalchemy as sa
from alembic import op

revision = "9998"
down_revision = "{head}"


def upgrade():
    op.create_table("half_done", sa.Column("id", sa.Integer(), primary_key=True))
    op.add_column("papers", sa.Column("half_done", sa.Text()))
    op.execute("UPDATE papers SET title = 'changed'")
    raise ValueError("a row that nobody thought of")
"""


def test_a_migration_that_fails_leaves_the_store_as_it_was_and_says_the_way_back(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(open_store(address)) as store:
        store.library.add([(a_paper(title="Owls"), a_review())], now=NOW)
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS_FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "v9998_failing.py").write_text(FAILING_SCRIPT.format(head=HEAD_REVISION))
    with monkeypatch.context() as newer:
        newer.setattr(migration, "MIGRATIONS_FOLDER", folder)
        newer.setattr(migration, "HEAD_REVISION", "9998")
        for attempt in range(2):
            with pytest.raises(StoreError) as failed:
                open_store(address, now=NOW + timedelta(minutes=attempt))
            assert f"from {HEAD_REVISION} to 9998 (a row that nobody thought of)" in str(failed.value)
            assert "The store is as it was" in str(failed.value)
            assert "the way back" in str(failed.value)
    database = open_database(address)
    assert compare_tables(database) == []
    database.engine.dispose()
    with closing(open_store(address)) as store:
        assert [each.paper.title for each in store.library.get([a_paper().id]).values()] == ["Owls"]


def test_replicas_that_are_upgraded_together_migrate_the_store_once(address: str, tmp_path: Path) -> None:
    create_store(address, "0101", "INSERT INTO holds VALUES ('a', 'held', 'Why.', '', '2026-11-24 09:00:00')")
    if address.startswith("sqlite"):
        with closing(sqlite3.connect(tmp_path / "p.db")) as connection:
            connection.execute("PRAGMA journal_mode = WAL")  # As each version sets it.
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(open_store, [address] * 4))
    for store in stores:
        store.close()
    database = open_database(address)
    assert compare_tables(database) == []
    with database.read() as connection:
        assert connection.execute(select(schema.holds.c.by_id)).scalars().all() == [""]
    database.engine.dispose()
    assert len(list(tmp_path.glob("*.backup"))) == address.startswith("sqlite")


def test_a_store_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "p.db"
    open_store(address_of(file))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(StoreError, match="newer Paperround"):
        open_store(address_of(file))
