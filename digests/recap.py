"""The weekly recap of a digest: its hour, its span, and the facts that it tells. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from digests.schedule import DueEdition, newest_due_edition, next_due_edition
from digests.subscription import Schedule


@dataclass(frozen=True, slots=True)
class RecapSpan:
    """The local dates of a recap, from `first` to the one before `end`, and their first and last instant."""

    first: date
    end: date
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class ShownPaper:
    """A paper that a digest showed, with the edition and the score on its message."""

    paper: str
    edition: date
    score: float | None


@dataclass(frozen=True, slots=True)
class RecapFacts:
    """Events of one span in one channel.

    `shown` are the papers of its digests, oldest first. `marks` counts people by paper, in the order of a
    queue: the most wanted first, then the best. `discussed` are the papers that people or meetings
    discussed, in the order of time.
    """

    shown: tuple[ShownPaper, ...]
    marks: Mapping[str, int]
    discussed: tuple[str, ...]

    @property
    def is_quiet(self) -> bool:
        """Return True if nobody marked or discussed anything: then there is no recap."""
        return not self.marks and not self.discussed


def find_next_recap(schedule: Schedule, after: datetime) -> DueEdition:
    """Return the first recap that is due later than `after`: with the first edition of a week."""
    return next_due_edition(_keep_first_day(schedule), after)


def find_newest_recap(schedule: Schedule, now: datetime) -> DueEdition:
    """Return the newest recap that is due at `now` or earlier."""
    return newest_due_edition(_keep_first_day(schedule), now)


def _keep_first_day(schedule: Schedule) -> Schedule:
    return replace(schedule, days=frozenset({min(schedule.days)}))


def find_span(schedule: Schedule, edition: date) -> RecapSpan:
    """Return the span of the recap of an edition: the week before its date, or two of a two-week rhythm."""
    first = edition - timedelta(weeks=schedule.every_weeks)
    zone = ZoneInfo(schedule.time_zone)
    since, until = (datetime.combine(day, time(), zone).astimezone(UTC) for day in (first, edition))
    return RecapSpan(first, edition, since, until)
