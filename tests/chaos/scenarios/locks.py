"""Locks of workers: one that looks free while its worker lives, or is paused; and the time after a kill."""

import asyncio
import signal
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from random import Random

from bot.delivery.context import DeliveryPolicy
from bot.services import HISTORY_LAG
from digests.subscription import Channel
from tests.chaos.chat import ChatFault
from tests.chaos.scenarios.crashes import keep_busy
from tests.chaos.world import (
    LATE_COMMIT,
    LONG_LEASE,
    Cluster,
    Deployment,
    Tally,
    start_cluster,
)


async def free_locks_of_live_workers(
    deployment: Deployment, random: Random, rates: Mapping[ChatFault, float], *, rounds: int = 12
) -> Tally:
    """Free the locks of workers that live; every other time one of them is paused meanwhile.

    Others take its deliveries over in the middle of its requests, some of which arrive late. The history
    shows every message late.
    """
    async with start_cluster(deployment, lease=LONG_LEASE, absence_wait=LATE_COMMIT) as cluster:
        papers = cluster.add_papers(cluster.clock().date())
        cluster.chat.set_fault_rates(rates, random)
        cluster.chat.slow_down(latency=0.05, history_lag=2, late_seconds=2.5)
        cluster.spawn_workers(max(deployment.replicas, 2))
        for number in range(rounds):
            keep_busy(cluster, papers)
            await asyncio.sleep(random.uniform(0.05, 0.4))
            paused = random.choice(cluster.list_live_workers())
            if number % 2:
                paused.send_signal(signal.SIGSTOP)
            cluster.database.free_worker_locks()
            await asyncio.sleep(random.uniform(0.2, 2.5))
            paused.send_signal(signal.SIGCONT)
        cluster.chat.set_fault_rates({}, random)
        await cluster.wait_until_all_finished()
        await cluster.wait_some_ticks()
        tally = cluster.tally_pages()
        tally.kills = rounds
        return tally


FOUND_LIMIT, ABSENT_LIMIT = 10.0, 90.0
"""Aims in seconds: for a digest without a page in doubt or whose page is found; with an absent page."""
GIVE_UP_SECONDS = 200.0


@dataclass(slots=True)
class RecoveryTimes:
    """Real seconds until each digest was complete, counted from the restart, or from the first lost answer.

    `found` has those without a page in doubt and those whose page had arrived, `absent` the others.
    """

    found: list[float] = field(default_factory=list)
    absent: list[float] = field(default_factory=list)

    def describe(self) -> str:
        """Return the shares within the aims, and the longest times."""
        return "; ".join(
            f"{sum(one <= limit for one in times)} of {len(times)} in {limit:.0f} s, max {max(times):.1f} s"
            for times, limit in self._list_limits()
            if times
        )

    def _list_limits(self) -> list[tuple[list[float], float]]:
        return [(self.found, FOUND_LIMIT), (self.absent, ABSENT_LIMIT)]


async def recover_from_kill(
    deployment: Deployment, *, channels: int = 16, times: RecoveryTimes | None = None
) -> Tally:
    """Kill every worker in the middle of many digests, and start them again.

    Some have a page that arrived and was not confirmed, some one that never arrives, and some neither. The
    clock, the lease, the waits and the time-outs are those of a real installation.
    """
    times = times or RecoveryTimes()
    async with _start_real_cluster(deployment) as cluster:
        cluster.chat.slow_down(latency=0.5)
        papers = cluster.add_papers(cluster.clock().date())
        cluster.subscribe_channels(papers, channels)
        cluster.spawn_workers()
        await cluster.wait_until(
            lambda: all(map(cluster.chat.pages_in, cluster.expected_papers)), "every first page"
        )
        for channel in list(cluster.expected_papers)[::3]:
            cluster.chat.hang_next_post(channel)
        await asyncio.sleep(0.8)
        await cluster.kill_workers()
        _, absent = cluster.find_channels_in_doubt()
        unfinished = cluster.list_unfinished()
        assert unfinished, "every digest was finished before the kill: nothing was tried"
        cluster.chat.slow_down(latency=0.05)
        started_at = time.monotonic()
        cluster.spawn_workers()
        await _measure(cluster, unfinished, absent, started_at, times)
        return _tally_with_times(cluster, times)


async def recover_from_lost_answers(
    deployment: Deployment, *, channels: int = 12, times: RecoveryTimes | None = None
) -> Tally:
    """Lose one answer in each digest: of a message that arrived, and in every third of one that did not."""
    times = times or RecoveryTimes()
    async with _start_real_cluster(deployment) as cluster:
        papers = cluster.add_papers(cluster.clock().date())
        cluster.subscribe_channels(papers, channels)
        absent = set(list(cluster.expected_papers)[::3])
        for channel in cluster.expected_papers:
            cluster.chat.lose_next_answer(channel, is_posted=channel not in absent)
        cluster.spawn_workers()
        await cluster.wait_for_log("may have arrived")
        await _measure(cluster, list(cluster.expected_papers), absent, time.monotonic(), times)
        return _tally_with_times(cluster, times)


def _start_real_cluster(deployment: Deployment) -> AbstractAsyncContextManager[Cluster]:
    policy = DeliveryPolicy()
    return start_cluster(
        deployment,
        timeout=policy.timeout,
        lease=policy.lease,
        absence_wait=policy.absence_wait,
        history_lag=HISTORY_LAG,
        tick_seconds=60,
    )


async def _measure(
    cluster: Cluster,
    unfinished: Sequence[Channel],
    absent: Collection[Channel],
    started_at: float,
    times: RecoveryTimes,
) -> None:
    """Record when each digest is complete."""
    left = list(unfinished)
    while left and time.monotonic() - started_at < GIVE_UP_SECONDS:
        await asyncio.sleep(0.2)
        still_left = await asyncio.to_thread(cluster.list_unfinished, left)
        for channel in set(left) - set(still_left):
            group = times.absent if channel in absent else times.found
            group.append(time.monotonic() - started_at)
        left = still_left
    await cluster.wait_until(lambda: not left, "every digest is complete")


def _tally_with_times(cluster: Cluster, times: RecoveryTimes) -> Tally:
    """Return the tally, with the times as a note: on a busy machine they say little."""
    tally = cluster.tally_pages()
    tally.notes.append(times.describe())
    return tally
