"""Calendar files of meetings, read back by the library that wrote them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from bot.present.meeting_calendar import build_calendar, build_common_calendar
from digests.meetings.model import DaysOff, MeetingPlan
from digests.meetings.timetable import plan_next_meeting
from digests.ports.meetings import Meeting
from digests.schedule import next_due_edition
from digests.subscription import Channel, Schedule
from tests.builders import NOW, a_scored_paper

THURSDAYS = MeetingPlan(Schedule(time(16), frozenset({3}), "Europe/Berlin"), place="Room 4; second, floor")


def a_meeting(plan: MeetingPlan = THURSDAYS, *, now: datetime = NOW, **facts: Any) -> Meeting:
    timetable = plan_next_meeting(plan, now)
    meeting = Meeting(
        7, 3, 1, Channel("slack", "C1", "T1"), plan, timetable, revision=2, plan_revision=5, is_active=True
    )
    return replace(meeting, **facts)


def read_events(meeting: Meeting, **facts: Any) -> list[Any]:
    scored = facts.get("scored")
    return list(Calendar.from_ical(build_calendar(meeting, scored, NOW)).walk("VEVENT"))


plans = st.builds(
    lambda day, hour, zone, weeks, parity, place, off: MeetingPlan(
        Schedule(time(hour), frozenset({day}), zone, weeks, parity if weeks == 2 else 0),
        place=place,
        days_off=tuple(DaysOff(first, first + timedelta(days=length)) for first, length in off),
    ),
    st.integers(0, 6),
    st.integers(7, 21),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"]),
    st.sampled_from([1, 2]),
    st.integers(0, 1),
    st.text(max_size=60),
    st.lists(st.tuples(st.dates(date(2026, 11, 1), date(2027, 11, 1)), st.integers(0, 20)), max_size=4),
)


def list_instants(event: Any) -> Iterator[datetime]:
    """Yield the starts of a repeated event, which keep their local time, without those that it excludes."""
    start = event["DTSTART"].dt
    weeks = event["RRULE"]["INTERVAL"][0]
    exdates = event.get("EXDATE", [])
    lists = exdates if isinstance(exdates, list) else [exdates]
    excluded = {each.dt.astimezone(UTC) for one in lists for each in one.dts}
    zone = ZoneInfo(event["DTSTART"].params["TZID"]) if "TZID" in event["DTSTART"].params else UTC
    naive = start.replace(tzinfo=None)
    while True:
        instant = naive.replace(tzinfo=zone).astimezone(UTC)
        if instant not in excluded:
            yield instant
        naive += timedelta(weeks=weeks)


def list_held(plan: MeetingPlan, first: datetime) -> Iterator[datetime]:
    while True:
        if not plan.is_day_off(plan.find_day(first)):
            yield first
        first = next_due_edition(plan.schedule, first).at


@given(plans)
@settings(max_examples=40, deadline=None)
def test_a_calendar_has_every_meeting_that_is_held_also_after_the_clocks_change(plan: MeetingPlan) -> None:
    meeting = a_meeting(plan)
    (event,) = read_events(meeting)
    held = list(islice(list_held(plan, meeting.timetable.starts_at), 60))
    assert list(islice(list_instants(event), 60)) == held


def test_a_file_describes_the_zone_and_keeps_the_local_hour() -> None:
    content = build_calendar(a_meeting(), None, NOW).decode()
    assert "BEGIN:VTIMEZONE" in content
    assert "DTSTART;TZID=Europe/Berlin:20261203T160000" in content
    assert "TZOFFSETTO:+0200" in content, "summer time comes too"


def test_a_uid_is_stable_and_the_sequence_grows_with_each_change() -> None:
    scored = a_scored_paper(title="KTO")
    before = read_events(a_meeting(paper="2402.01306"), scored=scored)
    after = read_events(
        a_meeting(replace(THURSDAYS, place="Room 5"), paper="2402.01306", plan_revision=6, revision=3),
        scored=scored,
    )
    assert {event["UID"] for event in (*before, *after)} == {"meetings-3@paperround"}
    for old, new in zip(before, after, strict=True):
        assert new["SEQUENCE"] > old["SEQUENCE"]
    assert before[1]["SUMMARY"] == "Paper discussion: KTO"
    assert before[1]["RECURRENCE-ID"].dt == before[0]["DTSTART"].dt


def test_what_people_typed_stays_a_text() -> None:
    title = "KTO\r\nATTENDEE:mailto:eve@example.org; BEGIN:VALARM, \\n"
    scored = a_scored_paper(title=title)
    series, instance = read_events(a_meeting(paper="2402.01306"), scored=scored)
    assert series["LOCATION"] == "Room 4; second, floor"
    assert "ATTENDEE" not in instance
    assert instance["SUMMARY"].startswith("Paper discussion: KTO")


def test_one_file_has_the_meetings_of_several_channels_with_their_zones() -> None:
    tokyo = replace(THURSDAYS, schedule=Schedule(time(9), frozenset({0}), "Asia/Tokyo"))
    meetings = [(a_meeting(), None), (a_meeting(tokyo, plan_id=4), a_scored_paper(title="KTO"))]
    calendar = Calendar.from_ical(build_common_calendar(meetings, NOW))
    assert [str(event["UID"]) for event in calendar.walk("VEVENT")] == [
        "meetings-3@paperround",
        "meetings-4@paperround",
        "meetings-4@paperround",
    ]
    assert {str(zone["TZID"]) for zone in calendar.walk("VTIMEZONE")} == {"Europe/Berlin", "Asia/Tokyo"}
    (alone,) = Calendar.from_ical(build_calendar(a_meeting(), None, NOW)).walk("VEVENT")
    assert calendar.walk("VEVENT")[0] == alone, "whoever has both files has one event"
