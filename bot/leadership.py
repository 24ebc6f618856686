"""Work of a leader: it runs in one replica at a time, and stops when that replica loses the lead."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from bot.periodic import sleep_unless_stopped
from bot.storage import run_leadership
from digests.errors import PaperroundError
from digests.ports.leadership import LeaderLock, Leadership

log = logging.getLogger(__name__)

POLL_SECONDS = 2.0
"""Interval between two checks of the leader lock, held or not."""

ANSWER_TIMEOUT_SECONDS = 10.0
"""Longest wait for the store to say if the lock is held. After it the lead counts as lost."""

LeaderWork = Callable[[asyncio.Event], Awaitable[None]]
"""A coroutine function that gets an event, and returns soon after the event is set."""


async def run_while_leading(
    role: str, work: LeaderWork, *, leadership: Leadership, stop: asyncio.Event
) -> None:
    """Run `work` while this process leads `role`, until `stop` is set or the work returns by itself.

    The event that the work receives is set on `stop` and when the lead is lost. After `stop` the lead is kept
    until the work ends. After a loss this function waits for the lead again, and then restarts the work. An
    error of the store during a wait is logged, and the lock is asked for again. Exceptions of the work are
    raised.
    """
    while leader_lock := await _wait_for_leadership(role, leadership, stop):
        log.info("this process leads: %s", role)
        try:
            if await _run_until_lock_lost(work, leader_lock, stop):
                return
        finally:
            await run_leadership(leader_lock.release)
        log.warning("the lead was lost, the work stopped: %s", role)


async def _wait_for_leadership(role: str, leadership: Leadership, stop: asyncio.Event) -> LeaderLock | None:
    """Poll until the leader lock is free, and return it; None when `stop` is set before.

    An error of the store counts as a lock that is not free. A message is logged when it differs from the
    last.
    """
    last_message = ""
    while not stop.is_set():
        try:
            if leader_lock := await run_leadership(leadership.acquire, role):
                return leader_lock
            message = f"another process leads, this one waits: {role}"
        except PaperroundError as error:
            message = f"the leader is not known ({role}): {error} Asking again."
        if message != last_message:
            last_message = message
            log.info("%s", message)
        await sleep_unless_stopped(POLL_SECONDS, stop)
    return None


async def _run_until_lock_lost(work: LeaderWork, leader_lock: LeaderLock, stop: asyncio.Event) -> bool:
    """Run the work to its end. Its event is set after `stop`, and when the lock is lost.

    Returns False if the lock was lost, else True. Exceptions of the work are raised. The lock is not
    released.
    """
    work_stop, is_lost = asyncio.Event(), False
    work_task = asyncio.ensure_future(work(work_stop))
    stop_task = asyncio.ensure_future(stop.wait())
    try:
        while not work_task.done():
            # After the stop only the end of the work counts; the lock is kept until then.
            awaited_tasks = {work_task} if work_stop.is_set() else {work_task, stop_task}
            await asyncio.wait(awaited_tasks, timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if not work_task.done() and not is_lost and not await _is_lock_held(leader_lock):
                is_lost = True
            if is_lost or stop.is_set():
                work_stop.set()
        await work_task
    finally:
        stop_task.cancel()
        work_task.cancel()
        await asyncio.gather(work_task, stop_task, return_exceptions=True)
    return not is_lost


async def _is_lock_held(leader_lock: LeaderLock) -> bool:
    try:
        return await asyncio.wait_for(run_leadership(leader_lock.is_held), ANSWER_TIMEOUT_SECONDS)
    except TimeoutError:
        return False
