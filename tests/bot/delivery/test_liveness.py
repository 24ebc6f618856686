"""Worker liveness: a live worker takes the deliveries of a dead one over, without waiting for a lease."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

import bot.delivery.worker
from bot.delivery.liveness import WorkerLiveness
from bot.delivery.worker import deliver_until_stopped
from bot.storage import run_leadership
from digests.errors import StoreError
from digests.ports import Store
from digests.ports.leadership import LeaderLock
from digests.ports.outbox import DeliveryState
from digests.ports.worker_locks import name_locked_owner
from digests.store import open_store
from tests.bot.delivery.contexts import CHANNEL, SlowPlatform, a_delivery_context
from tests.bot.delivery.test_worker import wait_until
from tests.builders import NOW, a_paper, a_review, a_subscription
from tests.fakes.platform import MemoryPlatform, PostedPages
from tests.outbox import LEASE
from tests.postgres import PostgresServer, StorePool


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(open_store(f"sqlite:///{tmp_path / 'p.db'}")) as store:
        add_due_digest(store)
        yield store


def add_due_digest(store: Store) -> None:
    store.library.add([(a_paper("2401.00000"), a_review())], now=NOW)
    store.subscriptions.sync_from_settings([a_subscription()], now=NOW - timedelta(minutes=1))


def claim_and_die(tmp_path: Path) -> None:
    """Claim what is due in the name of a worker whose process then ends."""
    with closing(open_store(f"sqlite:///{tmp_path / 'p.db'}")) as dead:
        assert dead.worker_locks.acquire("dead")
        assert dead.outbox.claim_due(owner=name_locked_owner("dead"), now=NOW, lease=LEASE, limit=9)


def list_lock_files(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("*.lead-*")]


async def deliver_until(store: Store, platform: MemoryPlatform, condition: object) -> None:
    stop = asyncio.Event()
    working = asyncio.create_task(deliver_until_stopped(a_delivery_context(store, platform), stop))
    await wait_until(condition)
    stop.set()
    await working


def test_a_worker_that_starts_takes_over_from_the_one_before_it(store: Store, tmp_path: Path) -> None:
    claim_and_die(tmp_path)
    platform = MemoryPlatform(PostedPages())
    asyncio.run(deliver_until(store, platform, lambda: platform.posted_pages.pages))


def test_a_running_worker_takes_over_between_its_ticks(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot.delivery.worker, "CHECK_SECONDS", 0.01)
    monkeypatch.setattr(bot.delivery.worker, "TICK_INTERVAL", timedelta(days=1))
    platform = MemoryPlatform(PostedPages())

    async def run() -> None:
        stop, context = asyncio.Event(), a_delivery_context(store, platform)
        with closing(open_store(f"sqlite:///{tmp_path / 'p.db'}")) as doomed:
            assert doomed.worker_locks.acquire("doomed")
            owner = name_locked_owner("doomed")
            assert doomed.outbox.claim_due(owner=owner, now=NOW, lease=LEASE, limit=9)
            working = asyncio.create_task(deliver_until_stopped(context, stop))
            await wait_until(lambda: "p.db.lead-worker%3Ap" in list_lock_files(tmp_path))
            assert not platform.posted_pages.pages
        await wait_until(lambda: platform.posted_pages.pages)
        stop.set()
        await working

    asyncio.run(run())


def test_a_worker_whose_lock_was_lost_takes_it_again(store: Store, tmp_path: Path) -> None:
    liveness = WorkerLiveness(a_delivery_context(store, MemoryPlatform(PostedPages())))

    async def run() -> None:
        await liveness.keep_lock()
        file = tmp_path / list_lock_files(tmp_path)[0]
        file.unlink()
        file.touch()
        await liveness.keep_lock()
        assert liveness.owner == name_locked_owner("p")
        with closing(open_store(f"sqlite:///{tmp_path / 'p.db'}")) as other:
            assert other.worker_locks.acquire("p") is None
        await liveness.release()
        assert list_lock_files(tmp_path) == []

    asyncio.run(run())


def test_the_lock_is_kept_until_the_last_delivery_has_ended(store: Store, tmp_path: Path) -> None:
    async def run() -> None:
        platform, stop = SlowPlatform(PostedPages(), slow_workspace=""), asyncio.Event()
        working = asyncio.create_task(deliver_until_stopped(a_delivery_context(store, platform), stop))
        await wait_until(lambda: platform.in_flight["all"])
        stop.set()
        for _ in range(9):
            await run_leadership(list)  # Behind whatever was begun in the only thread for locks.
        assert store.worker_locks.acquire("p") is None
        platform.released.set()
        await working
        assert list_lock_files(tmp_path) == []

    asyncio.run(run())


def test_a_worker_that_gets_no_lock_delivers_under_a_lease(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    class NoLocks:
        def acquire(self, worker: str) -> LeaderLock | None:
            raise StoreError("The folder is read-only.")

        def end_dead_leases(self, **_: object) -> int:
            return 0

    platform = SlowPlatform(PostedPages(), slow_workspace="")
    lockless = replace(store, worker_locks=NoLocks())

    async def run() -> None:
        stop = asyncio.Event()
        working = asyncio.create_task(deliver_until_stopped(a_delivery_context(lockless, platform), stop))
        await wait_until(lambda: platform.in_flight["all"])
        (worker,) = store.delivery_reports.active_workers(now=NOW)
        assert worker[2] == "p"
        platform.released.set()
        stop.set()
        await working

    asyncio.run(run())
    assert platform.posted_pages.pages
    assert caplog.text.count("a crash would cost it a lease: The folder is read-only.") == 1


def test_two_problems_that_last_are_logged_once_each(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    class BrokenLocks:
        def acquire(self, worker: str) -> LeaderLock | None:
            raise StoreError("No lock.")

        def end_dead_leases(self, **_: object) -> int:
            raise StoreError("No list.")

    liveness = WorkerLiveness(
        a_delivery_context(replace(store, worker_locks=BrokenLocks()), MemoryPlatform(PostedPages()))
    )

    async def run() -> None:
        for _ in range(3):
            await liveness.keep_lock()
            assert not await liveness.end_dead_leases()

    asyncio.run(run())
    assert len(caplog.records) == 2


def test_a_live_worker_that_is_cut_off_from_postgresql_during_a_post_repeats_nothing(
    postgres: PostgresServer, postgres_stores: StorePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message arrives after another worker has taken over and looked for it once."""
    monkeypatch.setattr(bot.delivery.worker, "CHECK_SECONDS", 0.01)
    url, posted_pages, waits = postgres_stores.create_database(), PostedPages(), list[float]()
    slow, stop = SlowPlatform(posted_pages, slow_workspace=""), asyncio.Event()

    async def receive_late_message(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:  # The wait for the proof that the message is absent.
            assert posted_pages.pages == []
            slow.released.set()
            await wait_until(lambda: posted_pages.pages)

    async def run(store: Store, cut_off: Store, cut: Callable[[], None]) -> None:
        first = a_delivery_context(cut_off, slow, owner="first", history_lag=timedelta(seconds=2))
        other = a_delivery_context(
            store,
            MemoryPlatform(posted_pages),
            owner="other",
            history_lag=timedelta(seconds=2),
            sleep=receive_late_message,
        )
        working = [asyncio.create_task(deliver_until_stopped(first, stop))]
        await wait_until(lambda: slow.in_flight["all"])
        working.append(asyncio.create_task(deliver_until_stopped(other, stop)))
        await asyncio.sleep(0)
        cut()
        (subscription,) = store.subscriptions.list_active()
        await wait_until(
            lambda: store.delivery_reports.history(subscription, 1)[0].state is DeliveryState.POSTED
        )
        stop.set()
        await asyncio.gather(*working)

    with (
        postgres.open_proxy(url) as (proxied_url, proxy),
        closing(open_store(url)) as store,
        closing(open_store(proxied_url)) as cut_off,
    ):
        add_due_digest(store)
        asyncio.run(run(store, cut_off, proxy.cut_connections))
    keys = posted_pages.keys_in(CHANNEL)
    assert len(keys) == len(set(keys)) == 2
    assert waits == [2, 60]
