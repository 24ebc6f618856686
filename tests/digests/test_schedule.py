"""Due times of editions across clock changes, schedule changes and wrong clocks."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digests.schedule import (
    DueEdition,
    anchor_weeks,
    due_after_schedule_change,
    due_at,
    editions_between,
    newest_due_edition,
    next_due_edition,
    recompute_next_due,
)
from digests.subscription import Schedule

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


def test_a_skipped_hour_is_due_at_the_first_instant_after_the_gap() -> None:
    assert due_at(a_schedule(time(2, 30)), date(2026, 3, 29)) == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert due_at(a_schedule(time(0, 15), "Africa/Cairo"), date(2026, 4, 24)) == datetime(
        2026, 4, 23, 22, tzinfo=UTC
    )


def test_an_hour_that_occurs_twice_is_due_the_first_time() -> None:
    assert due_at(a_schedule(time(2, 30)), date(2026, 10, 25)) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_the_next_edition_skips_weekdays_outside_the_schedule() -> None:
    friday_noon = datetime(2026, 11, 27, 12, tzinfo=UTC)
    due = next_due_edition(a_schedule(days=frozenset(range(5))), friday_noon)
    assert due.edition == date(2026, 11, 30)


def test_an_edition_is_newest_at_its_due_instant_and_the_next_one_comes_later() -> None:
    at = due_at(a_schedule(), date(2026, 11, 24))
    assert newest_due_edition(a_schedule(), at).edition == date(2026, 11, 24)
    assert next_due_edition(a_schedule(), at).edition == date(2026, 11, 25)
    assert newest_due_edition(a_schedule(), at - timedelta(seconds=1)).edition == date(2026, 11, 23)


@given(
    zone=st.sampled_from(ZONES),
    at=st.times().map(lambda t: t.replace(microsecond=0, tzinfo=None)),
    start=st.integers(0, 8 * 365 * 24 * 60).map(
        lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
    days=st.sets(st.integers(0, 6), min_size=1).map(frozenset),
)
def test_each_date_has_one_edition_in_order(
    zone: str, at: time, start: datetime, days: frozenset[int]
) -> None:
    schedule = Schedule(at, days, zone)
    first = next_due_edition(schedule, start)
    second = next_due_edition(schedule, first.at)
    assert start < first.at < second.at
    assert first.edition < second.edition
    assert newest_due_edition(schedule, first.at) == first
    assert newest_due_edition(schedule, second.at - timedelta(microseconds=1)) == first


@pytest.mark.parametrize("zone", ZONES)
def test_every_due_time_is_the_local_hour_or_the_end_of_a_gap(zone: str) -> None:
    day = date(2026, 1, 1)
    while day < date(2028, 1, 1):
        for quarter in (0, 1, 5, 9, 10, 11, 36, 95):
            at = time(quarter // 4, quarter % 4 * 15)
            local = due_at(a_schedule(at, zone), day).astimezone(ZoneInfo(zone))
            if (local.date(), local.time()) != (day, at):
                before = due_at(a_schedule(at, zone), day) - timedelta(seconds=1)
                assert before.astimezone(ZoneInfo(zone)).utcoffset() != local.utcoffset()
        day += timedelta(days=1)


NINE, FIVE = time(9), time(17)
TODAY = date(2026, 11, 24)


def instant(hour: int, day: date = TODAY) -> datetime:
    return datetime.combine(day, time(hour), UTC)


def utc(at: time, days: frozenset[int] = EVERY_DAY) -> Schedule:
    return Schedule(at, days, "UTC")


def test_after_todays_edition_a_new_hour_counts_from_tomorrow() -> None:
    due = due_after_schedule_change(
        utc(FIVE), instant(12), awaited=TODAY + timedelta(days=1), existing_editions={TODAY}
    )
    assert due == DueEdition(TODAY + timedelta(days=1), instant(17, TODAY + timedelta(days=1)))


def test_an_awaited_edition_whose_new_hour_has_passed_is_due_at_once() -> None:
    assert due_after_schedule_change(
        utc(NINE), instant(10), awaited=TODAY, existing_editions=()
    ) == DueEdition(TODAY, instant(10))


def test_an_awaited_edition_moves_to_a_new_hour_later_today() -> None:
    assert due_after_schedule_change(
        utc(FIVE), instant(8), awaited=TODAY, existing_editions=()
    ) == DueEdition(TODAY, instant(17))


def test_a_channel_without_an_awaited_edition_waits_for_its_next_hour() -> None:
    tomorrow = TODAY + timedelta(days=1)
    assert due_after_schedule_change(
        utc(NINE), instant(10), awaited=None, existing_editions=()
    ) == DueEdition(tomorrow, instant(9, tomorrow))


def test_editions_of_a_clock_far_ahead_delay_nothing() -> None:
    tomorrow = TODAY + timedelta(days=1)
    far = {TODAY + timedelta(days=365), TODAY + timedelta(days=2)}
    assert (
        due_after_schedule_change(utc(NINE), instant(10), awaited=None, existing_editions=far).edition
        == tomorrow
    )
    assert (
        due_after_schedule_change(
            utc(NINE), instant(8), awaited=None, existing_editions={TODAY, *far}
        ).edition
        == tomorrow
    )


def test_a_change_of_time_zone_repeats_no_date() -> None:
    had_in_berlin = instant(8)
    honolulu = Schedule(NINE, EVERY_DAY, "Pacific/Honolulu")
    due = due_after_schedule_change(
        honolulu, had_in_berlin, awaited=TODAY + timedelta(days=1), existing_editions={TODAY}
    )
    assert due.edition == TODAY + timedelta(days=1)


@given(
    zones=st.tuples(st.sampled_from(ZONES), st.sampled_from(ZONES)),
    hours=st.tuples(st.integers(0, 23), st.integers(0, 23)),
    start=st.integers(0, 8 * 365 * 24 * 60).map(
        lambda minutes: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
    changed=st.integers(1, 4 * 24 * 60),
)
def test_no_schedule_change_repeats_a_date_or_loses_an_awaited_one(
    zones: tuple[str, str], hours: tuple[int, int], start: datetime, changed: int
) -> None:
    before, after = (Schedule(time(hour), EVERY_DAY, zone) for hour, zone in zip(hours, zones, strict=True))
    change, sent = start + timedelta(minutes=changed), []
    due = next_due_edition(before, start)
    while due.at <= change:
        sent.append(due.edition)
        due = next_due_edition(before, due.at)
    awaited = due.edition
    due = due_after_schedule_change(after, change, awaited=awaited, existing_editions=frozenset(sent))
    for _ in range(3):
        sent.append(due.edition)
        due = due_after_schedule_change(after, due.at, awaited=None, existing_editions=frozenset(sent))
    assert len(sent) == len(set(sent))
    assert awaited in sent or awaited < min(sent[-3:])
    assert sent == sorted(sent)


def test_new_zone_rules_move_an_awaited_edition_without_repeating_or_skipping_it() -> None:
    by_old_rules = DueEdition(TODAY, instant(10))  # One hour later than by the new rules.
    assert recompute_next_due(utc(NINE), instant(8), by_old_rules, ()) == DueEdition(TODAY, instant(9))
    assert recompute_next_due(utc(NINE), instant(9) + timedelta(minutes=30), by_old_rules, ()) == DueEdition(
        TODAY, instant(9)
    )
    early_by_old_rules = DueEdition(TODAY, instant(8))
    assert recompute_next_due(
        utc(NINE), instant(8) + timedelta(minutes=30), early_by_old_rules, ()
    ) == DueEdition(TODAY, instant(9))
    tomorrow = TODAY + timedelta(days=1)
    assert (
        recompute_next_due(utc(NINE), instant(8), DueEdition(tomorrow, instant(9, tomorrow)), {TODAY}).edition
        == tomorrow
    )


def test_a_clock_set_back_by_two_days_brings_the_days_between() -> None:
    ahead = TODAY + timedelta(days=2)
    following = TODAY + timedelta(days=3)
    due = recompute_next_due(utc(NINE), instant(8), DueEdition(following, instant(9, following)), {ahead})
    assert due == DueEdition(TODAY, instant(9))


def test_a_clock_set_back_brings_no_edition_from_before_the_channel_subscribed() -> None:
    tomorrow, following = TODAY + timedelta(days=1), TODAY + timedelta(days=2)
    awaited = DueEdition(following, instant(9, following))
    assert recompute_next_due(utc(NINE), instant(10), awaited, {tomorrow}, TODAY).edition == TODAY
    assert recompute_next_due(utc(NINE), instant(10), awaited, {tomorrow}, tomorrow) == awaited


def test_a_leap_day_has_its_edition() -> None:
    leap = date(2028, 2, 29)
    assert next_due_edition(utc(NINE), instant(9, leap - timedelta(days=1))) == DueEdition(
        leap, instant(9, leap)
    )
    assert editions_between(utc(NINE), date(2028, 2, 27), date(2028, 3, 1), 9) == (
        leap, date(2028, 2, 28), date(2028, 2, 27),
    )  # fmt: skip


# Rhythms of two weeks.

FRIDAY = frozenset({4})


def test_a_rhythm_of_two_weeks_begins_with_the_first_edition_that_can_come() -> None:
    wanted = Schedule(time(9), FRIDAY, "Europe/Berlin", every_weeks=2)
    thursday, friday_noon = datetime(2026, 11, 26, 12, tzinfo=UTC), datetime(2026, 11, 27, 12, tzinfo=UTC)
    assert next_due_edition(anchor_weeks(wanted, None, thursday), thursday).edition == date(2026, 11, 27)
    assert next_due_edition(anchor_weeks(wanted, None, friday_noon), friday_noon).edition == date(2026, 12, 4)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Pacific/Apia"])
def test_every_second_week_stays_so_over_clock_changes_and_ends_of_years(zone: str) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    schedule = anchor_weeks(Schedule(time(2, 30), FRIDAY, zone, every_weeks=2), None, start)
    editions = [next_due_edition(schedule, start).edition]
    while editions[-1].year < 2033:  # 2026 and 2032 have 53 weeks by ISO.
        editions.append(next_due_edition(schedule, due_at(schedule, editions[-1])).edition)
    gaps = {later - earlier for earlier, later in pairwise(editions)}
    assert gaps == {timedelta(days=14)}
    before = due_at(schedule, editions[9]) - timedelta(seconds=1)
    assert newest_due_edition(schedule, before).edition == editions[8]
    assert editions_between(schedule, editions[3], editions[6], 9) == (editions[5], editions[4], editions[3])


def test_all_days_of_a_rhythm_of_two_weeks_are_in_the_same_weeks() -> None:
    schedule = Schedule(time(9), frozenset({0, 4}), "UTC", every_weeks=2)
    saturday = datetime(2026, 11, 28, 12, tzinfo=UTC)
    schedule = anchor_weeks(schedule, None, saturday)
    editions = editions_between(schedule, date(2026, 11, 23), date(2027, 1, 1), 9)
    assert [f"{edition:%a %d %b}" for edition in reversed(editions)] == [
        "Mon 30 Nov", "Fri 04 Dec", "Mon 14 Dec", "Fri 18 Dec", "Mon 28 Dec",
    ]  # fmt: skip


@pytest.mark.parametrize("parity", [0, 1])
def test_a_change_of_hour_or_days_keeps_the_weeks_and_a_weekly_rhythm_has_none(parity: int) -> None:
    now = datetime(2026, 11, 26, 12, tzinfo=UTC)
    before = Schedule(time(9), FRIDAY, every_weeks=2, week_parity=parity)
    later = Schedule(time(10), frozenset({0}), every_weeks=2)
    assert anchor_weeks(later, before, now).week_parity == parity
    weekly = anchor_weeks(replace(before, every_weeks=1), before, now)
    assert (weekly.every_weeks, weekly.week_parity) == (1, 0)
