"""Times of meetings: when one begins, when its poll opens and closes, and which posts are due. Pure.

Every time is computed from a local date, so that a change of the clocks moves none of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from digests.meetings.model import MeetingPlan, Timetable
from digests.ports.outbox import DeliveryKind
from digests.schedule import due_at, next_due_edition
from digests.subscription import Schedule

POLL_LEAD = timedelta(days=7)
"""Days from the opening of a poll to its meeting."""
WEEKLY_POLL_LEAD = timedelta(days=6)
"""The same for weekly meetings: the poll opens on the day after the last meeting."""
POLL_LENGTH = timedelta(days=2)
"""Days for which a poll is open."""
MIN_POLL_LENGTH = timedelta(days=1)
"""Least time for a poll that opens late, such as that of a plan's first meeting."""
MIN_NOTICE = timedelta(days=3)
"""Least time from a plan or a change of it to the first meeting: for the poll, and for reading the paper."""
REMINDER_LEAD = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class MeetingPost:
    """A post of a meeting: due at `due_at`, and not begun any more from `ends_at` on."""

    kind: DeliveryKind
    due_at: datetime
    ends_at: datetime


def plan_next_meeting(plan: MeetingPlan, now: datetime, *, after: datetime | None = None) -> Timetable:
    """Return the times of the first meeting that begins later than `after` and leaves `MIN_NOTICE` from now.

    A poll that should have opened before `now` opens at `now`. The meeting may be on a day off.
    """
    earliest = max(after or now, now + MIN_NOTICE)
    meeting = next_due_edition(plan.schedule, earliest)
    schedule, day = plan.schedule, meeting.edition
    lead = WEEKLY_POLL_LEAD if schedule.every_weeks == 1 else POLL_LEAD
    poll_at = max(now, due_at(schedule, day - lead))
    closes_at = max(due_at(schedule, day - lead + POLL_LENGTH), poll_at + MIN_POLL_LENGTH)
    return Timetable(poll_at, closes_at, _find_reminder(schedule, day), meeting.at)


def _find_reminder(schedule: Schedule, day: date) -> datetime:
    return due_at(schedule, day - REMINDER_LEAD)


def move_meeting(plan: MeetingPlan, current: Timetable, now: datetime, *, is_chosen: bool) -> Timetable:
    """Return the times of a meeting whose plan has a new schedule since.

    With `is_chosen` its paper is known: people have read it, so the meeting is the next one of the schedule,
    however soon. A poll that is open stays open.
    """
    if is_chosen:
        meeting = next_due_edition(plan.schedule, now)
        return replace(
            current, reminder_at=_find_reminder(plan.schedule, meeting.edition), starts_at=meeting.at
        )
    moved = plan_next_meeting(plan, now)
    return replace(moved, poll_at=min(current.poll_at, moved.poll_at)) if current.poll_at <= now else moved


def list_posts(
    plan: MeetingPlan, timetable: Timetable, *, is_chosen: bool, had_poll: bool
) -> tuple[MeetingPost, ...]:
    """Return the posts of a meeting, in the order of their due times.

    A meeting on a day off has one post, which says so. One whose paper is known from before, since another
    meeting was called off, has no poll; `had_poll` is True for one whose poll has opened.
    """
    has_poll = plan.has_poll and (had_poll or not is_chosen)
    poll = MeetingPost(DeliveryKind.POLL, timetable.poll_at, timetable.closes_at)
    agenda = MeetingPost(DeliveryKind.AGENDA, timetable.closes_at, timetable.starts_at)
    reminder = MeetingPost(DeliveryKind.REMINDER, timetable.reminder_at, timetable.starts_at)
    # The poll's hour stays once it has come, so that a meeting has one event whenever it is moved.
    event = MeetingPost(DeliveryKind.EVENT, timetable.poll_at, timetable.starts_at)
    if plan.is_day_off(plan.find_day(timetable.starts_at)):
        return (replace(poll, ends_at=timetable.starts_at),) if has_poll else (agenda,)
    return (*((poll,) if has_poll else ()), event, agenda, *((reminder,) if is_chosen else ()))


def find_due_posts(posts: Sequence[MeetingPost], now: datetime) -> tuple[MeetingPost, ...]:
    """Return the posts that are to be begun now."""
    return tuple(post for post in posts if post.due_at <= now < post.ends_at)


def find_next_step(posts: Sequence[MeetingPost], timetable: Timetable, now: datetime) -> datetime:
    """Return the instant after `now` at which something of the meeting is due next: a post, or its start."""
    return min((post.due_at for post in posts if post.due_at > now), default=timetable.starts_at)
