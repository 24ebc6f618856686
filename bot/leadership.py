"""Work that one process at a time may do: taken up with the lead, and dropped with it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from digests.errors import PaperroundError
from digests.ports.leadership import LeaderLock, Leadership

log = logging.getLogger(__name__)

POLL_SECONDS = 2.0
"""Between two looks at the lead, held or waited for."""

ANSWER_TIMEOUT_SECONDS = 10.0
"""A lead of which nothing is heard for so long is given up; the store gives it to another after twenty."""

LeaderWork = Callable[[asyncio.Event], Awaitable[None]]
"""Ends soon after the event it is given is set."""


async def run_while_leading(
    role: str, work: LeaderWork, *, leadership: Leadership, stop: asyncio.Event
) -> None:
    """Do the work whenever this process has the lead, until told to stop or until the work ends by itself.

    The event that the work gets is set on `stop`, and at once when the lead is lost; then the lead is waited for again,
    and the work may begin anew. What the work raises is raised.
    """
    while leader_lock := await _wait_for_leadership(role, leadership, stop):
        log.info("this process leads: %s", role)
        try:
            if await _run_until_lock_lost(work, leader_lock, stop):
                return
        finally:
            await asyncio.to_thread(leader_lock.release)
        log.warning("the lead was lost, the work stopped: %s", role)


async def _wait_for_leadership(role: str, leadership: Leadership, stop: asyncio.Event) -> LeaderLock | None:
    """The lead, however long it takes; None when told to stop before."""
    last_message = ""
    while not stop.is_set():
        try:
            if leader_lock := await asyncio.to_thread(leadership.acquire, role):
                return leader_lock
            message = f"another process leads, this one waits: {role}"
        except PaperroundError as error:
            message = f"nobody knows who leads ({role}): {error} Asking again."
        if message != last_message:
            last_message = message
            log.info("%s", message)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), POLL_SECONDS)
    return None


async def _run_until_lock_lost(work: LeaderWork, leader_lock: LeaderLock, stop: asyncio.Event) -> bool:
    """Whether the work ended otherwise than by a lost lead."""
    work_stop, is_lost = asyncio.Event(), False
    work_task = asyncio.ensure_future(work(work_stop))
    stop_task = asyncio.ensure_future(stop.wait())
    try:
        while not work_task.done():
            # Once it is told to end there is only its end to wait for, and the lead to be kept until then.
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
        return await asyncio.wait_for(asyncio.to_thread(leader_lock.is_held), ANSWER_TIMEOUT_SECONDS)
    except TimeoutError:
        return False
