"""`paperround run`: deliver, ingest and answer people until a signal stops it."""

import argparse
import asyncio
import logging
import os
import signal
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from bot.chat.port import Platform
from bot.cli.json_log import JsonFormatter
from bot.cli.safe_text import SafeFormatter
from bot.cli.terminal import EXIT_FAILED, load_cli_settings, open_console
from bot.delivery.alerts import LEADERSHIP_NAME as ALERTS
from bot.delivery.alerts import AlertSender
from bot.delivery.context import DeliveryContext, fetch_restoration
from bot.delivery.failure_notices import FailureNotifier
from bot.delivery.post_refresher import LEADERSHIP_NAME, PostRefresher
from bot.delivery.worker import deliver_until_stopped
from bot.ingest.fetching import fetch_until_stopped
from bot.leadership import run_while_leading
from bot.periodic import every, restart_on_failure
from bot.platforms.app import ChatApp
from bot.platforms.registry import find_platforms
from bot.present.wording import format_count, format_weekday_date
from bot.retention import LEADER_ROLE as RETENTION
from bot.retention import Retention
from bot.services import (
    Services,
    build_alert_policy,
    build_answers,
    build_apps,
    build_arxiv_lookup,
    build_reviewer,
    build_services,
    build_sources,
    find_budget_limit,
    list_configured_subscriptions,
)
from bot.storage import run_background, run_ingest
from bot.web.monitor import Monitor
from config.problems import SettingsError
from digests.errors import InputError, PaperroundError
from digests.ports.sources import Source
from digests.schedule import next_due_edition
from digests.subscription import Subscription

if TYPE_CHECKING:
    from bot.ingest.reviewing import OpenReviewContext

log = logging.getLogger(__name__)

RESTART_SECONDS = 60.0
"""Wait before a task that failed unexpectedly starts again."""

INDEX_SECONDS = 10.0
"""Interval of indexing. A look-up that comes earlier indexes what has changed."""

HOST_THREADS = 32
"""Threads of the event loop, which look up hosts.

A host for which no name server answers holds a thread for half a minute, and must not delay a post. asyncio's
default depends on the machine, and may be five.
"""

NOISY_LOGGERS = ("apscheduler", "alembic", "httpx", "mcp", "uvicorn")
"""Libraries that log every job, migration or request at INFO. Platforms name theirs in `noisy_loggers`."""


def run_command(options: argparse.Namespace) -> int:
    """Run the bot until it is stopped. Raises InputError, SettingsError and StoreError at the start.

    In a log of JSON such an error is a record, and none is raised once the settings are read.
    """
    settings = load_cli_settings(options)
    set_up_logging(settings.monitoring.log_format)
    try:
        return asyncio.run(run_bot(build_services(settings, open_console()), os.environ))
    except (PaperroundError, SettingsError) as error:
        if settings.monitoring.log_format == "text":
            raise
        log.critical("%s", error)
    except Exception:
        if settings.monitoring.log_format == "text":
            raise
        log.critical("an unexpected fault ended the bot", exc_info=True)
    return EXIT_FAILED


