"""What is done to the bot, and what is to come of it all the same: every page once, in its order."""

import asyncio
import itertools
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from datetime import time as hour
from functools import partial
from random import Random

from digests.model import Schedule
from digests.ports import PageState
from tests.fire.chat import Trouble
from tests.fire.child import Disk
from tests.fire.strikes import Blow, Side, Strike
from tests.fire.world import DAILY, NOON, SECOND, Place, Tally, World, world

FAST = 10.0
"""A clock at this rate makes a minute's wait six seconds, and leaves a lease longer than a time-out."""

AFTER_ANY_LEASE = timedelta(minutes=5)
"""Longer than a lease, and than Discord remembers a nonce: then the history alone tells what was posted."""

# The process dies.


async def killed_at_every_await(place: Place, side: Side, *, step: int = 1, most: int = 999) -> Tally:
    """Each delivery dies at its next await, until one has no more; whoever comes next finishes it."""
    async with world(place) as here:
        papers = here.bring(here.clock().date())
        here.populate()
        for number in itertools.islice(itertools.count(1, step), most):
            if not await _struck(here, papers, [Strike(Blow.KILL, side, number)]):
                break
        return here.tally()


async def killed_in_recovery(place: Place, side: Side, *, step: int = 1, most: int = 999) -> Tally:
    """A delivery dies while a page is on its way, and the one that follows it dies at its next await, until none is left."""
    async with world(place) as here:
        papers = here.bring(here.clock().date())
        here.populate()
        on_the_way = await _awaits_on_the_way(here, papers)
        for first in on_the_way:
            for number in itertools.islice(itertools.count(1, step), most):
                if not await _struck(here, papers, [first, Strike(Blow.KILL, side, number)]):
                    break
        return here.tally()


async def _awaits_on_the_way(here: World, papers: list[str]) -> list[Strike]:
    """Where a kill leaves the second page marked as on its way: once before it is there, once after."""
    found: dict[int, Strike] = {}
    for side, number in itertools.product(Side, range(5, 9)):
        strike = Strike(Blow.KILL, side, number)
        channel = here.subscribe(papers, strikes=[strike])
        await here.struck(channel, f"it dies: {strike}")
        await here.replace_the_dead()
        (delivery,) = here.deliveries(channel)
        if [page.state for page in delivery.pages[:2]] == [PageState.POSTED, PageState.POSTING]:
            found.setdefault(len(here.chat.pages(channel)), strike)
        here.clock.jump(AFTER_ANY_LEASE)
        await here.finish(channel, f"the rest after {strike}")
    return list(found.values())


async def _struck(here: World, papers: list[str], strikes: Sequence[Strike]) -> bool:
    """Whether every strike hit a delivery to a new channel; what is left of it is finished in any case."""
    channel = here.subscribe(papers, strikes=strikes)
    name = channel.channel
    for left in range(len(strikes) - 1, -1, -1):
        await here.struck(channel, str(strikes), left=left)
        if len(here.strikes.left(name)) > left:
            here.strikes.withdraw(name)
            return False
        await here.replace_the_dead()
        here.clock.jump(AFTER_ANY_LEASE)
    await here.finish(channel, f"the rest after {strikes}")
    return True


async def killed_at_random(place: Place, random: Random, *, kills: int = 50) -> Tally:
    """At any moment of a life: in its start, in a transaction, in a post, while it takes over from another."""
    async with world(place, rate=FAST if place.replicas > 1 else 1) as here:
        papers = here.bring(here.clock().date())
        here.chat.slow_down(latency=0.01)
        here.populate()
        for _ in range(kills):
            if all(map(here.finished, here.due)):
                here.subscribe_all(papers, 8)
            await asyncio.sleep(random.uniform(0.02, 0.9 / place.replicas))
            random.choice(here.alive()).signal(signal.SIGKILL)
            await here.replace_the_dead()
            if place.replicas == 1:
                here.clock.jump(AFTER_ANY_LEASE)
        await here.all_finished()
        return here.tally()


# The process stops, and goes on.


async def stopped_past_its_lease(place: Place, side: Side, *, step: int = 1, most: int = 999) -> Tally:
    """One of several processes stops at each await in turn, another takes over, and the first one wakes up again."""
    async with world(place, time_out=SECOND) as here:
        papers = here.bring(here.clock().date())
        here.populate(max(place.replicas, 2))
        for number in itertools.islice(itertools.count(1, step), most):
            channel = here.subscribe(papers, strikes=[Strike(Blow.STOP, side, number)])
            await here.struck(channel, f"stop {number}")
            if here.strikes.left(channel.channel):
                here.strikes.withdraw(channel.channel)
                break
            here.clock.jump(AFTER_ANY_LEASE)
            # A lease is longer than a time-out; nobody else can finish when it was stopped with a lock in its hand.
            woken = asyncio.create_task(asyncio.sleep(1.2))
            await here.within(3, partial(here.finished, channel))
            await woken
            here.wake_all()
            await here.finish(channel, f"the rest after stop {number}")
        await here.some_ticks()
        tally = here.tally()
        tally.kills = len(here.due) - 1
        return tally


