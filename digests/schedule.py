"""Due times of a channel's editions: local hours, time zones and clock changes. Pure."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from digests.subscription import Schedule

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class DueEdition:
    """An edition, which is a local date, and the instant `at` at which it is due, in UTC."""

    edition: date
    at: datetime


MAX_WEEKS = 2
"""Longest rhythm of a schedule, in weeks."""


def number_week(day: date) -> int:
    """Return the number of a day's week, which begins on Monday, counted from the first week of year 1.

    Unlike ISO numbers, it goes on at the end of a year, so that every second week has the same parity.
    """
    return (day.toordinal() - 1) // 7


def has_edition_on(schedule: Schedule, day: date) -> bool:
    """Return True if a schedule has an edition on a local date."""
    is_week = number_week(day) % schedule.every_weeks == schedule.week_parity
    return is_week and day.weekday() in schedule.days


def anchor_weeks(schedule: Schedule, before: Schedule | None, now: datetime) -> Schedule:
    """Return a schedule with the weeks in which it has editions.

    A rhythm that `before` had already keeps its weeks. A new rhythm of two weeks begins with the week of the
    first edition that a weekly schedule would have after `now`.
    """
    if before is not None and before.every_weeks == schedule.every_weeks:
        return replace(schedule, week_parity=before.week_parity)
    weekly = replace(schedule, every_weeks=1, week_parity=0)
    if schedule.every_weeks == 1:
        return weekly
    first = next_due_edition(weekly, now).edition
    return replace(schedule, week_parity=number_week(first) % schedule.every_weeks)


def due_at(schedule: Schedule, edition: date) -> datetime:
    """Return the instant at which an edition is due, in UTC.

    A local time that a clock change skips is due at the first instant after the gap. A local time that occurs
    twice is due the first time.
    """
    zone = ZoneInfo(schedule.time_zone)
    local = datetime.combine(edition, schedule.at, zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    return _find_gap_end(local.replace(fold=1).astimezone(UTC), instant, zone)


def _find_gap_end(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant of a clock change, to the second.

    Bisects between `before` and `after`, instants in UTC on the two sides of the change.
    """
    old_offset = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + timedelta(seconds=(after - before) // _SECOND // 2)
        if middle.astimezone(zone).utcoffset() == old_offset:
            before = middle
        else:
            after = middle
    return after


def edition_ends_at(schedule: Schedule, edition: date) -> datetime:
    """Return the local midnight at the end of an edition's date, in UTC."""
    return datetime.combine(edition + _DAY, time(), ZoneInfo(schedule.time_zone)).astimezone(UTC)


def next_due_edition(schedule: Schedule, after: datetime) -> DueEdition:
    """Return the first edition that is due later than `after`. The schedule must have a day."""
    edition = after.astimezone(ZoneInfo(schedule.time_zone)).date() - _DAY
    while True:
        if has_edition_on(schedule, edition) and (at := due_at(schedule, edition)) > after:
            return DueEdition(edition, at)
        edition += _DAY


def newest_due_edition(schedule: Schedule, now: datetime) -> DueEdition:
    """Return the newest edition that is due at `now` or earlier: the one to send after an outage.

    The schedule must have a day. Editions before the channel subscribed count too.
    """
    edition = now.astimezone(ZoneInfo(schedule.time_zone)).date() + _DAY
    while True:
        if has_edition_on(schedule, edition) and (at := due_at(schedule, edition)) <= now:
            return DueEdition(edition, at)
        edition -= _DAY


def previous_due_at(schedule: Schedule, edition: date, now: datetime) -> datetime:
    """Return the due time, in UTC, of the schedule's edition before this one; `now` if that is earlier."""
    return min(newest_due_edition(schedule, due_at(schedule, edition) - _SECOND).at, now)


def editions_between(schedule: Schedule, first: date, before: date, limit: int) -> tuple[date, ...]:
    """Return up to `limit` editions on `first` or later and earlier than `before`, newest first."""
    editions: list[date] = []
    day = before - _DAY
    while day >= first and len(editions) < limit:
        if has_edition_on(schedule, day):
            editions.append(day)
        day -= _DAY
    return tuple(editions)


def due_after_schedule_change(
    schedule: Schedule, now: datetime, *, awaited: date | None, existing_editions: Collection[date]
) -> DueEdition:
    """Return the next due edition after a schedule was changed to `schedule`.

    No date gets a second edition, and today's is not lost. `awaited` is the edition that was due next before
    the change, or None. If it, or a later one, is already due by the new schedule, the newest of them is due
    at `now`. `existing_editions` are recent dates that already have an edition: the result is later than all
    of them. Dates later than tomorrow are ignored: they come from a clock that was days ahead, and must not
    block the editions before them.
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
    schedule: Schedule,
    now: datetime,
    awaited: DueEdition,
    existing_editions: Collection[date],
    running_since: date | None = None,
) -> DueEdition:
    """Return the next due edition by the current time zone rules and clock; `awaited` is the stored one.

    An awaited edition moves to its own hour under new zone rules, unless it is due already. If the clock was
    set back, editions before the awaited one are due first, unless `existing_editions` already has their
    dates. Today's, if its hour is over, is one of them only if the channel ran then: `running_since` is the
    channel's first edition, or None if it is not known.
    """
    today = now.astimezone(ZoneInfo(schedule.time_zone)).date()
    newest = newest_due_edition(schedule, now)
    if (
        newest.edition == today
        and today not in existing_editions
        and (running_since is None or running_since <= today)
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
