"""Connections: one engine a store, writing transactions apart from reading ones, and errors in sentences."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import QueuePool

from digests.errors import StoreError

BUSY_TIMEOUT = 30.0
"""Seconds to wait for another process's write; an import holds the lock for less than one."""


@dataclass(frozen=True, slots=True)
class Database:
    """An engine, and how people know it: a file's path, or an address without its password."""

    engine: Engine
    name: str
    file: Path | None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """For reading: each statement sees one consistent state. Raises StoreError."""
        with sentences(self.name), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction, all or none. Raises StoreError."""
        options: dict[str, Any] = {"paperround_write": True}
        engine = self.engine.execution_options(**options)
        with sentences(self.name), engine.begin() as connection:
            yield connection


def insert_new(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Put a row in unless one with its key is there; whether it was put in. Safe beside other processes."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return connection.execute(dialect.insert(table).values(row).on_conflict_do_nothing()).rowcount == 1


def upsert(connection: Connection, table: Table, row: Mapping[str, Any], anew: Mapping[str, Any]) -> None:
    """Put a row in, or where one with its key is there, set `anew` on that. Safe beside other processes."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    keys = [column.name for column in table.primary_key]
    connection.execute(dialect.insert(table).values(row).on_conflict_do_update(keys, set_=dict(anew)))


def connect(url: str, *, busy_timeout: float = BUSY_TIMEOUT) -> Database:
    """The database at a SQLAlchemy address; nothing is read or written yet. Raises StoreError."""
    try:
        address = make_url(url)
        is_sqlite = address.get_backend_name() == "sqlite"
        in_memory = is_sqlite and address.database in (None, "", ":memory:")
        options: dict[str, Any] = {"connect_args": {"timeout": busy_timeout}} if is_sqlite else {}
        if in_memory:
            # One connection, lent to one thread at a time: a second one would be another database.
            same = {"check_same_thread": False}
            options = {"poolclass": QueuePool, "pool_size": 1, "max_overflow": 0, "connect_args": same}
        engine = create_engine(address, **options)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise StoreError(
            f"The store's address cannot be used ({error}). Write it like sqlite:///paperround.db."
        ) from error
    if is_sqlite:
        _tame_sqlite(engine, in_memory=in_memory)
    file = Path(address.database) if is_sqlite and not in_memory and address.database else None
    return Database(engine, str(file or address.render_as_string(hide_password=True)), file)


def _tame_sqlite(engine: Engine, *, in_memory: bool) -> None:
    """WAL, foreign keys, and transactions that begin where we say: a write takes its lock at once, so none deadlocks."""

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute("PRAGMA temp_store = MEMORY")
        if not in_memory:
            cursor.execute("PRAGMA cache_size = -65536")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("paperround_write", False):
            connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def sentences(name: str) -> Iterator[None]:
    """Turns what the database says into what a person can do about it."""
    try:
        yield
    except DBAPIError as error:
        raise StoreError(_sentence(name, error)) from error


_SENTENCES = {
    "SQLITE_BUSY": "is locked by another process for too long: stop that process, or try again",
    "SQLITE_LOCKED": "is locked by another process for too long: stop that process, or try again",
    "SQLITE_READONLY": "is read-only: give this user the right to write the file and its folder",
    "SQLITE_NOTADB": "is not a Paperround store: name another file under [store] url, or move this one away",
    "SQLITE_CORRUPT": "is damaged: restore a backup, or move the file away to begin anew",
    "SQLITE_FULL": "cannot grow, the disk is full: free some space and run the command again; nothing was half written",
    "SQLITE_IOERR": "cannot be read or written, the disk reports an error: check the disk, then try again",
    "SQLITE_CANTOPEN": "cannot be opened: its folder must exist and this user must have the right to write there",
    "SQLITE_PERM": "cannot be opened: this user has no right to it",
}


def _sentence(name: str, error: DBAPIError) -> str:
    code = str(getattr(error.orig, "sqlite_errorname", ""))
    for known, words in _SENTENCES.items():
        if code.startswith(known):
            return f"The store {name} {words}."
    return f"The store {name} cannot be used: {str(error.orig).strip() or type(error.orig).__name__}."
