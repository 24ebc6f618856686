"""A request that was held up for too long is not sent any more: somebody else may have done its work by now."""

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import aiohttp


def punctual(time_out: float, now: Callable[[], float] = time.time) -> aiohttp.TraceConfig:
    """For a session: a request whose body is not written so many seconds after its start fails unsent.

    Timers do not help here. A process that is stopped right before it writes, and goes on when its lease has run out, writes
    first and looks at its timers then. The hour of the wall is asked, since others stop while a machine sleeps.
    """

    async def begin(session: Any, request: SimpleNamespace, what: Any) -> None:
        request.began = now()

    async def check(session: Any, request: SimpleNamespace, what: Any) -> None:
        if now() - request.began >= time_out:
            raise TimeoutError("held up before it was sent")

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(begin)
    trace.on_request_chunk_sent.append(check)
    return trace
