"""Who subscribed a channel hears that a digest could not be posted, as soon as anything can reach them."""

import asyncio
import contextlib
import logging
from datetime import datetime, timedelta

from bot.chat.attempt import with_deadline
from bot.chat.port import Outcome, PostError
from bot.delivery.deliver import DeliveryContext
from bot.present.digest import present_failure
from digests.errors import PaperroundError
from digests.ports.failure_notices import FailureNotice

log = logging.getLogger(__name__)

POLL_SECONDS = 60.0
"""Between two looks at who is to be told."""
RETRY_AFTER = timedelta(minutes=10)
"""After so long it is tried once more: the platform that could not take the digest often cannot take this either."""
RETRY_AFTER_UNKNOWN = timedelta(days=1)
"""The same where it may have arrived."""
MAX_NOTICE_AGE = timedelta(days=3)
"""Of an edition that is older nobody is told any more, if once was not enough."""
CONCURRENCY = 50


async def notify_until_stopped(context: DeliveryContext, stop: asyncio.Event) -> None:
    """Tell owners what they do not know yet, until told to stop."""
    while not stop.is_set():
        try:
            await send_failure_notices(context)
        except PaperroundError as error:
            log.error("%s Owners are told later.", error)
        except Exception:
            log.exception("Owners could not be told; trying again in a minute.")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), POLL_SECONDS)


async def send_failure_notices(context: DeliveryContext) -> None:
    """In direct messages, each edition once; one that may have arrived, or whose sender died, may come twice."""
    failure_notices = context.store.failure_notices
    while notices := await asyncio.to_thread(
        failure_notices.due, now=context.clock(), retry_after=RETRY_AFTER, limit=CONCURRENCY
    ):
        await asyncio.gather(*(_send_notice(notice, context) for notice in notices))
        if len(notices) < CONCURRENCY:
            break


async def _send_notice(notice: FailureNotice, context: DeliveryContext) -> None:
    subscription, platform = notice.subscription, context.platforms.get(notice.subscription.channel.platform)
    now, retry_at = context.clock(), None
    try:
        if platform and subscription.owner_id:
            message = present_failure(
                subscription, notice.edition, notice.reason, stopped=bool(subscription.stop_reason)
            )
            await with_deadline(
                platform.send_direct_message(subscription.channel, subscription.owner_id, message),
                context.timeout,
            )
    except PostError as error:
        log.warning("the owner of %s could not be told: %s", subscription.channel, error)
        retry_at = _compute_retry_at(error.outcome, now)
    except Exception:
        log.exception("the owner of %s could not be told", subscription.channel)
        retry_at = now + RETRY_AFTER
    if retry_at and retry_at.date() - notice.edition > MAX_NOTICE_AGE:
        retry_at = None
    await asyncio.to_thread(context.store.failure_notices.acknowledge, notice, retry_at=retry_at)


def _compute_retry_at(outcome: Outcome, now: datetime) -> datetime | None:
    """A message that may have arrived is not sent every few minutes, and one that is refused not again."""
    match outcome:
        case Outcome.NOT_POSTED:
            return now + RETRY_AFTER
        case Outcome.UNKNOWN:
            return now + RETRY_AFTER_UNKNOWN
        case _:
            return None