async def run_bot(services: Services, environment: Mapping[str, str]) -> int:
    """Run every task until SIGINT or SIGTERM, and return the exit status.

    Raises InputError, SettingsError and StoreError at the start, before anything is posted. Later failures
    are logged, and the failed task starts again after `RESTART_SECONDS`; a platform that fails to serve
    people does not, but its digests still go out.
    """
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(HOST_THREADS, "hosts"))
    stop = asyncio.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    if services.settings.web.enabled:
        from bot.web.server import require_libraries

        require_libraries()
    chat_apps = build_apps(services, environment)
    paper_sources = build_sources(services)
    open_context = build_reviewer(services, environment)
    await run_background(
        _sync_subscriptions,
        services,
        [*services.delivery_context.platforms, *(app.name for app in chat_apps)],
    )
    async with AsyncExitStack() as exits:
        opened_platforms: dict[str, Platform] = {}
        for app in chat_apps:
            opened_platforms[app.name] = await app.open()
            exits.push_async_callback(app.close)
        context = await run_background(fetch_restoration, services.delivery_context)
        context = replace(context, platforms={**context.platforms, **opened_platforms})
        async with asyncio.TaskGroup() as group:
            tasks = {
                "delivering": partial(deliver_until_stopped, context, stop),
                "failure notices": partial(_build_failure_notifier(context).run_until_stopped, stop),
            }
            if paper_sources:
                tasks["fetching"] = partial(_run_fetching, paper_sources, services, stop)
            if open_context:
                tasks["reviewing"] = partial(_run_reviewing, open_context, services, stop)
            if max_post_age := timedelta(days=services.settings.delivery.refresh_days):
                tasks["refreshing posts"] = partial(_run_refreshing, context, max_post_age, stop)
            if services.settings.monitoring.port:
                tasks["monitoring"] = partial(_run_monitor, services, stop)
            if services.settings.web.enabled:
                tasks["web"] = partial(_run_web, services, stop)
            if policy := build_alert_policy(services):
                tasks["alerts"] = partial(_run_alerts, AlertSender(context, policy), stop)
            tasks["indexing"] = partial(_run_indexing, services, stop)
            tasks["retention"] = partial(_run_retention, services, stop)
            for task_name, work in tasks.items():
                group.create_task(restart_on_failure(RESTART_SECONDS, work, stop, name=task_name))
            for app in chat_apps:
                group.create_task(_serve_app(app, services, stop))
    log.info("stopped")
    return 0


