"""The time zone of channels in tests whose processes read the machine's clock.

A channel's next edition begins at its local midnight. In this zone that is eleven hours away or more, at any
hour of the day.
"""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def find_noon_zone(now: datetime) -> str:
    """Return the IANA name of a zone in which it is between 12:00 and 13:00. Its clocks never change."""
    hours_east = 12 - now.astimezone(UTC).hour
    return f"Etc/GMT{-hours_east:+d}"  # These names count west of Greenwich as positive.


NOON_ZONE = find_noon_zone(datetime.now(UTC))
"""The zone in which it was noon when the tests began: one for all, so that two calls never differ."""


def noon_zone_date() -> date:
    """Return the current date in `NOON_ZONE`."""
    return datetime.now(ZoneInfo(NOON_ZONE)).date()
