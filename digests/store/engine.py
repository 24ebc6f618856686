"""Engines, read and write transactions, bulk statements, and database errors as sentences."""

import json
import sqlite3
import threading
import weakref
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    CursorResult,
    Dialect,
    Engine,
    Row,
    Table,
    Text,
    TypeDecorator,
    Update,
    bindparam,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.pool import QueuePool
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from digests.errors import StoreError
from digests.private_files import create_private_file, restrict_to_owner
from digests.store import postgres
from digests.store.write_queue import WriteQueue, WriteQueueTimeoutError

BUSY_TIMEOUT = 30.0
"""Seconds to wait for another process's write. An import holds the lock for less than a second."""


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Database:
    """An engine with its name for people: the path of a file, or an address without its password.

    `file` is None for PostgreSQL and for a store in memory. `busy_timeout` is the longest wait for a write in
    SQLite, in seconds. Do not open a transaction inside another one: a store in memory has one connection,
    and in SQLite the inner write would wait for the outer one.
    """

    engine: Engine = field(repr=False)
    name: str
    file: Path | None
    busy_timeout: float = BUSY_TIMEOUT
    _write_queue: WriteQueue = field(default_factory=WriteQueue, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Called as the process ends, too: SQLite's last connection removes the files beside the store.
        weakref.finalize(self, self.engine.dispose)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a connection for reading. Raises StoreError.

        Each statement sees one consistent state of the store, but two may see different ones.
        """
        with translate_errors(self.name), self._read_engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self, lock_name: str = "") -> Iterator[Connection]:
        """Open a write transaction that is committed after the block, and rolled back if it raises.

        In PostgreSQL, transactions with the same `lock_name` run one at a time, also between processes; an
        empty name excludes nothing. In SQLite all write transactions run one at a time, those of one process
        in the order of their calls. Raises StoreError.
        """
        options: dict[str, Any] = {"paperround_write": True}
        engine = self.engine.execution_options(**options)
        with translate_errors(self.name), self._wait_for_turn(), engine.begin() as connection:
            if lock_name and self.is_postgres:
                postgres.acquire_transaction_lock(connection, lock_name)
            yield connection

    @contextmanager
    def rebuild_tables(self, lock_name: str) -> Iterator[Connection]:
        """Open a write transaction as `write` does, in which a table that others refer to can be recreated.

        SQLite would delete the rows that refer to a dropped table, so its references count for nothing until
        the block ends; then they are checked, and a dangling one rolls everything back with a StoreError.
        """
        if self.is_postgres:
            with self.write(lock_name) as connection:
                yield connection
            return
        options: dict[str, Any] = {"paperround_write": True}
        engine = self.engine.execution_options(**options)
        with translate_errors(self.name), self._wait_for_turn(), engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.execute("PRAGMA foreign_keys = OFF")  # Without effect inside of a transaction.
            try:
                with connection.begin():
                    yield connection
                    if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                        raise StoreError(f"The tables of {self.name} refer to rows that there are not.")
            finally:
                driver.execute("PRAGMA foreign_keys = ON")

    def _wait_for_turn(self) -> AbstractContextManager[None]:
        return nullcontext() if self.is_postgres else self._write_queue.hold_turn(self.busy_timeout)

    @property
    def is_postgres(self) -> bool:
        """Return True for PostgreSQL, which several machines can share; False for SQLite."""
        return self.engine.dialect.name == "postgresql"

    @property
    def _read_engine(self) -> Engine:
        # Without a transaction a read is one way to the server and back, not three.
        return (
            self.engine.execution_options(isolation_level="AUTOCOMMIT") if self.is_postgres else self.engine
        )


def name_tombstones(store_file: Path) -> Path:
    """Return the file beside an SQLite store that holds its tombstones."""
    return store_file.with_name(f"{store_file.name}.tombstones")


def insert_if_absent(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Insert a row unless that violates a unique key; return True if inserted. Safe between processes.

    An existing row is not changed.
    """
    statement = _build_insert(connection, table).values(row).on_conflict_do_nothing()
    # SQLAlchemy keeps an insert's count only when asked to, and psycopg's cursor forgets it on closing.
    return connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount == 1


def _build_insert(connection: Connection, table: Table) -> Any:
    """Build an insertion that can handle conflicts. Each database has a class of its own for it.

    That of PostgreSQL is imported only where it is used: it takes a tenth of a command's start.
    """
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    return sqlite.insert(table)


def insert_absent_returning(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *columns: Column[Any]
) -> Sequence[Row[Any]]:
    """Insert the rows that violate no unique key; return `columns` of the inserted ones, in any order.

    The rows have the same columns. Without rows nothing is done.
    """
    if not rows:
        return []
    if connection.dialect.name == "postgresql":
        names = ", ".join(column.name for column in columns)
        return _insert_arrays(connection, table, rows, f"ON CONFLICT DO NOTHING RETURNING {names}").fetchall()
    statement = _build_insert(connection, table).on_conflict_do_nothing().returning(*columns)
    return connection.execute(statement, list(rows)).fetchall()


def upsert(
    connection: Connection, table: Table, row: Mapping[str, Any], updated_values: Mapping[str, Any]
) -> None:
    """Insert a row, or set `updated_values` on the row with its primary key. Safe between processes."""
    upsert_all(connection, table, [row], lambda _: updated_values)


def upsert_all(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    values_to_update: Callable[[Any], Mapping[str, Any]],
) -> None:
    """Insert one or more rows; update the existing row of a primary key instead.

    `values_to_update` receives the columns of the proposed row, and returns the values to set. The rows have
    the same columns.
    """
    statement = _build_insert(connection, table)
    keys = [column.name for column in table.primary_key]
    updated_values = dict(values_to_update(statement.excluded))
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=updated_values), list(rows))


