"""Times of meetings, across changes of clocks, of the plan, and days off."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digests.meetings.model import DaysOff, MeetingPlan, Timetable
from digests.meetings.timetable import (
    MIN_NOTICE,
    find_due_posts,
    find_next_step,
    list_posts,
    move_meeting,
    plan_next_meeting,
)
from digests.ports.outbox import DeliveryKind
from digests.subscription import Schedule

THURSDAY = 3
BERLIN = "Europe/Berlin"
ZONES = (BERLIN, "UTC", "America/New_York", "Africa/Cairo", "America/Santiago", "Australia/Lord_Howe")


def a_plan(
    *, at: time = time(16), zone: str = BERLIN, day: int = THURSDAY, every_weeks: int = 2, parity: int = 0
) -> MeetingPlan:
    return MeetingPlan(Schedule(at, frozenset({day}), zone, every_weeks, parity))


def local(timetable: Timetable, zone: str = BERLIN) -> list[str]:
    instants = (timetable.poll_at, timetable.closes_at, timetable.reminder_at, timetable.starts_at)
    return [f"{instant.astimezone(ZoneInfo(zone)):%a %d %b %H:%M}" for instant in instants]


def test_the_poll_opens_a_week_before_and_the_agenda_comes_two_days_later() -> None:
    timetable = plan_next_meeting(a_plan(parity=1), datetime(2026, 11, 25, tzinfo=UTC))
    assert local(timetable) == [
        "Thu 26 Nov 16:00",
        "Sat 28 Nov 16:00",
        "Wed 02 Dec 16:00",
        "Thu 03 Dec 16:00",
    ]


def test_the_poll_of_a_weekly_meeting_opens_on_the_day_after_the_last_one() -> None:
    last = datetime(2026, 11, 26, 15, tzinfo=UTC)
    timetable = plan_next_meeting(a_plan(every_weeks=1), last, after=last)
    assert local(timetable) == [
        "Fri 27 Nov 16:00",
        "Sun 29 Nov 16:00",
        "Wed 02 Dec 16:00",
        "Thu 03 Dec 16:00",
    ]


def test_a_first_meeting_leaves_three_days_and_its_poll_opens_at_once() -> None:
    plan = a_plan(every_weeks=1)
    monday, tuesday = datetime(2026, 11, 30, 9, tzinfo=UTC), datetime(2026, 12, 1, 9, tzinfo=UTC)
    assert local(plan_next_meeting(plan, monday)) == [
        "Mon 30 Nov 10:00", "Tue 01 Dec 10:00", "Wed 02 Dec 16:00", "Thu 03 Dec 16:00",
    ]  # fmt: skip
    assert local(plan_next_meeting(plan, tuesday))[3] == "Thu 10 Dec 16:00"


def test_a_change_of_the_clocks_in_the_night_of_the_reminder_moves_no_hour() -> None:
    plan = a_plan(day=6, every_weeks=1)  # Sunday 25 October 2026: clocks go back in Berlin.
    timetable = plan_next_meeting(plan, datetime(2026, 10, 18, tzinfo=UTC))
    assert local(timetable)[2:] == ["Sat 24 Oct 16:00", "Sun 25 Oct 16:00"]
    assert timetable.starts_at - timetable.reminder_at == timedelta(hours=25)


plans = st.builds(
    a_plan,
    at=st.times().map(lambda at: at.replace(microsecond=0, tzinfo=None)),
    zone=st.sampled_from(ZONES),
    day=st.integers(0, 6),
    every_weeks=st.sampled_from((1, 2)),
)
instants = st.integers(0, 3 * 365 * 24 * 60).map(
    lambda minutes: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


@given(plans, instants)
def test_the_times_of_a_meeting_are_in_order_and_none_is_over(plan: MeetingPlan, now: datetime) -> None:
    timetable = plan_next_meeting(plan, now)
    assert now <= timetable.poll_at < timetable.closes_at < timetable.reminder_at < timetable.starts_at
    assert timetable.starts_at > now + MIN_NOTICE


@given(plans, instants)
def test_meetings_follow_each_other_in_their_rhythm_at_the_same_local_time(
    plan: MeetingPlan, now: datetime
) -> None:
    first = plan_next_meeting(plan, now)
    second = plan_next_meeting(plan, first.starts_at, after=first.starts_at)
    days = plan.find_day(second.starts_at) - plan.find_day(first.starts_at)
    assert days == timedelta(weeks=plan.schedule.every_weeks)
    assert first.starts_at < second.poll_at or plan.schedule.every_weeks == 2


@given(plans, instants)
def test_each_post_is_due_in_one_span_and_the_next_step_is_never_missed(
    plan: MeetingPlan, now: datetime
) -> None:
    timetable = plan_next_meeting(plan, now)
    posts = list_posts(plan, timetable, is_chosen=True, had_poll=True)
    assert [post.kind for post in posts] == ["poll", "event", "agenda", "reminder"]
    begun, step = set[DeliveryKind](), now
    while step < timetable.starts_at:
        begun |= {post.kind for post in find_due_posts(posts, step)}
        following = find_next_step(posts, timetable, step)
        assert following > step
        step = following
    assert begun == {post.kind for post in posts}
    assert find_due_posts(posts, timetable.starts_at) == ()


def test_a_poll_is_not_begun_once_it_would_be_closed() -> None:
    plan = a_plan()
    timetable = plan_next_meeting(plan, datetime(2026, 11, 25, tzinfo=UTC))
    posts = list_posts(plan, timetable, is_chosen=False, had_poll=False)
    assert [post.kind for post in find_due_posts(posts, timetable.closes_at)] == ["event", "agenda"]


def test_a_meeting_without_a_paper_has_no_reminder() -> None:
    plan = a_plan()
    timetable = plan_next_meeting(plan, datetime(2026, 11, 25, tzinfo=UTC))
    posts = list_posts(plan, timetable, is_chosen=False, had_poll=True)
    assert [post.kind for post in posts] == ["poll", "event", "agenda"]


def test_without_a_poll_the_agenda_is_the_first_message() -> None:
    plan = replace(a_plan(), has_poll=False)
    timetable = plan_next_meeting(plan, datetime(2026, 11, 25, tzinfo=UTC))
    posts = list_posts(plan, timetable, is_chosen=True, had_poll=False)
    assert [post.kind for post in posts] == ["event", "agenda", "reminder"]


@pytest.mark.parametrize(("has_poll", "kind"), [(True, "poll"), (False, "agenda")])
def test_a_day_off_is_said_once(has_poll: bool, kind: str) -> None:
    plan = replace(a_plan(), has_poll=has_poll, days_off=(DaysOff(date(2026, 12, 21), date(2027, 1, 3)),))
    timetable = plan_next_meeting(plan, datetime(2026, 12, 15, tzinfo=UTC))
    assert plan.find_day(timetable.starts_at) == date(2026, 12, 24)
    posts = list_posts(plan, timetable, is_chosen=False, had_poll=False)
    assert [post.kind for post in posts] == [kind]


def test_both_ends_of_days_off_are_off() -> None:
    plan = replace(a_plan(), days_off=(DaysOff(date(2026, 12, 21), date(2026, 12, 24)),))
    days = (date(2026, 12, 20), date(2026, 12, 21), date(2026, 12, 24), date(2026, 12, 25))
    assert [plan.is_day_off(day) for day in days] == [False, True, True, False]


def test_a_meeting_with_a_paper_moves_to_the_next_hour_of_the_new_schedule_however_soon() -> None:
    timetable = plan_next_meeting(a_plan(parity=1), datetime(2026, 11, 25, tzinfo=UTC))
    friday = a_plan(day=4, every_weeks=1)
    moved = move_meeting(friday, timetable, datetime(2026, 12, 3, 9, tzinfo=UTC), is_chosen=True)
    assert local(moved) == ["Thu 26 Nov 16:00", "Sat 28 Nov 16:00", "Thu 03 Dec 16:00", "Fri 04 Dec 16:00"]


def test_an_open_poll_stays_open_when_the_meeting_moves() -> None:
    timetable = plan_next_meeting(a_plan(parity=1), datetime(2026, 11, 25, tzinfo=UTC))
    now = datetime(2026, 11, 27, 9, tzinfo=UTC)
    moved = move_meeting(a_plan(day=0, every_weeks=1), timetable, now, is_chosen=False)
    assert moved.poll_at == timetable.poll_at
    assert now < moved.closes_at < moved.reminder_at < moved.starts_at


def test_a_meeting_without_a_poll_yet_is_planned_anew() -> None:
    now = datetime(2026, 11, 25, tzinfo=UTC)
    timetable = plan_next_meeting(a_plan(parity=1), now)
    weekly = a_plan(day=0, every_weeks=1)
    assert move_meeting(weekly, timetable, now, is_chosen=False) == plan_next_meeting(weekly, now)
