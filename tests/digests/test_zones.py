"""Due times in every zone of the tz database, 2024 to 2032: each local date has exactly one.

Days without a clock change are alike. Each zone's clock changes are therefore found once, and
every quarter of an hour of the days around them is checked. A sample of the zones runs by default,
all of them with PAPERROUND_CHAOS=1.
"""

import os
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest

import bot.services  # noqa: F401  Selects the zones of the tzdata package, as in every process.
from digests.schedule import DueEdition, due_at, newest_due_edition, next_due_edition, recompute_next_due
from digests.subscription import Schedule

ALL_ZONES = tuple(sorted(available_timezones()))
HARD_ZONES = (
    "Europe/Berlin", "America/New_York", "Africa/Cairo", "Africa/Casablanca", "Africa/El_Aaiun",
    "America/Asuncion", "America/Nuuk", "America/Santiago", "America/Scoresbysund", "America/Vancouver",
    "Antarctica/Troll", "Asia/Almaty", "Asia/Beirut", "Asia/Gaza", "Australia/Lord_Howe", "Pacific/Chatham",
    "Pacific/Easter", "Pacific/Norfolk",
)  # fmt: skip
"""Zones with changes at midnight, of half an hour or two hours, in Ramadan,
permanent, in both hemispheres."""

ZONES = ALL_ZONES if os.environ.get("PAPERROUND_CHAOS") else (*HARD_ZONES, *ALL_ZONES[::25])

START, END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2033, 1, 1, tzinfo=UTC)
DAY, QUARTER = timedelta(days=1), timedelta(minutes=15)
QUARTERS = [time(number // 4, number % 4 * 15) for number in range(96)]
EVERY_DAY = frozenset(range(7))


@cache
def clock_changes(zone: str) -> tuple[tuple[datetime, timedelta], ...]:
    """Return the instants of a zone's clock changes, to the second, each with the new offset."""
    zone_info, changes_found = ZoneInfo(zone), []
    offsets = [
        (day, _offset(zone_info, day)) for day in (START + DAY * n for n in range((END - START).days + 1))
    ]
    for (early, old), (late, new) in pairwise(offsets):
        if old != new:
            while late - early > timedelta(seconds=1):
                middle = early + (late - early) // 2
                early, late = (middle, late) if _offset(zone_info, middle) == old else (early, middle)
            changes_found.append((late.replace(microsecond=0), new))
    return tuple(changes_found)


def _offset(zone_info: ZoneInfo, instant: datetime) -> timedelta:
    offset = instant.astimezone(zone_info).utcoffset()
    assert offset is not None
    return offset


def days_around_changes(zone: str) -> list[date]:
    zone_info = ZoneInfo(zone)
    days = {
        instant.astimezone(zone_info).date() + DAY * n
        for instant, _ in clock_changes(zone)
        for n in (-2, -1, 0, 1, 2)
    }
    return sorted(days | {date(2024, 2, 29), date(2028, 2, 29), date(2031, 12, 31)})


@pytest.mark.parametrize("zone", ZONES)
def test_around_each_clock_change_every_date_has_one_due_time(zone: str) -> None:
    """Compare with an independent computation, from the clock changes alone."""
    days = days_around_changes(zone)
    for day in days:
        shown = _first_shown(zone, day)
        for at in QUARTERS:
            schedule = Schedule(at, EVERY_DAY, zone)
            due = due_at(schedule, day)
            assert due == shown[at], (zone, day, at)
    for day in days:  # The previous and the next edition have the dates before and after.
        for at in (QUARTERS[0], QUARTERS[9], QUARTERS[95]):
            schedule = Schedule(at, EVERY_DAY, zone)
            due = due_at(schedule, day)
            assert newest_due_edition(schedule, due) == DueEdition(day, due)
            following = next_due_edition(schedule, due)
            assert following.edition == day + DAY
            assert newest_due_edition(schedule, following.at - timedelta(microseconds=1)) == DueEdition(
                day, due
            )
            assert (
                recompute_next_due(schedule, due - DAY, DueEdition(day, due - QUARTER), ()).at
                == next_due_edition(schedule, due - DAY).at
            )


def _first_shown(zone: str, day: date) -> dict[time, datetime]:
    """Return, for each quarter of an hour, the first instant at which local clocks show it
    or a later time.
    """
    midnight = datetime.combine(day, time(), UTC)
    near = [(at, offset) for at, offset in clock_changes(zone) if abs(at - midnight) < 3 * DAY]
    first = _offset(ZoneInfo(zone), (near[0][0] if near else midnight + DAY) - timedelta(seconds=1))
    spans = [(START - 9 * DAY, first), *near, (END + 9 * DAY, first)]
    shown: dict[time, datetime] = {}
    for quarter in QUARTERS:
        wanted = datetime.combine(day, quarter, UTC)  # As if the local time were UTC's.
        for (begin, offset), (end, _) in pairwise(spans):
            instant = max(begin, wanted - offset)
            if instant < end:
                shown[quarter] = instant
                break
    return shown


def test_the_sample_contains_the_hard_cases() -> None:
    assert {len(clock_changes(zone)) > 0 for zone in HARD_ZONES} == {True}
    assert len(clock_changes("Europe/Berlin")) == 18
    assert len(clock_changes("UTC")) == 0


@pytest.mark.parametrize(
    ("zone", "day", "offset"),
    [
        ("America/Vancouver", date(2026, 12, 15), -7),
        ("America/Edmonton", date(2026, 12, 15), -6),
        ("Africa/Casablanca", date(2026, 12, 15), 0),
    ],
)
def test_zone_rules_of_this_year_are_installed(zone: str, day: date, offset: int) -> None:
    """Old zone data lacks them: British Columbia and Alberta keep summer time, Morocco ended its own."""
    assert due_at(Schedule(time(9), EVERY_DAY, zone), day) == datetime.combine(day, time(9), UTC) - timedelta(
        hours=offset
    )
