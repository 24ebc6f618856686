"""The real application in a process of its own, with another clock and a faster minute, and struck where it is ordered.

Processes are forked from a server that has imported everything once: a life then costs a tenth of a second.
"""

import asyncio
import ctypes
import faulthandler
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import apscheduler.schedulers.base
from rich.console import Console
from sqlalchemy import Connection, Engine, event

import bot.clock
import bot.reviewing
import bot.run
import bot.upkeep
from bot.app import open_house
from bot.deliver import deliver
from bot.fetching import keep_fetching
from bot.run import run
from config.settings import load
from digests.errors import PaperroundError
from digests.store import open_store
from digests.store.engine import BUSY_TIMEOUT
from tests.fire.base import Disk
from tests.fire.clock import Clock
from tests.fire.strikes import Stepped, Strikes

PRELOADED = ["tests.fire.child", "bot.platforms.slack.app", "bot.platforms.discord.app"]
DIES_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of Linux: whoever ends a run ends all it started."""


@dataclass(frozen=True, slots=True)
class Birth:
    """All that a life is given. `minute` is how long a minute of the scheduler is, `busy` how long SQLite waits: seconds; `ahead` is its clock."""

    folder: Path
    clock: Path
    environment: Mapping[str, str]
    log: Path
    minute: float = 0.1
    busy: float = BUSY_TIMEOUT
    ahead: timedelta = timedelta()


def begin(birth: Birth) -> BaseProcess:
    """A process in which `paperround run` runs."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    process = context.Process(target=live, args=(birth,), daemon=True)
    process.start()
    return process


def live(birth: Birth) -> None:
    """The whole life of a process."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DIES_WITH_PARENT, signal.SIGKILL)
    log = os.open(birth.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    faulthandler.register(signal.SIGUSR1, file=log)
    os.environ.clear()
    os.environ.update(birth.environment)
    os.chdir(birth.folder)
    _hurry(birth.minute, birth.busy, Clock(birth.clock, birth.ahead))
    _watch(Strikes(birth.folder))
    _fail_as(birth.folder / "disk")
    try:
        house = open_house(load(None, os.environ), Console(), clock=Clock(birth.clock, birth.ahead))
        status = asyncio.run(run(house, os.environ))
    except PaperroundError as error:
        print(f"paperround: {error}", file=sys.stderr)
        status = 1
    sys.exit(status)


def _hurry(minute: float, busy: float, clock: Clock) -> None:
    class ByThatClock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return clock().astimezone(tz)

    setattr(apscheduler.schedulers.base, "datetime", ByThatClock)  # noqa: B010 (a name that it only imports)
    setattr(bot.clock, "MINUTE", timedelta(seconds=minute))  # noqa: B010
    setattr(bot.run, "keep_fetching", partial(keep_fetching, look_seconds=minute, jitter=timedelta))  # noqa: B010
    bot.reviewing.PAUSE = bot.reviewing.PAUSE_IN_TROUBLE = bot.upkeep.LOOK_SECONDS = minute
    (open_store.__kwdefaults__ or {})["busy_timeout"] = busy


def _watch(strikes: Strikes) -> None:
    async def watched(what: Any, *more: Any, **given: Any) -> Any:
        channel = getattr(what, "subscription", what).channel.channel
        return await Stepped(deliver(what, *more, **given), channel, strikes)

    for module in list(sys.modules.values()):
        if getattr(module, "deliver", None) is deliver and module.__name__ != __name__:
            module.deliver = watched  # type: ignore[attr-defined]


def _fail_as(disk: Path) -> None:
    """The file says how the disk of SQLite is; each transaction looks at it."""

    @event.listens_for(Engine, "begin")
    def begin_so(connection: Connection) -> None:
        if connection.dialect.name != "sqlite":
            return
        state = Disk(disk.read_text()) if disk.exists() else Disk.WELL
        full = connection.exec_driver_sql("PRAGMA page_count").scalar() if state is Disk.FULL else 2**30
        connection.exec_driver_sql(f"PRAGMA max_page_count = {full}")
        connection.exec_driver_sql(f"PRAGMA query_only = {int(state is Disk.READ_ONLY)}")
