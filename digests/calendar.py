"""When arXiv announces papers, and why it did not: its evenings, weekends and holidays. Pure.

arXiv announces at 20:00 in New York from Sunday to Thursday (https://info.arxiv.org/help/availability.html), where it also
publishes each year's holidays, as evenings without an announcement. What was published is certain; of other years only
the holidays that come back every year are reckoned, and said to be likely.
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
"""From the announcement until its papers can be in a digest: the feeds are renewed at midnight in New York, four hours
later, and then have to be read."""

PUBLISHED_HOLIDAYS = {
    date(2026, 11, 26): "Thanksgiving",
    date(2026, 12, 25): "Christmas",
    date(2026, 12, 29): "the end of the year",
    date(2026, 12, 31): "New Year's Eve",
}
PUBLISHED_FROM, PUBLISHED_TO = date(2026, 11, 25), date(2026, 12, 31)
"""Between these days every evening that is not in the list has its announcement."""

_DAY = timedelta(days=1)


class GapReason(StrEnum):
    """Why no new papers of arXiv could be had."""

    WEEKEND = "weekend"
    """There is no announcement on Friday and Saturday evenings."""
    HOLIDAY = "holiday"
    NOT_YET = "not yet"
    """No evening's papers were to come since the last digest."""


@dataclass(frozen=True, slots=True)
class AnnouncementGap:
    """Nothing was to come from arXiv, and why; `next` is the next announcement, in UTC.

    On a holiday `evening` is its date in New York and `holiday` its name; it is `certain` where arXiv published it.
    """

    reason: GapReason
    next_at: datetime
    evening: date | None = None
    holiday: str = ""
    is_certain: bool = True


def announcement_at(evening: date) -> datetime | None:
    """The instant of the announcement on a date in New York, in UTC; None where there is none."""
    return (
        _announcement_instant(evening)
        if evening.weekday() in ANNOUNCEMENT_WEEKDAYS and not holiday_name(evening)
        else None
    )


def holiday_name(evening: date) -> str:
    """The name of the holiday that keeps arXiv from announcing on this date in New York; empty on any other date."""
    return (
        PUBLISHED_HOLIDAYS.get(evening, "")
        if is_certain(evening)
        else _yearly_holidays(evening.year).get(evening, "")
    )


def is_certain(evening: date) -> bool:
    """Whether arXiv's own list says what happens on this evening."""
    return PUBLISHED_FROM <= evening <= PUBLISHED_TO


def next_announcement(after: datetime) -> datetime:
    """The first announcement after an instant, in UTC."""
    evening = after.astimezone(NEW_YORK).date()
    while (at := announcement_at(evening)) is None or at <= after:
        evening += _DAY
    return at


def find_announcement_gap(after: datetime, to: datetime) -> AnnouncementGap | None:
    """Why nothing of arXiv could be new in a digest of `to` after one of `after`; None where an announcement was due.

    An evening belongs to the digest by whose hour its papers could be read, in whatever time zone that is.
    """
    evenings = list(_evenings_between(after, to))
    if any(announcement_at(evening) for evening in evenings):
        return None
    coming = next_announcement(to - ANNOUNCEMENT_LAG)
    off = [evening for evening in evenings if evening.weekday() in ANNOUNCEMENT_WEEKDAYS]
    if off:
        return AnnouncementGap(GapReason.HOLIDAY, coming, off[-1], holiday_name(off[-1]), is_certain(off[-1]))
    return AnnouncementGap(GapReason.WEEKEND if evenings else GapReason.NOT_YET, coming)


def _evenings_between(after: datetime, to: datetime) -> Iterator[date]:
    """The dates in New York whose papers, if there are any, can first be had after the one and up to the other."""
    evening = (after - ANNOUNCEMENT_LAG).astimezone(NEW_YORK).date()
    while (at := _announcement_instant(evening)) + ANNOUNCEMENT_LAG <= to:
        if at + ANNOUNCEMENT_LAG > after:
            yield evening
        evening += _DAY


def _announcement_instant(evening: date) -> datetime:
    return datetime.combine(evening, ANNOUNCEMENT_TIME, NEW_YORK).astimezone(UTC)


def _yearly_holidays(year: int) -> dict[date, str]:
    """The holidays that were in arXiv's lists of every year; single days that it adds cannot be reckoned."""
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
