"""`paperround run`: keep time and answer people, until told to stop."""

import argparse
import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from bot.chat.port import Platform
from bot.cli.terminal import build_cli_services
from bot.delivery.deliver import DeliveryContext
from bot.delivery.failure_notices import notify_until_stopped
from bot.delivery.post_refresher import LEADERSHIP_NAME, refresh_until_stopped
from bot.delivery.worker import deliver_until_stopped
from bot.ingest.fetching import fetch_until_stopped
from bot.leadership import run_while_leading
from bot.platforms.app import ChatApp
from bot.present.wording import format_weekday_date
from bot.services import (
    Services,
    build_answers,
    build_apps,
    build_arxiv_lookup,
    build_reviewer,
    build_sources,
    configured_subscriptions,
    require_platforms,
)
from digests.ports.sources import Source
from digests.schedule import next_due_edition

if TYPE_CHECKING:
    from bot.ingest.reviewing import OpenReviewContext

log = logging.getLogger(__name__)

RESTART_SECONDS = 60.0
"""Until work that failed in a way nobody foresaw begins anew."""


def run_command(options: argparse.Namespace) -> int:
    """Run the bot until it is stopped."""
    return asyncio.run(run_bot(build_cli_services(options), os.environ))


async def run_bot(services: Services, environment: Mapping[str, str]) -> int:
    """Deliver what is due and answer who asks, until SIGINT or SIGTERM; returns the exit status. Raises InputError."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    for logger_name in ("apscheduler", "alembic", "slack_sdk", "slack_bolt", "httpx", "httpx2", "openai"):
        logging.getLogger(logger_name).setLevel(logging.WARNING)
    stop = asyncio.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    chat_apps = build_apps(services.settings, environment, services.delivery_context.clock)
    paper_sources = build_sources(services)
    open_context = build_reviewer(services, environment)
    await asyncio.to_thread(
        _sync_subscriptions,
        services,
        [*services.delivery_context.platforms, *(app.name for app in chat_apps)],
    )
    async with AsyncExitStack() as exits:
        opened_platforms: dict[str, Platform] = {}
        for app in chat_apps:
            opened_platforms[app.name] = await app.open()
            exits.push_async_callback(app.close)
        context = replace(
            services.delivery_context, platforms={**services.delivery_context.platforms, **opened_platforms}
        )
        async with asyncio.TaskGroup() as group:
            tasks = {
                "delivering": partial(deliver_until_stopped, context, stop),
                "failure notices": partial(notify_until_stopped, context, stop),
            }
            if paper_sources:
                tasks["fetching"] = partial(_run_fetching, paper_sources, services, stop)
            if open_context:
                tasks["reviewing"] = partial(_run_reviewing, open_context, services, stop)
            if max_post_age := timedelta(days=services.settings.delivery.refresh_days):
                tasks["refreshing posts"] = partial(_run_refreshing, context, max_post_age, services, stop)
            for task_name, work in tasks.items():
                group.create_task(_supervise_task(task_name, work, stop))
            for app in chat_apps:
                group.create_task(_serve_app(app, services, stop))
    log.info("stopped")
    return 0


async def _supervise_task(task_name: str, work: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
    """What nobody foresaw ends no other work, and this one not for good: it begins anew."""
    while not stop.is_set():
        try:
            await work()
            return
        except Exception:
            log.exception("%s failed and restarts in a minute; all else goes on", task_name)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), RESTART_SECONDS)


async def _serve_app(app: ChatApp, services: Services, stop: asyncio.Event) -> None:
    """One platform's failure leaves the others and the digests alone. Of several replicas one at a time is connected."""

    async def serve_until(stop_event: asyncio.Event) -> None:
        await app.serve(build_answers(services, app.name), stop_event)

    try:
        if app.is_exclusive:
            await run_while_leading(app.name, serve_until, leadership=services.store.leadership, stop=stop)
        else:
            await serve_until(stop)
    except OSError as error:
        log.error("%s cannot be served: %s. Digests still go out; mend it and start again.", app.name, error)
    except Exception:
        log.exception("%s is no longer served; digests still go out", app.name)


async def _run_fetching(paper_sources: Sequence[Source], services: Services, stop: asyncio.Event) -> None:
    """Of several replicas one at a time fetches."""

    async def fetch_until(stop_event: asyncio.Event) -> None:
        await fetch_until_stopped(
            paper_sources,
            services.store,
            services.delivery_context.clock,
            stop_event,
            lookup=build_arxiv_lookup(services),
        )

    await run_while_leading("sources", fetch_until, leadership=services.store.leadership, stop=stop)


async def _run_reviewing(open_context: "OpenReviewContext", services: Services, stop: asyncio.Event) -> None:
    """Of several replicas one at a time reviews."""
    from bot.ingest.reviewing import LEADER_ROLE as REVIEWING
    from bot.ingest.reviewing import review_until_stopped

    async def review_until(stop_event: asyncio.Event) -> None:
        await review_until_stopped(open_context, services.store, stop_event)

    await run_while_leading(REVIEWING, review_until, leadership=services.store.leadership, stop=stop)


async def _run_refreshing(
    context: DeliveryContext, max_age: timedelta, services: Services, stop: asyncio.Event
) -> None:
    """Of several replicas one at a time mends what was posted."""
    refresh_until = partial(refresh_until_stopped, context, max_age)
    await run_while_leading(LEADERSHIP_NAME, refresh_until, leadership=services.store.leadership, stop=stop)


def _sync_subscriptions(services: Services, platforms: Collection[str]) -> None:
    """Make the store's channels be those of the settings that this version can post to."""
    subscriptions = configured_subscriptions(services.settings)
    stored_subscriptions = services.store.subscriptions
    require_platforms(subscriptions or stored_subscriptions.list_active(), platforms)
    for one in subscriptions:
        if one.channel.platform not in platforms:
            log.warning("%s gets no digest: there is no %s here", one.channel, one.channel.platform)
    stored_subscriptions.sync_from_settings(
        [one for one in subscriptions if one.channel.platform in platforms],
        now=services.delivery_context.clock(),
    )
    if moved_count := stored_subscriptions.recompute_next_due(now=services.delivery_context.clock()):
        log.info("%d channels have a new hour by the time zones' rules of today", moved_count)
    services.store.outbox.repair_future_timestamps(
        now=services.delivery_context.clock(), lease=services.delivery_context.lease
    )
    for one in stored_subscriptions.list_active():
        next_edition = format_weekday_date(
            next_due_edition(one.schedule, services.delivery_context.clock()).edition
        )
        at = f"{one.schedule.at:%H:%M} {one.schedule.time_zone}"
        log.info("%s gets its digest at %s, next on %s", one.channel, at, next_edition)
