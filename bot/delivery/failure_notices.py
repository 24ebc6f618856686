"""Failure notices: the owner of a subscription gets a direct message when a digest was given up."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.chat.attempt import with_deadline
from bot.chat.port import Outcome, Platform, PostError
from bot.log_fields import add_log_fields
from bot.periodic import every
from bot.present.digest import present_failure
from bot.storage import run_background
from digests.ports.failure_notices import FailureNotice, FailureNotices

log = logging.getLogger(__name__)

POLL_SECONDS = 60.0
RETRY_AFTER = timedelta(minutes=10)
"""Wait after a notice that was not sent."""
RETRY_AFTER_UNKNOWN = timedelta(days=1)
"""Wait after a notice that may have arrived."""
MAX_NOTICE_AGE = timedelta(days=3)
"""Age of an edition after which its notice is not retried."""
CONCURRENCY = 50
"""Notices read from the store and sent at once."""


@dataclass(frozen=True, slots=True)
class FailureNotifier:
    """Sends the failure notices of the store. `platforms` are by name, and `timeout` limits one message."""

    failure_notices: FailureNotices
    platforms: Mapping[str, Platform]
    clock: Callable[[], datetime]
    timeout: timedelta

    async def run_until_stopped(self, stop: asyncio.Event) -> None:
        """Send the notices that are due, every `POLL_SECONDS`, until `stop` is set. Errors are logged."""
        await every(POLL_SECONDS, self.send_due_notices, stop, name="failure notices")

    async def send_due_notices(self) -> None:
        """Send every notice that is due, `CONCURRENCY` at a time. Raises StoreError.

        Each notice is tried once, whatever its age. A notice that fails is rescheduled, any number of times
        until the next attempt would come more than `MAX_NOTICE_AGE` after its edition; then it is dropped. It
        is dropped at once if the platform refuses it, or if it has no owner or platform here. A person gets a
        notice once, except after a crash or a lost answer: then it may come twice.
        """
        while notices := await run_background(
            self.failure_notices.due, now=self.clock(), retry_after=RETRY_AFTER, limit=CONCURRENCY
        ):
            await asyncio.gather(*(self._send_logged(notice) for notice in notices))
            if len(notices) < CONCURRENCY:
                break

    async def _send_logged(self, notice: FailureNotice) -> None:
        with add_log_fields(notice.subscription.channel, edition=notice.edition.isoformat()):
            await self._send_notice(notice)

    async def _send_notice(self, notice: FailureNotice) -> None:
        channel, now = notice.subscription.channel, self.clock()
        retry_at = None
        try:
            await self._send_message(notice)
        except PostError as error:
            log.warning("the owner of %s was not notified: %s", channel, error)
            retry_at = _compute_retry_at(error.outcome, now)
        except Exception:
            log.exception("the owner of %s was not notified", channel)
            retry_at = now + RETRY_AFTER
        if retry_at and retry_at.date() - notice.edition > MAX_NOTICE_AGE:
            retry_at = None
        await run_background(self.failure_notices.acknowledge, notice, retry_at=retry_at)

    async def _send_message(self, notice: FailureNotice) -> None:
        """Send the direct message. Does nothing without an owner or such a platform. Raises PostError."""
        subscription = notice.subscription
        platform = self.platforms.get(subscription.channel.platform)
        if not platform or not subscription.owner_id:
            return
        message = present_failure(
            subscription,
            notice.edition,
            notice.reason,
            kind=notice.kind,
            stopped=bool(subscription.stop_reason),
        )
        await with_deadline(
            platform.send_direct_message(subscription.channel, subscription.owner_id, message), self.timeout
        )


def _compute_retry_at(outcome: Outcome, now: datetime) -> datetime | None:
    """Return the time of the next attempt; None when the platform refuses the message for good."""
    match outcome:
        case Outcome.NOT_POSTED:
            return now + RETRY_AFTER
        case Outcome.UNKNOWN:
            return now + RETRY_AFTER_UNKNOWN
        case _:
            return None