# The platform fails.


async def storm(
    place: Place,
    random: Random,
    chances: Mapping[Trouble, float],
    *,
    channels: int = 24,
    seconds: float = 4.0,
    history_lag: float = 0.0,
    kills: int = 0,
) -> Tally:
    """Many channels at once, people who talk in them, and so many of a hundred calls that go wrong for some seconds."""
    async with world(place, rate=FAST) as here:
        papers = here.bring(here.clock().date())
        here.chat.weather(chances, random)
        here.chat.slow_down(latency=0.005, history_lag=history_lag, slowness=2.5)
        here.subscribe_all(papers, channels)
        here.populate()
        async with _talk(here):
            for _ in range(kills):
                await asyncio.sleep(random.uniform(0.05, 0.6))
                random.choice(here.alive()).signal(signal.SIGKILL)
                await here.replace_the_dead()
            await asyncio.sleep(seconds)
            here.chat.weather({}, random)
            await here.all_finished()
        return here.tally()


@asynccontextmanager
async def _talk(here: World) -> AsyncIterator[None]:
    async def talk() -> None:
        for _ in range(60):  # As much as leaves our pages within what is looked through.
            for channel in here.due:
                here.chat.chatter(channel)
            await asyncio.sleep(0.25)

    talking = asyncio.create_task(talk())
    try:
        yield
    finally:
        talking.cancel()


# The clock.


async def clock_forward_two_days(place: Place, *, channels: int = 6) -> Tally:
    """The missed edition in between is not sent; the newest one is, once."""
    async with world(place) as here:
        await _had_one_digest(here, channels)
        _come(here, here.clock() + timedelta(days=2))
        await here.all_finished()
        await here.some_ticks()
        return here.tally()


async def clock_back_an_hour(place: Place, *, channels: int = 6) -> Tally:
    """From after midnight to before it, in the middle of a digest; then midnight comes again."""
    async with world(place, now=NOON - timedelta(days=1)) as here:
        await _had_one_digest(here, channels)
        here.chat.slow_down(latency=0.1)
        before = {channel: len(here.chat.pages(channel)) for channel in here.due}
        _come(here, NOON.replace(hour=0, minute=20))
        await here.until(
            lambda: any(len(here.chat.pages(channel)) > most for channel, most in before.items()),
            "the first page after midnight",
        )
        here.clock.jump(-timedelta(hours=1))
        for _ in range(12):
            await here.some_ticks()
            here.clock.jump(timedelta(minutes=10))
        await here.all_finished()
        return here.tally()


async def _had_one_digest(here: World, channels: int) -> None:
    """So many channels, none of which is new."""
    here.subscribe_all(here.bring(here.clock().date()), channels)
    here.populate()
    await here.all_finished()


def _come(here: World, instant: datetime) -> None:
    """The clock is set to an instant of another day, which has its own papers."""
    papers = here.bring(instant.date())
    here.clock.set(instant)
    for editions in here.due.values():
        editions[instant.date()] = papers


async def killed_with_a_wrong_clock(place: Place, *, by: timedelta) -> Tally:
    """Our clock goes wrong, the platform's does not; what was on its way at the kill is found all the same."""
    async with world(place, chat_clock_of_its_own=True) as here:
        here.clock.jump(by)
        papers = here.bring(here.clock().date())
        here.populate()
        for side, number in itertools.product(Side, range(4, 8)):
            await _struck(here, papers, [Strike(Blow.KILL, side, number)])
        return here.tally()


async def asleep_over_its_hour(place: Place, *, channels: int = 6) -> Tally:
    """The machine sleeps at 23:00 and wakes at 09:00."""
    async with world(place, now=NOON.replace(hour=23)) as here:
        morning = here.clock() + timedelta(hours=10)
        papers = here.bring(here.clock().date())
        here.subscribe_all([], channels, since=timedelta(0))
        here.populate()
        await here.some_ticks()
        for life in here.lives:
            life.signal(signal.SIGSTOP)
        here.clock.set(morning)
        await asyncio.sleep(0.2)
        here.wake_all()
        for editions in here.due.values():
            editions[morning.date()] = papers
        await here.all_finished()
        await here.some_ticks()
        return here.tally()


