"""Modes of what is written: no other account of the machine can read the store, its copies or the index."""

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from digests.private_files import (
    create_private_file,
    create_private_folder,
    find_exposed,
    open_private,
    restrict_to_owner,
)
from digests.search.index import SearchIndex
from digests.store import migration, open_store
from digests.store.copying import copy_store
from tests.builders import NOW, a_paper, a_review


@pytest.fixture(params=[0o022, 0o000], ids=["umask 022", "umask 000"], autouse=True)
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    former = os.umask(request.param)
    yield
    os.umask(former)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def list_modes(folder: Path) -> dict[str, int]:
    return {path.name: mode_of(path) for path in sorted(folder.iterdir())}


def assert_private(folder: Path, *names: str) -> None:
    """Require that a folder has these files, and that its owner alone can read each file of it."""
    modes = list_modes(folder)
    assert set(names) <= set(modes)
    assert {name: oct(mode) for name, mode in modes.items() if mode & 0o077} == {}


def fill_store(file: Path) -> None:
    with closing(open_store(f"sqlite:///{file}")) as store:
        store.library.add([(a_paper(), a_review())], now=NOW)


def test_an_open_store_and_its_write_ahead_log_are_its_owners_alone(tmp_path: Path) -> None:
    with closing(open_store(f"sqlite:///{tmp_path}/p.db")) as store:
        store.library.add([(a_paper(), a_review())], now=NOW)
        assert store.leadership.acquire("sources")
        assert_private(tmp_path, "p.db", "p.db-wal", "p.db-shm", "p.db.lead-sources")


def test_a_new_store_has_its_mode_before_anything_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Restricting it afterwards would leave an instant at which another account can open it."""
    monkeypatch.setattr("digests.store.migrate", migration.migrate)
    monkeypatch.setattr("digests.store.engine.restrict_to_owner", lambda paths: None)
    modes: list[tuple[int, int]] = []
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect

    def connect_and_look(path: str, *arguments: object, **options: object) -> sqlite3.Connection:
        modes.append((mode_of(Path(path)), Path(path).stat().st_size))
        return connect(path, *arguments, **options)

    monkeypatch.setattr(sqlite3.dbapi2, "connect", connect_and_look)
    monkeypatch.setattr(sqlite3, "connect", connect_and_look)
    fill_store(tmp_path / "p.db")
    assert modes[0] == (0o600, 0)


def test_the_files_of_an_existing_store_are_restricted_when_it_is_opened(tmp_path: Path) -> None:
    file = tmp_path / "p.db"
    fill_store(file)
    with closing(sqlite3.connect(file)) as other:
        other.execute("SELECT count(*) FROM papers").fetchall()
        for path in tmp_path.iterdir():
            path.chmod(0o666)
        with closing(open_store(f"sqlite:///{file}")):
            assert_private(tmp_path, "p.db", "p.db-wal", "p.db-shm")


def test_a_store_behind_a_link_to_nothing_is_created_private(tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "real.db")
    fill_store(tmp_path / "link.db")
    assert_private(tmp_path, "link.db", "real.db")


def test_a_second_connection_keeps_the_locks_of_the_first(tmp_path: Path) -> None:
    """A process that closes a file drops its locks on it, so preparing a store must not open an old one."""
    file = tmp_path / "p.db"
    fill_store(file)
    with closing(open_store(f"sqlite:///{file}")) as store, closing(sqlite3.connect(file)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        create_private_file(file)
        code = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"
        stranger = subprocess.run([sys.executable, "-c", code, file], capture_output=True, check=False)
        assert b"database is locked" in stranger.stderr
        assert store.library.latest_sequence() > 0


def test_a_copy_of_a_store_is_its_owners_alone(tmp_path: Path) -> None:
    fill_store(tmp_path / "p.db")
    urls = [f"sqlite:///{tmp_path}/{name}.db" for name in ("p", "copy")]
    copy_store(*urls, now=NOW, progress=lambda done, total: None)
    assert_private(tmp_path, "p.db", "copy.db")


def test_the_backup_before_a_migration_is_its_owners_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_store(tmp_path / "p.db")
    monkeypatch.setattr(migration, "HEAD_REVISION", "9998")
    monkeypatch.setattr(migration, "_run_migrations", lambda database: None)
    open_store(f"sqlite:///{tmp_path}/p.db", now=NOW).close()
    (backup,) = tmp_path.glob("*.backup")
    assert_private(tmp_path, "p.db", backup.name)


def test_the_index_is_its_owners_alone_in_a_folder_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "p.search"
    with closing(open_store(f"sqlite:///{tmp_path}/p.db")) as store:
        store.library.add([(a_paper(), a_review())], now=NOW)
        SearchIndex.open(folder).catch_up(store.library)
    assert (mode_of(folder.parent), mode_of(folder)) == (0o700, 0o700)
    assert_private(folder, "meta.json", "schema")


def test_the_files_of_an_existing_index_are_restricted_and_its_folder_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "p.search"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    SearchIndex.open(folder)
    stranger = folder / "notes.txt"
    stranger.touch()
    for path in folder.iterdir():
        path.chmod(0o644)
    SearchIndex.open(folder)
    assert mode_of(folder) == 0o755
    assert {name for name, mode in list_modes(folder).items() if mode & 0o077} == {"notes.txt"}


def test_an_existing_folder_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    create_private_folder(tmp_path / "a" / "b")
    create_private_folder(tmp_path)
    assert [mode_of(tmp_path / name) for name in ("", "a", "a/b")] == [0o755, 0o700, 0o700]


def test_only_rights_of_others_are_taken(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    file.chmod(0o444)
    restrict_to_owner([file, tmp_path / "missing"])
    assert mode_of(file) == 0o400


def test_a_file_is_exposed_by_its_mode_and_that_of_its_folder(tmp_path: Path) -> None:
    with open(tmp_path / "own", "w", opener=open_private) as file:
        file.write("x")
    (tmp_path / "open").touch()
    (tmp_path / "open").chmod(0o644)
    paths = [tmp_path / name for name in ("own", "open", "missing")]
    tmp_path.chmod(0o755)
    assert list(find_exposed(paths)) == [tmp_path / "open"]
    tmp_path.chmod(0o700)
    assert list(find_exposed(paths)) == []