def insert_many(
    connection: Connection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    ignore_existing: bool = False,
    has_short_values: bool = False,
) -> None:
    """Insert rows that have the same columns. `ignore_existing` skips rows that violate a unique key.

    Without rows nothing is done. SQLite rows bypass SQLAlchemy's compiler, for speed, and so do rows for
    PostgreSQL with `has_short_values`, numbers and ids: its driver is slow at arrays of long texts.
    """
    if not rows:
        return
    if connection.dialect.name != "sqlite" and not has_short_values:
        insertion = _build_insert(connection, table)
        connection.execute(insertion.on_conflict_do_nothing() if ignore_existing else insertion, list(rows))
        return
    if connection.dialect.name != "sqlite":
        _insert_arrays(connection, table, rows, "ON CONFLICT DO NOTHING" if ignore_existing else "")
        return
    names = ", ".join(map(connection.dialect.identifier_preparer.quote, rows[0]))
    placeholders = ", ".join("?" * len(rows[0]))
    values = list(zip(*_convert_columns(table, rows, connection.dialect), strict=True))
    conflict_clause = " ON CONFLICT DO NOTHING" if ignore_existing else ""
    statement = f"INSERT INTO {table.name} ({names}) VALUES ({placeholders}){conflict_clause}"  # noqa: S608
    connection.exec_driver_sql(statement, values)


def _insert_arrays(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], ending: str
) -> CursorResult[Any]:
    """Insert rows into PostgreSQL in their order by one statement, with an array for each column.

    A statement for each row costs as much again on both sides, and one with a parameter for each value is
    another text for each number of rows. `ending` follows the insertion.
    """
    dialect = connection.dialect
    names = ", ".join(map(dialect.identifier_preparer.quote, rows[0]))
    types = (dialect.type_compiler_instance.process(table.c[name].type) for name in rows[0])
    arrays = ", ".join(f"%s::{column_type}[]" for column_type in types)
    statement = f"INSERT INTO {table.name} ({names}) SELECT * FROM unnest({arrays}) {ending}"  # noqa: S608
    columns = tuple(list(column) for column in _convert_columns(table, rows, dialect))
    return connection.exec_driver_sql(statement, columns)


def _convert_columns(
    table: Table, rows: Sequence[Mapping[str, Any]], dialect: Dialect
) -> list[Sequence[Any]]:
    """Return the values of each column of the rows as the driver takes them."""
    return [
        _convert_values(table.c[name].type, list(map(itemgetter(name), rows)), dialect) for name in rows[0]
    ]


def update_many(connection: Connection, change: Update, rows: Sequence[Mapping[str, Any]]) -> int:
    """Run an update once per row of parameters; return the number of table rows that matched.

    Without rows nothing is done. The compiled statement is cached, so build `change` once per module. SQLite
    rows bypass SQLAlchemy's compiler, for speed.
    """
    if not rows:
        return 0
    if connection.dialect.name != "sqlite":
        return connection.execute(change, list(rows)).rowcount
    statement, parameters = _compile_positional(change, connection.dialect)
    values = [
        tuple([fixed if name is None else write(row[name]) for name, write, fixed in parameters])
        for row in rows
    ]
    return connection.exec_driver_sql(statement, values).rowcount


