"""Pace: turns by channel, workspace and bot."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field

from bot.delivery.rate_limit import RateLimiter, RateLimits
from digests.subscription import Channel


@dataclass(slots=True)
class Time:
    """A clock that sleeping moves on: whoever sleeps is woken in order."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def a_pace(limits: RateLimits) -> tuple[RateLimiter, Time]:
    time = Time()
    return RateLimiter(limits, lambda: time.now, time.sleep), time


def turns(pace: RateLimiter, time: Time, *channels: Channel) -> list[float]:
    async def run() -> list[float]:
        at = []
        for channel in channels:
            await pace.acquire(channel)
            at.append(round(time.now, 3))
        return at

    return asyncio.run(run())


A, B, C = (Channel("slack", name, workspace) for name, workspace in (("A", "T1"), ("B", "T1"), ("C", "T2")))


def test_one_channel_gets_a_message_a_second() -> None:
    pace, time = a_pace(RateLimits(channel=1))
    assert turns(pace, time, A, A, A) == [0, 1, 2]


def test_channels_of_one_workspace_share_its_turns_and_others_have_their_own() -> None:
    pace, time = a_pace(RateLimits(channel=1, workspace=5))
    assert turns(pace, time, A, B, C) == [0, 0.2, 0.2]


def test_a_bot_has_its_own_limit_over_all() -> None:
    pace, time = a_pace(RateLimits(bot=50))
    assert turns(pace, time, A, B, C) == [0, 0.02, 0.04]


def test_processes_share_the_turns_of_a_workspace_and_of_a_bot_but_not_those_of_a_channel() -> None:
    pace, time = a_pace(RateLimits(channel=1, workspace=5))
    pace.set_peers([("T1", "b"), ("T1", "c"), ("T2", "b")])
    assert turns(pace, time, A, B, C) == [0, 0.6, 0.6]
    pace.set_peers([])
    assert turns(pace, time, A, B) == [1.2, 1.4], "alone again"
    pace, time = a_pace(RateLimits(bot=50))
    pace.set_peers([("T1", "b"), ("T9", "b"), ("T9", "c")])
    assert turns(pace, time, A, B, C) == [0, 0.06, 0.12]
    assert not RateLimiter(RateLimits(channel=1)).is_shared


def test_without_limits_nobody_waits() -> None:
    pace, time = a_pace(RateLimits())
    assert turns(pace, time, A, A, A) == [0, 0, 0]
    assert time.slept == []


def test_a_channel_that_waits_for_its_own_second_holds_no_place_of_its_workspace() -> None:
    async def run() -> list[str]:
        pace, order = RateLimiter(RateLimits(channel=20, workspace=1000)), []

        async def go(channel: Channel) -> None:
            await pace.acquire(channel)
            order.append(channel.channel)

        await pace.acquire(A)
        waiting = asyncio.create_task(go(A))
        await asyncio.sleep(0)
        await go(B)
        await waiting
        return order

    assert asyncio.run(run()) == ["B", "A"]


def test_turns_that_have_passed_are_forgotten() -> None:
    pace, time = a_pace(RateLimits(channel=1))

    async def run() -> None:
        for number in range(10_000):
            await pace.acquire(Channel("slack", f"C{number}"))
            time.now += 0.01

    asyncio.run(run())
    assert len(pace._next_slots) < 5000


def test_what_is_not_urgent_goes_out_when_nobody_waits_and_in_its_own_turn() -> None:
    pace = RateLimiter(RateLimits(channel=20, workspace=100))
    went = list[str]()

    async def out(name: str, turn: Awaitable[None]) -> None:
        await turn
        went.append(name)

    async def run() -> None:
        urgent = [Channel("slack", f"c{number}", "T1") for number in range(5)]
        async with asyncio.TaskGroup() as group:
            group.create_task(out("first", pace.acquire(A)))
            group.create_task(out("edit", pace.acquire_idle(A)))
            for channel in urgent:
                group.create_task(out("urgent", pace.acquire(channel)))

    asyncio.run(run())
    assert went == ["first", *["urgent"] * 5, "edit"]
    pace, time = a_pace(RateLimits(channel=1))
    asyncio.run(pace.acquire_idle(A))
    assert turns(pace, time, A) == [1]
