"""Backup and restoration of a store in an SQLite file.

A backup is one file, a consistent copy at one instant, made while others read and write. A restored store is
older than what was posted since: `RESTORED_NOTE` has the instant of the restoration, so that a delivery that
was due before it is looked for in its channel first.
"""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from digests.errors import StoreError
from digests.ports.notes import RESTORED_NOTE
from digests.private_files import create_private_file
from digests.store.engine import Database, open_database
from digests.store.leadership import is_any_role_held
from digests.store.migration import FIRST_REVISION, HEAD_REVISION, migrate
from digests.store.notes import SqlNotes


@dataclass(frozen=True, slots=True)
class RestoredStore:
    """Outcome of a restoration. `revision` is that of the backup's tables.

    `replaced_file` is the store that was replaced, kept beside the new one; None if there was none.
    """

    file: Path
    revision: str
    replaced_file: Path | None

    @property
    def is_migrated(self) -> bool:
        """Return True if the backup had older tables, which were migrated."""
        return self.revision != HEAD_REVISION


def back_up_store(url: str, target: Path) -> int:
    """Write a consistent copy of a store to a new file, and return its size in bytes.

    Readers and writers of the store go on meanwhile. The copy is written under another name beside the
    target, checked, and renamed. Raises StoreError for a store in PostgreSQL or in memory, for one that does
    not exist or is damaged, for a target that exists, and if the copy cannot be written.
    """
    source = _require_file(url)
    if not source.exists():
        raise StoreError(f"There is no store {source} to back up: name it under [store] url.")
    if os.path.lexists(target):
        raise StoreError(f"{target} exists, and a backup overwrites nothing: name another file.")
    with _describe_write_errors(target), _open_folder_beside(target) as folder:
        copy = folder / "backup.db"
        _copy_database(source, copy)
        _require_intact(copy, f"The store {source} is damaged")
        _flush_to_disk(copy)
        _move_to_new_name(copy, target)
        _flush_to_disk(target.parent)
        return target.stat().st_size


def restore_store(url: str, backup: Path, *, now: datetime) -> RestoredStore:
    """Replace a store by a backup, migrated to this version; keep the replaced one beside it.

    The backup keeps its contents. Raises StoreError, changing nothing, for a store in PostgreSQL, in memory
    or in use, and for a backup that is damaged, no store, or of another version that cannot be migrated.
    """
    store = _require_file(url)
    if not backup.is_file():
        raise StoreError(f"There is no backup {backup}.")
    if store.exists() and store.samefile(backup):
        raise StoreError(f"{backup} is the store itself: name a backup of it.")
    database = open_database(url)
    try:
        _require_unused(database)
        with _describe_write_errors(store), _open_folder_beside(store) as folder:
            copy = folder / "restored.db"
            _copy_database(backup, copy)
            _require_intact(copy, f"The backup {backup} is damaged")
            revision = _require_known_revision(copy, backup)
            _prepare_restored(copy, now)
            _flush_to_disk(copy)
            _require_unused(database)
            return RestoredStore(store, revision, _replace_store(store, copy, now))
    finally:
        database.engine.dispose()


def _require_file(url: str) -> Path:
    """Return the file of a store in SQLite. Raises StoreError for another one."""
    database = open_database(url)
    database.engine.dispose()
    if database.is_postgres:
        raise StoreError(
            f"{database.name} is PostgreSQL: back it up with “pg_dump” and restore it with “pg_restore”, as "
            "docs/operations.md says under “Backup of PostgreSQL”."
        )
    if database.file is None:
        raise StoreError("A store in memory ends with its process: there is nothing to back up or restore.")
    return database.file


@contextmanager
def _open_folder_beside(file: Path) -> Iterator[Path]:
    """Create a private folder beside a file, and remove it with its contents at the end. Raises OSError."""
    with tempfile.TemporaryDirectory(prefix=f".{file.name}.", dir=file.parent) as folder:
        yield Path(folder)


