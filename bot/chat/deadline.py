"""Trace of an HTTP session: it reports the session's requests, and stops those that are held up for too long.

A request that is held up must not be sent later: another worker may have posted the same page by then.
"""

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import aiohttp

from bot.chat.attempt import current_attempt

TOO_MANY_REQUESTS = 429
RETRY_MARGIN_SECONDS = 1.0
"""Seconds that must be left after a wait that the platform demands.

slack_sdk waits up to a second longer than demanded, and the next request takes time."""


class LongWaitError(aiohttp.ClientError):
    """The platform demands a wait of `seconds`, which would end after the attempt's deadline."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"asked to wait {seconds:.0f} seconds")
        self.seconds = seconds


def deadline_trace(timeout: float, now: Callable[[], float] = time.time) -> aiohttp.TraceConfig:
    """Return the trace configuration for a session whose requests carry pages.

    It looks at the clocks right before a request's body is sent. If the attempt's deadline has passed, or
    `timeout` seconds since the request began, the request raises TimeoutError and is not sent. A timer does
    not suffice: a process that is suspended there, and continues after its lease has ended, would send first
    and handle its timers afterwards. An attempt may have several requests, and less time than one of them.
    `now` is the wall clock in seconds, since monotonic clocks stop while a machine sleeps.

    Each request is reported to `current_attempt()`, if there is one. An answer with status 429 is reported as
    a refusal. The request then raises LongWaitError if less than `RETRY_MARGIN_SECONDS` would be left between
    the end of its Retry-After and the attempt's deadline, or if the attempt grants no wait as long as that.
    """

    async def on_request_start(session: Any, request: SimpleNamespace, params: Any) -> None:
        request.started_at = now()
        if attempt := current_attempt():
            attempt.begin_request()

    async def on_chunk_sent(session: Any, request: SimpleNamespace, params: Any) -> None:
        attempt = current_attempt()
        is_over = attempt is not None and time.monotonic() >= attempt.deadline
        if is_over or now() - request.started_at >= timeout:
            raise TimeoutError("held up before it was sent")
        if attempt:
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
        wait = parse_seconds(params.response.headers.get("Retry-After", ""))
        attempt.demanded_wait = max(attempt.demanded_wait, wait)
        is_too_late = wait + RETRY_MARGIN_SECONDS > attempt.deadline - time.monotonic()
        if is_too_late or wait > attempt.max_wait:
            params.response.close()
            raise LongWaitError(wait)

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(on_request_start)
    trace.on_request_chunk_sent.append(on_chunk_sent)
    trace.on_request_redirect.append(on_redirect)
    trace.on_request_end.append(on_request_end)
    return trace


def parse_seconds(header: str) -> float:
    """Return the number in a header; 0 if it holds none, such as a date."""
    try:
        return float(header)
    except ValueError:
        return 0.0
