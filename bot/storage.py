"""Threads for the blocking calls of the store.

Background work and people's commands have a pool of threads each, so that a burst of commands never delays a
lease, a leader's heartbeat or the outbox.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

BACKGROUND_THREADS = 8
"""Threads for the worker's claims, its five kinds of batch, leadership and the sources, all at once."""
INTERACTIVE_THREADS = 6
"""Threads for people's commands. With the others and leadership's session they use 15 connections."""

_background_pool = ThreadPoolExecutor(BACKGROUND_THREADS, thread_name_prefix="store-background")
_interactive_pool = ThreadPoolExecutor(INTERACTIVE_THREADS, thread_name_prefix="store-interactive")


async def run_background(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a blocking function in a background thread, and return its result or raise its error.

    For the outbox, leases, leadership and ingest. The function sees the caller's context variables. If the
    caller is cancelled, a call that has begun still runs to its end. Raises RuntimeError if no thread can be
    started.
    """
    return await start_background(function, *args, **kwargs)


async def run_interactive(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a blocking function as `run_background` does, for a person who waits for the answer.

    It has threads of its own, which background work cannot occupy.
    """
    return await _start(_interactive_pool, partial(function, *args, **kwargs))


def start_background(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> asyncio.Future[R]:
    """Start a call as `run_background` does, and return its future without waiting.

    Raises RuntimeError at once if no thread can be started.
    """
    return _start(_background_pool, partial(function, *args, **kwargs))


def _start(pool: ThreadPoolExecutor, call: Callable[[], R]) -> asyncio.Future[R]:
    return asyncio.get_running_loop().run_in_executor(pool, copy_context().run, call)
