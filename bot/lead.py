"""Work that one process at a time may do: taken up with the lead, and dropped with it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from digests.errors import PaperroundError
from digests.ports import Lead, Leadership

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
"""Between two looks at the lead, held or waited for."""

ANSWER_SECONDS = 10.0
"""A lead of which nothing is heard for so long is given up; the store gives it to another after twenty."""

Work = Callable[[asyncio.Event], Awaitable[None]]
"""Ends soon after the event it is given is set."""


async def while_leading(name: str, work: Work, *, leadership: Leadership, stop: asyncio.Event) -> None:
    """Do the work whenever this process has the lead, until told to stop or until the work ends by itself.

    The event that the work gets is set on `stop`, and at once when the lead is lost; then the lead is waited for again,
    and the work may begin anew. What the work raises is raised.
    """
    while lead := await _lead(name, leadership, stop):
        log.info("this process leads: %s", name)
        try:
            if await _done(work, lead, stop):
                return
        finally:
            await asyncio.to_thread(lead.release)
        log.warning("the lead was lost, the work stopped: %s", name)


async def _lead(name: str, leadership: Leadership, stop: asyncio.Event) -> Lead | None:
    """The lead, however long it takes; None when told to stop before."""
    said = ""
    while not stop.is_set():
        try:
            if lead := await asyncio.to_thread(leadership.lead, name):
                return lead
            saying = f"another process leads, this one waits: {name}"
        except PaperroundError as error:
            saying = f"nobody knows who leads ({name}): {error} Asking again."
        if saying != said:
            said = saying
            log.info("%s", saying)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), LOOK_SECONDS)
    return None


async def _done(work: Work, lead: Lead, stop: asyncio.Event) -> bool:
    """Whether the work ended otherwise than by a lost lead."""
    ended, lost = asyncio.Event(), False
    working = asyncio.ensure_future(work(ended))
    stopping = asyncio.ensure_future(stop.wait())
    try:
        while not working.done():
            # Once it is told to end there is only its end to wait for, and the lead to be kept until then.
            waited_for = {working} if ended.is_set() else {working, stopping}
            await asyncio.wait(waited_for, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if not working.done() and not lost and not await _holds(lead):
                lost = True
            if lost or stop.is_set():
                ended.set()
        await working
    finally:
        stopping.cancel()
        working.cancel()
        await asyncio.gather(working, stopping, return_exceptions=True)
    return not lost


async def _holds(lead: Lead) -> bool:
    try:
        return await asyncio.wait_for(asyncio.to_thread(lead.holds), ANSWER_SECONDS)
    except TimeoutError:
        return False
