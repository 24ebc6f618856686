"""Which days arXiv has a feed for, in its own time zone, and when it is worth asking. Pure."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from digests.calendar import NEW_YORK

FEED_READY = time(0, 30)
"""The feed of a day is built at midnight; papers for it were announced the evening before."""

FEED_SETTLED = time(6)
"""A feed that is empty by then stays so: arXiv announced nothing."""


def is_feed_day(day: date) -> bool:
    """arXiv announces from Sunday to Thursday evening, so its feeds are those of Monday to Friday.

    Holidays count as feed days: whether one was a holiday for all of arXiv is left to its servers to say.
    """
    return day.weekday() < 5


def latest_feed_day(now: datetime) -> date:
    """The newest day whose feed should be there."""
    local = now.astimezone(NEW_YORK)
    day = local.date() if local.time() >= FEED_READY else local.date() - timedelta(days=1)
    while not is_feed_day(day):
        day -= timedelta(days=1)
    return day


def feed_days_between(after: date, before: date) -> Iterator[date]:
    """The feed days strictly between two dates."""
    for ahead in range(1, (before - after).days):
        if is_feed_day(day := after + timedelta(days=ahead)):
            yield day


def new_york_instant(day: date, local_time: time) -> datetime:
    """A New York time of a day; the instant in UTC is right on both sides of a change of the clocks."""
    return datetime.combine(day, local_time, NEW_YORK)
