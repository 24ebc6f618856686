"""Deadlines of requests: a session reports its requests, and sends none after its deadline.

By then another worker may have sent the same page.
"""

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import aiohttp

from bot.chat.attempt import current_attempt

TOO_MANY_REQUESTS = 429
RETRY_MARGIN_SECONDS = 1.0
"""Time that a wait must leave: slack_sdk waits up to a second longer than asked, and a request takes time."""


class LongWaitError(aiohttp.ClientError):
    """The platform asks for a wait that ends after the deadline."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"asked to wait {seconds:.0f} seconds")
        self.seconds = seconds


def deadline_trace(timeout: float, now: Callable[[], float] = time.time) -> aiohttp.TraceConfig:
    """Return a trace configuration for a session: a request whose body is not sent in `timeout` seconds fails
    unsent.

    Timers do not suffice: a process that is stopped right before it sends, and wakes after its lease, sends
    first and looks at its timers afterwards. `now` is the wall clock, since monotonic clocks stop while a
    machine sleeps.

    Each request is reported to `current_attempt()`. A demanded wait that ends after the deadline raises
    LongWaitError.
    """

    async def on_request_start(session: Any, request: SimpleNamespace, params: Any) -> None:
        request.started_at = now()
        if attempt := current_attempt():
            attempt.begin_request()

    async def on_chunk_sent(session: Any, request: SimpleNamespace, params: Any) -> None:
        if now() - request.started_at >= timeout:
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
    """Return the number in a header, 0 when it has none."""
    try:
        return float(header)
    except ValueError:
        return 0.0
