"""arXiv's announcement calendar: its evenings, weekends and holidays. Pure.

arXiv announces papers at 20:00 in New York from Sunday to Thursday. It publishes the evenings without an
announcement for one year ahead (https://info.arxiv.org/help/availability.html). Holidays in that list are
certain. For other years only the yearly holidays are computed, and marked as not certain.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
ANNOUNCEMENT_TIME = time(20)
ANNOUNCEMENT_WEEKDAYS = frozenset([6, 0, 1, 2, 3])
"""Sunday to Thursday; 0 is Monday."""

ANNOUNCEMENT_LAG = timedelta(hours=5)
"""Time from an announcement until a digest can hold its papers.

The feeds are rebuilt four hours later, at midnight in New York, and then have to be fetched.
"""

PUBLISHED_HOLIDAYS = {
    date(2026, 11, 26): "Thanksgiving",
    date(2026, 12, 25): "Christmas",
    date(2026, 12, 29): "the end of the year",
    date(2026, 12, 31): "New Year's Eve",
}
"""Evenings without an announcement in arXiv's published list, by New York date, with their names."""
PUBLISHED_FROM, PUBLISHED_TO = date(2026, 11, 25), date(2026, 12, 31)
"""Dates that arXiv's published list covers: an evening that it does not name has an announcement."""

_DAY = timedelta(days=1)


class GapReason(StrEnum):
    """Reason for a gap in arXiv's announcements."""

    WEEKEND = "weekend"
    """arXiv announces nothing on Friday and Saturday evenings."""
    HOLIDAY = "holiday"
    NOT_YET = "not yet"
    """No announcement evening lies between the last digest and this one."""


@dataclass(frozen=True, slots=True)
class AnnouncementGap:
    """A time span without new papers from arXiv.

    `next_at` is the first announcement, in UTC, whose papers come after the span. It may lie up to
    `ANNOUNCEMENT_LAG` before the span's end. For a holiday, the last one in the span, `evening` is its date
    in New York and `holiday` its name; otherwise they are None and empty. `is_certain` is False for a holiday
    that was computed and is not in arXiv's published list.
    """

    reason: GapReason
    next_at: datetime
    evening: date | None = None
    holiday: str = ""
    is_certain: bool = True


def announcement_at(evening: date) -> datetime | None:
    """Return the instant, in UTC, of the announcement on a New York date; None if that evening has none."""
    return (
        _announcement_instant(evening)
        if evening.weekday() in ANNOUNCEMENT_WEEKDAYS and not holiday_name(evening)
        else None
    )


def holiday_name(evening: date) -> str:
    """Return the name of arXiv's holiday on a New York date; empty if it is none.

    The date may also be a day of the week without announcements.
    """
    return (
        PUBLISHED_HOLIDAYS.get(evening, "")
        if is_certain(evening)
        else _yearly_holidays(evening.year).get(evening, "")
    )


def is_certain(evening: date) -> bool:
    """Return True if arXiv's published list covers this evening, so that its holidays are not computed."""
    return PUBLISHED_FROM <= evening <= PUBLISHED_TO


def next_announcement(after: datetime) -> datetime:
    """Return the first announcement later than `after`, in UTC."""
    evening = after.astimezone(NEW_YORK).date()
    while (at := announcement_at(evening)) is None or at <= after:
        evening += _DAY
    return at


def find_announcement_gap(after: datetime, to: datetime) -> AnnouncementGap | None:
    """Return the reason why no announcement became readable after `after` and up to `to`; None if one did.

    An announcement is readable `ANNOUNCEMENT_LAG` after it was made, and belongs to the first digest that is
    due then or later. A holiday counts before a weekend.
    """
    evenings = list(_evenings_between(after, to))
    if any(announcement_at(evening) for evening in evenings):
        return None
    next_at = next_announcement(to - ANNOUNCEMENT_LAG)
    holidays = [evening for evening in evenings if evening.weekday() in ANNOUNCEMENT_WEEKDAYS]
    if holidays:
        last = holidays[-1]
        return AnnouncementGap(GapReason.HOLIDAY, next_at, last, holiday_name(last), is_certain(last))
    return AnnouncementGap(GapReason.WEEKEND if evenings else GapReason.NOT_YET, next_at)


def _evenings_between(after: datetime, to: datetime) -> Iterator[date]:
    """Yield each New York date whose evening plus `ANNOUNCEMENT_LAG` is after `after` and not after `to`.

    Weekends and holidays are among them; `announcement_at` tells which evenings have an announcement.
    """
    evening = (after - ANNOUNCEMENT_LAG).astimezone(NEW_YORK).date()
    while (at := _announcement_instant(evening)) + ANNOUNCEMENT_LAG <= to:
        if at + ANNOUNCEMENT_LAG > after:
            yield evening
        evening += _DAY


def _announcement_instant(evening: date) -> datetime:
    return datetime.combine(evening, ANNOUNCEMENT_TIME, NEW_YORK).astimezone(UTC)


def _yearly_holidays(year: int) -> dict[date, str]:
    """Return the holidays of a year, with names, that every published list had.

    Single days that arXiv adds cannot be computed.
    """
    independence = date(year, 7, 4)
    observed = independence + _DAY if independence.weekday() == 6 else independence
    return {
        _nth_weekday(3, 0, year, 1): "Martin Luther King Day",
        date(year, 6, 19): "Juneteenth",
        observed: "Independence Day",
        _nth_weekday(1, 0, year, 9): "Labor Day",
        _nth_weekday(4, 3, year, 11): "Thanksgiving",
        date(year, 12, 25): "Christmas",
    }


def _nth_weekday(count: int, weekday: int, year: int, month: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (count - 1))
