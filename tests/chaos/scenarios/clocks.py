"""Faults of the clock: it jumps, stands still, is wrong, or follows a calendar with surprises."""

import asyncio
import itertools
import signal
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from datetime import time as hour
from functools import partial
from random import Random

from digests.schedule import due_at
from digests.subscription import Channel, Schedule
from tests.chaos.faults import Fault, PlannedFault, Side
from tests.chaos.scenarios.crashes import run_with_faults
from tests.chaos.world import (
    DAILY,
    FAST_RATE,
    FINISHED_STATES,
    NOON,
    SECOND,
    Cluster,
    Deployment,
    Tally,
    start_cluster,
)


async def jump_forward_two_days(deployment: Deployment, *, channels: int = 6) -> Tally:
    """The missed edition in between is not posted; the newest one is, once."""
    async with start_cluster(deployment) as cluster:
        await _deliver_one_digest(cluster, channels)
        _jump_to(cluster, cluster.clock() + timedelta(days=2))
        await cluster.wait_until_all_finished()
        await cluster.wait_some_ticks()
        return cluster.tally_pages()


async def pass_two_days_in_digest(
    deployment: Deployment, *, channels: int = 6, latency: float = 0.1, with_dead_workers: bool = False
) -> Tally:
    """Move the clock once every channel has its first page; `with_dead_workers`, no worker runs meanwhile.

    Editions in progress are finished, then the newest one is posted; the one in between is not.
    """
    async with start_cluster(deployment) as cluster:
        cluster.chat.slow_down(latency=latency)
        cluster.subscribe_channels(cluster.add_papers(cluster.clock().date()), channels)
        cluster.spawn_workers()
        await cluster.wait_until(
            lambda: all(map(cluster.chat.pages_in, cluster.expected_papers)), "every first page"
        )
        unfinished = cluster.list_unfinished()
        if with_dead_workers:
            await cluster.kill_workers()
        _jump_to(cluster, cluster.clock() + timedelta(days=2))
        if with_dead_workers:
            cluster.spawn_workers()
        assert unfinished, "every digest was finished before the clock jumped: nothing was tried"
        await cluster.wait_until_all_finished()
        await cluster.wait_some_ticks()
        return cluster.tally_pages()


async def jump_back_an_hour(deployment: Deployment, *, channels: int = 6) -> Tally:
    """Set the clock from after midnight to before it, in the middle of a digest; midnight comes twice."""
    async with start_cluster(deployment, now=NOON - timedelta(days=1)) as cluster:
        await _deliver_one_digest(cluster, channels)
        cluster.chat.slow_down(latency=0.1)
        before = {channel: len(cluster.chat.pages_in(channel)) for channel in cluster.expected_papers}
        _jump_to(cluster, NOON.replace(hour=0, minute=20))
        await cluster.wait_until(
            lambda: any(len(cluster.chat.pages_in(channel)) > most for channel, most in before.items()),
            "the first page after midnight",
        )
        cluster.clock.jump(-timedelta(hours=1))
        await cluster.wait_for_log("the clock went back")
        for _ in range(12):
            await cluster.wait_some_ticks()
            cluster.clock.jump(timedelta(minutes=10))
        await cluster.wait_until_all_finished()
        return cluster.tally_pages()


async def _deliver_one_digest(cluster: Cluster, channels: int) -> None:
    """Subscribe channels that are not new."""
    cluster.subscribe_channels(cluster.add_papers(cluster.clock().date()), channels)
    cluster.spawn_workers()
    await cluster.wait_until_all_finished()


def _jump_to(cluster: Cluster, instant: datetime) -> None:
    """Set the clock to another day, which has its own papers."""
    papers = cluster.add_papers(instant.date())
    cluster.clock.set(instant)
    for editions in cluster.expected_papers.values():
        editions[instant.date()] = papers


async def kill_with_wrong_clock(deployment: Deployment, *, by: timedelta) -> Tally:
    """Give our clock, not the platform's, a wrong time; a page in doubt at the kill is still found."""
    async with start_cluster(deployment, timeout=SECOND, has_own_chat_clock=True) as cluster:
        cluster.clock.jump(by)
        papers = cluster.add_papers(cluster.clock().date())
        cluster.spawn_workers()
        for side, number in itertools.product(Side, range(4, 8)):
            await run_with_faults(cluster, papers, [PlannedFault(Fault.KILL, side, number)])
        return cluster.tally_pages()


