"""The meetings of a channel as a calendar file (RFC 5545). Pure.

One event repeats by the plan's rhythm. The coming meeting, whose paper may be known, is a changed instance of
it. Both keep their UID for good, so that a calendar replaces what it has.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bot.present.wording import clean_text
from digests.meetings.model import MeetingPlan
from digests.model import ScoredPaper
from digests.ports.meetings import Meeting
from digests.schedule import next_due_edition
from digests.text import clip_text

if TYPE_CHECKING:
    from icalendar import Event

MEETING_LENGTH = timedelta(hours=1)
"""Length of a meeting in calendars: people name only its start."""

MAX_EXCLUDED = 100
"""Meetings on days off that a file leaves out, the earliest. A plan has some twenty spans of days."""

TITLE_CHARACTERS = 200
"""Characters of a paper's title in an event."""

ZONE_YEARS = 10
"""Years for which a file describes the changes of the clocks."""


def build_calendar(meeting: Meeting, scored: ScoredPaper | None, now: datetime) -> bytes:
    """Build the calendar file of the meetings from the coming one on. `scored` is that one's paper, if known.

    The sequence number grows with every change of the plan or of the meeting.
    """
    return build_common_calendar([(meeting, scored)], now)


def build_common_calendar(meetings: Sequence[tuple[Meeting, ScoredPaper | None]], now: datetime) -> bytes:
    """Build one calendar file of the meetings of several channels, each as in a file of its own."""
    from icalendar import Calendar

    calendar = Calendar.new(prodid="-//Paperround//Meetings//EN", method="PUBLISH", name="Paper discussion")
    starts = [
        meeting.timetable.starts_at.astimezone(ZoneInfo(meeting.plan.schedule.time_zone))
        for meeting, _ in meetings
    ]
    for (meeting, scored), start in zip(meetings, starts, strict=True):
        for event in _build_events(meeting, scored, start, now):
            calendar.add_component(event)
    if starts:
        days = [start.date() for start in starts]
        last_day = date(max(days).year + ZONE_YEARS, 1, 1)
        calendar.add_missing_timezones(min(days) - timedelta(days=366), last_day)
    return bytes(calendar.to_ical())


def _build_events(
    meeting: Meeting, scored: ScoredPaper | None, start: datetime, now: datetime
) -> "list[Event]":
    series = _build_event(meeting, start, now, "Paper discussion", sequence=meeting.plan_revision)
    rhythm = {"FREQ": "WEEKLY", "INTERVAL": meeting.plan.schedule.every_weeks}
    series.add("rrule", rhythm)
    for excluded in list_excluded(meeting.plan, meeting.timetable.starts_at):
        series.add("exdate", excluded.astimezone(start.tzinfo))
    if scored is None or meeting.is_off:
        return [series]
    title = clip_text(clean_text(scored.paper.title), TITLE_CHARACTERS)
    sequence = meeting.plan_revision + meeting.revision
    instance = _build_event(meeting, start, now, f"Paper discussion: {title}", sequence=sequence)
    instance.add("recurrence-id", start)
    return [series, instance]


def _build_event(meeting: Meeting, start: datetime, now: datetime, summary: str, *, sequence: int) -> "Event":
    from icalendar import Event

    return Event.new(
        uid=f"meetings-{meeting.plan_id}@paperround",
        sequence=sequence,
        stamp=now.astimezone(UTC),
        start=start,
        end=(start.astimezone(UTC) + MEETING_LENGTH).astimezone(start.tzinfo),
        summary=summary,
        location=clean_text(meeting.plan.place) or None,
    )


def list_excluded(plan: MeetingPlan, starts_at: datetime) -> list[datetime]:
    """Return the starts of meetings on days off, from `starts_at` on, at most `MAX_EXCLUDED`."""
    last = max((span.last for span in plan.days_off), default=None)
    excluded: list[datetime] = []
    while last and plan.find_day(starts_at) <= last and len(excluded) < MAX_EXCLUDED:
        if plan.is_day_off(plan.find_day(starts_at)):
            excluded.append(starts_at)
        starts_at = next_due_edition(plan.schedule, starts_at).at
    return excluded
