"""The database is locked, refuses to write, stops, or cannot be reached."""

import asyncio
import itertools
from random import Random

from tests.fire.base import Disk
from tests.fire.world import FAST, Place, Tally, World, world


async def database_locked(
    place: Place, *, seconds: float = 3.0, busy: float = 0.5, channels: int = 8
) -> Tally:
    """Another process holds the lock, for longer than SQLite's is waited for, while digests go out."""
    async with world(place, rate=FAST) as here:
        here.busy = busy
        await _troubled(here, channels)
        with here.base.locked():
            await asyncio.sleep(seconds)
        await here.all_finished()
        return here.tally()


async def database_locked_long(place: Place, *, seconds: float = 30.0, channels: int = 8) -> Tally:
    """For as long as the application itself waits for a lock, and at the pace of its own clock."""
    async with world(place) as here:
        await _troubled(here, channels)
        with here.base.locked():
            await asyncio.sleep(seconds)
        await here.all_finished()
        return here.tally()


OF_A_FULL_DISK = ["disk is full", "went away", "cannot be reached"]
"""Which of it PostgreSQL's log leaves room for depends on what was written before."""
SAID_OF = {
    Disk.READ_ONLY: ["is read-only"],
    Disk.FULL: OF_A_FULL_DISK,
    Disk.FULL_FOR_ITS_LOG: OF_A_FULL_DISK,
}


async def disk_fails(place: Place, disk: Disk, *, seconds: float = 2.0, channels: int = 8) -> Tally:
    """Nothing can be written for a while, in the middle of digests."""
    several = place.store == "postgresql"
    full = disk is not Disk.READ_ONLY
    async with world(place, rate=FAST, own_server=several, small_disk=full) as here:
        await _troubled(
            here, channels, latency=0.2
        )  # There is still something to be written down when it fails.
        here.set_disk(disk)
        await here.heard(*SAID_OF[disk])
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


async def postgres_restarts(place: Place, random: Random, *, times: int = 4, channels: int = 12) -> Tally:
    """It is stopped while digests go out, in a friendly and in a rude way in turn, and started a second or two later."""
    async with world(place, rate=FAST, own_server=True) as here:
        papers = await _troubled(here, channels)
        for mode, _ in zip(itertools.cycle(("fast", "immediate")), range(times), strict=False):
            await asyncio.to_thread(here.base.restart, mode, random.uniform(0.5, 2))
            here.subscribe_all(papers, 4)
            await asyncio.sleep(random.uniform(0.2, 1))
        await here.heard("is being stopped", "went away", "cannot be reached")
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


async def _troubled(here: World, channels: int, *, latency: float = 0.05) -> list[str]:
    """Digests to so many channels, the first of which has begun; gives their papers."""
    papers = here.bring(here.clock().date())
    here.chat.slow_down(latency=latency)
    here.subscribe_all(papers, channels)
    here.populate()
    await here.until(lambda: any(map(here.chat.pages, here.due)), "the first page")
    return papers
