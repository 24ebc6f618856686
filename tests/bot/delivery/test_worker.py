"""The delivery worker: fair between workspaces, bounded, and robust against failures of one channel."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import apscheduler.schedulers.base
import pytest

import bot.delivery.worker
from bot.chat.port import Outcome, Page, PostError
from bot.cli.status import load_status, report_to_record
from bot.delivery.context import DeliveryContext
from bot.delivery.deliver import deliver_claim
from bot.delivery.rate_limit import RateLimiter, RateLimits
from bot.delivery.worker import DeliveryWorker, FullMinuteTrigger, deliver_due_editions, deliver_until_stopped
from digests.ports import Store
from digests.ports.outbox import Claim, Outbox
from digests.subscription import Channel, Schedule, Subscription
from tests.bot.delivery.contexts import SlowPlatform, a_delivery_context, a_store_with_channels
from tests.builders import NOW, a_store, corrupt_rows
from tests.fakes.platform import MemoryPlatform, PostedPages
from tests.fakes.wire import WAIT_SECONDS


def list_workspaces(platform: MemoryPlatform) -> list[str]:
    return [name.split(":")[1] for name, _, _ in platform.posted_pages.pages]


async def wait_until(holds: Any) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def test_a_workspace_that_does_not_answer_delays_no_other() -> None:
    async def run() -> None:
        platform = SlowPlatform(PostedPages())
        context = a_delivery_context(
            a_store_with_channels(("slow", 30), ("a", 10), ("b", 10)),
            platform,
            concurrency=8,
            concurrency_per_workspace=3,
        )
        ticking = asyncio.create_task(deliver_due_editions(context))
        await wait_until(lambda: len(platform.posted_pages.pages) == 20)
        assert set(list_workspaces(platform)) == {"a", "b"}
        platform.released.set()
        await ticking
        assert Counter(list_workspaces(platform)) == {"slow": 30, "a": 10, "b": 10}
        assert platform.max_in_flight["slow"] <= 3
        assert platform.max_in_flight["all"] <= 8

    asyncio.run(run())


def test_a_claim_beyond_the_slots_of_its_workspace_waits() -> None:
    async def run() -> None:
        held = asyncio.Semaphore(0)

        class Held(SlowPlatform):
            async def post(self, channel: Channel, page: Page, *, key: str, thread: str | None) -> str:
                await held.acquire()
                return await MemoryPlatform.post(self, channel, page, key=key, thread=thread)

        platform, place = Held(PostedPages()), ("console", "a")
        worker = DeliveryWorker(
            a_delivery_context(
                a_store_with_channels(("a", 6)), platform, concurrency=8, concurrency_per_workspace=2
            )
        )
        working = asyncio.create_task(worker.run_until_closed())
        await wait_until(lambda: worker.slots.in_flight[place] == 2)
        held.release()
        await wait_until(lambda: worker.slots.in_flight[place] + worker.slots.pending[place] == 3)
        assert (worker.slots.in_flight[place], worker.slots.pending[place]) == (2, 1)
        for _ in range(5):
            held.release()
        await wait_until(lambda: len(platform.posted_pages.pages) == 6)
        worker.close()
        await working

    asyncio.run(run())


def test_large_workspaces_that_do_not_answer_delay_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.delivery.batching.BATCH_WAIT_SECONDS", 0.01)

    class Stuck(SlowPlatform):
        async def post(self, channel: Channel, page: Page, *, key: str, thread: str | None) -> str:
            if channel.workspace.startswith("stuck"):
                await self.released.wait()
            return await MemoryPlatform.post(self, channel, page, key=key, thread=thread)

    async def run() -> None:
        platform = Stuck(PostedPages())
        store = a_store_with_channels(("stuck1", 12), ("stuck2", 12), ("stuck3", 12), ("well", 12))
        worker = DeliveryWorker(
            a_delivery_context(store, platform, concurrency=10, concurrency_per_workspace=3)
        )
        working = asyncio.create_task(worker.run_until_closed())
        await wait_until(lambda: len(platform.posted_pages.pages) == 12)
        assert set(list_workspaces(platform)) == {"well"}
        assert max(worker.slots.pending.values(), default=0) <= 3
        platform.released.set()
        await wait_until(lambda: len(platform.posted_pages.pages) == 48)
        worker.close()
        await working
        assert not +worker.slots.pending

    asyncio.run(run())


class CountedPolls:
    """An outbox that counts the polls."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox, self.count = outbox, 0

    def claim_due(self, **options: Any) -> Any:
        self.count += 1
        return self._outbox.claim_due(**options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._outbox, name)


