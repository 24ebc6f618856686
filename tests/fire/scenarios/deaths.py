"""The process dies, or stops and goes on: at every await of a delivery, and at any moment."""

import asyncio
import itertools
import signal
from collections.abc import Sequence
from functools import partial
from random import Random

from digests.ports import PageState
from tests.fire.strikes import Blow, Side, Strike
from tests.fire.world import AFTER_ANY_LEASE, FAST, SECOND, Place, Tally, World, world


async def killed_at_every_await(place: Place, side: Side, *, step: int = 1, most: int = 999) -> Tally:
    """Each delivery dies at its next await, until one has no more; whoever comes next finishes it."""
    async with world(place, time_out=SECOND) as here:
        papers = here.bring(here.clock().date())
        here.populate()
        for number in itertools.islice(itertools.count(1, step), most):
            if not await struck(here, papers, [Strike(Blow.KILL, side, number)]):
                break
        assert any(life.killed for life in here.lives), "an await is struck"
        return here.tally()


async def killed_in_recovery(place: Place, side: Side, *, step: int = 1, most: int = 999) -> Tally:
    """A delivery dies while a page is on its way, and the one that follows it dies at its next await, until none is left."""
    async with world(place, time_out=SECOND) as here:
        papers = here.bring(here.clock().date())
        here.populate()
        on_the_way = await _awaits_on_the_way(here, papers)
        assert len(on_the_way) == 2, "a kill before the second page is there, and one after"
        for first in on_the_way:
            for number in itertools.islice(itertools.count(1, step), most):
                if not await struck(here, papers, [first, Strike(Blow.KILL, side, number)]):
                    break
        return here.tally()


async def _awaits_on_the_way(here: World, papers: list[str]) -> list[Strike]:
    """Where a kill leaves the second page marked as on its way: once before it is there, once after."""
    found: dict[int, Strike] = {}
    for number, side in itertools.product(range(4, 20), Side):
        if len(found) == 2:
            break
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


async def struck(here: World, papers: list[str], strikes: Sequence[Strike]) -> bool:
    """Whether every strike hit a delivery to a new channel; what is left of it is finished in any case."""
    channel = here.subscribe(papers, strikes=strikes)
    name = channel.channel
    for left in range(len(strikes) - 1, -1, -1):
        await here.struck(channel, str(strikes), left=left)
        if len(here.strikes.left(name)) > left:
            if not here.strikes.withdraw(name):  # It died as its last word had just been written.
                await here.replace_the_dead()
            return False
        await here.replace_the_dead()
        here.clock.jump(AFTER_ANY_LEASE)
    await here.finish(channel, f"the rest after {strikes}")
    return True


async def killed_at_random(place: Place, random: Random, *, kills: int = 50) -> Tally:
    """At any moment of a life: in its start, in a transaction, in a post, while it takes over from another. Now and then
    every lease runs out, also of those that live, and after every fifth kill all is finished before the next one."""
    async with world(place, rate=FAST if place.replicas > 1 else 1, time_out=SECOND) as here:
        papers = here.bring(here.clock().date())
        here.chat.slow_down(latency=0.01)
        here.populate()
        for number in range(kills):
            if number % 5 == 0:
                await here.all_finished()
            _keep_busy(here, papers)
            await asyncio.sleep(random.uniform(0.02, 0.9 / place.replicas))
            random.choice(here.alive()).signal(signal.SIGKILL)
            await here.replace_the_dead()
            if place.replicas == 1 or random.random() < 0.3:
                here.clock.jump(AFTER_ANY_LEASE)
        await here.all_finished()
        return here.tally()


def _keep_busy(here: World, papers: list[str]) -> None:
    """There is something to do at any moment."""
    if len(here.unfinished()) < 4:
        here.subscribe_all(papers, 8)


async def stopped_at_random(place: Place, random: Random, *, stops: int = 12) -> Tally:
    """At any moment of a life, and past its lease. Others take over what it had, and it goes on where it was."""
    async with world(place, time_out=SECOND) as here:
        papers = here.bring(here.clock().date())
        here.chat.slow_down(latency=0.02)
        here.populate(max(place.replicas, 2))
        for _ in range(stops):
            _keep_busy(here, papers)
            await asyncio.sleep(random.uniform(0.02, 0.4))
            stopped = random.choice(here.alive())
            stopped.signal(signal.SIGSTOP)
            here.clock.jump(AFTER_ANY_LEASE)
            await asyncio.sleep(random.uniform(0.1, 1.5))
            stopped.signal(signal.SIGCONT)
        await here.all_finished()
        await here.some_ticks()
        tally = here.tally()
        tally.kills = stops
        return tally


async def stopped_past_its_lease(place: Place, side: Side, *, step: int = 1, most: int = 999) -> Tally:
    """One of several processes stops at each await in turn, another takes over, and the first one wakes up again."""
    async with world(place, time_out=SECOND) as here:
        papers = here.bring(here.clock().date())
        here.populate(max(place.replicas, 2))
        for number in itertools.islice(itertools.count(1, step), most):
            channel = here.subscribe(papers, strikes=[Strike(Blow.STOP, side, number)])
            await here.struck(channel, f"stop {number}")
            if here.strikes.left(channel.channel) and here.strikes.withdraw(channel.channel):
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
        assert tally.kills > 0, "an await is struck"
        return tally
