"""Store failures: nothing is lost or repeated, and the next tick goes on."""

import asyncio
import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event

from bot.delivery.worker import deliver_due_editions
from digests.errors import StoreError
from digests.ports import Store
from digests.ports.outbox import DeliveryState
from digests.store import open_store
from tests.bot.delivery.contexts import a_context
from tests.builders import NOW, a_paper, a_review, a_subscription
from tests.fakes.platform import MemoryPlatform, PostedPages
from tests.fakes.wire import TcpProxy
from tests.postgres import PostgresServer, StorePool

LEASE = timedelta(minutes=5)
CHANNEL = a_subscription().channel
PAPERS = 9
"""Papers whose pages do not fit into the free space of the file."""

_worker_numbers = itertools.count(1)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold the write lock of another process for the duration of the block."""
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def cut(proxy: TcpProxy) -> Iterator[None]:
    """Cut the network to the database for the duration of the block."""
    proxy.cut_connections()
    yield
    proxy.restore_traffic()


@contextmanager
def full(store: Store, file: Path) -> Iterator[None]:
    """Keep the file from growing, so that there is no room for a digest's pages."""
    with closing(sqlite3.connect(file)) as other:
        (pages,) = other.execute("PRAGMA page_count").fetchone()
    with _every_connection(store, f"PRAGMA max_page_count = {pages}", "PRAGMA max_page_count = 1000000"):
        yield


@contextmanager
def _every_connection(store: Store, spoil: str, mend: str) -> Iterator[None]:
    """Run `spoil` on each connection that is used within the block, and `mend` on each one afterwards."""
    engine: Any = store.library.database.engine  # type: ignore[attr-defined]
    statement = spoil

    @event.listens_for(engine, "checkout")
    def run_statement(connection: Any, record: Any, proxy: Any) -> None:
        connection.execute(statement)

    yield
    statement = mend


def run_tick(store: Store, platform: MemoryPlatform, now: datetime) -> None:
    """Run one tick of a new worker; store errors are logged or raised as StoreError."""
    context = a_context(
        store, {"console": platform}, owner=f"process {next(_worker_numbers)}", clock=lambda: now, lease=LEASE
    )
    try:
        asyncio.run(deliver_due_editions(context))
    except* StoreError:
        pass


def prepare_store(url: str) -> Store:
    """Open a store with one channel whose digest is due."""
    with closing(open_store(url)) as store:
        store.library.add(
            [(a_paper(f"2401.0000{n}"), a_review(tldr="word " * 400)) for n in range(PAPERS)], now=NOW
        )
        store.sources.record_import(now=NOW)
        store.subscriptions.sync_from_settings([a_subscription(top=PAPERS)], now=NOW - timedelta(minutes=1))
    return open_store(url, busy_timeout=0.05)


def assert_delivered_after_lease(store: Store, posted_pages: PostedPages) -> None:
    """Run the tick after the lease, and assert that every page was then posted once."""
    run_tick(store, MemoryPlatform(posted_pages), NOW + LEASE + timedelta(minutes=2))
    keys = posted_pages.keys_in(CHANNEL)
    assert len(keys) == len(set(keys)) == 1 + PAPERS
    (delivery,) = store.delivery_reports.history(store.subscriptions.list_active()[0], 9)
    assert delivery.state is DeliveryState.POSTED


def deliver_with_fault_at_second_page(store: Store, fault: AbstractContextManager[object]) -> None:
    posted_pages = PostedPages()

    def begin_fault() -> None:
        if len(posted_pages.pages) == 2:
            fault.__enter__()

    run_tick(store, MemoryPlatform(posted_pages, after_post=begin_fault), NOW)
    fault.__exit__(None, None, None)
    assert len(posted_pages.pages) == 2
    assert_delivered_after_lease(store, posted_pages)


def test_a_file_without_room_for_the_plan_delays_the_digest(tmp_path: Path) -> None:
    file = tmp_path / "p.db"
    with closing(prepare_store(f"sqlite:///{file}")) as store:
        posted_pages = PostedPages()
        with full(store, file):
            run_tick(store, MemoryPlatform(posted_pages), NOW)
        assert posted_pages.pages == []
        assert_delivered_after_lease(store, posted_pages)


def test_a_file_locked_between_two_pages_delays_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "p.db"
    with closing(prepare_store(f"sqlite:///{file}")) as store:
        deliver_with_fault_at_second_page(store, locked(file))


def test_a_network_to_postgres_cut_between_two_pages_delays_the_rest(
    postgres: PostgresServer, postgres_stores: StorePool
) -> None:
    with (
        postgres.open_proxy(postgres_stores.create_database()) as (url, proxy),
        closing(prepare_store(url)) as store,
    ):
        deliver_with_fault_at_second_page(store, cut(proxy))
