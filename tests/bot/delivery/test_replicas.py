"""Concurrent replicas over one PostgreSQL, each with its own clock and connections."""

import asyncio
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta

import pytest

from bot.delivery.worker import deliver_due_editions
from digests.ports import Store
from digests.ports.outbox import DeliveryState
from digests.store import open_store
from digests.subscription import Channel, Subscription
from tests.bot.delivery.contexts import a_context
from tests.builders import NOW, a_paper, a_review
from tests.fakes.platform import KilledError, MemoryPlatform, PostedPages, do_nothing
from tests.postgres import StorePool

REPLICAS, CHANNELS, PAGES = 3, 24, 3
LEASE = timedelta(minutes=5)


@pytest.fixture
def stores(postgres_stores: StorePool) -> Iterator[list[Store]]:
    """One store a replica, over a database with channels that are due."""
    url = postgres_stores.create_database()
    opened = [open_store(url) for _ in range(REPLICAS)]
    opened[0].library.add([(a_paper(f"2401.0000{n}"), a_review()) for n in range(PAGES - 1)], now=NOW)
    channels = [Subscription(Channel("console", f"c{n}", f"w{n % 5}")) for n in range(CHANNELS)]
    opened[0].subscriptions.sync_from_settings(channels, now=NOW - timedelta(minutes=1))
    yield opened
    for store in opened:
        store.close()


def tick_at_once(stores: list[Store], platforms: list[MemoryPlatform], now: datetime, names: str) -> None:
    """Run one tick of every replica in threads; a killed replica ends, the others go on."""

    def one(store: Store, platform: MemoryPlatform, name: str) -> None:
        context = a_context(
            store,
            {"console": platform},
            owner=name,
            clock=lambda: now,
            lease=LEASE,
            concurrency=4,
            sleep=lambda _: asyncio.sleep(0),  # What was posted stands on the posted_pages at once.
        )
        with suppress(BaseExceptionGroup):
            asyncio.run(deliver_due_editions(context))

    with ThreadPoolExecutor(REPLICAS) as pool:
        list(pool.map(one, stores, platforms, [f"{names} {number}" for number in range(REPLICAS)]))


def assert_every_page_came_once(store: Store, posted_pages: PostedPages) -> None:
    keys = [key for _, key, _ in posted_pages.pages]
    assert len(keys) == len(set(keys)) == CHANNELS * PAGES
    for one in store.subscriptions.list_active():
        (delivery,) = store.delivery_reports.history(one, 9)
        assert delivery.state is DeliveryState.POSTED


def test_replicas_share_the_work_and_no_page_comes_twice(stores: list[Store]) -> None:
    posted_pages, all_at_work = PostedPages(), threading.Barrier(REPLICAS)

    def waits_for_the_others() -> Callable[[], None]:
        first = iter([True])

        def wait() -> None:
            if next(first, False):
                all_at_work.wait(60)

        return wait

    platforms = [MemoryPlatform(posted_pages, before_post=waits_for_the_others()) for _ in range(REPLICAS)]
    tick_at_once(stores, platforms, NOW, "replica")
    assert all(platform.threads for platform in platforms)
    assert_every_page_came_once(stores[0], posted_pages)


def test_replicas_take_over_from_killed_ones_at_any_page(stores: list[Store]) -> None:
    posted_pages, chance = PostedPages(), random.Random(7)

    def dies(posts: int) -> Callable[[], None]:
        left = iter(range(posts))

        def die() -> None:
            if next(left, None) is None:
                raise KilledError

        return die

    for life in range(8):
        deaths = [(dies(chance.randrange(9)), chance.random() < 0.5) for _ in range(REPLICAS)]
        platforms = [
            MemoryPlatform(posted_pages, before_post=do_nothing, after_post=death)
            if late
            else MemoryPlatform(posted_pages, before_post=death)
            for death, late in deaths
        ]
        tick_at_once(stores, platforms, NOW + life * LEASE, f"life {life},")
    well = [MemoryPlatform(posted_pages) for _ in range(REPLICAS)]
    tick_at_once(stores, well, NOW + 9 * LEASE, "last life,")
    assert_every_page_came_once(stores[0], posted_pages)