async def work_on_full_workspaces(
    work: Callable[[DeliveryWorker, CountedPolls, asyncio.Semaphore], Awaitable[None]],
) -> None:
    """Do the work while 12 workspaces use their only slot and have as much again to deliver.

    Each release of the semaphore ends one delivery.
    """
    let_through = asyncio.Semaphore(0)

    class Held(MemoryPlatform):
        async def post(self, channel: Channel, page: Page, *, key: str, thread: str | None) -> str:
            await let_through.acquire()
            return await MemoryPlatform.post(self, channel, page, key=key, thread=thread)

    store, platform = a_store_with_channels(*((f"w{n}", 2) for n in range(12))), Held(PostedPages())
    polls: Any = CountedPolls(store.outbox)
    worker = DeliveryWorker(
        a_delivery_context(
            replace(store, outbox=polls), platform, concurrency=30, concurrency_per_workspace=1
        )
    )
    working = asyncio.create_task(worker.run_until_closed())
    await wait_until(
        lambda: worker.slots.in_flight.total() == 12 and worker._poll.name == "WHEN_WORKSPACE_FREE"
    )
    await work(worker, polls, let_through)
    for _ in range(24):
        let_through.release()
    await wait_until(lambda: len(platform.posted_pages.pages) == 24)
    worker.close()
    await working


def test_few_workspaces_that_get_room_wait_for_more_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bot.delivery.worker, "POLL_WAIT_SECONDS", 3600)

    async def free_some(worker: DeliveryWorker, polls: CountedPolls, let_through: asyncio.Semaphore) -> None:
        before = polls.count
        let_through.release()
        await wait_until(lambda: worker.slots.in_flight.total() == 11)
        assert (polls.count, worker._poll_timer is not None) == (before, True)
        for _ in range(2):
            let_through.release()
        await wait_until(lambda: worker.slots.in_flight.total() == 12)
        assert polls.count == before + 1, "one poll for all three"
        assert worker._poll_timer is None

    asyncio.run(work_on_full_workspaces(free_some))


def test_a_workspace_that_gets_room_alone_is_polled_after_a_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bot.delivery.worker, "POLL_WAIT_SECONDS", 0.01)

    async def free_one(worker: DeliveryWorker, polls: CountedPolls, let_through: asyncio.Semaphore) -> None:
        before = polls.count
        let_through.release()
        await wait_until(lambda: polls.count > before and worker.slots.in_flight.total() == 12)

    asyncio.run(work_on_full_workspaces(free_one))


def test_replicas_share_the_rate_of_a_workspace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bot.delivery.worker, "PEER_POLL_SECONDS", 0.01)
    waits = list[float]()

    async def sleep(seconds: float) -> None:
        waits.append(round(seconds, 3))

    async def run() -> None:
        store, platform, stuck = (
            a_store_with_channels(("slow", 5), ("a", 4)),
            SlowPlatform(PostedPages()),
            SlowPlatform(PostedPages()),
        )
        rate_limiters = {"console": RateLimiter(RateLimits(workspace=5), now=lambda: 0.0, sleep=sleep)}
        other_context = replace(
            a_delivery_context(store, stuck, concurrency=3, concurrency_per_workspace=3), owner="q"
        )
        other_worker = asyncio.create_task(deliver_due_editions(other_context))
        await wait_until(lambda: stuck.in_flight["slow"] == 3)
        platform.released.set()
        await deliver_due_editions(a_delivery_context(store, platform, rate_limiters=rate_limiters))
        assert sorted(waits) == [0.2, 0.4, 0.4, 0.6], "two of the shared workspace, four of the other"
        late_subscription = Subscription(Channel("console", "late", "slow"), schedule=Schedule(NOW.time()))
        assert rate_limiters["console"]._peers_by_workspace == {"slow": 1}
        stuck.released.set()
        await other_worker
        store.subscriptions.change(
            late_subscription.channel, late_subscription, by="Ada", now=NOW - timedelta(minutes=1)
        )
        await deliver_due_editions(a_delivery_context(store, platform, rate_limiters=rate_limiters))
        assert rate_limiters["console"]._peers_by_workspace == {}

    asyncio.run(run())


