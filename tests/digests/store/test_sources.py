"""Sources in the store: states, turns between processes, imports and health reports."""

from datetime import timedelta
from pathlib import Path

import pytest

from digests.model import REVIEWER, HealthReport, Review, Trouble
from digests.ports.sources import SourceState
from digests.store import open_store
from tests.builders import NOW, a_paper, a_store

pytestmark = pytest.mark.usefixtures("over_both")

HOUR = timedelta(hours=1)
LATER = NOW + HOUR

LEASE = timedelta(minutes=2)


def test_the_state_of_a_source_is_stored_unchanged() -> None:
    sources = a_store().sources
    assert sources.load_state("arxiv") == SourceState()
    for position in ("2026-11-23", "2026-11-24"):
        state = SourceState(position, NOW, NOW, "It did not answer.", LATER)
        sources.save_state("arxiv", state)
        assert sources.load_state("arxiv") == state


def test_a_turn_is_exclusive_until_it_and_the_pause_after_it_end(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'p.db'}"
    sources, other_process = open_store(url).sources, open_store(url).sources
    assert sources.take_turn("arxiv", "a", now=NOW, lease=LEASE) is None
    assert other_process.take_turn("arxiv", "b", now=NOW, lease=LEASE) == NOW + LEASE
    assert other_process.take_turn("hugging face", "b", now=NOW, lease=LEASE) is None
    sources.end_turn("arxiv", "a", free_at=NOW + timedelta(seconds=3))
    assert other_process.take_turn("arxiv", "b", now=NOW, lease=LEASE) == NOW + timedelta(seconds=3)
    assert other_process.take_turn("arxiv", "b", now=NOW + timedelta(seconds=3), lease=LEASE) is None


def test_a_turn_of_a_crashed_owner_is_free_after_its_lease() -> None:
    sources = a_store().sources
    assert sources.take_turn("arxiv", "dead", now=NOW, lease=LEASE) is None
    assert sources.take_turn("arxiv", "b", now=NOW + LEASE, lease=LEASE) is None
    sources.end_turn("arxiv", "dead", free_at=NOW)
    assert sources.take_turn("arxiv", "c", now=NOW + LEASE, lease=LEASE) == NOW + 2 * LEASE


def test_a_turn_from_a_clock_far_ahead_blocks_nobody() -> None:
    sources = a_store().sources
    assert sources.take_turn("arxiv", "a", now=NOW + timedelta(days=300), lease=LEASE) is None
    assert sources.take_turn("arxiv", "b", now=NOW, lease=LEASE) is None
    assert sources.take_turn("arxiv", "c", now=NOW, lease=LEASE) == NOW + LEASE


def test_an_import_without_papers_is_recorded() -> None:
    store = a_store()
    assert store.sources.last_import() is None
    store.sources.record_import(now=NOW)
    assert store.sources.last_import() == NOW


def test_the_papers_of_the_library_are_counted() -> None:
    store = a_store()
    assert store.sources.count_papers() == 0
    store.library.add([(a_paper(f"2401.0000{n}"), Review()) for n in range(3)], now=NOW)
    assert store.sources.count_papers() == 3


def test_the_latest_health_report_of_each_subject_counts() -> None:
    health = a_store().health
    health.report("huggingface", None, now=NOW)
    health.report("arxiv", Trouble.OUTAGE, detail="arXiv answered 503.", now=NOW)
    health.report(REVIEWER, Trouble.BUDGET_SPENT, waiting_count=40, now=NOW)
    health.report("arxiv", None, now=NOW + HOUR)
    assert [(report.subject, report.trouble, report.waiting_count) for report in health.latest_reports()] == [
        ("arxiv", None, 0),
        ("huggingface", None, 0),
        (REVIEWER, Trouble.BUDGET_SPENT, 40),
    ]


def test_a_continuing_trouble_keeps_its_start_and_another_trouble_has_its_own() -> None:
    health = a_store().health
    health.report("arxiv", Trouble.OUTAGE, detail="No answer.", now=NOW)
    health.report("arxiv", Trouble.OUTAGE, detail="Still none.", now=NOW + HOUR)
    assert health.latest_reports() == [
        HealthReport("arxiv", Trouble.OUTAGE, "Still none.", 0, since=NOW, reported_at=NOW + HOUR)
    ]
    health.report("arxiv", Trouble.STALE, now=NOW + 2 * HOUR)
    assert health.latest_reports()[0].since == NOW + 2 * HOUR


def test_only_troubles_reported_lately_are_listed() -> None:
    health = a_store().health
    health.report("well", None, now=NOW)
    health.report("removed long ago", Trouble.OUTAGE, now=NOW - timedelta(days=3))
    health.report("arxiv", Trouble.STALE, now=NOW)
    assert [report.subject for report in health.troubles(NOW - timedelta(days=1))] == ["arxiv"]
