"""The database file: made, renewed with a copy first, and every fault a sentence."""

import sqlite3
from collections.abc import Callable
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


def at(file: Path) -> str:
    return f"sqlite:///{file}"


def test_what_is_written_is_there_when_the_store_is_opened_again(tmp_path: Path) -> None:
    file = tmp_path / "p.db"
    open_store(at(file)).library.add([(a_paper(), a_review())], now=NOW)
    assert a_paper().id in open_store(at(file)).library.get([a_paper().id])


def test_the_migrations_make_the_tables_of_the_schema() -> None:
    database = open_database("sqlite://")
    migration.migrate(database, now=NOW)
    assert differences(database) == []


def differences(database: Database) -> list[object]:
    """What the tables are otherwise than the schema says."""
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        return list(compare_metadata(context, schema.metadata))


def test_the_newest_migration_is_the_one_that_is_expected() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS_FOLDER))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD_REVISION


def test_an_older_store_is_copied_before_it_is_renewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "p.db"
    open_store(at(file)).library.add([(a_paper(), a_review())], now=NOW)
    monkeypatch.setattr(migration, "HEAD_REVISION", "9998")
    monkeypatch.setattr(migration, "_run_migrations", lambda database: None)
    open_store(at(file), now=NOW)
    (copy,) = tmp_path.glob("*.backup")
    assert f".{HEAD_REVISION}." in copy.name
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT count(*) FROM papers").fetchone() == (1,)


def test_a_store_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "p.db"
    open_store(at(file))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(StoreError, match="newer Paperround"):
        open_store(at(file))


def not_a_database(file: Path) -> None:
    file.write_bytes(b"This is a letter, not a database. " * 100)


def something_else(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE recipes (id INTEGER)")


def a_folder(file: Path) -> None:
    file.mkdir()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (not_a_database, "is not a Paperround store"),
        (something_else, "something else"),
        (a_folder, "cannot be opened"),
    ],
)
def test_what_is_no_store_is_named_in_a_sentence(
    tmp_path: Path, spoil: Callable[[Path], None], words: str
) -> None:
    spoil(tmp_path / "p.db")
    with pytest.raises(StoreError, match=words) as refused:
        open_store(at(tmp_path / "p.db"))
    assert "p.db" in str(refused.value)


def test_a_folder_that_is_not_there_is_named_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="its folder must exist"):
        open_store(at(tmp_path / "no" / "p.db"))


@pytest.mark.parametrize("url", ["nonsense", "mysql://x/y", "sqlite"])
def test_an_address_of_no_database_is_named_in_a_sentence(url: str) -> None:
    with pytest.raises(StoreError, match=r"sqlite:///paperround\.db"):
        open_store(url)


def test_a_store_that_another_process_holds_is_named_in_a_sentence_and_nothing_is_half_written(
    tmp_path: Path,
) -> None:
    file = tmp_path / "p.db"
    store = open_store(at(file), busy_timeout=0.05)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked by another process"):
            store.library.add([(a_paper(), a_review())], now=NOW)
        other.execute("ROLLBACK")
    assert store.library.latest_sequence() == 0


def test_a_full_disk_is_named_in_a_sentence_and_nothing_is_half_written(tmp_path: Path) -> None:
    database = open_database(at(tmp_path / "p.db"))
    migration.migrate(database, now=NOW)
    store = open_store(at(tmp_path / "p.db"))
    papers = type(store.library)(database)  # type: ignore[call-arg]
    with database.engine.connect() as connection:
        used = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {used + 5}")
    many = [(a_paper(f"2401.{n:05}", abstract="x" * 5000), a_review()) for n in range(50)]
    with pytest.raises(StoreError, match="the disk is full"):
        papers.add(many, now=NOW)
    assert store.library.latest_sequence() == 0


def test_a_store_that_may_not_be_written_is_named_in_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "p.db"
    open_store(at(file))
    store = open_store(f"sqlite:///file:{file}?mode=ro&uri=true")
    with pytest.raises(StoreError, match="read-only"):
        store.library.add([(a_paper(), a_review())], now=NOW)
