"""arXiv's announcement calendar: gaps by time zone, weekends and holidays."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digests.calendar import (
    ANNOUNCEMENT_LAG,
    NEW_YORK,
    GapReason,
    announcement_at,
    find_announcement_gap,
    holiday_name,
    next_announcement,
)

WEEKEND, HOLIDAY = GapReason.WEEKEND, GapReason.HOLIDAY


def local_instant(zone: str, day: int, hour: int = 9, *, month: int = 11, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def gap_reason(zone: str, before: int, day: int, hour: int = 9) -> GapReason | None:
    """Return the reason of the gap between the digests of two days in November 2026, or None."""
    gap = find_announcement_gap(local_instant(zone, before, hour), local_instant(zone, day, hour))
    return gap.reason if gap else None


def test_papers_are_announced_at_eight_in_the_evening_in_new_york_from_sunday_to_thursday() -> None:
    week = [announcement_at(date(2026, 11, day)) for day in range(15, 22)]  # Sunday to Saturday
    assert [bool(at) for at in week] == [True] * 5 + [False] * 2
    assert week[0] == datetime(2026, 11, 16, 1, tzinfo=UTC)
    assert announcement_at(date(2026, 7, 1)) == datetime(2026, 7, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "digests"),
    [
        # Each day's digest after that of the day before; the 20th is a Friday, the 26th Thanksgiving.
        ("Europe/Berlin", {20: None, 21: WEEKEND, 22: WEEKEND, 23: None, 26: None, 27: HOLIDAY}),
        ("America/Los_Angeles", {20: None, 21: WEEKEND, 22: WEEKEND, 23: None, 27: HOLIDAY}),
        # At nine in Tokyo it is still the evening before in New York, so papers come a date later.
        ("Asia/Tokyo", {20: None, 21: None, 22: WEEKEND, 23: WEEKEND, 24: None, 27: None, 28: HOLIDAY}),
        ("Pacific/Kiritimati", {21: None, 22: WEEKEND, 23: WEEKEND, 24: None, 28: HOLIDAY}),
    ],
)
def test_the_weekday_of_an_empty_digest_depends_on_the_time_zone(
    zone: str, digests: dict[int, GapReason | None]
) -> None:
    assert {day: gap_reason(zone, day - 1, day) for day in digests} == digests


def test_a_monday_digest_has_the_papers_of_sunday_evening() -> None:
    assert gap_reason("Europe/Berlin", 20, 23) is None
    assert gap_reason("Asia/Tokyo", 20, 23) is None


def test_an_announcement_counts_only_after_the_announcement_lag() -> None:
    evening = local_instant("America/New_York", 17, 20)
    gap = find_announcement_gap(evening + timedelta(hours=-8), evening + timedelta(hours=2))
    assert gap
    assert (gap.reason, gap.next_at) == (GapReason.NOT_YET, evening)
    assert find_announcement_gap(evening, evening + ANNOUNCEMENT_LAG) is None


def test_a_holiday_gap_has_a_name_and_the_next_announcement() -> None:
    gap = find_announcement_gap(local_instant("Europe/Berlin", 26), local_instant("Europe/Berlin", 27))
    assert gap
    assert (gap.holiday, gap.evening, gap.is_certain) == ("Thanksgiving", date(2026, 11, 26), True)
    assert gap.next_at == local_instant("America/New_York", 29, 20)


def test_holidays_outside_the_published_list_are_computed_and_not_certain() -> None:
    tuesday = local_instant("Europe/Berlin", 7, month=9, year=2027)
    gap = find_announcement_gap(tuesday - timedelta(days=1), tuesday)
    assert gap
    assert (gap.holiday, gap.is_certain) == ("Labor Day", False)
    holidays = {day: name for day in _days_of(2027) if (name := holiday_name(day))}
    assert holidays == {
        date(2027, 1, 18): "Martin Luther King Day",
        date(2027, 6, 19): "Juneteenth",
        date(2027, 7, 5): "Independence Day",
        date(2027, 9, 6): "Labor Day",
        date(2027, 11, 25): "Thanksgiving",
        date(2027, 12, 25): "Christmas",
    }


def test_the_published_list_is_used_without_computed_holidays() -> None:
    assert [day for day in _days_of(2026) if day >= date(2026, 11, 25) and holiday_name(day)] == [
        date(2026, 11, 26),
        date(2026, 12, 25),
        date(2026, 12, 29),
        date(2026, 12, 31),
    ]


def _days_of(year: int) -> list[date]:
    return [date(year, 1, 1) + timedelta(days=day) for day in range(365)]


instants = st.integers(0, 8 * 365 * 24 * 60).map(
    lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


spans = st.timedeltas(timedelta(0), timedelta(days=10))


@given(instants, spans, spans)
def test_consecutive_gaps_add_up_to_one_gap(start: datetime, first: timedelta, second: timedelta) -> None:
    middle, end = start + first, start + first + second
    gaps = [find_announcement_gap(start, middle), find_announcement_gap(middle, end)]
    assert (find_announcement_gap(start, end) is None) == (None in gaps)


@given(instants)
def test_the_next_announcement_is_the_first_one_after_an_instant(after: datetime) -> None:
    next_at = next_announcement(after)
    assert next_at > after
    assert announcement_at(next_at.astimezone(NEW_YORK).date()) == next_at
    assert next_announcement(next_at - timedelta(seconds=1)) == next_at
