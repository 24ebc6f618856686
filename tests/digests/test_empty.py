"""Reasons for an empty digest, in their order, and the notice in a late one."""

from datetime import date, datetime, time, timedelta

import pytest

from digests.calendar import find_announcement_gap
from digests.empty import (
    LATE_AFTER,
    ON_TIME,
    Lateness,
    find_empty_reason,
    find_next_papers_edition,
    make_late_notice,
)
from digests.model import REVIEWER, Choice, EmptyReason, HealthReport, LateNotice, LeftOut, Selection, Trouble
from digests.subscription import Schedule
from tests.builders import NOW, TODAY

STALE_AFTER = timedelta(days=3)
WORKDAYS_AT_NINE = Schedule(time(9), frozenset(range(5)), "UTC")
NOTHING_NEW = Selection((), 0, {})


def a_report(trouble: Trouble, subject: str = "arxiv", waiting_count: int = 0) -> HealthReport:
    return HealthReport(subject, trouble, "", waiting_count, NOW, NOW)


def reason_of(
    selection: Selection, *troubles: HealthReport, last_import: datetime | None = NOW
) -> EmptyReason | None:
    return find_empty_reason(selection, troubles, None, last_import, NOW, STALE_AFTER)


def test_a_digest_with_picks_has_no_empty_reason() -> None:
    selection = Selection((Choice("a", "best"),), 1, {})
    assert reason_of(selection, a_report(Trouble.OUTAGE)) is None


@pytest.mark.parametrize(
    ("left_out", "expected"),
    [
        ({LeftOut.OTHER_DOMAIN: 2}, EmptyReason.NO_MATCH),
        ({LeftOut.OTHER_DOMAIN: 2, LeftOut.UNDER_SCORE: 1}, EmptyReason.UNDER_THRESHOLD),
    ],
)
def test_considered_papers_explain_an_empty_digest_even_during_an_outage(
    left_out: dict[LeftOut, int], expected: EmptyReason
) -> None:
    assert reason_of(Selection((), 3, left_out), a_report(Trouble.OUTAGE)) is expected


def test_a_reviewer_in_trouble_is_a_reason_only_while_papers_wait() -> None:
    unscored = Selection((), 1, {LeftOut.NOT_SCORED: 1})
    assert reason_of(unscored, a_report(Trouble.REVIEWER_DOWN, REVIEWER)) is EmptyReason.REVIEWER_DOWN
    waiting = a_report(Trouble.BUDGET_SPENT, REVIEWER, waiting_count=1)
    assert reason_of(NOTHING_NEW, waiting) is EmptyReason.BUDGET_SPENT
    assert reason_of(NOTHING_NEW, a_report(Trouble.BUDGET_SPENT, REVIEWER)) is EmptyReason.QUIET_DAY


def test_an_outage_goes_before_a_library_without_papers() -> None:
    assert reason_of(NOTHING_NEW, a_report(Trouble.OUTAGE), last_import=None) is EmptyReason.OUTAGE
    assert reason_of(NOTHING_NEW, last_import=None) is EmptyReason.NO_PAPERS


def test_a_source_is_stale_after_announcements_without_an_import() -> None:
    assert reason_of(NOTHING_NEW, last_import=NOW - STALE_AFTER) is EmptyReason.QUIET_DAY
    assert reason_of(NOTHING_NEW, last_import=NOW - STALE_AFTER - timedelta(1)) is EmptyReason.STALE


def test_the_next_papers_edition_follows_the_end_of_a_gap() -> None:
    friday, saturday = NOW + timedelta(days=3), NOW + timedelta(days=4)
    gap = find_announcement_gap(friday, saturday)
    assert gap
    assert find_next_papers_edition(WORKDAYS_AT_NINE, gap) == date(2026, 11, 30)


def test_an_edition_on_time_has_no_notice() -> None:
    assert make_late_notice(WORKDAYS_AT_NINE, TODAY, ON_TIME, 0, NOW) is None
    just_late = Lateness(NOW - LATE_AFTER + timedelta(seconds=1))
    assert make_late_notice(WORKDAYS_AT_NINE, TODAY, just_late, 0, NOW) is None


def test_a_late_edition_names_its_due_time_in_the_channels_time_zone() -> None:
    berlin = Schedule(time(9), frozenset(range(5)), "Europe/Berlin")
    notice = make_late_notice(berlin, TODAY, Lateness(NOW - LATE_AFTER), 0, NOW)
    assert notice
    assert notice.due_at
    assert f"{notice.due_at:%H:%M}" == "09:30"


def test_missed_editions_are_listed_newest_first_and_skipped_papers_counted() -> None:
    friday, monday = date(2026, 11, 20), date(2026, 11, 23)
    merged = Lateness(NOW, first_missed=friday)
    assert make_late_notice(WORKDAYS_AT_NINE, TODAY, merged, 7, NOW) == LateNotice(
        None, (monday, friday), None
    )
    skipped = Lateness(NOW, first_missed=friday, is_merged=False)
    assert make_late_notice(WORKDAYS_AT_NINE, TODAY, skipped, 7, NOW) == LateNotice(None, (monday, friday), 7)
