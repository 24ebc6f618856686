"""Loops that run until an event is set: polling at an interval, and restarting after a failure."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from digests.errors import PaperroundError

log = logging.getLogger(__name__)


async def every(
    interval_seconds: float, work: Callable[[], Awaitable[float | None]], stop: asyncio.Event, *, name: str
) -> None:
    """Run `work` at once, and then `interval_seconds` after each end, until `stop` is set.

    `work` may return the seconds until its next run, in place of the interval; None keeps the interval. An
    error of it is logged under `name` and not raised, and the next run follows after the interval. A run in
    progress is not interrupted by `stop`.
    """
    while not stop.is_set():
        wait_seconds = None
        try:
            wait_seconds = await work()
        except PaperroundError as error:
            log.error("%s: %s Trying again in %g seconds.", name, error, interval_seconds)
        except Exception:
            log.exception("%s failed; trying again in %g seconds", name, interval_seconds)
        await sleep_unless_stopped(interval_seconds if wait_seconds is None else wait_seconds, stop)


async def restart_on_failure(
    restart_seconds: float, work: Callable[[], Awaitable[None]], stop: asyncio.Event, *, name: str
) -> None:
    """Run `work` until it returns, again `restart_seconds` after each exception, unless `stop` is set.

    Exceptions are logged under `name` and not raised, expected ones as their sentence alone. `stop` does not
    end a run in progress.
    """
    while not stop.is_set():
        try:
            await work()
            return
        except PaperroundError as error:
            log.error("%s: %s Trying again in %g seconds.", name, error, restart_seconds)
        except Exception:
            log.exception(
                "%s failed and restarts in %g seconds; all else goes on", name.capitalize(), restart_seconds
            )
        await sleep_unless_stopped(restart_seconds, stop)


async def sleep_unless_stopped(seconds: float, stop: asyncio.Event) -> None:
    """Sleep for `seconds`, or until `stop` is set."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
