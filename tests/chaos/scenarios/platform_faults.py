"""Failures of the platform."""

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from random import Random

from tests.chaos.chat import ChatFault
from tests.chaos.world import FAST_RATE, LATE_COMMIT, LONG_LEASE, Cluster, Deployment, Tally, start_cluster


async def fail_calls_at_random(
    deployment: Deployment,
    random: Random,
    rates: Mapping[ChatFault, float],
    *,
    channels: int = 24,
    seconds: float = 4.0,
    history_lag: float = 0.0,
    kills: int = 0,
) -> Tally:
    """Deliver to many channels with people's messages, while a share of the calls fails."""
    async with start_cluster(
        deployment, rate=FAST_RATE, lease=LONG_LEASE, absence_wait=LATE_COMMIT
    ) as cluster:
        papers = cluster.add_papers(cluster.clock().date())
        cluster.chat.set_fault_rates(rates, random)
        cluster.chat.slow_down(latency=0.005, history_lag=history_lag, late_seconds=2.5)
        cluster.subscribe_channels(papers, channels)
        cluster.spawn_workers()
        async with _talk_in_channels(cluster):
            for _ in range(kills):
                await asyncio.sleep(random.uniform(0.05, 0.6))
                random.choice(cluster.list_live_workers()).send_signal(signal.SIGKILL)
                await cluster.replace_dead_workers()
            await asyncio.sleep(seconds)
            cluster.chat.set_fault_rates({}, random)
            await cluster.wait_until_all_finished()
        return cluster.tally_pages()


async def fail_every_call(deployment: Deployment, random: Random, *, channels: int = 12) -> Tally:
    """Fail every call for three hours, some after their effect: more often than the minimum of attempts.

    The digests of that day are posted all the same.
    """
    async with start_cluster(deployment, rate=FAST_RATE, attempts=6) as cluster:
        papers = cluster.add_papers(cluster.clock().date())
        cluster.chat.set_fault_rates({ChatFault.SERVER_ERROR: 80, ChatFault.DROP_AFTER: 20}, random)
        cluster.subscribe_channels(papers, channels)
        cluster.spawn_workers()
        for _ in range(12):
            # A jump in the middle of a try would take its lease away, as if its process had died over it.
            await cluster.wait_until(cluster.is_waiting_for_retries, "every channel waits for its next try")
            cluster.clock.jump(timedelta(minutes=15))
            await cluster.wait_some_ticks()
        cluster.chat.set_fault_rates({}, random)
        await cluster.wait_until_all_finished()
        return cluster.tally_pages()


@asynccontextmanager
async def _talk_in_channels(cluster: Cluster) -> AsyncIterator[None]:
    async def write_messages() -> None:
        for _ in range(60):  # As much as leaves our pages within what is looked through.
            for channel in cluster.expected_papers:
                cluster.chat.write_message(channel)
            await asyncio.sleep(0.25)

    task = asyncio.create_task(write_messages())
    try:
        yield
    finally:
        task.cancel()
