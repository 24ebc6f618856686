"""The hour and the span of a weekly recap."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digests.recap import find_newest_recap, find_next_recap, find_span
from digests.subscription import Schedule
from tests.builders import NOW

schedules = st.builds(
    Schedule,
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    st.frozensets(st.integers(0, 6), min_size=1),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia"]),
)
instants = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("days", "expected"),
    [({0, 1, 4}, date(2026, 11, 30)), ({2, 4}, date(2026, 11, 25)), ({6}, date(2026, 11, 29))],
)
def test_a_recap_comes_with_the_first_digest_of_a_week(days: set[int], expected: date) -> None:
    recap = find_next_recap(Schedule(days=frozenset(days)), NOW)
    assert (recap.edition, recap.at) == (expected, datetime.combine(expected, time(9), UTC))


def test_a_recap_of_a_rhythm_of_two_weeks_covers_both() -> None:
    schedule = Schedule(every_weeks=2, week_parity=1)
    recaps = [find_next_recap(schedule, NOW)]
    recaps.append(find_next_recap(schedule, recaps[0].at))
    assert recaps[1].edition - recaps[0].edition == timedelta(days=14)
    assert find_span(schedule, recaps[1].edition).first == recaps[0].edition


@pytest.mark.parametrize(
    ("edition", "hours"), [(date(2026, 3, 30), 167), (date(2026, 10, 26), 169), (date(2026, 11, 30), 168)]
)
def test_a_week_in_which_the_clocks_change_has_an_hour_less_or_more(edition: date, hours: int) -> None:
    span = find_span(Schedule(time_zone="Europe/Berlin"), edition)
    assert span.until - span.since == timedelta(hours=hours)
    assert (span.first, span.end) == (edition - timedelta(days=7), edition)


@given(schedules, instants)
def test_each_week_has_one_recap_and_spans_meet(schedule: Schedule, now: datetime) -> None:
    first = find_next_recap(schedule, now)
    second = find_next_recap(schedule, first.at)
    assert second.edition - first.edition == timedelta(days=7)
    assert find_newest_recap(schedule, first.at) == first
    assert find_newest_recap(schedule, second.at - timedelta(seconds=1)) == first
    assert find_span(schedule, second.edition).since == find_span(schedule, first.edition).until