@lru_cache(maxsize=256)
def _compile_positional(
    change: Update, dialect: Dialect
) -> tuple[str, list[tuple[str | None, Callable[[Any], Any], Any]]]:
    """Return the SQL text and, per parameter, its name and bind processor, or None and its fixed value."""
    compiled: Any = change.compile(dialect=dialect)
    parameters = []
    for name in compiled.positiontup:
        bind = compiled.binds[name]
        write = bind.type.dialect_impl(dialect).bind_processor(dialect) or _pass_through
        parameters.append((name, write, None) if bind.required else (None, write, write(bind.value)))
    return str(compiled), parameters


def _pass_through(value: Any) -> Any:
    return value


def _convert_values(column_type: TypeEngine[Any], values: Sequence[Any], dialect: Dialect) -> Sequence[Any]:
    """Convert the values of a column to the driver's, equal ones once.

    A type with a method `convert_all` converts all of them by it.
    """
    convert_all: Callable[[Sequence[Any]], Sequence[Any]] | None = getattr(column_type, "convert_all", None)
    if convert_all is not None:
        return convert_all(values)
    write = column_type.dialect_impl(dialect).bind_processor(dialect)
    if write is None:
        return values
    converted = {value: write(value) for value in set(values)}
    return list(map(converted.__getitem__, values))


class _JsonList(TypeDecorator[Collection[Any]]):
    """A list bound as one JSON parameter. Its elements are converted like values of their own type."""

    impl = Text
    cache_ok = True

    def __init__(self, element_type: TypeEngine[Any]) -> None:
        super().__init__()
        self.element_type = element_type

    def process_bind_param(self, value: Collection[Any] | None, dialect: Dialect) -> str:
        return json.dumps(_convert_values(self.element_type, list(value or ()), dialect))


class _JsonElements(FunctionElement[Any]):
    """A subquery of one column with the elements of a JSON list."""

    name = "elements"
    inherit_cache = True

    def __init__(self, json_list: ColumnElement[Any], element_type: TypeEngine[Any]) -> None:
        super().__init__(json_list)
        self.type = element_type


@compiles(_JsonElements, "sqlite")
def _compile_elements_for_sqlite(element: _JsonElements, compiler: SQLCompiler, **options: Any) -> str:
    return f"(SELECT value FROM json_each({compiler.process(element.clauses, **options)}))"  # noqa: S608


@compiles(_JsonElements, "postgresql")
def _compile_elements_for_postgres(element: _JsonElements, compiler: SQLCompiler, **options: Any) -> str:
    elements = f"json_array_elements_text(CAST({compiler.process(element.clauses, **options)} AS JSON))"
    kind = compiler.dialect.type_compiler_instance.process(element.type)
    return f"(SELECT CAST(value AS {kind}) FROM {elements})"  # noqa: S608


