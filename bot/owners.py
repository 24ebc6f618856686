"""Who subscribed a channel hears that a digest could not be posted, as soon as anything can reach them."""

import asyncio
import contextlib
import logging
from datetime import timedelta

from bot.deliver import Desk
from bot.platforms import PostError
from bot.platforms.tries import in_time
from bot.present import failed_message
from digests.errors import PaperroundError
from digests.ports import Untold

log = logging.getLogger(__name__)

LOOK_SECONDS = 60.0
"""Between two looks at who is to be told."""
AGAIN = timedelta(minutes=10)
"""After so long it is tried once more: the platform that could not take the digest often cannot take this either."""
FOR_DAYS = timedelta(days=3)
"""Of an edition that is older nobody is told any more."""
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
    """In direct messages, each edition once; a process that dies in between leaves one that comes twice."""
    ledger = desk.store.deliveries
    while untold := await asyncio.to_thread(ledger.untold, now=desk.clock(), again=AGAIN, most=AT_ONCE):
        await asyncio.gather(*(_tell(one, desk) for one in untold))
        if len(untold) < AT_ONCE:
            break


async def _tell(untold: Untold, desk: Desk) -> None:
    one, platform = untold.subscription, desk.platforms.get(untold.subscription.channel.platform)
    is_old = desk.clock().date() - untold.edition > FOR_DAYS
    try:
        if platform and one.owner and not is_old:
            message = failed_message(one, untold.edition, untold.reason, stopped=bool(one.stopped))
            await in_time(platform.tell(one.channel, one.owner, message), desk.time_out)
        await asyncio.to_thread(desk.store.deliveries.told, untold)
    except (PostError, PaperroundError) as error:
        log.warning("the owner of %s could not be told yet: %s", one.channel, error)
    except Exception:
        log.exception("the owner of %s could not be told yet", one.channel)
