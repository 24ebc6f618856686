"""One tick a minute asks the store what is due, and delivers it."""

import asyncio
import logging
from datetime import UTC, date

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.deliver import Desk, deliver
from digests.errors import PaperroundError
from digests.model import Subscription
from digests.schedule import newest_due

log = logging.getLogger(__name__)

AT_ONCE = 20
"""Deliveries under way at the same time."""


async def keep_time(desk: Desk, stop: asyncio.Event) -> None:
    """Tick at every full minute, and once at the start, until told to stop; a tick under way is finished first."""
    scheduler = AsyncIOScheduler(timezone=UTC)
    ticking = asyncio.Lock()

    async def one_at_a_time() -> None:
        if not ticking.locked():
            async with ticking:
                await safe_tick(desk)

    scheduler.add_job(
        one_at_a_time, "cron", second=0, max_instances=2, coalesce=True, misfire_grace_time=None
    )
    scheduler.start()
    try:
        await one_at_a_time()
        await stop.wait()
    finally:
        scheduler.pause()
        async with ticking:
            scheduler.shutdown(wait=False)


async def safe_tick(desk: Desk) -> None:
    """A tick whose failure is a line in the log: the next one may find the store well again."""
    try:
        await tick(desk)
    except PaperroundError as error:
        log.error("%s Trying again in a minute.", error)
    except Exception:
        log.exception("A tick failed; trying again in a minute.")


async def tick(desk: Desk) -> None:
    """Deliver every edition that is due or was left unfinished. One channel's failure is its own."""
    at_once = asyncio.Semaphore(AT_ONCE)

    async def one(subscription: Subscription, edition: date) -> None:
        async with at_once:
            try:
                await deliver(subscription, edition, desk=desk)
            except PaperroundError as error:
                log.error("%s, %s: %s", subscription.channel, edition, error)

    async with asyncio.TaskGroup() as group:
        for subscription, edition in await asyncio.to_thread(_due, desk):
            group.create_task(one(subscription, edition))


def _due(desk: Desk) -> list[tuple[Subscription, date]]:
    now = desk.clock()
    editions = [(one, newest_due(one.schedule, now).edition) for one in desk.store.subscriptions.due(now)]
    unfinished = list(desk.store.deliveries.unfinished(now))
    return unfinished + [edition for edition in editions if edition not in unfinished]
