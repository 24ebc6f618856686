"""Threads for the blocking calls of the store.

Leadership, the outbox, ingest and people's commands have a pool of threads each, so that neither a burst of
commands nor a slow import delays a leader's heartbeat, a lease or the outbox. Each thread uses one connection
at most, and all of them fit into the store's connection pool: no call waits for the connection of another
pool. Leadership keeps its session outside of that pool.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

LEADERSHIP_THREADS = 1
"""Threads for the leader locks, of which the store checks one at a time."""
BACKGROUND_THREADS = 6
"""Threads for the worker's claims and its batches: of their six kinds, a digest of one page uses four."""
INGEST_THREADS = 2
"""Threads for the sources and the reviewer."""
INTERACTIVE_THREADS = 6
"""Threads for people's commands."""

_leadership_pool = ThreadPoolExecutor(LEADERSHIP_THREADS, thread_name_prefix="store-leadership")
_background_pool = ThreadPoolExecutor(BACKGROUND_THREADS, thread_name_prefix="store-background")
_ingest_pool = ThreadPoolExecutor(INGEST_THREADS, thread_name_prefix="store-ingest")
_interactive_pool = ThreadPoolExecutor(INTERACTIVE_THREADS, thread_name_prefix="store-interactive")


async def run_background(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a blocking function in a background thread, and return its result or raise its error.

    For the outbox, its leases and the refreshes of posts. The function sees the caller's context variables.
    If the caller is cancelled, a call that has begun still runs to its end. Raises RuntimeError if no thread
    can be started.
    """
    return await start_background(function, *args, **kwargs)


async def run_leadership(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a blocking function as `run_background` does, to take, check or release a leader lock.

    It has a thread of its own: a lock that is not checked in time counts as lost.
    """
    return await _start(_leadership_pool, partial(function, *args, **kwargs))


async def run_ingest(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a blocking function as `run_background` does, for the sources and the reviewer.

    It has threads of its own: imports that wait for the store delay no delivery.
    """
    return await _start(_ingest_pool, partial(function, *args, **kwargs))


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
