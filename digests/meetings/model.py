"""Meetings of a channel: their plan, one meeting's times, the papers of its poll, and who may lead it."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from digests.subscription import Schedule


@dataclass(frozen=True, slots=True)
class DaysOff:
    """A span of local dates without a meeting, both ends included."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class MeetingPlan:
    """A standing order for meetings. `schedule` has one weekday, and the local time at which they begin.

    `place` is a room or the address of a call, in people's words. With `has_poll` people vote on the paper,
    else the most wanted one is taken.
    """

    schedule: Schedule
    place: str = ""
    has_poll: bool = True
    days_off: tuple[DaysOff, ...] = ()

    def find_day(self, instant: datetime) -> date:
        """Return the local date of an instant."""
        return instant.astimezone(ZoneInfo(self.schedule.time_zone)).date()

    def is_day_off(self, day: date) -> bool:
        """Return True if no meeting is held on a local date."""
        return any(span.first <= day <= span.last for span in self.days_off)


@dataclass(frozen=True, slots=True)
class Timetable:
    """The instants of one meeting, in UTC and in this order.

    The poll opens at `poll_at`. It closes, and the agenda is posted, at `closes_at`.
    """

    poll_at: datetime
    closes_at: datetime
    reminder_at: datetime
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class Candidate:
    """A paper of a poll, by its id, with its score. None for a paper without a score."""

    paper: str
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A person who has agreed to lead meetings. `person` is the platform's id.

    `joined_at`, `led_at` and `passed_at` are the instants at which the person joined, last led and last gave
    up a turn. The person is away on the local dates of `away`. `has_declined` is True for one who gave up the
    coming meeting: nobody is asked twice.
    """

    person: str
    joined_at: datetime
    led_at: datetime | None = None
    passed_at: datetime | None = None
    away: DaysOff | None = None
    has_declined: bool = False

    def is_away(self, day: date) -> bool:
        """Return True if the person is away on a local date."""
        return self.away is not None and self.away.first <= day <= self.away.last
