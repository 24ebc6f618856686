"""Store failures: nothing is lost or repeated, and the next tick goes on."""

import asyncio
import itertools
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from bot.delivery.worker import deliver_due_editions
from digests.errors import StoreError
from digests.ports import Store
from digests.ports.outbox import DeliveryState
from digests.store import open_store
from tests.bot.delivery.contexts import a_context
from tests.builders import NOW, a_paper, a_review, a_subscription
from tests.fakes.platform import MemoryPlatform, PostedPages
from tests.postgres import PostgresServer, StorePool

LEASE = timedelta(minutes=5)
CHANNEL = a_subscription().channel
PAPERS = 9
"""Papers whose pages do not fit into the free space of the file."""

_numbers = itertools.count(1)

Fault = Callable[[], AbstractContextManager[object]]


@contextmanager
def locked(store: Store, file: Path) -> Iterator[None]:
    """Hold the write lock of another process for the duration of the block."""
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def read_only(store: Store, file: Path) -> Iterator[None]:
    with _every_connection(store, "PRAGMA query_only = ON", "PRAGMA query_only = OFF"):
        yield


@contextmanager
def full(store: Store, file: Path) -> Iterator[None]:
    """Keep the file from growing, so that there is no room for a digest's pages."""
    with closing(sqlite3.connect(file)) as other:
        (pages,) = other.execute("PRAGMA page_count").fetchone()
    with _every_connection(store, f"PRAGMA max_page_count = {pages}", "PRAGMA max_page_count = 1000000"):
        yield


@contextmanager
def _every_connection(store: Store, spoil: str, mend: str) -> Iterator[None]:
    engine: Any = store.library.database.engine  # type: ignore[attr-defined]
    statement = spoil

    @event.listens_for(engine, "checkout")
    def lend(connection: Any, record: Any, proxy: Any) -> None:
        connection.execute(statement)

    yield
    statement = mend


def told(world_store: Store, platform: MemoryPlatform, now: datetime) -> None:
    """Run one tick of a new worker; store errors are logged or raised as StoreError."""
    context = a_context(
        world_store,
        {"console": platform},
        owner=f"process {next(_numbers)}",
        clock=lambda: now,
        lease=LEASE,
    )
    try:
        asyncio.run(deliver_due_editions(context))
    except* StoreError:
        pass


def prepared(url: str) -> Store:
    """Prepare a store with one channel whose digest is due."""
    with closing(open_store(url)) as store:
        store.library.add(
            [(a_paper(f"2401.0000{n}"), a_review(tldr="word " * 400)) for n in range(PAPERS)], now=NOW
        )
        store.sources.record_import(now=NOW)
        store.subscriptions.sync_from_settings([a_subscription(top=PAPERS)], now=NOW - timedelta(minutes=1))
    return open_store(url, busy_timeout=0.05)


def delivers_all_once(store: Store, fault: Fault, moment: str) -> None:
    """Start the fault before the tick or at the second page; the tick after it must finish."""
    posted_pages = PostedPages()
    if moment == "before":
        with fault():
            told(store, MemoryPlatform(posted_pages), NOW)
        assert posted_pages.pages == []
    else:
        failing = fault()

        def begins() -> None:
            if len(posted_pages.pages) == 2:
                failing.__enter__()

        told(store, MemoryPlatform(posted_pages, after_post=begins), NOW)
        failing.__exit__(None, None, None)
        assert len(posted_pages.pages) == 2
    told(store, MemoryPlatform(posted_pages), NOW + LEASE + timedelta(minutes=2))
    keys = posted_pages.keys_in(CHANNEL)
    assert len(keys) == len(set(keys)) == 1 + PAPERS
    (delivery,) = store.delivery_reports.history(store.subscriptions.list_active()[0], 9)
    assert delivery.state is DeliveryState.POSTED


@pytest.mark.parametrize(
    ("fault", "moment"),
    [
        (locked, "before"),
        (locked, "on the way"),
        (read_only, "before"),
        (read_only, "on the way"),
        (full, "before"),
    ],
)
def test_a_file_that_cannot_be_written_for_a_while(
    tmp_path: Path, fault: Callable[[Store, Path], AbstractContextManager[None]], moment: str
) -> None:
    file = tmp_path / "p.db"
    with closing(prepared(f"sqlite:///{file}")) as store:
        delivers_all_once(store, lambda: fault(store, file), moment)


@pytest.mark.parametrize("moment", ["before", "on the way"])
def test_a_network_to_postgres_that_is_cut_for_a_while(
    postgres: PostgresServer, postgres_stores: StorePool, moment: str
) -> None:
    with (
        postgres.open_proxy(postgres_stores.create_database()) as (url, wire),
        closing(prepared(url)) as store,
    ):

        @contextmanager
        def cut() -> Iterator[None]:
            wire.cut_connections()
            yield
            wire.restore_traffic()

        delivers_all_once(store, cut, moment)


@pytest.mark.parametrize("moment", ["before", "on the way"])
def test_a_postgres_whose_connections_are_all_ended(
    postgres: PostgresServer, postgres_stores: StorePool, moment: str
) -> None:
    """All connections end, as in a restart of the server; new ones work at once."""
    url = postgres_stores.create_database()
    with closing(prepared(url)) as store:
        posted_pages = PostedPages()

        def ended() -> None:
            if len(posted_pages.pages) in (1, 3):
                postgres.terminate_connections(url)

        if moment == "before":
            postgres.terminate_connections(url)
        told(store, MemoryPlatform(posted_pages, before_post=ended, after_post=ended), NOW)
        told(store, MemoryPlatform(posted_pages), NOW + LEASE + timedelta(minutes=2))
        keys = posted_pages.keys_in(CHANNEL)
        assert len(keys) == len(set(keys)) == 1 + PAPERS
