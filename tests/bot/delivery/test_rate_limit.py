"""Rate limits by channel, workspace and bot."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field

import pytest

from bot.delivery.rate_limit import MAX_REMEMBERED_KEYS, RateLimiter, RateLimits
from digests.subscription import Channel


@dataclass(slots=True)
class FakeTime:
    """A clock that `sleep` advances; sleepers wake in order."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def a_limiter(limits: RateLimits) -> tuple[RateLimiter, FakeTime]:
    time = FakeTime()
    return RateLimiter(limits, lambda: time.now, time.sleep), time


def acquire_slots(limiter: RateLimiter, time: FakeTime, *channels: Channel) -> list[float]:
    async def run() -> list[float]:
        at = []
        for channel in channels:
            await limiter.acquire(channel)
            at.append(round(time.now, 3))
        return at

    return asyncio.run(run())


A, B, C = (Channel("slack", name, workspace) for name, workspace in (("A", "T1"), ("B", "T1"), ("C", "T2")))


def test_one_channel_gets_a_message_a_second() -> None:
    limiter, time = a_limiter(RateLimits(channel=1))
    assert acquire_slots(limiter, time, A, A, A) == [0, 1, 2]


def test_channels_share_the_rate_of_their_workspace() -> None:
    limiter, time = a_limiter(RateLimits(channel=1, workspace=5))
    assert acquire_slots(limiter, time, A, B, C) == [0, 0.2, 0.2]


def test_the_rate_of_a_bot_covers_all_workspaces() -> None:
    limiter, time = a_limiter(RateLimits(bot=50))
    assert acquire_slots(limiter, time, A, B, C) == [0, 0.02, 0.04]


def test_processes_share_the_rates_of_a_workspace_and_a_bot_but_not_of_a_channel() -> None:
    limiter, time = a_limiter(RateLimits(channel=1, workspace=5))
    limiter.set_peers([("T1", "b"), ("T1", "c"), ("T2", "b")])
    assert acquire_slots(limiter, time, A, B, C) == [0, 0.6, 0.6]
    limiter.set_peers([])
    assert acquire_slots(limiter, time, A, B) == [1.2, 1.4], "alone again"
    limiter, time = a_limiter(RateLimits(bot=50))
    limiter.set_peers([("T1", "b"), ("T9", "b"), ("T9", "c")])
    assert acquire_slots(limiter, time, A, B, C) == [0, 0.06, 0.12]
    assert not RateLimiter(RateLimits(channel=1)).is_shared


def test_without_limits_no_message_waits() -> None:
    limiter, time = a_limiter(RateLimits())
    assert acquire_slots(limiter, time, A, A, A) == [0, 0, 0]
    assert time.slept == []


def test_a_channel_that_waits_for_its_own_slot_holds_none_of_its_workspace() -> None:
    async def run() -> list[str]:
        limiter, order = RateLimiter(RateLimits(channel=20, workspace=1000)), []

        async def acquire_slot(channel: Channel) -> None:
            await limiter.acquire(channel)
            order.append(channel.channel)

        await limiter.acquire(A)
        waiting = asyncio.create_task(acquire_slot(A))
        await asyncio.sleep(0)
        await acquire_slot(B)
        await waiting
        return order

    assert asyncio.run(run()) == ["B", "A"]


def test_past_slots_are_dropped() -> None:
    limiter, time = a_limiter(RateLimits(channel=1))

    async def run() -> None:
        for number in range(10_000):
            await limiter.acquire(Channel("slack", f"C{number}"))
            time.now += 0.01

    asyncio.run(run())
    assert len(limiter._next_slots) < 5000


def test_reserved_slots_are_kept() -> None:
    limiter, time = a_limiter(RateLimits(channel=1))
    channels = [Channel("slack", f"C{number}") for number in range(MAX_REMEMBERED_KEYS + 1)]
    acquire_slots(limiter, time, *channels)
    assert acquire_slots(limiter, time, channels[0]) == [1]


def test_an_idle_acquire_waits_until_no_slot_is_reserved() -> None:
    limiter = RateLimiter(RateLimits(channel=20, workspace=100))
    order = list[str]()

    async def acquire_slot(name: str, slot: Awaitable[None]) -> None:
        await slot
        order.append(name)

    async def run() -> None:
        urgent = [Channel("slack", f"c{number}", "T1") for number in range(5)]
        async with asyncio.TaskGroup() as group:
            group.create_task(acquire_slot("first", limiter.acquire(A)))
            group.create_task(acquire_slot("edit", limiter.acquire_idle(A)))
            for channel in urgent:
                group.create_task(acquire_slot("urgent", limiter.acquire(channel)))

    asyncio.run(run())
    assert order == ["first", *["urgent"] * 5, "edit"]
    limiter, time = a_limiter(RateLimits(channel=1))
    asyncio.run(limiter.acquire_idle(A))
    assert acquire_slots(limiter, time, A) == [1]


def acquire_history(limiter: RateLimiter, *max_waits: float, channel: Channel = A) -> list[bool]:
    async def run() -> list[bool]:
        return [await limiter.acquire_history(channel, max_wait=max_wait) for max_wait in max_waits]

    return asyncio.run(run())


def test_the_history_of_a_workspace_is_asked_so_often_in_a_minute() -> None:
    limiter, time = a_limiter(RateLimits(history=2))
    assert acquire_history(limiter, 0, 0, 59, 60, 0) == [True, True, False, True, True]
    assert time.slept == [60]
    assert acquire_history(limiter, 0, channel=C) == [True]


def test_a_platform_without_a_limit_of_its_history_may_always_be_asked() -> None:
    limiter, time = a_limiter(RateLimits(channel=1))
    limiter.restrict_history(A, 50)
    assert acquire_history(limiter, *[0] * 99) == [True] * 99
    assert time.slept == []


def test_a_workspace_that_refused_a_history_request_gets_one_a_minute_for_an_hour() -> None:
    limiter, time = a_limiter(RateLimits(history=40))
    assert acquire_history(limiter, 0, 0) == [True, True]
    limiter.restrict_history(A, 45)
    assert acquire_history(limiter, 44, 45, 59, 60) == [False, True, False, True]
    assert time.slept == [45, 60]
    time.now += 3600
    assert acquire_history(limiter, 0, 0, 0) == [True] * 3


def test_processes_share_the_history_requests_of_a_workspace() -> None:
    limiter, _ = a_limiter(RateLimits(history=4))
    limiter.set_peers([("T1", "b")])
    assert acquire_history(limiter, 0, 0, 59) == [True, True, False]
    limiter.restrict_history(A, 0)
    assert acquire_history(limiter, 0, 119, 120) == [True, False, True]


def test_the_history_requests_of_few_workspaces_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.delivery.rate_limit.MAX_REMEMBERED_KEYS", 9)
    limiter, time = a_limiter(RateLimits(history=1))
    for number in range(9):
        acquire_history(limiter, 0, channel=Channel("slack", "A", f"T{number}"))
    time.now += 3601
    acquire_history(limiter, 0)
    assert len(limiter._history_times) == 1