NIGHTS = {
    "Europe/Berlin": (date(2027, 3, 28), hour(2, 30)),
    "America/New_York": (date(2026, 11, 1), hour(1, 30)),
    "Australia/Lord_Howe": (date(2026, 10, 4), hour(2, 15)),
    "Africa/Cairo": (date(2027, 4, 30), hour(0, 15)),
    "America/Santiago": (date(2027, 4, 4), hour(0, 0)),
}
"""Nights in which the clocks change, and an hour that is skipped or comes twice in them."""


async def clock_changes(place: Place) -> Tally:
    """Through the nights in which clocks change, in steps of twenty minutes: each local date has one edition."""
    nights = [
        _through(
            place,
            Schedule(at, DAILY, zone),
            datetime.combine(day, hour(12), UTC) - timedelta(days=1),
            [day],
            [timedelta(minutes=20)] * 72,
        )
        for zone, (day, at) in NIGHTS.items()
    ]
    return sum(await asyncio.gather(*nights), Tally())


async def leap_day(place: Place) -> Tally:
    """From 28 February to 1 March 2028, in steps of three hours."""
    days = [date(2028, 2, 28), date(2028, 2, 29), date(2028, 3, 1)]
    start = datetime(2028, 2, 27, 12, tzinfo=UTC)
    return await _through(place, Schedule(hour(9), DAILY, "UTC"), start, days, [timedelta(hours=3)] * 24)


async def _through(
    place: Place, schedule: Schedule, start: datetime, days: Sequence[date], steps: Sequence[timedelta]
) -> Tally:
    async with world(place, now=start) as here:
        channel = here.subscribe([], schedule=schedule, since=timedelta(0))
        here.populate()
        left = list(days)
        for step in steps:
            if left and here.clock().date() >= left[0] - timedelta(days=1) and here.finished(channel):
                day = left.pop(0)
                here.due[channel][day] = here.bring(day)
            here.clock.jump(step)
            await here.a_tick()
        await here.all_finished()
        return here.tally()


# The database.


async def database_locked(
    place: Place, *, seconds: float = 3.0, busy: float = 0.5, channels: int = 8
) -> Tally:
    """Another process holds the lock, for longer than it is waited for, while digests go out."""
    async with world(place, rate=FAST) as here:
        here.busy = busy
        await _troubled(here, channels)
        with here.base.locked():
            await asyncio.sleep(seconds)
        await here.all_finished()
        return here.tally()


async def disk_fails(place: Place, disk: Disk, *, seconds: float = 2.0, channels: int = 8) -> Tally:
    """Nothing can be written for a while, in the middle of digests."""
    async with world(place, rate=FAST) as here:
        await _troubled(here, channels)
        here.set_disk(disk)
        await asyncio.sleep(seconds)
        here.set_disk(Disk.WELL)
        await here.all_finished()
        return here.tally()


async def postgres_crashes(place: Place, *, times: int = 3, channels: int = 12) -> Tally:
    """It loses a process to kill -9 while digests go out, and every connection with it."""
    async with world(place, rate=FAST, own_server=True) as here:
        await _troubled(here, channels)
        for _ in range(times):
            await asyncio.to_thread(here.base.crash)
            await asyncio.sleep(1)
        await here.all_finished()
        return here.tally()


async def network_is_cut(place: Place, *, seconds: float = 3.0, channels: int = 12) -> Tally:
    """Between the processes and PostgreSQL: first every connection ends, then nothing arrives and nobody is told."""
    async with world(place, rate=FAST, over_wire=True) as here:
        await _troubled(here, channels)
        assert here.base.wire
        for trouble in (here.base.wire.cut, here.base.wire.swallow):
            trouble()
            await asyncio.sleep(seconds)
            here.base.wire.mend()
            await asyncio.sleep(0.5)
        await here.all_finished()
        return here.tally()


async def _troubled(here: World, channels: int) -> None:
    """Digests to so many channels, the first of which has begun."""
    papers = here.bring(here.clock().date())
    here.chat.slow_down(latency=0.05)
    here.subscribe_all(papers, channels)
    here.populate()
    await here.until(lambda: any(map(here.chat.pages, here.due)), "the first page")


# Poison.

POISON = {
    "domains": "not json",
    "style": "origami",
    "time_zone": "Mars/Phobos",
    "at": "tea time",
    "days": "[]",
    "keywords": "{",
}
"""Columns of a subscription, and what somebody's hand wrote into them."""


async def poison(place: Place, *, channels: int = 6) -> Tally:
    """Channels that are gone, and some whose settings cannot be read: all others have their digest."""
    async with world(place) as here:
        papers = here.bring(here.clock().date())
        gone = here.subscribe(papers)
        here.chat.close(gone)
        for column, value in POISON.items():
            here.write_by_hand(here.subscribe(papers), column, value)
        bad = list(here.due)
        here.subscribe_all(papers, channels)
        for channel in bad:
            del here.due[channel]
        here.populate()
        await here.all_finished()
        await here.some_ticks()
        return here.tally()