def test_workers_that_begin_together_learn_of_each_other_before_the_usual_interval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bot.delivery.worker, "PEER_POLL_SECONDS", 3600)

    async def run() -> None:
        store = a_store_with_channels(("slow", 6))
        platform = SlowPlatform(PostedPages())
        limiters = [RateLimiter(RateLimits(workspace=1000)) for _ in range(2)]
        working = []
        for owner, limiter in zip("pq", limiters, strict=True):
            context = a_delivery_context(
                store, platform, rate_limiters={"console": limiter}, concurrency_per_workspace=3
            )
            working.append(asyncio.create_task(deliver_due_editions(replace(context, owner=owner))))
            await wait_until(lambda: platform.in_flight["slow"] == 3 * len(working))
        await wait_until(lambda: [each._peers_by_workspace for each in limiters] == [{"slow": 1}] * 2)
        platform.released.set()
        await asyncio.gather(*working)

    asyncio.run(run())


def test_deliveries_go_on_while_the_other_workers_are_not_known() -> None:
    class Broken:
        def active_workers(self, **_: Any) -> Any:
            raise RuntimeError("bad luck")

        def __getattr__(self, name: str) -> Any:
            return getattr(store.delivery_reports, name)

    store, platform, broken = a_store_with_channels(("a", 2)), MemoryPlatform(PostedPages()), Broken()
    context = a_delivery_context(
        replace(store, delivery_reports=broken),
        platform,
        rate_limiters={"console": RateLimiter(RateLimits(workspace=1000))},
    )
    asyncio.run(deliver_due_editions(context))
    assert len(platform.posted_pages.pages) == 2


def test_small_workspaces_are_served_before_large_ones_end() -> None:
    platform = SlowPlatform(PostedPages())
    store = a_store_with_channels(*((f"big{n}", 30) for n in range(4)), ("small", 1))
    asyncio.run(
        deliver_due_editions(a_delivery_context(store, platform, concurrency=4, concurrency_per_workspace=2))
    )
    posted = list_workspaces(platform)
    assert len(posted) == 121
    assert posted.index("small") < 30


def test_a_bot_that_its_platform_limits_has_slots_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bot.delivery.worker, "BOT_CONCURRENCY", 2)

    async def run() -> None:
        store = a_store_with_channels(("slow", 6))
        limiters = {"console": RateLimiter(RateLimits(bot=1000))}
        platform = SlowPlatform(PostedPages())
        worker = DeliveryWorker(
            a_delivery_context(
                store, platform, rate_limiters=limiters, concurrency=8, concurrency_per_workspace=8
            )
        )
        working = asyncio.create_task(worker.run_until_closed())
        await wait_until(lambda: platform.max_in_flight["all"] == 2 and worker.slots.in_flight.total() == 6)
        worker.close()
        platform.released.set()
        await working
        assert (platform.max_in_flight["all"], len(platform.posted_pages.pages)) == (2, 2)
        # The four that waited for a slot were released by the stop: another worker need not wait for leases.
        await deliver_due_editions(replace(a_delivery_context(store, platform), owner="q"))
        assert len(platform.posted_pages.pages) == 6

    asyncio.run(run())


def test_a_tick_does_not_wait_for_the_one_before() -> None:
    async def run() -> None:
        platform, now = SlowPlatform(PostedPages()), [NOW]
        store = a_store_with_channels(("slow", 1))
        later = Subscription(
            Channel("console", "later", "a"), schedule=Schedule((NOW + timedelta(minutes=1)).time())
        )
        store.subscriptions.change(later.channel, later, by="Ada", now=NOW)
        worker = DeliveryWorker(a_delivery_context(store, platform, clock=lambda: now[0], concurrency=4))
        working = asyncio.create_task(worker.run_until_closed())
        await wait_until(lambda: platform.in_flight["slow"])
        now[0] += timedelta(minutes=1)
        worker.tick()
        await wait_until(lambda: "a" in list_workspaces(platform))
        assert "slow" not in list_workspaces(platform)
        platform.released.set()
        worker.close()
        await working

    asyncio.run(run())


