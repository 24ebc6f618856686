"""When is a channel's digest due? Local hours, time zones and their changes of the clock. Pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from digests.model import Schedule

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Due:
    """The local date an edition stands for, and the instant it is due, in UTC."""

    edition: date
    at: datetime


def due_at(schedule: Schedule, edition: date) -> datetime:
    """The instant an edition is due, in UTC.

    A local time that the clocks skip is due at the first instant after the gap; one that comes twice, the first time.
    """
    zone = ZoneInfo(schedule.time_zone)
    local = datetime.combine(edition, schedule.at, zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    return _end_of_gap(local.replace(fold=1).astimezone(UTC), instant, zone)


def _end_of_gap(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The instant the clocks jump, to the second, by bisection between an instant on each side of it."""
    old = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + timedelta(seconds=(after - before) // _SECOND // 2)
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after


def next_due(schedule: Schedule, after: datetime) -> Due:
    """The first edition that is due after an instant."""
    edition = after.astimezone(ZoneInfo(schedule.time_zone)).date() - _DAY
    while True:
        if edition.weekday() in schedule.days and (at := due_at(schedule, edition)) > after:
            return Due(edition, at)
        edition += _DAY


def newest_due(schedule: Schedule, now: datetime) -> Due:
    """The newest edition whose hour has come, `now` included: what is sent after a time of silence."""
    edition = now.astimezone(ZoneInfo(schedule.time_zone)).date() + _DAY
    while True:
        if edition.weekday() in schedule.days and (at := due_at(schedule, edition)) <= now:
            return Due(edition, at)
        edition -= _DAY
