"""The platform fails."""

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from random import Random

from tests.fire.chat import Trouble
from tests.fire.world import FAST, Place, Tally, World, world


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


async def outage(place: Place, random: Random, *, channels: int = 12) -> Tally:
    """For three hours every call fails, some after they were done, which is far more often than a digest is tried at
    least; those of that day come all the same."""
    async with world(place, rate=FAST, attempts=6) as here:
        papers = here.bring(here.clock().date())
        here.chat.weather({Trouble.FAILED: 80, Trouble.DROPPED_AFTER: 20}, random)
        here.subscribe_all(papers, channels)
        here.populate()
        for _ in range(12):
            # A jump in the middle of a try would take its lease away, as if its process had died over it.
            await here.until(here.all_put_off, "every channel waits for its next try")
            here.clock.jump(timedelta(minutes=15))
            await here.some_ticks()
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