POISON = {
    "domains": "not json",
    "time_zone": "Mars/Olympus",
    "days": "[]",
    "style": "poem",
    "at": "quarter past",
}


@pytest.mark.parametrize("column", POISON)
def test_an_unreadable_subscription_is_stopped_and_affects_no_other(column: str) -> None:
    store, platform = a_store_with_channels(("a", 5)), SlowPlatform(PostedPages())
    corrupt_subscription(store, column, POISON[column])
    context = a_delivery_context(store, platform)
    asyncio.run(deliver_due_editions(context))
    assert len(platform.posted_pages.pages) == 4
    asyncio.run(deliver_due_editions(context))
    assert len(platform.posted_pages.pages) == 4
    assert len(store.subscriptions.list_active()) == 4
    assert store.subscriptions.recompute_next_due(now=NOW) == 0
    report = load_status(store, NOW)
    assert "cannot be read" in report_to_record(report)["channels"][0]["trouble"]
    assert report.channels[0].channel.channel == "a2"


def corrupt_subscription(store: Store, column: str, value: str) -> None:
    """Write an invalid value, as another version or a manual edit may."""
    corrupt_rows(store, f"UPDATE subscriptions SET {column} = :value WHERE channel = 'a2'", value=value)


def test_after_a_failure_of_the_store_the_next_tick_claims(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store, platform = a_store_with_channels(("a", 2)), SlowPlatform(PostedPages())

    class Broken:
        def claim_due(self, **_: Any) -> Any:
            raise RuntimeError("bad luck")

    broken: Any = Broken()
    asyncio.run(deliver_due_editions(a_delivery_context(replace(store, outbox=broken), platform)))
    assert "The due editions could not be claimed" in caplog.text
    asyncio.run(deliver_due_editions(a_delivery_context(store, platform)))
    assert len(platform.posted_pages.pages) == 2


def test_a_clock_that_was_ahead_and_went_back_loses_no_day() -> None:
    store, platform, now = (
        a_store_with_channels(("a", 1)),
        SlowPlatform(PostedPages()),
        [NOW + timedelta(days=2)],
    )

    async def run() -> None:
        worker = DeliveryWorker(a_delivery_context(store, platform, clock=lambda: now[0]))
        working = asyncio.create_task(worker.run_until_closed())
        await wait_until(lambda: len(platform.posted_pages.pages) == 1)
        for count, back in enumerate((NOW, NOW + timedelta(days=1)), start=2):
            now[0] = back
            worker.tick()
            await wait_until(lambda count=count: len(platform.posted_pages.pages) == count)
        worker.close()
        await working

    asyncio.run(run())
    (subscription,) = store.subscriptions.list_active()
    editions = sorted(report.edition for report in store.delivery_reports.history(subscription, 9))
    assert editions == [NOW.date() + timedelta(days=n) for n in range(3)]


def test_a_closed_worker_finishes_its_deliveries_and_releases_its_claims() -> None:
    async def run() -> None:
        platform, stop = SlowPlatform(PostedPages(), slow_workspace="a"), asyncio.Event()
        store = a_store_with_channels(("a", 30))
        context = a_delivery_context(store, platform, concurrency=8, concurrency_per_workspace=2)
        keeping = asyncio.create_task(deliver_until_stopped(context, stop))
        await wait_until(lambda: platform.in_flight["a"] == 2)
        stop.set()
        await asyncio.sleep(0)
        platform.released.set()
        await keeping
        assert len(platform.posted_pages.pages) == 2
        await deliver_due_editions(
            a_delivery_context(store, SlowPlatform(platform.posted_pages))
        )  # The rest is due at once for the next worker.
        assert len(platform.posted_pages.pages) == 30

    asyncio.run(run())


def test_released_claims_have_no_failure_even_after_one_whose_lease_was_lost() -> None:
    store = a_store_with_channels(("a", 3))
    worker = DeliveryWorker(a_delivery_context(store, MemoryPlatform(PostedPages())))
    lease = timedelta(minutes=5)
    lost, *others = store.outbox.claim_due(owner="p", now=NOW, lease=lease, limit=3)
    worker._claims.extend([lost, *others])
    store.outbox.finish(lost)
    asyncio.run(worker._release_claims())
    claims = store.outbox.claim_due(owner="q", now=NOW, lease=lease, limit=3)
    assert [(claim.id, claim.failures) for claim in claims] == [(claim.id, 0) for claim in others]


def test_an_unexpected_failure_of_a_delivery_ends_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def failing(claim: Claim, *, context: DeliveryContext) -> None:
        if claim.subscription.channel.channel == "a1":
            raise KeyError("id")
        await asyncio.sleep(0.01)
        await deliver_claim(claim, context=context)

    monkeypatch.setattr(bot.delivery.worker, "deliver_claim", failing)
    store, platform = a_store_with_channels(("a", 5)), SlowPlatform(PostedPages())
    asyncio.run(deliver_due_editions(a_delivery_context(store, platform)))
    assert sorted(list_workspaces(platform)) == ["a"] * 4
    assert "to console:a:a1 failed; it is tried again" in caplog.text
    monkeypatch.undo()
    asyncio.run(
        deliver_due_editions(a_delivery_context(store, platform, clock=lambda: NOW + timedelta(minutes=6)))
    )
    assert len(platform.posted_pages.pages) == 5


@pytest.mark.parametrize("text", ["odd \ud800", "\0"])
def test_a_failed_write_of_a_reason_ends_no_other(text: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL", "bot")  # Else pytest itself could not write its report.

    class Odd(SlowPlatform):
        async def post(self, channel: Channel, page: Page, *, key: str, thread: str | None) -> str:
            if channel.channel == "a0":
                raise PostError(text, Outcome.REFUSED)
            return await SlowPlatform.post(self, channel, page, key=key, thread=thread)

    platform = Odd(PostedPages())
    asyncio.run(deliver_due_editions(a_delivery_context(a_store_with_channels(("a", 3)), platform)))
    assert len(platform.posted_pages.pages) == 2


@pytest.mark.parametrize("jump", [-timedelta(days=300), -timedelta(hours=1), timedelta(days=30_000)])
def test_a_clock_jump_stops_no_tick(jump: timedelta, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = [timedelta()]

    class Shifted(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + ahead[0]

    monkeypatch.setattr(apscheduler.schedulers.base, "datetime", Shifted)
    monkeypatch.setattr(bot.delivery.worker, "TICK_INTERVAL", timedelta(seconds=0.05))
    ticks = list[int]()
    monkeypatch.setattr(DeliveryWorker, "tick", count_ticks(DeliveryWorker.tick, ticks))

    async def run() -> None:
        stop = asyncio.Event()
        keeping = asyncio.create_task(
            deliver_until_stopped(
                a_delivery_context(a_store(), SlowPlatform(PostedPages()), clock=lambda: Shifted.now(UTC)),
                stop,
            )
        )
        await wait_until(lambda: len(ticks) > 2)
        ahead[0] = jump
        seen = len(ticks)
        await wait_until(lambda: len(ticks) > seen + 3)
        stop.set()
        await keeping

    asyncio.run(run())


def count_ticks(tick: Any, ticks: list[int]) -> Any:
    def counting(worker: DeliveryWorker) -> None:
        ticks.append(1)
        tick(worker)

    return counting


def test_ticks_fire_at_full_minutes() -> None:
    now = datetime(2026, 11, 26, 8, 59, 59, 500_000, UTC)
    for last in (None, now - timedelta(days=9), now + timedelta(days=9)):
        assert FullMinuteTrigger().get_next_fire_time(last, now) == datetime(2026, 11, 26, 9, tzinfo=UTC)
    full = datetime(2026, 11, 26, 9, tzinfo=UTC)
    assert FullMinuteTrigger().get_next_fire_time(full, full) == full + timedelta(minutes=1)