async def run_with_clock_skew(
    deployment: Deployment, random: Random, *, clock_spread: timedelta, channels: int = 12, kills: int = 10
) -> Tally:
    """Give workers different clocks: midnight and the ends of leases differ; some are killed in posts."""
    eve = NOON.replace(hour=23, minute=59, second=30)
    # The clock stands still until every channel is subscribed, or on a slow machine some miss midnight.
    async with start_cluster(deployment, now=eve, rate=0, clock_spread=clock_spread) as cluster:
        papers = cluster.add_papers(eve.date())
        cluster.chat.slow_down(latency=0.1)
        cluster.subscribe_channels([], channels, since=timedelta(0))
        for editions in cluster.expected_papers.values():
            editions[eve.date() + timedelta(days=1)] = papers
        cluster.clock.set(eve, FAST_RATE)
        cluster.spawn_workers()
        await cluster.wait_until(
            lambda: any(map(cluster.chat.pages_in, cluster.expected_papers)), "the first page"
        )
        for _ in range(kills):
            await asyncio.sleep(random.uniform(0.1, 0.8))
            random.choice(cluster.list_live_workers()).send_signal(signal.SIGKILL)
            await cluster.replace_dead_workers()
        await cluster.wait_until_all_finished()
        return cluster.tally_pages()


async def sleep_over_due_time(deployment: Deployment, *, channels: int = 6) -> Tally:
    """Suspend the machine at 23:00 and resume it at 09:00."""
    async with start_cluster(deployment, now=NOON.replace(hour=23)) as cluster:
        morning = cluster.clock() + timedelta(hours=10)
        papers = cluster.add_papers(cluster.clock().date())
        cluster.subscribe_channels([], channels, since=timedelta(0))
        cluster.spawn_workers()
        await cluster.wait_some_ticks()
        for life in cluster.workers:
            life.send_signal(signal.SIGSTOP)
        cluster.clock.set(morning)
        await asyncio.sleep(0.2)
        cluster.resume_workers()
        for editions in cluster.expected_papers.values():
            editions[morning.date()] = papers
        await cluster.wait_until_all_finished()
        await cluster.wait_some_ticks()
        return cluster.tally_pages()


NIGHTS = {
    "Europe/Berlin": (date(2027, 3, 28), hour(2, 30)),
    "America/New_York": (date(2026, 11, 1), hour(1, 30)),
    "Australia/Lord_Howe": (date(2026, 10, 4), hour(2, 15)),
    "Africa/Cairo": (date(2027, 4, 30), hour(0, 15)),
    "America/Santiago": (date(2027, 4, 4), hour(0, 0)),
}
"""Nights of clock changes, with an hour that is skipped or occurs twice."""


async def run_through_clock_changes(deployment: Deployment) -> Tally:
    """Run through clock changes in steps of twenty minutes: each local date has one edition."""
    nights = [
        _run_through(
            deployment,
            Schedule(at, DAILY, zone),
            datetime.combine(day, hour(12), UTC) - timedelta(days=1),
            [day],
            [timedelta(minutes=20)] * 72,
        )
        for zone, (day, at) in NIGHTS.items()
    ]
    return sum(await asyncio.gather(*nights), Tally())


async def run_through_leap_day(deployment: Deployment) -> Tally:
    """From 28 February to 1 March 2028, in steps of three hours."""
    days = [date(2028, 2, 28), date(2028, 2, 29), date(2028, 3, 1)]
    start = datetime(2028, 2, 27, 12, tzinfo=UTC)
    return await _run_through(
        deployment, Schedule(hour(9), DAILY, "UTC"), start, days, [timedelta(hours=3)] * 24
    )


def _has_due_editions(cluster: Cluster, channel: Channel, schedule: Schedule) -> bool:
    """Return True when every due edition is finished."""
    edition_states, now = cluster.database.read_edition_states(), cluster.clock()
    due = [day for day in cluster.expected_papers[channel] if due_at(schedule, day) <= now]
    return all(edition_states.get((channel.channel, day), (None, None))[0] in FINISHED_STATES for day in due)


async def _run_through(
    deployment: Deployment,
    schedule: Schedule,
    start: datetime,
    days: Sequence[date],
    steps: Sequence[timedelta],
) -> Tally:
    async with start_cluster(deployment, now=start) as cluster:
        channel = cluster.subscribe_channel([], schedule=schedule, since=timedelta(0))
        cluster.spawn_workers()
        await cluster.wait_for_log("gets its digest at")
        left = list(days)
        for step in steps:
            if (
                left
                and cluster.clock().date() >= left[0] - timedelta(days=1)
                and cluster.is_finished(channel)
            ):
                day = left.pop(0)
                cluster.expected_papers[channel][day] = cluster.add_papers(day)
            cluster.clock.jump(step)
            await cluster.wait_one_tick()
            await cluster.wait_at_most(
                20, partial(_has_due_editions, cluster, channel, schedule)
            )  # A slow machine is to lose no day.
        await cluster.wait_until_all_finished()
        return cluster.tally_pages()
