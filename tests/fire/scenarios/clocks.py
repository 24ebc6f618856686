"""The clock jumps, stands still, is wrong, or goes by a calendar with surprises."""

import asyncio
import itertools
import signal
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from datetime import time as hour
from functools import partial
from random import Random

from digests.model import Channel, Schedule
from digests.schedule import due_at
from tests.fire.scenarios.deaths import struck
from tests.fire.strikes import Blow, Side, Strike
from tests.fire.world import DAILY, FAST, NOON, OVER, SECOND, Place, Tally, World, world


async def clock_forward_two_days(place: Place, *, channels: int = 6) -> Tally:
    """The missed edition in between is not sent; the newest one is, once."""
    async with world(place) as here:
        await _had_one_digest(here, channels)
        _come(here, here.clock() + timedelta(days=2))
        await here.all_finished()
        await here.some_ticks()
        return here.tally()


async def two_days_pass_in_a_digest(
    place: Place, *, channels: int = 6, latency: float = 0.1, dead: bool = False
) -> Tally:
    """When every channel has its first page, the clock jumps, or with `dead` nobody runs for so long. What has begun is
    finished, then the newest edition comes; the one in between does not."""
    async with world(place) as here:
        here.chat.slow_down(latency=latency)
        here.subscribe_all(here.bring(here.clock().date()), channels)
        here.populate()
        await here.until(lambda: all(map(here.chat.pages, here.due)), "every first page")
        begun = here.unfinished()
        if dead:
            await here.kill_all()
        _come(here, here.clock() + timedelta(days=2))
        if dead:
            here.populate()
        assert begun, "every digest was finished before the clock jumped: nothing was tried"
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
        await here.heard("the clock went back")
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
    async with world(place, time_out=SECOND, chat_clock_of_its_own=True) as here:
        here.clock.jump(by)
        papers = here.bring(here.clock().date())
        here.populate()
        for side, number in itertools.product(Side, range(4, 8)):
            await struck(here, papers, [Strike(Blow.KILL, side, number)])
        return here.tally()


async def clocks_differ(
    place: Place, random: Random, *, apart: timedelta, channels: int = 12, kills: int = 10
) -> Tally:
    """It is midnight for one process before it is for the others, and leases end earlier for it; some die in posts."""
    eve = NOON.replace(hour=23, minute=59, second=30)
    async with world(place, now=eve, rate=FAST, apart=apart) as here:
        papers = here.bring(eve.date())
        here.chat.slow_down(latency=0.1)
        here.subscribe_all([], channels, since=timedelta(0))
        for editions in here.due.values():
            editions[eve.date() + timedelta(days=1)] = papers
        here.populate()
        await here.until(lambda: any(map(here.chat.pages, here.due)), "the first page")
        for _ in range(kills):
            await asyncio.sleep(random.uniform(0.1, 0.8))
            random.choice(here.alive()).signal(signal.SIGKILL)
            await here.replace_the_dead()
        await here.all_finished()
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


def _all_over(here: World, channel: Channel, schedule: Schedule) -> bool:
    """Whether every edition whose hour has come is over."""
    standing, now = here.base.standing(), here.clock()
    due = [day for day in here.due[channel] if due_at(schedule, day) <= now]
    return all(standing.get((channel.channel, day), (None, None))[0] in OVER for day in due)


async def _through(
    place: Place, schedule: Schedule, start: datetime, days: Sequence[date], steps: Sequence[timedelta]
) -> Tally:
    async with world(place, now=start) as here:
        channel = here.subscribe([], schedule=schedule, since=timedelta(0))
        here.populate()
        await here.heard("gets its digest at")
        left = list(days)
        for step in steps:
            if left and here.clock().date() >= left[0] - timedelta(days=1) and here.finished(channel):
                day = left.pop(0)
                here.due[channel][day] = here.bring(day)
            here.clock.jump(step)
            await here.a_tick()
            await here.within(
                20, partial(_all_over, here, channel, schedule)
            )  # A slow machine is to lose no day.
        await here.all_finished()
        return here.tally()
