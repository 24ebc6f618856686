"""Reasons why a digest is empty, and the notice in one that is late. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from digests import calendar
from digests.calendar import AnnouncementGap
from digests.model import REVIEWER, EmptyReason, HealthReport, LateNotice, LeftOut, Selection, Trouble
from digests.schedule import editions_between, next_due_edition, previous_due_at
from digests.subscription import Schedule

LATE_AFTER = timedelta(minutes=30)
"""Delay from which a digest counts as late."""

MAX_MISSED_EDITIONS = 400
"""Most missed editions that a late notice lists, the newest ones: more than a year of them."""


@dataclass(frozen=True, slots=True)
class Lateness:
    """Due time of an edition, and the missed editions before it.

    `due_at` None means that lateness does not matter: the digest has no late notice. `first_missed` is the
    first of the editions directly before it that were never posted, None without any. `is_merged` means that
    their papers are considered in this edition.
    """

    due_at: datetime | None = None
    first_missed: date | None = None
    is_merged: bool = True


ON_TIME = Lateness()
"""Lateness of a digest without a late notice, such as a preview."""


def find_empty_reason(
    selection: Selection,
    troubles: Collection[HealthReport],
    gap: AnnouncementGap | None,
    last_import: datetime | None,
    now: datetime,
    stale_after: timedelta,
) -> EmptyReason | None:
    """Return the reason why a selection is empty, or None when it has picks.

    The reviewer's trouble comes first, while papers wait for a review. If papers were considered, the reason
    is that some scored too low or, if none did, that none matched. Otherwise the order is: an outage, no
    import ever (`last_import` None), no import for `stale_after` although arXiv announced papers, a gap in
    arXiv's calendar, a stale answer, a quiet day.
    """
    if selection.choices:
        return None
    reviewer_reason = _find_reviewer_reason(selection, troubles)
    if reviewer_reason or selection.considered:
        return reviewer_reason or _find_exclusion_reason(selection)
    trouble_kinds = {report.trouble for report in troubles}
    if Trouble.OUTAGE in trouble_kinds:
        return EmptyReason.OUTAGE
    if last_import is None:
        return EmptyReason.NO_PAPERS
    if last_import < now - stale_after and calendar.find_announcement_gap(last_import, now) is None:
        return EmptyReason.STALE
    if gap:
        return EmptyReason.NO_ANNOUNCEMENT
    return EmptyReason.STALE if Trouble.STALE in trouble_kinds else EmptyReason.QUIET_DAY


def _find_reviewer_reason(selection: Selection, troubles: Collection[HealthReport]) -> EmptyReason | None:
    """Return the reviewer's trouble as a reason; None if it has none, or if no paper waits for a review."""
    has_unscored = LeftOut.NOT_SCORED in selection.left_out
    for report in troubles:
        is_waiting = has_unscored or (report.waiting_count and not selection.considered)
        if report.subject == REVIEWER and is_waiting:
            is_budget_spent = report.trouble is Trouble.BUDGET_SPENT
            return EmptyReason.BUDGET_SPENT if is_budget_spent else EmptyReason.REVIEWER_DOWN
    return None


def _find_exclusion_reason(selection: Selection) -> EmptyReason:
    return EmptyReason.UNDER_THRESHOLD if LeftOut.UNDER_SCORE in selection.left_out else EmptyReason.NO_MATCH


def find_edition_gap(schedule: Schedule, edition: date, now: datetime) -> AnnouncementGap | None:
    """Return arXiv's gap between the due time of the previous edition and `now`.

    None if an announcement became readable in that time.
    """
    return calendar.find_announcement_gap(previous_due_at(schedule, edition, now), now)


def find_next_papers_edition(schedule: Schedule, gap: AnnouncementGap) -> date:
    """Return the first edition that can hold the papers of the announcement that ends a gap."""
    readable_at = gap.next_at + calendar.ANNOUNCEMENT_LAG
    return next_due_edition(schedule, readable_at - timedelta(seconds=1)).edition


def make_late_notice(
    schedule: Schedule, edition: date, lateness: Lateness, skipped_count: int, now: datetime
) -> LateNotice | None:
    """Return the notice for an edition that is late, or that follows missed ones.

    None for an edition on time, and if its due time does not matter. An edition is late from `LATE_AFTER`
    after its due time on. `skipped_count` papers came in for missed editions that are not merged into this
    one.
    """
    if lateness.due_at is None:
        return None
    is_late = now - lateness.due_at >= LATE_AFTER
    if not is_late and lateness.first_missed is None:
        return None
    missed_editions = (
        editions_between(schedule, lateness.first_missed, edition, MAX_MISSED_EDITIONS)
        if lateness.first_missed
        else ()
    )
    local_due_at = lateness.due_at.astimezone(ZoneInfo(schedule.time_zone)) if is_late else None
    return LateNotice(local_due_at, missed_editions, None if lateness.is_merged else skipped_count)
