"""A session that tells of its requests, and sends none too late: somebody else may have done its work by now."""

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import aiohttp

from bot.platforms.tries import current

REFUSED = 429
SPARE_SECONDS = 1.0
"""What has to be left after a wait: slack_sdk waits up to one second longer than it is asked to, and the try takes time."""


class LongWaitError(aiohttp.ClientError):
    """A rate limit that lasts longer than anybody waits for the answer."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"asked to wait {seconds:.0f} seconds")
        self.seconds = seconds


def punctual(time_out: float, now: Callable[[], float] = time.time) -> aiohttp.TraceConfig:
    """For a session: a request whose body is not written so many seconds after its start fails unsent.

    Timers do not help here. A process that is stopped right before it writes, and goes on when its lease has run out, writes
    first and looks at its timers then. The hour of the wall is asked, since others stop while a machine sleeps.

    What becomes of each request is told to `tries.current()`, and a wait that is longer than those last ends the call.
    """

    async def begin(session: Any, request: SimpleNamespace, what: Any) -> None:
        request.began = now()
        if tries := current():
            tries.begin()

    async def check(session: Any, request: SimpleNamespace, what: Any) -> None:
        if now() - request.began >= time_out:
            raise TimeoutError("held up before it was sent")
        if tries := current():
            tries.write()

    async def redirect(session: Any, request: SimpleNamespace, what: Any) -> None:
        if tries := current():
            tries.hand_on()

    async def end(session: Any, request: SimpleNamespace, what: aiohttp.TraceRequestEndParams) -> None:
        if what.response.status != REFUSED or not (tries := current()):
            return
        tries.refuse()
        wait = _seconds(what.response.headers.get("Retry-After", ""))
        if wait + SPARE_SECONDS > tries.ends - time.monotonic():
            what.response.close()
            raise LongWaitError(wait)

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(begin)
    trace.on_request_chunk_sent.append(check)
    trace.on_request_redirect.append(redirect)
    trace.on_request_end.append(end)
    return trace


def _seconds(header: str) -> float:
    """Zero where it says no number."""
    try:
        return float(header)
    except ValueError:
        return 0.0
