"""`paperround run`: keep time and answer people, until told to stop."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial

from bot.app import House, OpenDesk, answers, apps, arxiv_papers, require_platforms, reviewer, sources, wanted
from bot.clock import keep_time
from bot.deliver import Desk
from bot.fetching import keep_fetching
from bot.lead import while_leading
from bot.owners import keep_telling
from bot.platforms import App, Platform
from bot.present import day_name
from bot.upkeep import LEAD, keep_true
from digests.ports import Source
from digests.schedule import next_due

log = logging.getLogger(__name__)

ANEW_SECONDS = 60.0
"""Until work that failed in a way nobody foresaw begins anew."""


async def run(house: House, environment: Mapping[str, str]) -> int:
    """Deliver what is due and answer who asks, until SIGINT or SIGTERM; returns the exit status. Raises InputError."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    for loud in ("apscheduler", "alembic", "slack_sdk", "slack_bolt", "httpx", "httpx2", "openai"):
        logging.getLogger(loud).setLevel(logging.WARNING)
    stop = asyncio.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(one, stop.set)
    talking = apps(house.settings, environment, house.desk.clock)
    fetched = sources(house)
    reviewing = reviewer(house, environment)
    await asyncio.to_thread(_subscribe, house, [*house.desk.platforms, *(app.name for app in talking)])
    async with AsyncExitStack() as exits:
        opened: dict[str, Platform] = {}
        for app in talking:
            opened[app.name] = await app.open()
            exits.push_async_callback(app.close)
        desk = replace(house.desk, platforms={**house.desk.platforms, **opened})
        async with asyncio.TaskGroup() as group:
            works = {
                "delivering": partial(keep_time, desk, stop),
                "telling owners": partial(keep_telling, desk, stop),
            }
            if fetched:
                works["fetching"] = partial(_fetch, fetched, house, stop)
            if reviewing:
                works["reviewing"] = partial(_review, reviewing, house, stop)
            if keep := timedelta(days=house.settings.delivery.keep_true_days):
                works["keeping true what was posted"] = partial(_keep_true, desk, keep, house, stop)
            for what, work in works.items():
                group.create_task(_kept_up(what, work, stop))
            for app in talking:
                group.create_task(_serve(app, house, stop))
    log.info("stopped")
    return 0


async def _kept_up(what: str, work: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
    """What nobody foresaw ends no other work, and this one not for good: it begins anew."""
    while not stop.is_set():
        try:
            await work()
            return
        except Exception:
            log.exception("%s failed and begins anew in a minute; all else goes on", what)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), ANEW_SECONDS)


async def _serve(app: App, house: House, stop: asyncio.Event) -> None:
    """One platform's failure leaves the others and the digests alone. Of several replicas one at a time is connected."""

    async def served(ended: asyncio.Event) -> None:
        await app.serve(answers(house, app.name), ended)

    try:
        if app.exclusive:
            await while_leading(app.name, served, leadership=house.store.leadership, stop=stop)
        else:
            await served(stop)
    except OSError as error:
        log.error("%s cannot be served: %s. Digests still go out; mend it and start again.", app.name, error)
    except Exception:
        log.exception("%s is no longer served; digests still go out", app.name)


async def _fetch(fetched: Sequence[Source], house: House, stop: asyncio.Event) -> None:
    """Of several replicas one at a time fetches."""

    async def kept(ended: asyncio.Event) -> None:
        await keep_fetching(fetched, house.store, house.desk.clock, ended, look_up=arxiv_papers(house))

    await while_leading("sources", kept, leadership=house.store.leadership, stop=stop)


async def _review(open_desk: OpenDesk, house: House, stop: asyncio.Event) -> None:
    """Of several replicas one at a time reviews."""
    from bot.reviewing import LEAD as REVIEWING
    from bot.reviewing import keep_reviewing

    async def kept(ended: asyncio.Event) -> None:
        await keep_reviewing(open_desk, house.store, ended)

    await while_leading(REVIEWING, kept, leadership=house.store.leadership, stop=stop)


async def _keep_true(desk: Desk, keep: timedelta, house: House, stop: asyncio.Event) -> None:
    """Of several replicas one at a time mends what was posted."""
    keeping = partial(keep_true, desk, keep)
    await while_leading(LEAD, keeping, leadership=house.store.leadership, stop=stop)


def _subscribe(house: House, platforms: Collection[str]) -> None:
    """Make the store's channels be those of the settings that this version can post to."""
    subscriptions = wanted(house.settings)
    stored = house.store.subscriptions
    require_platforms(subscriptions or stored.all(), platforms)
    for one in subscriptions:
        if one.channel.platform not in platforms:
            log.warning("%s gets no digest: there is no %s here", one.channel, one.channel.platform)
    stored.keep([one for one in subscriptions if one.channel.platform in platforms], now=house.desk.clock())
    if moved := stored.reckon(now=house.desk.clock()):
        log.info("%d channels have a new hour by the time zones' rules of today", moved)
    house.store.deliveries.bring_back(now=house.desk.clock(), lease=house.desk.lease)
    for one in stored.all():
        coming = day_name(next_due(one.schedule, house.desk.clock()).edition)
        at = f"{one.schedule.at:%H:%M} {one.schedule.time_zone}"
        log.info("%s gets its digest at %s, next on %s", one.channel, at, coming)