def set_up_logging(log_format: str = "text") -> None:
    """Log to standard error, from INFO on; libraries in `NOISY_LOGGERS` and of platforms from WARNING on.

    `log_format` is "text" or "json". As JSON, warnings of Python are records too.
    """
    handler = logging.StreamHandler()
    if log_format == "json":
        handler.setFormatter(JsonFormatter())
        logging.captureWarnings(True)
    else:
        handler.setFormatter(SafeFormatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for logger_name in (*NOISY_LOGGERS, *_list_noisy_loggers()):
        logging.getLogger(logger_name).setLevel(logging.WARNING)


def _list_noisy_loggers() -> list[str]:
    return [name for spec in find_platforms().values() for name in spec.noisy_loggers]


async def _serve_app(app: ChatApp, services: Services, stop: asyncio.Event) -> None:
    """Serve one platform's people; an exclusive app only while this replica leads.

    A failure is logged and not raised, and the app is not served again.
    """

    async def serve_until(stop_event: asyncio.Event) -> None:
        await app.serve(build_answers(services, app.name), stop_event)

    try:
        if app.is_exclusive:
            await run_while_leading(app.name, serve_until, leadership=services.store.leadership, stop=stop)
        else:
            await serve_until(stop)
    except OSError as error:
        log.error(
            "%s cannot be served: %s. Digests still go out; correct it and start again.", app.name, error
        )
    except Exception:
        log.exception("%s is no longer served; digests still go out", app.name)


async def _run_fetching(paper_sources: Sequence[Source], services: Services, stop: asyncio.Event) -> None:
    """Fetch papers while this replica leads, until `stop` is set."""

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
    """Review papers while this replica leads, until `stop` is set."""
    from bot.ingest.reviewing import LEADER_ROLE as REVIEWING
    from bot.ingest.reviewing import review_until_stopped

    async def review_until(stop_event: asyncio.Event) -> None:
        await review_until_stopped(open_context, services.store, stop_event)

    await run_while_leading(REVIEWING, review_until, leadership=services.store.leadership, stop=stop)


async def _run_refreshing(context: DeliveryContext, max_age: timedelta, stop: asyncio.Event) -> None:
    """Refresh posts not older than `max_age` while this replica leads, until `stop` is set."""
    refresher = PostRefresher(
        context.store,
        context.platforms,
        context.clock,
        context.policy.timeout,
        max_age,
        context.rate_limiters,
        context.queue_policy.groups,
    )
    await run_while_leading(
        LEADERSHIP_NAME, refresher.run_until_stopped, leadership=context.store.leadership, stop=stop
    )


async def _run_alerts(sender: AlertSender, stop: asyncio.Event) -> None:
    """Alert the operator while this replica leads, until `stop` is set."""
    await run_while_leading(
        ALERTS, sender.run_until_stopped, leadership=sender.context.store.leadership, stop=stop
    )


async def _run_retention(services: Services, stop: asyncio.Event) -> None:
    """Erase old records about people while this replica leads, until `stop` is set."""
    privacy, store = services.settings.privacy, services.store
    retention = Retention(
        store,
        services.delivery_context.clock,
        timedelta(days=privacy.retention_days),
        timedelta(days=privacy.removal_grace_days),
    )
    await run_while_leading(RETENTION, retention.run_until_stopped, leadership=store.leadership, stop=stop)


async def _run_monitor(services: Services, stop: asyncio.Event) -> None:
    """Answer monitors until `stop` is set. Raises InputError if the port cannot be used."""
    monitoring = services.settings.monitoring
    source_names = [source.effective_name for source in services.settings.sources]
    monitor = Monitor(
        services.store, services.delivery_context.clock, source_names, find_budget_limit(services.settings)
    )
    await monitor.serve_until(monitoring.host, monitoring.port, stop)


async def _run_web(services: Services, stop: asyncio.Event) -> None:
    """Serve the operator's page and programs until `stop` is set. Raises InputError for a port in use."""
    from bot.web.site import serve_site

    await serve_site(services, stop)


async def _run_indexing(services: Services, stop: asyncio.Event) -> None:
    """Let the search index follow the store, so that no look-up has to wait for it, until `stop` is set."""

    async def follow() -> None:
        await run_ingest(services.follow_index)

    await every(INDEX_SECONDS, follow, stop, name="search index")


def _build_failure_notifier(context: DeliveryContext) -> FailureNotifier:
    return FailureNotifier(
        context.store.failure_notices, context.platforms, context.clock, context.policy.timeout
    )


def _sync_subscriptions(services: Services, platforms: Collection[str]) -> None:
    """Store the subscriptions of the settings whose platforms are set up, and log every schedule.

    Subscriptions that are no longer in the settings end. Times that a wrong clock or old time zone rules left
    in the store are repaired. `platforms` are the names of those that are set up. Raises InputError if no
    channel can get a digest, and StoreError. Blocks.
    """
    context, stored_subscriptions = services.delivery_context, services.store.subscriptions
    subscriptions = list_configured_subscriptions(services.settings)
    _require_platforms(subscriptions or stored_subscriptions.list_active(), platforms)
    for subscription in subscriptions:
        channel = subscription.channel
        if channel.platform not in platforms:
            log.warning("%s gets no digest: there is no %s here", channel, channel.platform)
    stored_subscriptions.sync_from_settings(
        [subscription for subscription in subscriptions if subscription.channel.platform in platforms],
        now=context.clock(),
    )
    if moved_count := stored_subscriptions.recompute_next_due(now=context.clock()):
        moved = format_count(moved_count, "channel")
        log.info("the next edition of %s is at a new time: the clock or a time zone's rules changed", moved)
    services.store.outbox.repair_future_timestamps(now=context.clock(), lease=context.policy.lease)
    for subscription in stored_subscriptions.list_active():
        schedule = subscription.schedule
        next_edition = format_weekday_date(next_due_edition(schedule, context.clock()).edition)
        at = f"{schedule.at:%H:%M} {schedule.time_zone}"
        log.info("%s gets its digest at %s, next on %s", subscription.full_name, at, next_edition)


def _require_platforms(subscriptions: Sequence[Subscription], open_platforms: Collection[str]) -> None:
    """Raise InputError if no channel can ever get a digest, or if a channel's platform is not set up.

    Only a platform with a secret must be set up. Without subscriptions the bot may start if people can
    subscribe channels on an open platform.
    """
    specs = find_platforms()
    interactive = [name for name in open_platforms if name not in specs or specs[name].build_app]
    if not subscriptions and not interactive:
        secrets = " or ".join(spec.main_secret for spec in specs.values() if spec.main_secret)
        raise InputError(
            "No channel gets a digest yet: put a [[subscriptions]] table into paperround.toml "
            f"(config/example.toml shows one), or set {secrets} and subscribe channels there."
        )
    missing = {subscription.channel.platform for subscription in subscriptions} - set(open_platforms)
    for spec in specs.values():
        if spec.name in missing and spec.main_secret:
            raise InputError(
                f"A channel of the settings is in {spec.title}, but the environment has no "
                f"{spec.main_secret}: {spec.set_up_hint}."
            )
