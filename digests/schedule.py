"""When is a channel's digest due? Local hours, time zones and their changes of the clock. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from digests.subscription import Schedule

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class DueEdition:
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
    return _find_gap_end(local.replace(fold=1).astimezone(UTC), instant, zone)


def _find_gap_end(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The instant the clocks jump, to the second, by bisection between an instant on each side of it."""
    old = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + timedelta(seconds=(after - before) // _SECOND // 2)
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after


def edition_ends_at(schedule: Schedule, edition: date) -> datetime:
    """The local midnight at which an edition's date ends, in UTC."""
    return datetime.combine(edition + _DAY, time(), ZoneInfo(schedule.time_zone)).astimezone(UTC)


def next_due_edition(schedule: Schedule, after: datetime) -> DueEdition:
    """The first edition that is due after an instant."""
    edition = after.astimezone(ZoneInfo(schedule.time_zone)).date() - _DAY
    while True:
        if edition.weekday() in schedule.days and (at := due_at(schedule, edition)) > after:
            return DueEdition(edition, at)
        edition += _DAY


def newest_due_edition(schedule: Schedule, now: datetime) -> DueEdition:
    """The newest edition whose hour has come, `now` included: what is sent after a time of silence."""
    edition = now.astimezone(ZoneInfo(schedule.time_zone)).date() + _DAY
    while True:
        if edition.weekday() in schedule.days and (at := due_at(schedule, edition)) <= now:
            return DueEdition(edition, at)
        edition -= _DAY


def editions_between(schedule: Schedule, first: date, before: date, limit: int) -> tuple[date, ...]:
    """The dates from `first` up to and without `before` that have an edition, newest first; at most `most` of them."""
    found: list[date] = []
    day = before - _DAY
    while day >= first and len(found) < limit:
        if day.weekday() in schedule.days:
            found.append(day)
        day -= _DAY
    return tuple(found)


def due_after_schedule_change(
    schedule: Schedule, now: datetime, *, awaited: date | None, existing_editions: Collection[date]
) -> DueEdition:
    """What is due next once a schedule has changed. No date gets a second edition, and today's is not lost.

    `awaited` is the edition that was to come next until now, None when none was; `had` are the dates that already
    have theirs, lately; those that a clock had which was ahead by days stand in no other's way. An awaited edition
    whose new hour has passed is due at once.
    """
    tomorrow = now.astimezone(ZoneInfo(schedule.time_zone)).date() + _DAY
    last = max((edition for edition in existing_editions if edition <= tomorrow), default=date.min)
    newest = newest_due_edition(schedule, now)
    if awaited is not None and newest.edition >= awaited and newest.edition > last:
        return DueEdition(newest.edition, now)
    due = next_due_edition(schedule, now)
    while due.edition <= last:
        due = next_due_edition(schedule, due.at)
    return due


def recompute_next_due(
    schedule: Schedule, now: datetime, awaited: DueEdition, existing_editions: Collection[date]
) -> DueEdition:
    """When an awaited edition is due by the zones and the clock of today.

    It comes at its own hour, wherever a zone's new rules put that; a clock that was set back brings an earlier one
    before it.
    """
    today = now.astimezone(ZoneInfo(schedule.time_zone)).date()
    newest = newest_due_edition(schedule, now)
    if (
        newest.edition == today
        and today not in existing_editions
        and any(edition > today for edition in existing_editions)
    ):
        return newest
    soonest = next_due_edition(schedule, now)
    while soonest.edition in existing_editions:
        soonest = next_due_edition(schedule, soonest.at)
    if soonest.edition < awaited.edition:
        return soonest
    at = due_at(schedule, awaited.edition)
    return awaited if awaited.at <= now and at <= now else DueEdition(awaited.edition, at)
