"""The database of a cluster, and the faults that it can have."""

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

from digests.ports.outbox import DeliveryState
from digests.store import schema
from tests.fakes.wire import TcpProxy
from tests.postgres import PostgresCluster, PostgresServer, start_own_cluster, start_server

SMALL_DISK = 160
"""Megabytes: about twice what a new PostgreSQL takes."""

EditionStates = dict[tuple[str, date], tuple[DeliveryState, datetime | None]]
"""State and next attempt of each delivery, by channel and edition."""


class DiskState(StrEnum):
    """State of the disk under the database."""

    HEALTHY = "well"
    READ_ONLY = "read-only"
    FULL = "full"
    """Tables cannot grow."""
    FULL_WITH_WAL = "full, its log too"
    """PostgreSQL then ends itself, and is started again when there is room."""


@dataclass(frozen=True, slots=True)
class ChaosDatabase:
    """The database of a cluster, and the address that its workers use."""

    url: str
    bot_url: str
    engine: Engine
    server: PostgresServer | None = None
    proxy: TcpProxy | None = None
    postgres_cluster: PostgresCluster | None = None

    @contextmanager
    def open_connection(self) -> Iterator[Connection]:
        """Open a transaction on the tables; it is committed at the end of the block."""
        with self.engine.begin() as connection:
            yield connection

    def read_edition_states(self) -> EditionStates:
        """Return the state of every delivery."""
        deliveries, subscriptions = schema.deliveries, schema.subscriptions
        query = select(
            subscriptions.c.channel, deliveries.c.edition, deliveries.c.state, deliveries.c.next_try_at
        )
        with self.engine.connect() as connection:
            rows = connection.execute(
                query.join(subscriptions, subscriptions.c.id == deliveries.c.subscription)
            ).all()
        return {(row.channel, row.edition): (DeliveryState(row.state), row.next_try_at) for row in rows}

    @contextmanager
    def lock_tables(self) -> Iterator[None]:
        """Lock the tables against writes for the duration of the block."""
        with self.open_connection() as connection:
            if connection.dialect.name == "sqlite":
                connection.execute(text("INSERT INTO deliveries SELECT * FROM deliveries WHERE false"))
            else:
                # One table: of several, one would be waited for with another in hand, which is a deadlock.
                connection.execute(text("LOCK TABLE deliveries IN ACCESS EXCLUSIVE MODE"))
            yield

    def free_worker_locks(self) -> None:
        """Let the lock of every worker look free, although the worker lives."""
        if self.engine.dialect.name == "sqlite":
            folder = Path(str(make_url(self.url).database)).parent
            for lock_file in list(folder.glob("*.lead-worker*")):
                lock_file.unlink(missing_ok=True)
                lock_file.touch()
            return
        holders = "SELECT DISTINCT pid FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
        database = "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        with self.open_connection() as connection:
            connection.execute(
                text(f"SELECT pg_terminate_backend(pid) FROM ({holders} {database}) AS holders")
            )

    def crash_postgres(self) -> None:
        """Kill a process of PostgreSQL, which ends every connection; the server recovers by itself."""
        with suppress(OperationalError), self.open_connection() as connection:
            os.kill(connection.execute(text("SELECT pg_backend_pid()")).scalar_one(), signal.SIGKILL)
            connection.execute(text("SELECT 1"))

    def restart_postgres(self, mode: str, seconds: float) -> None:
        """Stop PostgreSQL in a mode of `pg_ctl`, and start it some seconds later."""
        assert self.postgres_cluster
        self.postgres_cluster.stop(mode)
        time.sleep(seconds)
        self.postgres_cluster.start()

    def set_disk_state(self, state: DiskState) -> None:
        """Set the state of the disk for all current and future connections."""
        assert self.server
        assert self.postgres_cluster
        match state:
            case DiskState.READ_ONLY:
                self.server.run_statement("ALTER SYSTEM SET default_transaction_read_only = on")
                self.server.run_statement("SELECT pg_reload_conf()")
            case DiskState.FULL:
                self.server.run_statement("SELECT pg_switch_wal()")
                self.server.run_statement("CHECKPOINT")  # The next file of the log, 16 MB, is there.
                self.postgres_cluster.fill_disk()
            case DiskState.FULL_WITH_WAL:
                self.server.run_statement("SELECT pg_switch_wal()")
                self.postgres_cluster.fill_disk()
            case DiskState.HEALTHY:
                self.postgres_cluster.free_disk()
                self.postgres_cluster.start()
                self._run_once_recovered("ALTER SYSTEM RESET default_transaction_read_only")
                self.server.run_statement("SELECT pg_reload_conf()")

    def _run_once_recovered(self, statement: str) -> None:
        """Wait until a restarted PostgreSQL has recovered."""
        assert self.server
        for _ in range(60):
            with suppress(OperationalError):
                self.server.run_statement(statement)
                return
            time.sleep(0.5)
        self.server.run_statement(statement)


@contextmanager
def create_database(
    store: str, folder: Path, *, over_proxy: bool, has_own_server: bool, has_small_disk: bool
) -> Iterator[ChaosDatabase]:
    """Create a database, empty and without tables, and remove it after the block.

    `has_own_server` gives it its own PostgreSQL, `has_small_disk` a disk that can be filled, and `over_proxy`
    a connection that can be cut.
    """
    with ExitStack() as exits:
        if store == "sqlite":
            url = f"sqlite:///{folder / 'p.db'}"
            engine = create_engine(url)
            exits.callback(engine.dispose)
            yield ChaosDatabase(url, url, engine)
            return
        postgres_cluster = (
            exits.enter_context(start_own_cluster(SMALL_DISK if has_small_disk else 0))
            if has_own_server
            else None
        )
        if postgres_cluster:
            server = PostgresServer(postgres_cluster.url, is_ours=True)
            exits.callback(server.close)
        else:
            server = exits.enter_context(start_server())
        url = server.create_database()
        if has_own_server:  # Committed data must survive a crash.
            name = make_url(url).database
            server.run_statement(f'ALTER DATABASE "{name}" SET synchronous_commit = on')
        bot_url, proxy = exits.enter_context(server.open_proxy(url)) if over_proxy else (url, None)
        engine = create_engine(url, pool_pre_ping=True)
        exits.callback(engine.dispose)
        yield ChaosDatabase(url, bot_url, engine, server, proxy, postgres_cluster)
