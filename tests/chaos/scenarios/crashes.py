"""Crashes and pauses of workers: at every await of a delivery, and at random times."""

import asyncio
import itertools
import signal
from collections.abc import Sequence
from functools import partial
from random import Random

from digests.ports.outbox import PageState
from tests.chaos.faults import Fault, PlannedFault, Side
from tests.chaos.world import AFTER_ANY_LEASE, FAST_RATE, SECOND, Cluster, Deployment, Tally, start_cluster


async def kill_at_every_await(
    deployment: Deployment, side: Side, *, step: int = 1, limit: int = 999
) -> Tally:
    """Kill each delivery at its next await until one completes; the next worker finishes it."""
    async with start_cluster(deployment, timeout=SECOND) as cluster:
        papers = cluster.add_papers(cluster.clock().date())
        cluster.spawn_workers()
        for number in itertools.islice(itertools.count(1, step), limit):
            if not await run_with_faults(cluster, papers, [PlannedFault(Fault.KILL, side, number)]):
                break
        assert any(life.is_killed for life in cluster.workers), "an await is struck"
        return cluster.tally_pages()


async def kill_in_recovery(deployment: Deployment, side: Side, *, step: int = 1, limit: int = 999) -> Tally:
    """Kill a delivery in a post, and the recovering one at its next await, until one completes."""
    async with start_cluster(deployment, timeout=SECOND) as cluster:
        papers = cluster.add_papers(cluster.clock().date())
        cluster.spawn_workers()
        on_the_way = await _find_awaits_in_flight(cluster, papers)
        assert len(on_the_way) == 2, "a kill before the second page is there, and one after"
        for first in on_the_way:
            for number in itertools.islice(itertools.count(1, step), limit):
                if not await run_with_faults(
                    cluster, papers, [first, PlannedFault(Fault.KILL, side, number)]
                ):
                    break
        return cluster.tally_pages()


async def _find_awaits_in_flight(cluster: Cluster, papers: list[str]) -> list[PlannedFault]:
    """Awaits at which a kill leaves the second page as being sent: before it arrives, and after."""
    found: dict[int, PlannedFault] = {}
    for number, side in itertools.product(range(4, 20), Side):
        if len(found) == 2:
            break
        planned = PlannedFault(Fault.KILL, side, number)
        channel = cluster.subscribe_channel(papers, faults=[planned])
        await cluster.wait_for_faults(channel, f"it dies: {planned}")
        await cluster.replace_dead_workers()
        (delivery,) = cluster.list_deliveries(channel)
        if [page.state for page in delivery.pages[:2]] == [PageState.POSTED, PageState.POSTING]:
            found.setdefault(len(cluster.chat.pages_in(channel)), planned)
        cluster.clock.jump(AFTER_ANY_LEASE)
        await cluster.wait_until_finished(channel, f"the rest after {planned}")
    return list(found.values())


async def run_with_faults(cluster: Cluster, papers: list[str], faults: Sequence[PlannedFault]) -> bool:
    """Return True when every fault hit a delivery to a new channel; the rest is finished anyhow."""
    channel = cluster.subscribe_channel(papers, faults=faults)
    name = channel.channel
    for left in range(len(faults) - 1, -1, -1):
        await cluster.wait_for_faults(channel, str(faults), remaining=left)
        if len(cluster.fault_plan.pending_faults(name)) > left:
            if not cluster.fault_plan.cancel_faults(name):  # It died as its last word had just been written.
                await cluster.replace_dead_workers()
            return False
        await cluster.replace_dead_workers()
        cluster.clock.jump(AFTER_ANY_LEASE)
    await cluster.wait_until_finished(channel, f"the rest after {faults}")
    return True


async def kill_at_random(deployment: Deployment, random: Random, *, kills: int = 50) -> Tally:
    """Kill workers at random: at start, in a transaction, in a post, in a takeover.

    Now and then every lease ends, also of live workers; after every fifth kill all work is finished first.
    """
    async with start_cluster(
        deployment, rate=FAST_RATE if deployment.replicas > 1 else 1, timeout=SECOND
    ) as cluster:
        papers = cluster.add_papers(cluster.clock().date())
        cluster.chat.slow_down(latency=0.01)
        cluster.spawn_workers()
        for number in range(kills):
            if number % 5 == 0:
                await cluster.wait_until_all_finished()
            keep_busy(cluster, papers)
            await asyncio.sleep(random.uniform(0.02, 0.9 / deployment.replicas))
            random.choice(cluster.list_live_workers()).send_signal(signal.SIGKILL)
            await cluster.replace_dead_workers()
            if deployment.replicas == 1 or random.random() < 0.3:
                cluster.clock.jump(AFTER_ANY_LEASE)
        await cluster.wait_until_all_finished()
        return cluster.tally_pages()


def keep_busy(cluster: Cluster, papers: list[str]) -> None:
    """Keep deliveries due at any time."""
    if len(cluster.list_unfinished()) < 4:
        cluster.subscribe_channels(papers, 8)


async def stop_at_random(deployment: Deployment, random: Random, *, stops: int = 12) -> Tally:
    """Stop workers at random past their leases. Others take over, then the stopped ones resume."""
    async with start_cluster(deployment, timeout=SECOND) as cluster:
        papers = cluster.add_papers(cluster.clock().date())
        cluster.chat.slow_down(latency=0.02)
        cluster.spawn_workers(max(deployment.replicas, 2))
        for _ in range(stops):
            keep_busy(cluster, papers)
            await asyncio.sleep(random.uniform(0.02, 0.4))
            stopped = random.choice(cluster.list_live_workers())
            stopped.send_signal(signal.SIGSTOP)
            cluster.clock.jump(AFTER_ANY_LEASE)
            await asyncio.sleep(random.uniform(0.1, 1.5))
            stopped.send_signal(signal.SIGCONT)
        await cluster.wait_until_all_finished()
        await cluster.wait_some_ticks()
        tally = cluster.tally_pages()
        tally.kills = stops
        return tally


async def stop_past_lease(deployment: Deployment, side: Side, *, step: int = 1, limit: int = 999) -> Tally:
    """Stop a worker at each await in turn; another takes over, and the first one resumes."""
    async with start_cluster(deployment, timeout=SECOND) as cluster:
        papers = cluster.add_papers(cluster.clock().date())
        cluster.spawn_workers(max(deployment.replicas, 2))
        for number in itertools.islice(itertools.count(1, step), limit):
            channel = cluster.subscribe_channel(papers, faults=[PlannedFault(Fault.STOP, side, number)])
            await cluster.wait_for_faults(channel, f"stop {number}")
            if cluster.fault_plan.pending_faults(channel.channel) and cluster.fault_plan.cancel_faults(
                channel.channel
            ):
                break
            cluster.clock.jump(AFTER_ANY_LEASE)
            # The worker resumes after a time-out. Nobody else can finish while it holds a database lock.
            woken = asyncio.create_task(asyncio.sleep(1.2))
            await cluster.wait_at_most(3, partial(cluster.is_finished, channel))
            await woken
            cluster.resume_workers()
            await cluster.wait_until_finished(channel, f"the rest after stop {number}")
        await cluster.wait_some_ticks()
        tally = cluster.tally_pages()
        tally.kills = len(cluster.expected_papers) - 1
        assert tally.kills > 0, "an await is struck"
        return tally
