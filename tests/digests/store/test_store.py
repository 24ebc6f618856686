"""Opening a store, and errors of its file as sentences."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from digests.errors import StoreError
from digests.store import migration, open_store
from digests.store.engine import open_database
from tests.builders import NOW, a_paper, a_review


def address_of(file: Path) -> str:
    return f"sqlite:///{file}"


def test_a_reopened_store_has_its_papers(tmp_path: Path) -> None:
    file = tmp_path / "p.db"
    open_store(address_of(file)).library.add([(a_paper(), a_review())], now=NOW)
    assert a_paper().id in open_store(address_of(file)).library.get([a_paper().id])


def write_text_file(file: Path) -> None:
    file.write_bytes(b"This is a letter, not a database. " * 100)


def create_foreign_tables(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE recipes (id INTEGER)")


def create_folder(file: Path) -> None:
    file.mkdir()


@pytest.mark.parametrize(
    ("create", "message"),
    [
        (write_text_file, "is not a Paperround store"),
        (create_foreign_tables, "something else"),
        (create_folder, "cannot be opened"),
    ],
)
def test_a_file_that_is_no_store_is_named_in_the_error(
    tmp_path: Path, create: Callable[[Path], None], message: str
) -> None:
    create(tmp_path / "p.db")
    with pytest.raises(StoreError, match=message) as error:
        open_store(address_of(tmp_path / "p.db"))
    assert "p.db" in str(error.value)


def test_a_missing_folder_is_named_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="its folder must exist"):
        open_store(address_of(tmp_path / "no" / "p.db"))


@pytest.mark.parametrize("url", ["nonsense", "mysql://x/y", "sqlite"])
def test_an_invalid_address_is_answered_with_an_example(url: str) -> None:
    with pytest.raises(StoreError, match=r"sqlite:///paperround\.db"):
        open_store(url)


def test_a_locked_file_is_named_in_the_error_and_nothing_is_half_written(
    tmp_path: Path,
) -> None:
    file = tmp_path / "p.db"
    store = open_store(address_of(file), busy_timeout=0.05)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked by another process"):
            store.library.add([(a_paper(), a_review())], now=NOW)
        other.execute("ROLLBACK")
    assert store.library.latest_sequence() == 0


def test_a_full_disk_is_named_in_the_error_and_nothing_is_half_written(tmp_path: Path) -> None:
    database = open_database(address_of(tmp_path / "p.db"))
    migration.migrate(database, now=NOW)
    store = open_store(address_of(tmp_path / "p.db"))
    papers = type(store.library)(database)  # type: ignore[call-arg]
    with database.engine.connect() as connection:
        used = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {used + 5}")
    records = [(a_paper(f"2401.{n:05}", abstract="x" * 5000), a_review()) for n in range(50)]
    with pytest.raises(StoreError, match="the disk is full"):
        papers.add(records, now=NOW)
    assert store.library.latest_sequence() == 0


def test_a_read_only_file_is_named_in_the_error(tmp_path: Path) -> None:
    file = tmp_path / "p.db"
    open_store(address_of(file))
    store = open_store(f"sqlite:///file:{file}?mode=ro&uri=true")
    with pytest.raises(StoreError, match="read-only"):
        store.library.add([(a_paper(), a_review())], now=NOW)
