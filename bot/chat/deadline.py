"""A session that tells of its requests, and sends none too late: somebody else may have done its work by now."""

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import aiohttp

from bot.chat.attempt import current_attempt

TOO_MANY_REQUESTS = 429
RETRY_MARGIN_SECONDS = 1.0
"""What has to be left after a wait: slack_sdk waits up to one second longer than it is asked to, and the try takes time."""


class LongWaitError(aiohttp.ClientError):
    """A rate limit that lasts longer than anybody waits for the answer."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"asked to wait {seconds:.0f} seconds")
        self.seconds = seconds


def deadline_trace(timeout: float, now: Callable[[], float] = time.time) -> aiohttp.TraceConfig:
    """For a session: a request whose body is not written so many seconds after its start fails unsent.

    Timers do not help here. A process that is stopped right before it writes, and goes on when its lease has run out, writes
    first and looks at its timers then. The hour of the wall is asked, since others stop while a machine sleeps.

    What becomes of each request is told to `tries.current()`, and a wait that is longer than those last ends the call.
    """

    async def on_request_start(session: Any, request: SimpleNamespace, params: Any) -> None:
        request.began = now()
        if attempt := current_attempt():
            attempt.begin_request()

    async def on_chunk_sent(session: Any, request: SimpleNamespace, params: Any) -> None:
        if now() - request.began >= timeout:
            raise TimeoutError("held up before it was sent")
        if attempt := current_attempt():
            attempt.mark_sent()

    async def on_redirect(session: Any, request: SimpleNamespace, params: Any) -> None:
        if attempt := current_attempt():
            attempt.mark_redirected()

    async def on_request_end(
        session: Any, request: SimpleNamespace, params: aiohttp.TraceRequestEndParams
    ) -> None:
        if params.response.status != TOO_MANY_REQUESTS or not (attempt := current_attempt()):
            return
        attempt.mark_refused()
        wait = _parse_seconds(params.response.headers.get("Retry-After", ""))
        if wait + RETRY_MARGIN_SECONDS > attempt.deadline - time.monotonic():
            params.response.close()
            raise LongWaitError(wait)

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(on_request_start)
    trace.on_request_chunk_sent.append(on_chunk_sent)
    trace.on_request_redirect.append(on_redirect)
    trace.on_request_end.append(on_request_end)
    return trace


def _parse_seconds(header: str) -> float:
    """Zero where it says no number."""
    try:
        return float(header)
    except ValueError:
        return 0.0
