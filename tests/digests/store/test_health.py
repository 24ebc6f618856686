"""How sources and the reviewer are: the last word counts, and a trouble knows since when it lasts."""

from datetime import timedelta

import pytest

from digests.model import REVIEWER, HealthReport, Trouble
from tests.builders import NOW, a_store

pytestmark = pytest.mark.usefixtures("over_both")

HOUR = timedelta(hours=1)


def test_the_last_report_of_each_subject_counts() -> None:
    health = a_store().health
    health.report("huggingface", None, now=NOW)
    health.report("arxiv", Trouble.OUTAGE, detail="arXiv answered 503.", now=NOW)
    health.report(REVIEWER, Trouble.BUDGET_SPENT, waiting_count=40, now=NOW)
    health.report("arxiv", None, now=NOW + HOUR)
    assert [(one.subject, one.trouble, one.waiting_count) for one in health.latest_reports()] == [
        ("arxiv", None, 0),
        ("huggingface", None, 0),
        (REVIEWER, Trouble.BUDGET_SPENT, 40),
    ]


def test_a_trouble_that_goes_on_keeps_the_instant_it_began_and_another_one_begins_anew() -> None:
    health = a_store().health
    health.report("arxiv", Trouble.OUTAGE, detail="No answer.", now=NOW)
    health.report("arxiv", Trouble.OUTAGE, detail="Still none.", now=NOW + HOUR)
    assert health.latest_reports() == [
        HealthReport("arxiv", Trouble.OUTAGE, "Still none.", 0, since=NOW, reported_at=NOW + HOUR)
    ]
    health.report("arxiv", Trouble.STALE, now=NOW + 2 * HOUR)
    assert health.latest_reports()[0].since == NOW + 2 * HOUR


def test_only_troubles_that_were_heard_of_lately_are_told() -> None:
    health = a_store().health
    health.report("well", None, now=NOW)
    health.report("removed long ago", Trouble.OUTAGE, now=NOW - timedelta(days=3))
    health.report("arxiv", Trouble.STALE, now=NOW)
    assert [one.subject for one in health.troubles(NOW - timedelta(days=1))] == ["arxiv"]
