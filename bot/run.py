"""`paperround run`: keep time until told to stop."""

import asyncio
import logging
import signal

from bot.app import PLATFORMS, House, require_platforms, wanted
from bot.clock import keep_time
from bot.present import day_name
from digests.schedule import next_due

log = logging.getLogger(__name__)


async def run(house: House) -> int:
    """Deliver what is due, every minute, until SIGINT or SIGTERM; returns the exit status. Raises InputError."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("apscheduler").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    stop = asyncio.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(one, stop.set)
    await asyncio.to_thread(_subscribe, house)
    await keep_time(house.desk, stop)
    log.info("stopped; nothing was left half done")
    return 0


def _subscribe(house: House) -> None:
    """Make the store's channels be those of the settings that this version can post to."""
    subscriptions = wanted(house.settings)
    stored = house.store.subscriptions
    require_platforms(subscriptions or stored.all())
    for one in subscriptions:
        if one.channel.platform not in PLATFORMS:
            log.warning("%s gets no digest: this version only previews %s", one.channel, one.channel.platform)
    stored.keep([one for one in subscriptions if one.channel.platform in PLATFORMS], now=house.desk.clock())
    for one in stored.all():
        coming = day_name(next_due(one.schedule, house.desk.clock()).edition)
        at = f"{one.schedule.at:%H:%M} {one.schedule.time_zone}"
        log.info("%s gets its digest at %s, next on %s", one.channel, at, coming)
