"""Who subscribed a channel hears that a digest could not be posted, as soon as anything can reach them."""

import asyncio
import contextlib
import logging
from datetime import datetime, timedelta

from bot.deliver import Desk
from bot.platforms import Outcome, PostError
from bot.platforms.tries import in_time
from bot.present import failed_message
from digests.errors import PaperroundError
from digests.ports import Untold

log = logging.getLogger(__name__)

LOOK_SECONDS = 60.0
"""Between two looks at who is to be told."""
AGAIN = timedelta(minutes=10)
"""After so long it is tried once more: the platform that could not take the digest often cannot take this either."""
AGAIN_PERHAPS = timedelta(days=1)
"""The same where it may have arrived."""
FOR_DAYS = timedelta(days=3)
"""Of an edition that is older nobody is told any more, if once was not enough."""
AT_ONCE = 50


async def keep_telling(desk: Desk, stop: asyncio.Event) -> None:
    """Tell owners what they do not know yet, until told to stop."""
    while not stop.is_set():
        try:
            await tell_owners(desk)
        except PaperroundError as error:
            log.error("%s Owners are told later.", error)
        except Exception:
            log.exception("Owners could not be told; trying again in a minute.")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), LOOK_SECONDS)


async def tell_owners(desk: Desk) -> None:
    """In direct messages, each edition once; one that may have arrived, or whose sender died, may come twice."""
    ledger = desk.store.deliveries
    while untold := await asyncio.to_thread(ledger.untold, now=desk.clock(), again=AGAIN, most=AT_ONCE):
        await asyncio.gather(*(_tell(one, desk) for one in untold))
        if len(untold) < AT_ONCE:
            break


async def _tell(untold: Untold, desk: Desk) -> None:
    one, platform = untold.subscription, desk.platforms.get(untold.subscription.channel.platform)
    now, until = desk.clock(), None
    try:
        if platform and one.owner:
            message = failed_message(one, untold.edition, untold.reason, stopped=bool(one.stopped))
            await in_time(platform.tell(one.channel, one.owner, message), desk.time_out)
    except PostError as error:
        log.warning("the owner of %s could not be told: %s", one.channel, error)
        until = _again(error.outcome, now)
    except Exception:
        log.exception("the owner of %s could not be told", one.channel)
        until = now + AGAIN
    if until and until.date() - untold.edition > FOR_DAYS:
        until = None
    await asyncio.to_thread(desk.store.deliveries.told, untold, again_at=until)


def _again(outcome: Outcome, now: datetime) -> datetime | None:
    """A message that may have arrived is not sent every few minutes, and one that is refused not again."""
    match outcome:
        case Outcome.NOT_POSTED:
            return now + AGAIN
        case Outcome.UNKNOWN:
            return now + AGAIN_PERHAPS
        case _:
            return None
