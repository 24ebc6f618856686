"""Due: a local hour, over changes of the clock."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digests.model import Schedule
from digests.schedule import due_at, newest_due, next_due

EVERY_DAY = frozenset(range(7))
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Africa/Cairo",
    "Asia/Beirut",
    "America/Santiago",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
)


def a_schedule(at: time = time(9), zone: str = "Europe/Berlin", days: frozenset[int] = EVERY_DAY) -> Schedule:
    return Schedule(at, days, zone)


def test_nine_in_berlin_is_eight_in_winter_and_seven_in_summer() -> None:
    assert due_at(a_schedule(), date(2026, 1, 15)) == datetime(2026, 1, 15, 8, tzinfo=UTC)
    assert due_at(a_schedule(), date(2026, 7, 15)) == datetime(2026, 7, 15, 7, tzinfo=UTC)


def test_an_hour_that_the_clocks_skip_is_due_at_the_first_instant_after_the_gap() -> None:
    assert due_at(a_schedule(time(2, 30)), date(2026, 3, 29)) == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert due_at(a_schedule(time(0, 15), "Africa/Cairo"), date(2026, 4, 24)) == datetime(
        2026, 4, 23, 22, tzinfo=UTC
    )


def test_an_hour_that_comes_twice_is_due_the_first_time() -> None:
    assert due_at(a_schedule(time(2, 30)), date(2026, 10, 25)) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_the_next_edition_skips_days_without_one() -> None:
    friday_noon = datetime(2026, 11, 27, 12, tzinfo=UTC)
    due = next_due(a_schedule(days=frozenset(range(5))), friday_noon)
    assert due.edition == date(2026, 11, 30)


def test_an_edition_is_due_at_its_own_instant_and_next_only_after_it() -> None:
    at = due_at(a_schedule(), date(2026, 11, 24))
    assert newest_due(a_schedule(), at).edition == date(2026, 11, 24)
    assert next_due(a_schedule(), at).edition == date(2026, 11, 25)
    assert newest_due(a_schedule(), at - timedelta(seconds=1)).edition == date(2026, 11, 23)


@given(
    zone=st.sampled_from(ZONES),
    at=st.times().map(lambda t: t.replace(microsecond=0, tzinfo=None)),
    start=st.integers(0, 8 * 365 * 24 * 60).map(
        lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
    days=st.sets(st.integers(0, 6), min_size=1).map(frozenset),
)
def test_editions_follow_one_another_each_date_once(
    zone: str, at: time, start: datetime, days: frozenset[int]
) -> None:
    schedule = Schedule(at, days, zone)
    first = next_due(schedule, start)
    second = next_due(schedule, first.at)
    assert start < first.at < second.at
    assert first.edition < second.edition
    assert newest_due(schedule, first.at) == first
    assert newest_due(schedule, second.at - timedelta(microseconds=1)) == first


@pytest.mark.parametrize("zone", ZONES)
def test_every_quarter_of_an_hour_of_two_years_is_local_time_or_the_end_of_a_gap(zone: str) -> None:
    day = date(2026, 1, 1)
    while day < date(2028, 1, 1):
        for quarter in (0, 1, 5, 9, 10, 11, 36, 95):
            at = time(quarter // 4, quarter % 4 * 15)
            local = due_at(a_schedule(at, zone), day).astimezone(ZoneInfo(zone))
            if (local.date(), local.time()) != (day, at):
                before = due_at(a_schedule(at, zone), day) - timedelta(seconds=1)
                assert before.astimezone(ZoneInfo(zone)).utcoffset() != local.utcoffset()
        day += timedelta(days=1)
