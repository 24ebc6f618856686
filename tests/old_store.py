"""The store of a checkout before 0.1.0, from its fixture: in SQLite, in PostgreSQL, and carried over."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import NullPool, create_engine, make_url, text

from digests.ports import Store
from digests.store import open_store
from digests.store.copying import copy_store
from tests.postgres import PostgresServer

FIXTURES = Path(__file__).parent / "digests" / "store" / "fixtures"

NOW = datetime(2026, 11, 24, 10, 5, 30, tzinfo=UTC)
"""End of the lease of the delivery that was stopped in mid-send."""

WHILE_LEASED = datetime(2026, 11, 24, 10, 3, tzinfo=UTC)

_PARENTS = ("subscriptions", "papers", "deliveries", "posts")
"""Tables that foreign keys point to, in the order of their loading."""


def ignore_progress(done: int, rows: int) -> None:
    """Ignore the progress of a copy."""


def load_old_store(folder: Path, *, name: str = "old.db", revision: str = "0013", change: str = "") -> Path:
    """Load the fixture into an SQLite file; `change` is run on it afterwards."""
    file = folder / name
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript((FIXTURES / "store_0013.sql").read_text(encoding="utf-8"))
        connection.execute("UPDATE alembic_version SET version_num = ?", [revision])
        connection.commit()
        connection.executescript(change)
    return file


def load_old_database(server: PostgresServer) -> str:
    """Create a database with the fixture's rows, in the tables of the checkout, and return its URL."""
    return server.create_database(like=_load_template(server))


@cache
def _load_template(server: PostgresServer) -> str:
    """Load the rows into a database, which each test copies, and return its name."""
    with TemporaryDirectory() as folder:
        return str(make_url(_load_rows(Path(folder), server)).database)


def _load_rows(folder: Path, server: PostgresServer) -> str:
    url = server.create_database()
    engine = create_engine(url, poolclass=NullPool)
    schema = (FIXTURES / "schema_0013_postgresql.sql").read_text(encoding="utf-8")
    file = load_old_store(folder, name="rows.db")
    with closing(sqlite3.connect(file)) as rows, engine.begin() as connection:
        connection.exec_driver_sql(schema)
        connection.exec_driver_sql("SET TIME ZONE 'UTC'")
        names = [row[0] for row in rows.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        for table in [*_PARENTS, *sorted(set(names) - set(_PARENTS))]:
            found = rows.execute(f"SELECT * FROM {table}")
            columns = [column[0] for column in found.description]
            types = dict[str, str](
                connection.execute(
                    text(
                        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = :t"
                    ),
                    {"t": table},
                ).all()
            )
            values = ", ".join(f"CAST(%s AS {types[name]})" for name in columns)
            connection.exec_driver_sql(
                f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values})",
                [tuple(None if value is None else str(value) for value in row) for row in found],
            )
        for table in ("changes", "deliveries", "imports", "posts", "subscriptions"):
            connection.exec_driver_sql(f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}))")
    engine.dispose()
    return url


def carry_over(
    source: str, target: str, *, now: datetime = NOW, progress: Callable[[int, int], None] = ignore_progress
) -> Store:
    """Copy an old store to a new one, and open that."""
    copy_store(source, target, now=now, progress=progress)
    return open_store(target)


@contextmanager
def open_carried_over(folder: Path, server: PostgresServer | None) -> Iterator[Store]:
    """Open a copy of the old store, carried over within SQLite or within `server`, for the block."""
    if server is None:
        file = folder / "new.db"
        file.write_bytes(_carry_over_file())
        url = f"sqlite:///{file}"
    else:
        url = server.create_database(like=_carry_over_database(server))
    with closing(open_store(url)) as store:
        yield store


@cache
def _carry_over_file() -> bytes:
    """Carry the old store over within SQLite, once for all tests, and return the new file."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "new.db"
        carry_over(f"sqlite:///{load_old_store(Path(folder))}", f"sqlite:///{file}").close()
        return file.read_bytes()


@cache
def _carry_over_database(server: PostgresServer) -> str:
    """Carry the old store over within PostgreSQL, once for all tests, and return the new database's name."""
    url = server.create_database()
    carry_over(load_old_database(server), url).close()
    return str(make_url(url).database)
