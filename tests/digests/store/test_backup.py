"""Backups: one consistent file, and a restoration that replaces the store or changes nothing."""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from digests.errors import StoreError
from digests.ports.notes import RESTORED_NOTE
from digests.store import backup as backups
from digests.store import open_store
from digests.store.backup import back_up_store, restore_store
from digests.store.migration import HEAD_REVISION
from tests.builders import NOW, a_paper, a_review
from tests.postgres import StorePool


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "store" / "paperround.db"
    file.parent.mkdir()
    add_paper(file, "2401.00001")
    return file


def url_of(file: Path) -> str:
    return f"sqlite:///{file}"


def add_paper(file: Path, name: str) -> None:
    with closing(open_store(url_of(file))) as store:
        store.library.add([(a_paper(name), a_review())], now=NOW)


def count_papers(file: Path) -> int:
    with closing(open_store(url_of(file))) as store:
        return store.sources.count_papers()


def run_sql(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(statement)


def test_a_restored_store_is_that_of_the_backup_and_the_replaced_one_stays_beside_it(
    file: Path, tmp_path: Path
) -> None:
    backup = tmp_path / "monday.backup"
    assert back_up_store(url_of(file), backup) == backup.stat().st_size
    add_paper(file, "2401.00002")
    restored = restore_store(url_of(file), backup, now=NOW)
    assert restored.replaced_file
    assert (count_papers(file), count_papers(restored.replaced_file)) == (1, 2)
    with closing(open_store(url_of(file))) as store:
        assert store.notes.read(RESTORED_NOTE) == NOW.isoformat()
    restore_store(url_of(file), restored.replaced_file, now=NOW)
    assert count_papers(file) == 2


def test_a_backup_is_one_private_file_and_leaves_no_other_behind(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    back_up_store(url_of(file), folder / "a.db")
    assert [(each.name, each.stat().st_mode & 0o777) for each in folder.iterdir()] == [("a.db", 0o600)]


def test_a_backup_overwrites_nothing(file: Path, tmp_path: Path) -> None:
    target = tmp_path / "mine"
    target.write_text("mine")
    with pytest.raises(StoreError, match="overwrites nothing"):
        back_up_store(url_of(file), target)
    with pytest.raises(StoreError, match="overwrites nothing"):
        back_up_store(url_of(file), file)
    assert target.read_text() == "mine"
    assert count_papers(file) == 1


def test_a_backup_that_fails_leaves_nothing(file: Path, tmp_path: Path) -> None:
    damaged, target = tmp_path / "damaged.db", tmp_path / "a.backup"
    damaged.write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match="damaged, or no store"):
        back_up_store(url_of(damaged), target)
    with pytest.raises(StoreError, match="cannot be written"):
        back_up_store(url_of(file), tmp_path / "missing" / "a.backup")
    with pytest.raises(StoreError, match="There is no store"):
        back_up_store(url_of(tmp_path / "typo.db"), target)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["damaged.db", "store"]


def test_a_damaged_backup_is_refused_and_changes_nothing(file: Path, tmp_path: Path) -> None:
    backup = tmp_path / "a.backup"
    back_up_store(url_of(file), backup)
    content = bytearray(backup.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 8192] = b"\xff" * 8192
    backup.write_bytes(content)
    before = file.read_bytes()
    with pytest.raises(StoreError, match="damaged"):
        restore_store(url_of(file), backup, now=NOW)
    backup.write_bytes(bytes(content[:5000]))
    with pytest.raises(StoreError, match="damaged"):
        restore_store(url_of(file), backup, now=NOW)
    backup.write_bytes(b"")
    with pytest.raises(StoreError, match="no backup of a store"):
        restore_store(url_of(file), backup, now=NOW)
    with pytest.raises(StoreError, match="There is no backup"):
        restore_store(url_of(file), tmp_path / "typo", now=NOW)
    assert file.read_bytes() == before
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def empty_an_index(backup: Path) -> None:
    """Take the entries out of an index: every page can be read, and they do not agree."""
    with closing(sqlite3.connect(backup)) as connection:
        root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'ix_papers_title'")
        start = (root.fetchone()[0] - 1) * connection.execute("PRAGMA page_size").fetchone()[0]
    content = bytearray(backup.read_bytes())
    content[start + 3 : start + 5] = b"\0\0"
    backup.write_bytes(content)


def lose_a_row(backup: Path) -> None:
    run_sql(backup, "UPDATE reviews SET paper = 999999")


def replace_by_another_program(backup: Path) -> None:
    backup.unlink()
    run_sql(backup, "CREATE TABLE bookmarks (url TEXT)")


def replace_by_text(backup: Path) -> None:
    backup.write_text("no database, but a text of more than a hundred characters " * 9)


def cut_off_the_end(backup: Path) -> None:
    backup.write_bytes(backup.read_bytes()[:-4096])


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (empty_an_index, r"is damaged \(\*\*\* in database main"),
        (lose_a_row, r"is damaged \(a row of reviews refers to none of papers\)"),
        (cut_off_the_end, "damaged"),
        (replace_by_text, "damaged, or no store"),
        (replace_by_another_program, "no backup of a store: it has none of its tables"),
    ],
)
def test_the_check_before_a_restoration_finds_what_reading_alone_does_not(
    file: Path, tmp_path: Path, harm: Callable[[Path], None], reason: str
) -> None:
    backup = tmp_path / "a.backup"
    back_up_store(url_of(file), backup)
    harm(backup)
    before = file.read_bytes()
    with pytest.raises(StoreError, match=reason):
        restore_store(url_of(file), backup, now=NOW)
    assert file.read_bytes() == before
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_a_store_whose_index_is_damaged_is_not_saved_as_a_backup(file: Path, tmp_path: Path) -> None:
    empty_an_index(file)
    with pytest.raises(StoreError, match=r"The store .* is damaged"):
        back_up_store(url_of(file), tmp_path / "a.backup")
    assert not (tmp_path / "a.backup").exists()


