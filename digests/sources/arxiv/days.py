"""Days on which arXiv publishes a feed, in its own time zone. Pure."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from digests.calendar import NEW_YORK

FEED_READY = time(0, 30)
"""New York time from which a day's feed is fetched. It is built at midnight."""

FEED_SETTLED = time(6)
"""New York time after which an empty feed stays empty: arXiv announced nothing."""


def is_feed_day(day: date) -> bool:
    """Return True from Monday to Friday: arXiv announces papers on the evenings before.

    Holidays count as feed days, since only arXiv's servers know if there was an announcement.
    """
    return day.weekday() < 5


def latest_feed_day(now: datetime) -> date:
    """Return the newest day whose feed should be available at `now`. The day may be a holiday."""
    local = now.astimezone(NEW_YORK)
    day = local.date() if local.time() >= FEED_READY else local.date() - timedelta(days=1)
    while not is_feed_day(day):
        day -= timedelta(days=1)
    return day


def feed_days_between(after: date, before: date) -> Iterator[date]:
    """Yield the feed days strictly between two dates, in order; none if `before` is not later."""
    for ahead in range(1, (before - after).days):
        if is_feed_day(day := after + timedelta(days=ahead)):
            yield day


def new_york_instant(day: date, local_time: time) -> datetime:
    """Return a day's local time in New York as an aware datetime, correct across clock changes."""
    return datetime.combine(day, local_time, NEW_YORK)
