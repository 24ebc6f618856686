"""Every contract over a store that was carried over: the old checkout's answers, and what follows them.

The expected values are what the checkout fa069ce answers over the same fixture.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from digests.model import MarkSource, QueueOutcome, ReviewDepth, Trouble, Verdict
from digests.ports import Store
from digests.ports.budget import BudgetLimit, Spending
from digests.ports.marks import QueueScope
from digests.ports.outbox import Claim, DeliveryState, PageState
from digests.subscription import Channel
from tests.builders import a_paper, a_review, a_subscription
from tests.old_store import NOW, open_carried_over

LEASE = timedelta(minutes=5)
LATER = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)
READING = Channel("slack", "C0READING", "T0ALPHA")


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """The old store, carried over within SQLite, then within PostgreSQL."""
    server = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    with open_carried_over(tmp_path, server) as carried_over:
        yield carried_over


def claim_due(store: Store, now: datetime, owner: str = "a") -> list[Claim]:
    return list(store.outbox.claim_due(owner=owner, now=now, lease=LEASE, limit=50))


def test_a_delivery_in_mid_send_keeps_its_claim_and_its_keys(store: Store) -> None:
    (in_mid_send,) = (claim for claim in claim_due(store, NOW) if claim.id == 14)
    assert in_mid_send.subscription.channel == READING
    assert (in_mid_send.attempts, in_mid_send.failures, in_mid_send.crashes) == (2, 1, 1)
    assert [(page.idempotency_key, page.state) for page in in_mid_send.pages] == [
        ("39a34bf6d313e63fde70da26d", PageState.POSTED),
        ("6e09875dc2b6575b3f6e12ce7", PageState.POSTING),
        ("cbb4d2dd59f9ddf76cce4e3fa", PageState.PLANNED),
        ("a1a0628529843e403c118ed45", PageState.PLANNED),
    ]


NEXT_MORNING = [
    (14, "slack:T0ALPHA:C0READING", 24, None),
    (11, "discord:9002:9202", 24, None),
    (15, "console:lab", 25, None),
    (16, "slack:T0BRAVO:C0WAITS", 25, 23),
    (17, "discord:9002:9203", 25, None),
    (18, "discord:9001:9101", 25, 24),
]


@pytest.mark.parametrize(
    ("now", "expected", "quarantined"),
    [
        ("2026-11-24 10:05:30", [10, 14, 8, 11], [13]),
        ("2026-11-24 10:30:00", [7, 10, 14, 8, 11], [13]),
        ("2026-11-25 09:00:00", [14, 11, 15, 16, 17, 18], [13]),
        ("2026-11-25 09:10:00", [14, 11, 15, 16, 17, 18, 19], []),
        ("2026-11-25 10:30:00", [14, 11, 15, 16, 17, 18, 19], []),
        ("2026-11-27 10:00:00", [14, 11, 15, 16, 17, 18, 19, 20], []),
    ],
)
def test_the_deliveries_that_are_due_are_those_of_the_old_store(
    store: Store, now: str, expected: list[int], quarantined: list[int]
) -> None:
    instant = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert [claim.id for claim in claim_due(store, instant)] == expected
    assert [claim.id for claim in claim_due(store, instant, "b")] == quarantined


def test_the_next_morning_begins_the_editions_that_the_old_store_would_have_begun(store: Store) -> None:
    claims = claim_due(store, datetime(2026, 11, 25, 9, 0, tzinfo=UTC))
    assert [
        (
            claim.id,
            str(claim.subscription.channel),
            claim.edition.day,
            claim.first_missed.day if claim.first_missed else None,
        )
        for claim in claims
    ] == NEXT_MORNING
    assert all(claim.pages == () for claim in claims if claim.id >= 15)


def test_the_poison_delivery_stays_in_quarantine(store: Store) -> None:
    assert 13 not in [claim.id for claim in claim_due(store, NOW)]
    (alone,) = claim_due(store, NOW, "b")
    assert (alone.id, alone.crashes) == (13, 3)


def test_watermarks_and_shown_papers_are_those_of_the_old_store(store: Store) -> None:
    reading = store.subscriptions.find(READING)
    skips = store.subscriptions.find(Channel("console", "skips"))
    assert reading
    assert skips
    assert store.delivery_reports.watermark(reading, date(2026, 11, 25)) == 25
    assert store.delivery_reports.watermark(skips, date(2026, 11, 25)) == 12
    assert store.delivery_reports.shown_papers([(reading, 0, 25), (skips, 0, 25)]) == [
        frozenset(f"2401.000{number}" for number in ("01", "02", "06", "09", "18", "19")),
        frozenset({"2401.00007", "2401.00008"}),
    ]
    assert store.delivery_reports.count_by_state(date(2026, 11, 1)) == {
        DeliveryState.CLAIMED: 2,
        DeliveryState.POSTING: 1,
        DeliveryState.POSTED: 4,
        DeliveryState.EMPTY: 2,
        DeliveryState.RETRYING: 1,
        DeliveryState.UNKNOWN: 1,
        DeliveryState.FAILED: 3,
    }


def test_the_owner_who_was_not_told_gets_a_failure_notice_and_the_other_none(store: Store) -> None:
    (notice,) = store.failure_notices.due(now=LATER, retry_after=LEASE, limit=9)
    assert (notice.delivery_id, notice.subscription.owner_id) == (12, "U0CEM")
    assert (notice.edition, notice.reason) == (date(2026, 11, 24), "The channel is archived.")
    store.failure_notices.acknowledge(notice)
    assert store.failure_notices.due(now=LATER + timedelta(days=9), retry_after=LEASE, limit=9) == []


def test_subscriptions_keep_who_paused_and_stopped_them_and_a_change_can_be_undone(store: Store) -> None:
    assert len(store.subscriptions.list_active()) == 11
    paused = store.subscriptions.find(Channel("discord", "9102", "9001"))
    stopped = store.subscriptions.find(Channel("slack", "C0GONE", "T0BRAVO"))
    assert paused
    assert stopped
    assert (paused.paused_by, stopped.stop_reason) == ("7002", "The channel is archived.")
    undone = store.subscriptions.undo(7, paused.channel, by="7001", now=LATER)
    assert undone
    assert undone.id == 14
    assert undone.after
    assert undone.after.paused_by == ""
    assert store.subscriptions.start(stopped.channel, now=LATER)
    assert store.subscriptions.recompute_next_due(now=LATER) >= 1
    saved = a_subscription("new")
    store.subscriptions.sync_from_settings([saved], now=LATER)
    added = store.subscriptions.find(saved.channel)
    assert added
    assert added.id == 14


def test_marks_and_the_queue_go_on(store: Store) -> None:
    since = NOW - timedelta(days=60)

    def queue(workspace: str, channel: str = "", platform: str = "slack") -> list[tuple[str, int]]:
        scope = QueueScope(platform, workspace, channel)
        entries = store.marks.discussion_queue(scope, since=since, now=LATER, limit=9)
        return [(entry.paper, entry.mark_count) for entry in entries]

    reading = (READING.workspace, READING.channel)
    assert queue(READING.workspace) == queue(*reading) == [("2401.00001", 2), ("2401.00002", 1)]
    assert queue("9002", platform="discord") == [("2401.00006", 1)]
    assert queue("T0BRAVO") == queue("9001", platform="discord") == []
    post = store.posts.find(READING, "1795168830.000004")
    assert post
    assert store.marks.people_by_paper(post, MarkSource.REACTION) == {
        "2401.00001": frozenset({"U0ANNA", "U0BEN"})
    }
    store.marks.replace_marks(post, {"2401.00001": frozenset({"U0ANNA"})}, MarkSource.REACTION, as_of=LATER)
    assert ("2401.00001", 1) in queue(*reading)
    scope = QueueScope("slack", *reading)
    store.queue_decisions.decide(
        "2401.00001", scope, QueueOutcome.DISCUSSED, by="Anna", by_id="slack:T0ALPHA:U0ANNA", now=LATER
    )
    assert queue(*reading) == [("2401.00002", 1)]


def test_the_post_edit_that_was_queued_is_made_once(store: Store) -> None:
    interval = timedelta(hours=1)
    (edit,) = store.post_edits.claim(now=LATER, interval=interval, limit=9)
    assert (edit.id, edit.noticed_seq, edit.attempts) == (3, 22, 2)
    assert edit.last_text == "2401.00001: Update: v2 since 22 November 2026"
    assert store.post_edits.paper_updates(edit.post)["2401.00001"].version == 4
    store.post_edits.complete(edit, "2401.00001: Update: v4", now=LATER, interval=interval)
    assert store.post_edits.claim(now=LATER + interval, interval=interval, limit=9) == []


def test_the_review_queue_and_its_priorities_go_on(store: Store) -> None:
    queue = store.review_queue
    assert queue.count_waiting() == {ReviewDepth.FULL: 2, ReviewDepth.SCORE: 1}
    assert [task.paper for task in queue.next(ReviewDepth.SCORE, 9, now=LATER)] == ["2401.00011"]
    assert [task.paper for task in queue.next(ReviewDepth.FULL, 9, now=LATER)] == ["2401.00014"]
    noon = datetime(2026, 11, 24, 12, tzinfo=UTC)
    first, second = queue.next(ReviewDepth.FULL, 9, now=noon)
    assert (first.paper, first.priority) == ("2401.00014", 1_000_000.0)
    assert (second.paper, second.priority, second.reason) == ("2401.00013", 8.125, "429: slow down 🐌")
    assert [task.paper for task in queue.recent_failures(9)] == ["2401.00012", "2401.00013"]
    queue.complete("2401.00014")
    queue.enqueue({"2401.00011": 9.5}, ReviewDepth.FULL, now=LATER)
    queue.requeue_failed()
    assert [task.paper for task in queue.next(ReviewDepth.FULL, 9, now=noon)] == ["2401.00011", "2401.00013"]
    assert [task.paper for task in queue.next(ReviewDepth.SCORE, 9, now=noon)] == ["2401.00012"]


def test_the_budget_of_the_day_counts_on(store: Store) -> None:
    today, limit = NOW.date(), BudgetLimit(millionths=9_000_000_000)
    assert store.budget.spending_on(today) == Spending(3_000_000_700, 5_000_001_400)
    assert (store.budget.count_full_reviews(date(2026, 11, 23)), store.budget.count_full_reviews(today)) == (
        1,
        2,
    )
    assert not store.budget.reserve(today, Spending(1, 3_999_998_601), limit)
    reserved = Spending(1, 3_999_998_600)
    assert store.budget.reserve(today, reserved, limit)
    store.budget.settle(today, reserved, Spending(1, 0), is_full_review=True)
    assert store.budget.spending_on(today) == Spending(3_000_000_701, 5_000_001_400)
    assert store.budget.count_full_reviews(today) == 3


def test_decisions_of_moderators_stay_and_the_held_paper_can_be_released(store: Store) -> None:
    released, rejected = (store.moderation.find_decision(paper) for paper in ("2401.00008", "2401.00010"))
    assert released
    assert rejected
    assert (released.is_released, released.by, released.by_id, released.at) == (
        True,
        "U0ANNA",
        "",
        datetime(2026, 11, 24, 9, 53, tzinfo=UTC),
    )
    assert (rejected.is_released, rejected.by) == (False, "7001")
    (held,) = store.moderation.list_held()
    assert held.scored_paper.paper.id == "2401.00002"
    assert held.reason == "It speaks to its “reviewer”, and its score stands out."
    assert not store.moderation.release("2401.00010", by="Ben", by_id="slack:T0ALPHA:U0BEN", now=LATER)
    assert store.moderation.release("2401.00002", by="Ben", by_id="slack:T0ALPHA:U0BEN", now=LATER)
    assert store.moderation.list_held() == []
    assert store.library.latest_sequence() == 26


def test_verdicts_of_pairwise_comparisons_are_found(store: Store) -> None:
    versions = ["2401.00001v2", "2401.00002v3", "2401.00005v1", "2401.00006"]
    assert store.pairwise_ranking.verdicts("made-up-model-1, pairs 1", versions) == {
        ("2401.00001v2", "2401.00002v3"): Verdict.FIRST,
        ("2401.00002v3", "2401.00001v2"): Verdict.SECOND,
        ("2401.00005v1", "2401.00006"): Verdict.NEITHER,
    }


def test_sources_turns_and_health_go_on_where_they_were(store: Store) -> None:
    assert store.sources.load_state("huggingface").position == "2026-11-22"
    assert store.sources.load_state("huggingface").failure == "It didn’t answer.\n"
    assert store.sources.last_import() == datetime(2026, 11, 24, 9, 55, tzinfo=UTC)
    assert store.sources.take_turn("export.arxiv.org", "a", now=LATER, lease=LEASE) is None
    assert store.sources.take_turn("huggingface.co", "a", now=LATER, lease=LEASE) == LATER + timedelta(
        minutes=1
    )
    troubles = {report.subject: report.trouble for report in store.health.latest_reports()}
    assert troubles == {
        "arxiv": None,
        "file reviews/*.jsonl": Trouble.STALE,
        "huggingface": Trouble.OUTAGE,
        "reviewer": Trouble.BUDGET_SPENT,
    }


def test_notes_and_events_are_remembered(store: Store) -> None:
    assert store.notes.read("reviewer scale") == "made-up-model-1, rubric 3"
    assert store.notes.read("discord commands 1234567890").startswith('{"9001": "ffff')
    soon = datetime(2026, 11, 20, 11, tzinfo=UTC)  # Before the events of the fixture are two days old.
    assert not store.events.record_once("slack Ev0001", now=soon)
    assert store.events.record_once("slack Ev9999", now=soon)


def test_the_library_imports_the_same_review_once_and_new_papers_after_the_last_number(store: Store) -> None:
    assert store.library.latest_sequence() == 25
    assert store.library.sequence_at(datetime(2026, 11, 23, 9, tzinfo=UTC)) == 11
    newest, *_ = store.library.reviews_of("2401.00001")
    assert newest.assessment
    assert newest.assessment.review_depth is ReviewDepth.FULL
    paper = store.library.get(["2401.00001"])["2401.00001"].paper
    store.library.add([(paper, newest)], now=LATER)
    assert store.library.latest_sequence() == 25
    store.library.add([(a_paper("2511.00001"), a_review())], now=LATER)
    assert store.library.latest_sequence() == 26
    assert [request.paper for request in store.paper_requests.list_open(9, 9)] == ["web:0123456789abcdef"]
    assert store.paper_requests.list_unknown(9) == ["2401.09999"]


def test_every_role_can_be_led_after_the_copy(store: Store) -> None:
    lock = store.leadership.acquire("posts")
    assert lock
    assert lock.is_held()
    assert store.leadership.acquire("posts") is None
    lock.release()