@contextmanager
def _describe_write_errors(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise StoreError(
            f"{target} cannot be written ({reason}): its folder must exist, be yours to write, and have room."
        ) from error


def _copy_database(source: Path, copy: Path) -> None:
    """Copy a database at one instant to a new file, in one step. Raises StoreError."""
    create_private_file(copy)
    try:
        with (
            closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=rw", uri=True, timeout=30)) as old,
            closing(sqlite3.connect(copy)) as new,
        ):
            # In steps, each write of another process would start it again.
            old.backup(new, pages=-1)
            # In one file, without a log of writes beside it.
            new.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        if error.sqlite_errorname == "SQLITE_FULL":
            raise StoreError(f"There is no room for a copy of {source} ({error}): make some.") from error
        raise StoreError(f"{source} cannot be read ({error}): it is damaged, or no store.") from error


def _require_intact(copy: Path, complaint: str) -> None:
    """Raise StoreError for a file that SQLite finds damaged, or with rows that refer to missing ones."""
    try:
        with closing(sqlite3.connect(copy)) as connection:
            (finding,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            dangling = connection.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.Error as error:
        finding, dangling = str(error), None
    if dangling:
        finding = f"a row of {dangling[0]} refers to none of {dangling[2]}"
    if finding != "ok":
        reason = " ".join(finding.split())
        raise StoreError(f"{complaint} ({reason}): use another backup. Nothing was changed.")


def _require_known_revision(copy: Path, backup: Path) -> str:
    """Return the revision of a backup's tables. Raises StoreError for one that cannot be migrated."""
    try:
        with closing(sqlite3.connect(copy)) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error:
        row = None
    if row is None:
        raise StoreError(f"{backup} is no backup of a store: it has none of its tables.")
    revision = str(row[0])
    if revision > HEAD_REVISION:
        raise StoreError(
            f"The backup {backup} was written by a newer Paperround (its tables are {revision}, this version "
            f"knows {HEAD_REVISION}): upgrade Paperround, then restore it."
        )
    if revision < FIRST_REVISION:
        raise StoreError(
            f"The backup {backup} is of a checkout before 0.1.0 (its tables are {revision}): carry it over "
            f"with “paperround db copy sqlite:///{backup} sqlite:///NEW.db”."
        )
    return revision


def _prepare_restored(copy: Path, now: datetime) -> None:
    """Migrate a copy of a backup, and record in it that it was restored. Raises StoreError."""
    database = open_database(f"sqlite:///{copy}")
    try:
        migrate(database, now=now)
        SqlNotes(database).write(RESTORED_NOTE, now.isoformat())
    finally:
        database.engine.dispose()
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")


def _require_unused(database: Database) -> None:
    if is_any_role_held(database):
        raise StoreError(
            f"The store {database.name} is in use: stop every “paperround run” over it, then restore. "
            "Nothing was changed."
        )


def _replace_store(store: Path, restored: Path, now: datetime) -> Path | None:
    """Put a restored file in the place of a store; return the new name of the replaced one, if any.

    A crash in the middle leaves no store, and the replaced one beside its place. Raises OSError.
    """
    kept = _find_free_name(store.with_name(f"{store.name}.{now:%Y%m%d-%H%M%S}.replaced"))
    is_replaced = store.exists()
    if is_replaced:
        with suppress(sqlite3.Error), closing(sqlite3.connect(store)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        store.rename(kept)
    # A log of writes belongs to its own file: SQLite would apply it to the restored one.
    for ending in ("-wal", "-journal"):
        with suppress(FileNotFoundError):
            store.with_name(f"{store.name}{ending}").rename(kept.with_name(f"{kept.name}{ending}"))
    store.with_name(f"{store.name}-shm").unlink(missing_ok=True)
    restored.rename(store)
    _flush_to_disk(store.parent)
    return kept if is_replaced else None


def _find_free_name(path: Path) -> Path:
    """Return the path, or the first one with a number behind it that nothing has."""
    free, number = path, 1
    while os.path.lexists(free):
        number += 1
        free = path.with_name(f"{path.name}-{number}")
    return free


def _move_to_new_name(file: Path, target: Path) -> None:
    """Give a file its name, unless something has that name. Raises StoreError and OSError."""
    try:
        os.link(file, target)
    except FileExistsError as error:
        raise StoreError(f"{target} exists, and a backup overwrites nothing: name another file.") from error
    except OSError:  # A disk without links.
        shutil.move(file, target)


def _flush_to_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
