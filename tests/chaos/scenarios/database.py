"""Faults of the database: it is locked, rejects writes, stops, or cannot be reached."""

import asyncio
import itertools
from random import Random

from tests.chaos.base import DiskState
from tests.chaos.world import FAST_RATE, Cluster, Deployment, Tally, start_cluster


async def lock_database(
    deployment: Deployment, *, seconds: float = 3.0, busy_timeout: float = 0.5, channels: int = 8
) -> Tally:
    """Another process holds the lock longer than SQLite's busy timeout, in the middle of deliveries."""
    async with start_cluster(deployment, rate=FAST_RATE) as cluster:
        cluster.busy_timeout = busy_timeout
        await _start_digests(cluster, channels)
        with cluster.database.lock_tables():
            await asyncio.sleep(seconds)
        await cluster.wait_until_all_finished()
        return cluster.tally_pages()


async def lock_database_long(deployment: Deployment, *, seconds: float = 30.0, channels: int = 8) -> Tally:
    """Real time: the application's own busy timeout and clock apply."""
    async with start_cluster(deployment) as cluster:
        await _start_digests(cluster, channels)
        with cluster.database.lock_tables():
            await asyncio.sleep(seconds)
        await cluster.wait_until_all_finished()
        return cluster.tally_pages()


FULL_DISK_LOG_LINES = ["disk is full", "went away", "cannot be reached"]
"""The part that has room depends on what was written before."""
LOG_LINES_BY_STATE = {
    DiskState.READ_ONLY: ["is read-only"],
    DiskState.FULL: FULL_DISK_LOG_LINES,
    DiskState.FULL_WITH_WAL: FULL_DISK_LOG_LINES,
}


async def fail_disk(
    deployment: Deployment, state: DiskState, *, seconds: float = 2.0, channels: int = 8
) -> Tally:
    """Reject writes for a while, in the middle of deliveries."""
    several = deployment.store == "postgresql"
    full = state is not DiskState.READ_ONLY
    async with start_cluster(
        deployment, rate=FAST_RATE, has_own_server=several, has_small_disk=full
    ) as cluster:
        papers = await _start_digests(cluster, channels, latency=0.2)
        # A slow machine may be through with the first ones, and must have something to write when it fails.
        cluster.subscribe_channels(papers, channels)
        cluster.set_disk_state(state)
        await cluster.wait_for_log(*LOG_LINES_BY_STATE[state])
        await asyncio.sleep(seconds)
        cluster.set_disk_state(DiskState.HEALTHY)
        await cluster.wait_until_all_finished()
        return cluster.tally_pages()


async def crash_postgres(deployment: Deployment, *, times: int = 3, channels: int = 12) -> Tally:
    """Kill a process of PostgreSQL during deliveries, which ends every connection."""
    async with start_cluster(deployment, rate=FAST_RATE, has_own_server=True) as cluster:
        await _start_digests(cluster, channels)
        for _ in range(times):
            await asyncio.to_thread(cluster.database.crash_postgres)
            await asyncio.sleep(1)
        await cluster.wait_until_all_finished()
        return cluster.tally_pages()


async def restart_postgres(
    deployment: Deployment, random: Random, *, times: int = 4, channels: int = 12
) -> Tally:
    """Stop PostgreSQL during deliveries, in its fast and immediate mode in turn; start it seconds later."""
    async with start_cluster(deployment, rate=FAST_RATE, has_own_server=True) as cluster:
        papers = await _start_digests(cluster, channels)
        for mode, _ in zip(itertools.cycle(("fast", "immediate")), range(times), strict=False):
            await asyncio.to_thread(cluster.database.restart_postgres, mode, random.uniform(0.5, 2))
            cluster.subscribe_channels(papers, 4)
            await asyncio.sleep(random.uniform(0.2, 1))
        await cluster.wait_for_log("is being stopped", "went away", "cannot be reached")
        await cluster.wait_until_all_finished()
        return cluster.tally_pages()


async def cut_network(deployment: Deployment, *, seconds: float = 3.0, channels: int = 12) -> Tally:
    """Cut the network to PostgreSQL: connections end, then packets are lost without an error."""
    async with start_cluster(deployment, rate=FAST_RATE, over_proxy=True) as cluster:
        await _start_digests(cluster, channels)
        assert cluster.database.proxy
        for fail_network in (cluster.database.proxy.cut_connections, cluster.database.proxy.stall_traffic):
            fail_network()
            await asyncio.sleep(seconds)
            cluster.database.proxy.restore_traffic()
            await asyncio.sleep(0.5)
        await cluster.wait_until_all_finished()
        return cluster.tally_pages()


async def _start_digests(cluster: Cluster, channels: int, *, latency: float = 0.05) -> list[str]:
    """Start digests to several channels, wait for the first page, and return their papers."""
    papers = cluster.add_papers(cluster.clock().date())
    cluster.chat.slow_down(latency=latency)
    cluster.subscribe_channels(papers, channels)
    cluster.spawn_workers()
    await cluster.wait_until(
        lambda: any(map(cluster.chat.pages_in, cluster.expected_papers)), "the first page"
    )
    return papers