def test_a_backup_of_a_newer_version_is_refused_with_its_revision(file: Path, tmp_path: Path) -> None:
    backup = tmp_path / "a.backup"
    back_up_store(url_of(file), backup)
    run_sql(backup, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match=f"9999, this version knows {HEAD_REVISION}.*upgrade Paperround"):
        restore_store(url_of(file), backup, now=NOW)
    assert count_papers(file) == 1


def test_a_backup_of_an_older_version_is_migrated(file: Path, tmp_path: Path) -> None:
    old = tmp_path / "old.db"
    make_store_of_first_revision(old)
    backup = tmp_path / "a.backup"
    back_up_store(url_of(old), backup)
    restored = restore_store(url_of(file), backup, now=NOW)
    assert (restored.revision, restored.is_migrated) == ("0101", True)
    assert count_papers(file) == 0
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (HEAD_REVISION,)


def make_store_of_first_revision(file: Path) -> None:
    from alembic import command
    from alembic.config import Config

    from digests.store.engine import open_database
    from digests.store.migration import MIGRATIONS_FOLDER

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS_FOLDER))
    database = open_database(url_of(file))
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0101")
    database.engine.dispose()


def test_a_migration_that_fails_leaves_the_store_as_it_was(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = tmp_path / "a.backup"
    back_up_store(url_of(file), backup)
    add_paper(file, "2401.00002")

    def fail(*_: object, **__: object) -> None:
        raise StoreError("The tables could not be changed.")

    monkeypatch.setattr(backups, "migrate", fail)
    with pytest.raises(StoreError, match="could not be changed"):
        restore_store(url_of(file), backup, now=NOW)
    assert [each.name for each in file.parent.iterdir()] == [file.name]
    assert count_papers(file) == 2


@pytest.mark.parametrize("lock", ["leader", "worker"])
def test_a_store_in_use_is_not_replaced(file: Path, tmp_path: Path, lock: str) -> None:
    backup = tmp_path / "a.backup"
    back_up_store(url_of(file), backup)
    add_paper(file, "2401.00002")
    with closing(open_store(url_of(file))) as store:
        held = store.leadership.acquire("slack") if lock == "leader" else store.worker_locks.acquire("one")
        assert held
        with pytest.raises(StoreError, match=r"in use: stop every “paperround run”"):
            restore_store(url_of(file), backup, now=NOW)
    assert count_papers(file) == 2
    restore_store(url_of(file), backup, now=NOW)
    assert count_papers(file) == 1


def test_the_writes_of_a_killed_process_stay_with_the_replaced_store(file: Path, tmp_path: Path) -> None:
    backup = tmp_path / "a.backup"
    back_up_store(url_of(file), backup)
    with closing(open_store(url_of(file))) as store:
        store.library.add([(a_paper("2401.00002"), a_review())], now=NOW)
        names = [file, file.with_name(f"{file.name}-wal")]
        killed = {name: name.read_bytes() for name in names}
    for name, content in killed.items():
        name.write_bytes(content)
    restored = restore_store(url_of(file), backup, now=NOW)
    assert restored.replaced_file
    assert (count_papers(file), count_papers(restored.replaced_file)) == (1, 2)


def test_a_store_that_is_damaged_or_missing_can_be_replaced(file: Path, tmp_path: Path) -> None:
    backup = tmp_path / "a.backup"
    back_up_store(url_of(file), backup)
    file.write_bytes(b"a disk's rubbish" * 1000)
    restored = restore_store(url_of(file), backup, now=NOW)
    assert restored.replaced_file
    assert restored.replaced_file.read_bytes().startswith(b"a disk's rubbish")
    file.unlink()
    assert restore_store(url_of(file), backup, now=NOW).replaced_file is None
    assert count_papers(file) == 1


def test_two_restorations_in_a_second_keep_both_replaced_stores(file: Path, tmp_path: Path) -> None:
    backup = tmp_path / "a.backup"
    back_up_store(url_of(file), backup)
    first, second = (restore_store(url_of(file), backup, now=NOW).replaced_file for _ in range(2))
    assert first
    assert second
    assert first != second
    assert first.exists()


def test_a_backup_while_others_write_is_of_one_instant(file: Path, tmp_path: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        with closing(open_store(url_of(file))) as store:
            number = 2
            while not stop.is_set():
                now = NOW + timedelta(seconds=number)
                store.library.add([(a_paper(f"2402.{number:05}"), a_review())], now=now)
                store.notes.write("written", str(number))
                number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            backup = tmp_path / f"{number}.backup"
            back_up_store(url_of(file), backup)
            with closing(open_store(url_of(backup))) as store:
                written = int(store.notes.read("written") or 1)
                assert store.sources.count_papers() in (written, written + 1)
    finally:
        stop.set()
        writer.join()


def test_a_store_in_postgres_is_left_to_its_own_tools(tmp_path: Path, postgres_stores: StorePool) -> None:
    url = postgres_stores.create_database()
    with pytest.raises(StoreError, match="pg_dump"):
        back_up_store(url, tmp_path / "a.backup")
    with pytest.raises(StoreError, match="pg_dump"):
        restore_store(url, tmp_path / "a.backup", now=NOW)
    with pytest.raises(StoreError, match="in memory"):
        back_up_store("sqlite://", tmp_path / "a.backup")