def in_json_array(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Build a condition: the column's value is in the list bound to the parameter `name`.

    For frequent statements: SQLAlchemy's own IN compiles again for every call, with a parameter per element.
    """
    json_list: BindParameter[Any] = bindparam(name, type_=_JsonList(column.type))
    return column.op("IN", is_comparison=True)(_JsonElements(json_list, column.type))


def open_database(url: str, *, busy_timeout: float = BUSY_TIMEOUT) -> Database:
    """Create the engine for a SQLAlchemy address. Opens no connection yet.

    Raises StoreError for an address that cannot be read or names another kind of database, and if the driver
    is missing. `busy_timeout` is in seconds, for SQLite only.
    """
    try:
        address = make_url(url)
    except (ArgumentError, ValueError) as error:  # The message may contain the password.
        raise StoreError(f"The store's address cannot be read. {_ADDRESS_EXAMPLE}") from error
    try:
        match address.get_backend_name():
            case "sqlite":
                return _open_sqlite(address, busy_timeout)
            case "postgresql":
                engine = postgres.create_pooled_engine(address)
                return Database(engine, postgres.hide_secrets(address), None)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise StoreError(f"The store's address cannot be used ({error}). {_ADDRESS_EXAMPLE}") from error
    raise StoreError(f"There is no store in {address.get_backend_name()!r}. {_ADDRESS_EXAMPLE}")


_ADDRESS_EXAMPLE = "Write it like sqlite:///paperround.db or postgresql+psycopg://USER@HOST/DATABASE."


def _open_sqlite(address: URL, busy_timeout: float) -> Database:
    in_memory = address.database in (None, "", ":memory:")
    if in_memory:
        # One connection, lent to one thread at a time: a second one would be another database.
        shared_connection = {"check_same_thread": False}
        engine = create_engine(
            address, poolclass=QueuePool, pool_size=1, max_overflow=0, connect_args=shared_connection
        )
    else:
        engine = create_engine(address, connect_args={"timeout": busy_timeout})
    _configure_sqlite(engine, in_memory=in_memory)
    file = None if in_memory or not address.database else Path(address.database)
    if file and not str(file).startswith("file:"):
        _keep_file_private(engine, file)
    return Database(engine, str(file or address), file, busy_timeout)


_file_lock = threading.Lock()


def _keep_file_private(engine: Engine, file: Path) -> None:
    """Before each connection, create the file for its owner only, and restrict the files that are there.

    SQLite gives its other files the mode of the first one.
    """
    files = [file, *(file.with_name(f"{file.name}{ending}") for ending in ("-wal", "-shm", "-journal"))]

    @event.listens_for(engine, "do_connect")
    def prepare_file(dialect: Dialect, record: Any, arguments: Any, parameters: Any) -> None:
        # Closing a file drops the locks of this process on it: nobody may connect in between.
        with _file_lock, suppress(OSError):  # SQLite describes a missing folder or right better.
            create_private_file(file)
        restrict_to_owner(files)


def _configure_sqlite(engine: Engine, *, in_memory: bool) -> None:
    """Set the pragmas, and begin write transactions with their lock, so that none can deadlock."""

    @event.listens_for(engine, "connect")
    def configure_connection(connection: Any, record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys = ON")
        # Commits wait for the disk (some ms): a power failure must not lose what was posted.
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA temp_store = MEMORY")
        # Deleted values are overwritten: what a person had erased is not in the file any more.
        cursor.execute("PRAGMA secure_delete = ON")
        if not in_memory:
            cursor.execute("PRAGMA cache_size = -65536")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin_transaction(connection: Connection) -> None:
        if connection.get_execution_options().get("paperround_write", False):
            connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def translate_errors(name: str) -> Iterator[None]:
    """Raise the database errors of a block as StoreError, with a sentence that says what to do.

    A lost connection, and a wait for a free one that takes too long, are database errors too. Other errors
    pass. `name` is the store's name for people.
    """
    try:
        yield
    except DBAPIError as error:
        sentence = (
            _describe_sqlite_error if isinstance(error.orig, sqlite3.Error) else postgres.describe_error
        )
        raise StoreError(sentence(name, error)) from error
    except WriteQueueTimeoutError as error:
        raise StoreError(f"The store {name} is busy: no write was possible in time. Try again.") from error
    except (PoolTimeoutError, DisconnectionError) as error:
        raise StoreError(
            f"The store {name} is busy or unreachable: no connection was free in time."
        ) from error


_ERROR_SENTENCES = {
    "SQLITE_BUSY": "is locked by another process for too long: stop that process, or try again",
    "SQLITE_LOCKED": "is locked by another process for too long: stop that process, or try again",
    "SQLITE_READONLY": "is read-only: give this user the right to write the file and its folder",
    "SQLITE_NOTADB": "is not a Paperround store: name another file under [store] url, or move this one away",
    "SQLITE_CORRUPT": "is damaged: restore a backup, or move the file away to begin with an empty store",
    "SQLITE_FULL": "cannot grow, the disk is full: free some space and run the command again; "
    "nothing was half written",
    "SQLITE_IOERR": "cannot be read or written, the disk reports an error: check the disk, then try again",
    "SQLITE_CANTOPEN": "cannot be opened: its folder must exist and this user must have the right "
    "to write there",
    "SQLITE_PERM": "cannot be opened: this user has no right to it",
}


def _describe_sqlite_error(name: str, error: DBAPIError) -> str:
    code = str(getattr(error.orig, "sqlite_errorname", ""))
    for code_prefix, sentence in _ERROR_SENTENCES.items():
        if code.startswith(code_prefix):
            return f"The store {name} {sentence}."
    return f"The store {name} cannot be used: {str(error.orig).strip() or type(error.orig).__name__}."
