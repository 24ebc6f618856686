"""Timestamps from a clock that was far ahead are repaired."""

from dataclasses import replace
from datetime import timedelta

import pytest

from digests.model import NOT_REVIEWED, Post, ReviewDepth
from digests.ports.outbox import LeaseLostError, PageState
from tests.builders import NOW, TODAY, a_paper, a_store, a_subscription, save_subscription
from tests.outbox import (
    LEASE,
    YEAR,
    a_page,
    a_store_with_channel,
    claim_all,
    claim_edition,
    confirm_page,
    find_shown_papers,
    repair_timestamps,
    save_plan,
    start_first_page,
    start_page,
    try_claim,
)

pytestmark = pytest.mark.usefixtures("over_both")


def test_a_lease_from_a_clock_far_ahead_is_shortened_and_others_are_kept() -> None:
    store, subscription = a_store_with_channel()
    claim = start_first_page(store, subscription)
    repair_timestamps(store)
    start_page(store, claim, 0, now=NOW + YEAR)
    repair_timestamps(store)
    confirm_page(store, claim, 0, "m1")  # The owner of the claim may go on.
    assert claim_all(store, LEASE - timedelta(seconds=1)) == []
    (retried,) = claim_all(store, LEASE)
    assert [page.state for page in retried.pages] == [PageState.POSTED, PageState.PLANNED]


def test_a_retry_scheduled_by_a_clock_far_ahead_is_due_at_once() -> None:
    store, subscription = a_store_with_channel()
    store.outbox.reschedule(claim_edition(store, subscription), "Away.", next_try_at=NOW + YEAR)
    assert claim_all(store, timedelta(hours=20)) == []
    repair_timestamps(store)
    (retried,) = claim_all(store, timedelta())
    store.outbox.reschedule(retried, "Away.", next_try_at=NOW + timedelta(hours=1))
    repair_timestamps(store)
    assert claim_all(store, timedelta(minutes=59)) == []
    assert len(claim_all(store, timedelta(hours=1))) == 1


def test_an_edition_begun_by_a_clock_far_ahead_blocks_no_earlier_one() -> None:
    store, subscription = a_store_with_channel()
    ahead = try_claim(store, subscription, delay=YEAR, edition=TODAY + YEAR)
    assert ahead
    start_page(store, save_plan(store, ahead, [a_page(0), a_page(1)], watermark=4), 0, now=NOW + YEAR)
    store.subscriptions.recompute_next_due(now=NOW)
    assert [claim.edition for claim in claim_all(store)] == [TODAY]


def test_an_edition_begun_by_a_clock_far_ahead_keeps_its_pages() -> None:
    store, subscription = a_store_with_channel()
    ahead = try_claim(store, subscription, delay=YEAR, edition=TODAY + YEAR)
    assert ahead
    begun = save_plan(store, ahead, [a_page(0), a_page(1)], watermark=4)
    start_page(store, begun, 0, now=NOW + YEAR)
    store.outbox.reschedule(begun, "Away.", next_try_at=NOW + YEAR)
    repair_timestamps(store)
    (delivery,) = store.delivery_reports.history(subscription, 1)
    assert [page.state for page in delivery.pages] == [PageState.POSTING, PageState.PLANNED]


def test_a_review_scheduled_by_a_clock_far_ahead_is_due_at_once() -> None:
    store = a_store()
    store.review_queue.enqueue({"a": 1.0}, ReviewDepth.SCORE, now=NOW)
    store.review_queue.fail("a", "Away.", next_try_at=NOW + YEAR, counts_as_attempt=False)
    repair_timestamps(store)
    assert [task.paper for task in store.review_queue.next(ReviewDepth.SCORE, 9, now=NOW)] == ["a"]


def test_post_edits_of_a_clock_far_ahead_are_due_at_once() -> None:
    store, paper = a_store(), a_paper().id
    store.library.add([(a_paper(version=1), NOT_REVIEWED)], now=NOW)
    store.post_edits.enqueue(since=NOW, now=NOW)
    store.posts.record_shared(Post(a_subscription().channel, "1.0", (paper,), {"text": "x"}), now=NOW)
    store.library.add([(a_paper(version=2), NOT_REVIEWED)], now=NOW)
    store.post_edits.enqueue(since=NOW, now=NOW + YEAR)
    repair_timestamps(store)
    (edit,) = store.post_edits.claim(now=NOW, interval=LEASE, limit=9)
    store.post_edits.complete(edit, "v2", now=NOW + YEAR, interval=LEASE)
    repair_timestamps(store)
    store.library.add([(a_paper(version=3), NOT_REVIEWED)], now=NOW)
    store.post_edits.enqueue(since=NOW, now=NOW)
    assert len(store.post_edits.claim(now=NOW, interval=LEASE, limit=9)) == 1


def test_a_failure_notice_of_a_clock_far_ahead_is_due_at_once_unless_acknowledged() -> None:
    store = a_store()
    owned = save_subscription(store, replace(a_subscription(), owner_id="UADA"))
    store.outbox.abandon(claim_edition(store, owned), "Slack is out.", now=NOW + YEAR)
    repair_timestamps(store)
    (notice,) = store.failure_notices.due(now=NOW, retry_after=LEASE, limit=9)
    store.failure_notices.acknowledge(notice)
    repair_timestamps(store)
    assert store.failure_notices.due(now=NOW, retry_after=LEASE, limit=9) == []


def test_an_edition_planned_by_a_clock_far_ahead_returns_its_papers_and_waits_for_its_date() -> None:
    store, subscription = a_store_with_channel()
    ahead = try_claim(store, subscription, delay=YEAR, edition=TODAY + YEAR)
    assert ahead
    save_plan(store, ahead, [a_page(0, "2401.00001")], watermark=4)
    repair_timestamps(store)
    assert find_shown_papers(store, subscription, 0, 9) == frozenset()
    with pytest.raises(LeaseLostError):
        start_page(store, ahead, 0)
    assert [claim.edition for claim in claim_all(store, timedelta(days=3))] != [TODAY + YEAR]
    repair_timestamps(store, timedelta(days=3))
    due = store.outbox.claim(subscription, TODAY + YEAR, owner="c", now=NOW + YEAR, lease=LEASE)
    assert due
    assert due.pages == ()
