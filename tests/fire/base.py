"""The database of a world, and what can befall it."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, make_url, select, text
from sqlalchemy.exc import OperationalError

from digests.ports import DeliveryState
from digests.store import schema
from tests.fakes.wire import Wire
from tests.postgres import Cluster, Server, own_server, running_server

SMALL_DISK = 160
"""Megabytes: about twice what a new PostgreSQL takes."""

Standing = dict[tuple[str, date], tuple[DeliveryState, datetime | None]]
"""By channel and edition: the state and the next try."""


class Disk(StrEnum):
    """How the database takes what is written."""

    WELL = "well"
    READ_ONLY = "read-only"
    FULL = "full"
    """Tables cannot grow."""
    FULL_FOR_ITS_LOG = "full, its log too"
    """PostgreSQL then ends itself, and is started again when there is room."""


@dataclass(frozen=True, slots=True)
class Base:
    """The database of a world, and the address that its processes have of it."""

    url: str
    url_of_bot: str
    engine: Engine
    server: Server | None = None
    wire: Wire | None = None
    cluster: Cluster | None = None

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """To do something in it by hand; it is committed at the end."""
        with self.engine.begin() as connection:
            yield connection

    def standing(self) -> Standing:
        """How every edition stands."""
        books, ones = schema.deliveries, schema.subscriptions
        query = select(ones.c.channel, books.c.edition, books.c.state, books.c.next_try_at)
        with self.engine.connect() as connection:
            rows = connection.execute(query.join(ones, ones.c.id == books.c.subscription)).all()
        return {(row.channel, row.edition): (DeliveryState(row.state), row.next_try_at) for row in rows}

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else can write until the end."""
        with self.connection() as connection:
            if connection.dialect.name == "sqlite":
                connection.execute(text("INSERT INTO deliveries SELECT * FROM deliveries WHERE false"))
            else:
                # One table: of several, one would be waited for with another in hand, which is a deadlock.
                connection.execute(text("LOCK TABLE deliveries IN ACCESS EXCLUSIVE MODE"))
            yield

    def crash(self) -> None:
        """PostgreSQL loses a process to a kill -9, and every connection with it; it recovers by itself."""
        with suppress(OperationalError), self.connection() as connection:
            os.kill(connection.execute(text("SELECT pg_backend_pid()")).scalar_one(), signal.SIGKILL)
            connection.execute(text("SELECT 1"))

    def restart(self, mode: str, seconds: float) -> None:
        """Whoever administers PostgreSQL stops it, in a mode of `pg_ctl`, and starts it some seconds later."""
        assert self.cluster
        self.cluster.stop(mode)
        time.sleep(seconds)
        self.cluster.start()

    def set_disk(self, disk: Disk) -> None:
        """For everybody who is connected to this PostgreSQL, and whoever comes."""
        assert self.server
        assert self.cluster
        match disk:
            case Disk.READ_ONLY:
                self.server.run("ALTER SYSTEM SET default_transaction_read_only = on")
                self.server.run("SELECT pg_reload_conf()")
            case Disk.FULL:
                self.server.run("SELECT pg_switch_wal()")
                self.server.run("CHECKPOINT")  # The next file of the log, 16 MB, is there.
                self.cluster.fill_disk()
            case Disk.FULL_FOR_ITS_LOG:
                self.server.run("SELECT pg_switch_wal()")
                self.cluster.fill_disk()
            case Disk.WELL:
                self.cluster.free_disk()
                self.cluster.start()
                self._run_once_recovered("ALTER SYSTEM RESET default_transaction_read_only")
                self.server.run("SELECT pg_reload_conf()")

    def _run_once_recovered(self, statement: str) -> None:
        """PostgreSQL that came down with its log may still be at its recovery."""
        assert self.server
        for _ in range(60):
            with suppress(OperationalError):
                self.server.run(statement)
                return
            time.sleep(0.5)
        self.server.run(statement)


@contextmanager
def base(store: str, folder: Path, *, over_wire: bool, own: bool, small_disk: bool) -> Iterator[Base]:
    """A new database. With `own` it is in a PostgreSQL of its own, with `small_disk` on a disk that can be filled."""
    with ExitStack() as exits:
        if store == "sqlite":
            url = f"sqlite:///{folder / 'p.db'}"
            engine = create_engine(url)
            exits.callback(engine.dispose)
            yield Base(url, url, engine)
            return
        cluster = exits.enter_context(own_server(SMALL_DISK if small_disk else 0)) if own else None
        if cluster:
            server = Server(cluster.url, is_ours=True)
            exits.callback(server.close)
        else:
            server = exits.enter_context(running_server())
        url = server.database()
        if own:  # What was committed is to survive a crash.
            name = make_url(url).database
            server.run(f'ALTER DATABASE "{name}" SET synchronous_commit = on')
        url_of_bot, wire = exits.enter_context(server.over_wire(url)) if over_wire else (url, None)
        engine = create_engine(url, pool_pre_ping=True)
        exits.callback(engine.dispose)
        yield Base(url, url_of_bot, engine, server, wire, cluster)
