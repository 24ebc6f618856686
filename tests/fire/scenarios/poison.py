"""Subscriptions that can have no digest."""

from tests.fire.world import Place, Tally, world

POISON = {
    "domains": "not json",
    "style": "origami",
    "time_zone": "Mars/Phobos",
    "at": "tea time",
    "days": "[]",
    "keywords": "{",
}
"""Columns of a subscription, and what somebody's hand wrote into them."""


async def poison(place: Place, *, channels: int = 6) -> Tally:
    """Channels that are gone, and some whose settings cannot be read: all others have their digest."""
    async with world(place) as here:
        papers = here.bring(here.clock().date())
        gone = here.subscribe(papers)
        here.chat.close(gone)
        for column, value in POISON.items():
            here.write_by_hand(here.subscribe(papers), column, value)
        bad = list(here.due)
        here.subscribe_all(papers, channels)
        for channel in bad:
            del here.due[channel]
        here.populate()
        await here.all_finished()
        await here.some_ticks()
        return here.tally()
