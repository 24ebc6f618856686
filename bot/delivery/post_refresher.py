"""Posts that stay true: what came after a message was posted is shown on it, seldom and quietly."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby

from bot.chat.attempt import with_deadline
from bot.chat.port import Outcome, Platform, PostError
from bot.delivery.deliver import DeliveryContext
from bot.present.post_update import load_post_update
from digests.errors import PaperroundError
from digests.model import Post
from digests.ports.post_edits import PostEdit

log = logging.getLogger(__name__)

LEADERSHIP_NAME = "posts"
"""One replica at a time keeps them true."""

EDIT_INTERVAL = timedelta(hours=1)
"""A message is edited for news at most so often."""

FIRST_BACKOFF, MAX_ATTEMPTS = timedelta(minutes=1), 12
"""Waits between tries double, up to `EVERY`; after so many the message is left as it is."""

BATCH_SIZE = 200
"""Edits taken from the store at once. Those of one workspace are made one after the other."""

POLL_SECONDS = 60.0
"""Between two looks at what changed."""


async def refresh_until_stopped(context: DeliveryContext, max_age: timedelta, stop: asyncio.Event) -> None:
    """Edit the messages of the last `keep` whose papers have news, until told to stop."""
    while not stop.is_set():
        try:
            await refresh_due_posts(context, max_age, stop)
        except PaperroundError as error:
            log.error("%s Posts are looked at again in a minute.", error)
        except Exception:
            log.exception("Posts could not be refreshed; trying again in a minute.")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), POLL_SECONDS)


async def refresh_due_posts(context: DeliveryContext, max_age: timedelta, stop: asyncio.Event) -> None:
    """Go through all that changed since the last time, and make the edits that are due; until told to stop."""
    post_edits = context.store.post_edits
    while not stop.is_set():
        now = context.clock()
        if not await asyncio.to_thread(post_edits.enqueue, since=now - max_age, now=now):
            break
    while not stop.is_set():
        edits = await asyncio.to_thread(
            post_edits.claim, now=context.clock(), interval=EDIT_INTERVAL, limit=BATCH_SIZE
        )
        async with asyncio.TaskGroup() as group:
            for _, workspace_edits in groupby(sorted(edits, key=_workspace_of), key=_workspace_of):
                group.create_task(_refresh_in_order(list(workspace_edits), context, stop))
        if len(edits) < BATCH_SIZE:
            break


def _workspace_of(edit: PostEdit) -> tuple[str, str]:
    return edit.post.channel.platform, edit.post.channel.workspace


async def _refresh_in_order(edits: Sequence[PostEdit], context: DeliveryContext, stop: asyncio.Event) -> None:
    for edit in edits:
        if stop.is_set():
            await asyncio.to_thread(context.store.post_edits.reschedule, edit, context.clock())
        else:
            await _refresh_post(edit, context)


async def _refresh_post(edit: PostEdit, context: DeliveryContext) -> None:
    """Make one message true, or put it off: its failure is its own."""
    post_edits, channel = context.store.post_edits, edit.post.channel
    try:
        text = await _send_refresh(edit, context)
        if text is None:
            await asyncio.to_thread(post_edits.unchanged, edit, now=context.clock())
        else:
            await asyncio.to_thread(
                post_edits.complete, edit, text, now=context.clock(), interval=EDIT_INTERVAL
            )
    except PostError as error:
        gives_up = error.outcome is Outcome.REFUSED or edit.attempts >= MAX_ATTEMPTS
        # One that may have been made counts: the next is not sooner than after any other.
        wait = (
            EDIT_INTERVAL
            if error.outcome is Outcome.UNKNOWN
            else min(FIRST_BACKOFF * 2 ** (edit.attempts - 1), EDIT_INTERVAL)
        )
        log.warning(
            "%s: a message could not be refreshed: %s%s",
            channel,
            error,
            " Left as it is." if gives_up else "",
        )
        await asyncio.to_thread(post_edits.reschedule, edit, None if gives_up else context.clock() + wait)
    except PaperroundError as error:
        log.warning("%s: a message could not be refreshed: %s", channel, error)
    except Exception:
        log.exception("%s: a message could not be refreshed", channel)
        retry_at = context.clock() + EDIT_INTERVAL
        await asyncio.to_thread(
            post_edits.reschedule, edit, None if edit.attempts >= MAX_ATTEMPTS else retry_at
        )


async def _send_refresh(edit: PostEdit, context: DeliveryContext) -> str | None:
    """Show on a message what is true now, and say what that is; None where its last edit said the same."""
    update = await asyncio.to_thread(load_post_update, edit.post, context.store)
    text = "\n".join(f"{paper}: {line}" for paper, line in sorted(update.update_lines.items()))
    if text == edit.last_text:
        return None
    platform = _find_platform(edit.post, context)
    if limiter := context.rate_limiters.get(platform.name):
        await limiter.acquire_idle(edit.post.channel)
    await with_deadline(platform.refresh(edit.post, update), context.timeout)
    return text


def _find_platform(post: Post, context: DeliveryContext) -> Platform:
    platform = context.platforms.get(post.channel.platform)
    if platform is None:
        raise PostError(f"The platform {post.channel.platform!r} is not set up here.", Outcome.NOT_POSTED)
    return platform
