"""Post edits: a posted message is refreshed after a paper in it changed, at most once an hour.

Marks queue no edit here: `RefreshDebouncer` in `bot/conversation/marks.py` shows them within seconds.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby

from bot.chat.attempt import with_deadline
from bot.chat.port import Outcome, Platform, PostError
from bot.delivery.rate_limit import RateLimiter
from bot.log_fields import add_log_fields
from bot.periodic import every
from bot.present.post_update import load_post_update
from bot.storage import run_background
from digests.errors import PaperroundError
from digests.model import Post
from digests.ports import Store
from digests.ports.post_edits import PostEdit
from digests.ports.queue_groups import QueueGroup

log = logging.getLogger(__name__)

LEADERSHIP_NAME = "posts"
"""Leader role of the replica that edits posts."""

EDIT_INTERVAL = timedelta(hours=1)
"""Shortest time between two edits of a message for updates of its papers."""

FIRST_BACKOFF, MAX_ATTEMPTS = timedelta(minutes=1), 12
"""The wait between failed attempts doubles from `FIRST_BACKOFF` to `EDIT_INTERVAL`.

An edit that fails at claim `MAX_ATTEMPTS` in a row, or at a later one, is dropped: no change of a paper
refreshes the message again. Claims that ended by a crash or a stop count too. An error of the store drops no
edit.
"""

BATCH_SIZE = 200
"""Edits claimed at once. The edits of one workspace are made one after the other."""

POLL_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class PostRefresher:
    """Refreshes posts not older than `max_age` after a paper in them changed.

    A new version, a new review and a withdrawal are changes. Each edit shows all of them, and the mark counts
    of that moment. `platforms` and `rate_limiters` are by platform name, and `timeout` limits one request to
    a platform. Only one replica at a time runs it.
    """

    store: Store
    platforms: Mapping[str, Platform]
    clock: Callable[[], datetime]
    timeout: timedelta
    max_age: timedelta
    rate_limiters: Mapping[str, RateLimiter] = field(default_factory=dict)
    queue_groups: tuple[QueueGroup, ...] = ()

    async def run_until_stopped(self, stop: asyncio.Event) -> None:
        """Make the edits that are due, every `POLL_SECONDS`, until `stop` is set. Errors are logged."""
        await every(POLL_SECONDS, partial(self.refresh_due_posts, stop), stop, name="post edits")

    async def refresh_due_posts(self, stop: asyncio.Event) -> None:
        """Queue an edit for every post of which a paper changed, then make the edits that are due.

        Edits of one workspace are made one after the other, those of different workspaces at the same time. A
        failed edit affects no other. At `stop` it returns early, and claimed edits that were not made are due
        again. Errors of the queue in the store are raised.
        """
        post_edits = self.store.post_edits
        while not stop.is_set():
            now = self.clock()
            if not await run_background(post_edits.enqueue, since=now - self.max_age, now=now):
                break
        while not stop.is_set():
            edits = await run_background(
                post_edits.claim, now=self.clock(), interval=EDIT_INTERVAL, limit=BATCH_SIZE
            )
            async with asyncio.TaskGroup() as group:
                for _, workspace_edits in groupby(sorted(edits, key=_workspace_of), key=_workspace_of):
                    group.create_task(self._refresh_in_order(list(workspace_edits), stop))
            if len(edits) < BATCH_SIZE:
                break

    async def _refresh_in_order(self, edits: Sequence[PostEdit], stop: asyncio.Event) -> None:
        for edit in edits:
            if stop.is_set():
                await run_background(self.store.post_edits.reschedule, edit, self.clock())
            else:
                with add_log_fields(edit.post.channel):
                    await self._refresh_post(edit)

    async def _refresh_post(self, edit: PostEdit) -> None:
        """Make one edit and complete it in the queue.

        A failure is logged, affects no other edit, and reschedules or drops it. If the store fails while the
        edit is made, the edit stays claimed and is due again later.
        """
        post_edits, channel = self.store.post_edits, edit.post.channel
        try:
            text = await self._send_refresh(edit)
            if text is None:
                await run_background(post_edits.unchanged, edit, now=self.clock())
            else:
                await run_background(
                    post_edits.complete, edit, text, now=self.clock(), interval=EDIT_INTERVAL
                )
        except PostError as error:
            wait = _compute_wait(edit, error.outcome)
            result = " Left as it is." if wait is None else ""
            log.warning("%s: a message could not be refreshed: %s%s", channel, error, result)
            retry_at = None if wait is None else self.clock() + wait
            await run_background(post_edits.reschedule, edit, retry_at)
        except PaperroundError as error:
            log.warning("%s: a message could not be refreshed: %s", channel, error)
        except Exception:
            log.exception("%s: a message could not be refreshed", channel)
            retry_at = None if edit.attempts >= MAX_ATTEMPTS else self.clock() + EDIT_INTERVAL
            await run_background(post_edits.reschedule, edit, retry_at)

    async def _send_refresh(self, edit: PostEdit) -> str | None:
        """Send a post's current marks and updates, and return the updates as text.

        Returns None, and sends nothing, when the last edit had the same text. Waits until no digest needs the
        channel's rate. Raises PostError, and StoreError from the load.
        """
        update = await run_background(load_post_update, edit.post, self.store, self.queue_groups)
        text = "\n".join(f"{paper}: {line}" for paper, line in sorted(update.update_lines.items()))
        if text == edit.last_text:
            return None
        platform = self._find_platform(edit.post)
        if limiter := self.rate_limiters.get(platform.name):
            await limiter.acquire_idle(edit.post.channel)
        await with_deadline(platform.refresh(edit.post, update), self.timeout)
        return text

    def _find_platform(self, post: Post) -> Platform:
        """Return the post's platform. Raises PostError with NOT_POSTED if it is not set up here."""
        if platform := self.platforms.get(post.channel.platform):
            return platform
        raise PostError(f"The platform {post.channel.platform!r} is not set up here.", Outcome.NOT_POSTED)


def _workspace_of(edit: PostEdit) -> tuple[str, str]:
    return edit.post.channel.platform, edit.post.channel.workspace


def _compute_wait(edit: PostEdit, outcome: Outcome) -> timedelta | None:
    """Return the wait before the next attempt after a failed edit; None to drop the edit for good."""
    if outcome is Outcome.REFUSED or edit.attempts >= MAX_ATTEMPTS:
        return None
    if outcome is Outcome.UNKNOWN:  # It may have been made, so the next one keeps the interval.
        return EDIT_INTERVAL
    backoff: timedelta = FIRST_BACKOFF * 2 ** (edit.attempts - 1)
    return min(backoff, EDIT_INTERVAL)
