"""The real application in its own process, with a test's clock, a faster minute and planned faults.

Processes are forked from a server that has imported everything once, which makes a start cost a tenth of a
second.
"""

import asyncio
import ctypes
import faulthandler
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import apscheduler.schedulers.base
from rich.console import Console
from sqlalchemy import Connection, Engine, event

import bot.cli.run
import bot.delivery.post_refresher
import bot.delivery.worker
import bot.ingest.reviewing
import bot.services
from bot.cli.run import run_bot, set_up_logging
from bot.delivery.context import DeliveryPolicy
from bot.delivery.deliver import deliver_claim
from bot.delivery.liveness import CHECK_SECONDS
from bot.delivery.rate_limit import RateLimiter, RateLimits
from bot.ingest.fetching import fetch_until_stopped
from bot.platforms.registry import find_settings_models
from bot.services import Services, build_services
from config.load import load_settings
from digests.errors import PaperroundError
from digests.store import open_store
from digests.store.engine import BUSY_TIMEOUT
from tests.chaos.base import DiskState
from tests.chaos.clock import FileClock
from tests.chaos.faults import FaultInjector, FaultPlan

PRELOADED_MODULES = ["tests.chaos.child", "tests.chaos.preloaded"]
PARENT_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of Linux: the end of a run ends all its processes."""


MESSAGES_PER_SECOND = 1000.0
"""Rate in each scope that a platform limits: its own rate would only slow the trials."""


@dataclass(frozen=True, slots=True)
class Spawn:
    """Parameters of a worker's process. `tick_seconds` is the length of the scheduler's minute.

    `busy_timeout` is SQLite's wait for a lock in seconds; `clock_offset` is added to the cluster's clock.
    Deliveries follow the `policy`, if there is one.
    """

    folder: Path
    clock: Path
    environment: Mapping[str, str]
    log: Path
    tick_seconds: float = 0.1
    busy_timeout: float = BUSY_TIMEOUT
    clock_offset: timedelta = timedelta()
    policy: DeliveryPolicy | None = None


def spawn_process(spawn: Spawn) -> BaseProcess:
    """Start a process that runs `paperround run`."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED_MODULES)
    process = context.Process(target=run_worker, args=(spawn,), daemon=True)
    process.start()
    return process


def run_worker(spawn: Spawn) -> None:
    """Run the worker and exit with its status."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL)
    log = os.open(spawn.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    faulthandler.register(signal.SIGUSR1, file=log)
    os.environ.clear()
    os.environ.update(spawn.environment)
    os.chdir(spawn.folder)
    _speed_up(spawn.tick_seconds, spawn.busy_timeout, FileClock(spawn.clock, spawn.clock_offset))
    _wrap_deliver(FaultPlan(spawn.folder))
    _follow_disk_state(spawn.folder / "disk")
    set_up_logging()
    try:
        services = build_services(
            load_settings(None, os.environ, find_settings_models()),
            Console(),
            clock=FileClock(spawn.clock, spawn.clock_offset),
        )
        services = _lift_limits(services, spawn.policy)
        status = asyncio.run(run_bot(services, os.environ))
    except PaperroundError as error:
        print(f"paperround: {error}", file=sys.stderr)
        status = 1
    sys.exit(status)


def _speed_up(tick_seconds: float, busy_timeout: float, clock: FileClock) -> None:
    class ShiftedDatetime(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return clock().astimezone(tz)

    setattr(apscheduler.schedulers.base, "datetime", ShiftedDatetime)  # noqa: B010 (a name that it only imports)
    setattr(bot.delivery.worker, "TICK_INTERVAL", timedelta(seconds=tick_seconds))  # noqa: B010
    setattr(bot.delivery.worker, "CHECK_SECONDS", min(tick_seconds, CHECK_SECONDS))  # noqa: B010
    impatient_fetch = partial(fetch_until_stopped, poll_seconds=tick_seconds, jitter=timedelta)
    setattr(bot.cli.run, "fetch_until_stopped", impatient_fetch)  # noqa: B010
    bot.ingest.reviewing.POLL_SECONDS = bot.ingest.reviewing.TROUBLE_RETRY_SECONDS = (
        bot.delivery.post_refresher.POLL_SECONDS
    ) = tick_seconds
    bot.services.ARXIV_GAP = timedelta()
    (open_store.__kwdefaults__ or {})["busy_timeout"] = busy_timeout


def _lift_limits(services: Services, policy: DeliveryPolicy | None) -> Services:
    context = services.delivery_context
    context = replace(
        context,
        policy=policy or context.policy,
        rate_limiters={
            name: RateLimiter(_raise_limits(limiter.limits))
            for name, limiter in context.rate_limiters.items()
        },
    )
    return replace(services, delivery_context=context)


def _raise_limits(limits: RateLimits) -> RateLimits:
    channel, workspace, bot = (
        None if rate is None else MESSAGES_PER_SECOND
        for rate in (limits.channel, limits.workspace, limits.bot)
    )
    return RateLimits(channel=channel, workspace=workspace, bot=bot)


def _wrap_deliver(fault_plan: FaultPlan) -> None:
    async def deliver_with_faults(what: Any, *more: Any, **given: Any) -> Any:
        channel = getattr(what, "subscription", what).channel.channel
        return await FaultInjector(deliver_claim(what, *more, **given), channel, fault_plan)

    for module in list(sys.modules.values()):
        if getattr(module, "deliver_claim", None) is deliver_claim and module.__name__ != __name__:
            module.deliver_claim = deliver_with_faults  # type: ignore[attr-defined]


def _follow_disk_state(state_file: Path) -> None:
    """Apply the disk state in the file to SQLite at each transaction."""

    @event.listens_for(Engine, "begin")
    def apply_disk_state(connection: Connection) -> None:
        if connection.dialect.name != "sqlite" or not state_file.exists():
            return
        state = DiskState(state_file.read_text())
        full = connection.exec_driver_sql("PRAGMA page_count").scalar() if state is DiskState.FULL else 2**30
        connection.exec_driver_sql(f"PRAGMA max_page_count = {full}")
        connection.exec_driver_sql(f"PRAGMA query_only = {int(state is DiskState.READ_ONLY)}")
