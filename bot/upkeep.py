"""Posts that stay true: what came after a message was posted is shown on it, seldom and quietly."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby

from bot.deliver import Desk
from bot.facts import facts
from bot.platforms import Outcome, Platform, PostError
from bot.platforms.tries import in_time
from digests.errors import PaperroundError
from digests.model import Post
from digests.ports import Edit

log = logging.getLogger(__name__)

LEAD = "posts"
"""One replica at a time keeps them true."""

EVERY = timedelta(hours=1)
"""A message is edited for news at most so often."""

FIRST_WAIT, TRIES = timedelta(minutes=1), 12
"""Waits between tries double, up to `EVERY`; after so many the message is left as it is."""

AT_ONCE = 200
"""Edits taken from the store at once. Those of one workspace are made one after the other."""

LOOK_SECONDS = 60.0
"""Between two looks at what changed."""


async def keep_true(desk: Desk, keep: timedelta, stop: asyncio.Event) -> None:
    """Edit the messages of the last `keep` whose papers have news, until told to stop."""
    while not stop.is_set():
        try:
            await mend(desk, keep, stop)
        except PaperroundError as error:
            log.error("%s Posts are looked at again in a minute.", error)
        except Exception:
            log.exception("Posts could not be kept true; trying again in a minute.")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), LOOK_SECONDS)


async def mend(desk: Desk, keep: timedelta, stop: asyncio.Event) -> None:
    """Go through all that changed since the last time, and make the edits that are due; until told to stop."""
    upkeep = desk.store.upkeep
    while not stop.is_set():
        now = desk.clock()
        if not await asyncio.to_thread(upkeep.notice, since=now - keep, now=now):
            break
    while not stop.is_set():
        edits = await asyncio.to_thread(upkeep.take, now=desk.clock(), every=EVERY, most=AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for _, some in groupby(sorted(edits, key=_workspace), key=_workspace):
                group.create_task(_in_turn(list(some), desk, stop))
        if len(edits) < AT_ONCE:
            break


def _workspace(edit: Edit) -> tuple[str, str]:
    return edit.post.channel.platform, edit.post.channel.workspace


async def _in_turn(edits: Sequence[Edit], desk: Desk, stop: asyncio.Event) -> None:
    for edit in edits:
        if stop.is_set():
            await asyncio.to_thread(desk.store.upkeep.put_off, edit, desk.clock())
        else:
            await _edit(edit, desk)


async def _edit(edit: Edit, desk: Desk) -> None:
    """Make one message true, or put it off: its failure is its own."""
    upkeep, channel = desk.store.upkeep, edit.post.channel
    try:
        said = await _shown(edit, desk)
        if said is None:
            await asyncio.to_thread(upkeep.same, edit, now=desk.clock())
        else:
            await asyncio.to_thread(upkeep.edited, edit, said, now=desk.clock(), every=EVERY)
    except PostError as error:
        gone = error.outcome is Outcome.REFUSED or edit.tries >= TRIES
        # One that may have been made counts: the next is not sooner than after any other.
        wait = EVERY if error.outcome is Outcome.UNKNOWN else min(FIRST_WAIT * 2 ** (edit.tries - 1), EVERY)
        log.warning(
            "%s: a message could not be kept true: %s%s", channel, error, " Left as it is." if gone else ""
        )
        await asyncio.to_thread(upkeep.put_off, edit, None if gone else desk.clock() + wait)
    except PaperroundError as error:
        log.warning("%s: a message could not be kept true: %s", channel, error)
    except Exception:
        log.exception("%s: a message could not be kept true", channel)
        again = desk.clock() + EVERY
        await asyncio.to_thread(upkeep.put_off, edit, None if edit.tries >= TRIES else again)


async def _shown(edit: Edit, desk: Desk) -> str | None:
    """Show on a message what is true now, and say what that is; None where its last edit said the same."""
    true = await asyncio.to_thread(facts, edit.post, desk.store)
    said = "\n".join(f"{paper}: {line}" for paper, line in sorted(true.news.items()))
    if said == edit.said:
        return None
    platform = _platform(edit.post, desk)
    if pace := desk.paces.get(platform.name):
        await pace.spare_turn(edit.post.channel)
    await in_time(platform.refresh(edit.post, true), desk.time_out)
    return said


def _platform(post: Post, desk: Desk) -> Platform:
    platform = desk.platforms.get(post.channel.platform)
    if platform is None:
        raise PostError(f"The platform {post.channel.platform!r} is not set up here.", Outcome.NOT_POSTED)
    return platform
