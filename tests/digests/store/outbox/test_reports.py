"""Reports over the outbox: shown papers, watermarks, workers and states."""

from datetime import timedelta

import pytest

from digests.ports.outbox import DeliveryState
from tests.builders import NOW, TODAY
from tests.outbox import (
    LEASE,
    a_page,
    a_store_with_channel,
    a_store_with_due_channels,
    claim_due_channels,
    claim_edition,
    claim_recap,
    confirm_page,
    find_shown_papers,
    save_plan,
    start_page,
)

pytestmark = pytest.mark.usefixtures("over_both")


def test_shown_papers_are_found_by_window_and_not_by_edition() -> None:
    store, subscription = a_store_with_channel()
    save_plan(store, claim_edition(store, subscription), [a_page(0, "2401.00001", "2401.00003")], watermark=4)
    assert find_shown_papers(store, subscription, 0, 4) == {"2401.00001", "2401.00003"}
    assert find_shown_papers(store, subscription, 2, 4) == {"2401.00003"}


def test_the_watermark_of_an_edition_is_the_start_of_the_next() -> None:
    store, subscription = a_store_with_channel()
    assert store.delivery_reports.watermark(subscription, TODAY) is None
    save_plan(store, claim_edition(store, subscription), [], watermark=3)
    assert store.delivery_reports.watermark(subscription, TODAY) is None
    assert store.delivery_reports.watermark(subscription, TODAY + timedelta(days=1)) == 3


def test_active_workers_are_listed_until_they_finish_or_their_lease_expires() -> None:
    store = a_store_with_due_channels(6)
    first, *_ = store.outbox.claim_due(owner="a", now=NOW, lease=LEASE, limit=3)
    delay = LEASE / 2
    claim_due_channels(store, limit=1, owner="b", delay=delay)
    in_w0, in_w1 = ("console", "w0"), ("console", "w1")
    assert set(store.delivery_reports.active_workers(now=NOW + delay)) == {
        (*in_w0, "a"),
        (*in_w1, "a"),
        (*in_w1, "b"),
    }
    store.outbox.finish(first)
    assert set(store.delivery_reports.active_workers(now=NOW + LEASE)) == {(*in_w1, "b")}


def test_a_recap_counts_no_paper_as_shown_and_moves_no_watermark() -> None:
    store, subscription = a_store_with_channel()
    recap = claim_recap(store, subscription)
    assert recap
    store.outbox.finish(save_plan(store, recap, [a_page(0, "2401.00001")], watermark=9))
    tomorrow = TODAY + timedelta(days=1)
    assert find_shown_papers(store, subscription, 0, 9) == frozenset()
    assert store.delivery_reports.watermark(subscription, tomorrow) is None
    (status,) = store.delivery_reports.channel_statuses()
    assert (status.edition, status.next_edition) == (None, TODAY)


def test_channel_statuses_show_state_pages_and_next_try() -> None:
    store, subscription = a_store_with_channel()
    claim = save_plan(store, claim_edition(store, subscription), [a_page(0), a_page(1)], watermark=1)
    start_page(store, claim, 0)
    confirm_page(store, claim, 0, "there")
    start_page(store, claim, 1)
    (posting,) = store.delivery_reports.channel_statuses()
    assert (posting.state, posting.posted_pages, posting.unknown_pages) == (DeliveryState.POSTING, 1, 0)
    store.outbox.reschedule(claim, "lost", next_try_at=NOW + LEASE)
    (unknown,) = store.delivery_reports.channel_statuses()
    assert (unknown.state, unknown.posted_pages, unknown.unknown_pages) == (DeliveryState.UNKNOWN, 1, 1)
    assert (unknown.edition, unknown.reason, unknown.next_try_at) == (TODAY, "lost", NOW + LEASE)
    assert unknown.next_edition == TODAY + timedelta(days=1)
    assert store.delivery_reports.count_by_state(TODAY)[DeliveryState.UNKNOWN] == 1
    assert store.delivery_reports.count_by_state(TODAY + timedelta(days=1))[DeliveryState.UNKNOWN] == 0
