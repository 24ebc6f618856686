"""Damaged rows: each affects its own channel alone."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from digests.model import NOT_REVIEWED, EmptyReason, Post
from digests.ports import Store
from digests.ports.outbox import Claim, DeliveryState, PlannedPage
from digests.subscription import Channel, Subscription
from tests.builders import NOW, TODAY, a_paper, a_store, a_subscription, corrupt_rows
from tests.outbox import (
    LEASE,
    a_store_with_channel,
    claim_all,
    claim_edition,
    claim_recap,
    find_shown_papers,
    save_plan,
    start_page,
)

over_both = pytest.mark.usefixtures("over_both")

NAMES = "abc"


def a_store_with_retries(empty_reason: EmptyReason | None = None) -> Store:
    """Build a store with three channels, each with a retry of two pages."""
    store = a_store()
    store.library.add([(a_paper(f"2401.0000{n}"), NOT_REVIEWED) for n in range(2)], now=NOW)
    store.subscriptions.sync_from_settings(
        [a_subscription(name) for name in NAMES], now=NOW - timedelta(minutes=1)
    )
    pages = [PlannedPage(n, f"key {n}", {"text": "x"}, (f"2401.0000{n}",), in_thread=False) for n in range(2)]
    for claim in claim_all(store):
        planned = save_plan(store, claim, pages, watermark=2, empty_reason=empty_reason)
        store.outbox.reschedule(planned, "Slack is away.", next_try_at=NOW)
    return store


def list_channels(claims: list[Claim]) -> list[str]:
    return [claim.subscription.channel.channel for claim in claims]


def find_subscription(store: Store, name: str) -> Subscription:
    found = store.subscriptions.find(Channel("console", name))
    assert found
    return found


def corrupt_second_channel(store: Store, table: str, change: str, **values: Any) -> None:
    """Overwrite the rows of the second channel."""
    key = "delivery" if table == "pages" else "id"
    delivery_ids = f"SELECT id FROM deliveries WHERE subscription = {find_subscription(store, 'b').id}"
    corrupt_rows(store, f"UPDATE {table} SET {change} WHERE {key} IN ({delivery_ids})", **values)


DAMAGES = [
    ("pages", "payload = '{'"),
    ("pages", "papers = '7'"),
    ("pages", "posted_states = '[]'"),
    ("pages", "posted_states = '{\"2401.00000\": [1]}'"),
    ("pages", "state = 'moon'"),
    ("deliveries", "empty_reason = 'moon'"),
]


@pytest.mark.parametrize(("table", "change"), DAMAGES)
def test_an_unreadable_delivery_fails_with_a_reason_and_the_others_are_leased(
    table: str, change: str
) -> None:
    store = a_store_with_retries()
    corrupt_second_channel(store, table, change)
    assert list_channels(claim_all(store)) == ["a", "c"]
    statuses = {status.channel.channel: status for status in store.delivery_reports.channel_statuses()}
    assert statuses["b"].state is DeliveryState.FAILED
    assert statuses["b"].reason.startswith("Its stored data cannot be read")
    assert find_shown_papers(store, find_subscription(store, "b"), 0, 2) == frozenset()
    assert store.delivery_reports.watermark(find_subscription(store, "b"), TODAY + timedelta(days=1)) is None
    assert claim_all(store) == []


def test_an_unreadable_delivery_takes_no_place_of_another() -> None:
    store = a_store_with_retries()
    corrupt_second_channel(store, "pages", "payload = '{'")
    claims = store.outbox.claim_due(owner="b", now=NOW, lease=LEASE, limit=2, limit_per_workspace=9)
    assert list_channels([*claims]) == ["a", "c"]


@over_both
def test_an_unreadable_delivery_fails_when_it_is_requested() -> None:
    store = a_store_with_retries()
    corrupt_second_channel(store, "pages", "payload = '{'")
    assert store.outbox.claim(find_subscription(store, "b"), TODAY, owner="a", now=NOW, lease=LEASE) is None
    (delivery,) = store.delivery_reports.history(find_subscription(store, "b"), 1)
    assert (delivery.state, delivery.pages) == (DeliveryState.FAILED, ())


@over_both
def test_the_history_leaves_out_an_unreadable_page() -> None:
    store = a_store_with_retries()
    corrupt_second_channel(store, "pages", "payload = CASE number WHEN 0 THEN '{' ELSE payload END")
    (delivery,) = store.delivery_reports.history(find_subscription(store, "b"), 1)
    assert (delivery.state, [page.number for page in delivery.pages]) == (DeliveryState.RETRYING, [1])


@over_both
def test_an_unknown_state_is_reported_as_failed() -> None:
    store = a_store_with_retries()
    corrupt_second_channel(store, "deliveries", "state = 'moon'")
    assert list_channels(claim_all(store)) == ["a", "c"]
    first, second, third = store.delivery_reports.channel_statuses()
    assert (first.state, second.state, third.state) == (
        DeliveryState.CLAIMED,
        DeliveryState.FAILED,
        DeliveryState.CLAIMED,
    )
    assert "moon" in second.reason
    (delivery,) = store.delivery_reports.history(find_subscription(store, "b"), 1)
    assert (delivery.state, len(delivery.pages)) == (DeliveryState.FAILED, 2)


@over_both
def test_a_delivery_with_unreadable_pages_is_unknown_if_one_may_have_been_sent() -> None:
    store = a_store_with_retries()
    (first, *_) = claim_all(store)
    start_page(store, first, 0)
    corrupt_rows(store, "UPDATE pages SET payload = '{'")
    store.outbox.reschedule(first, "lost", next_try_at=NOW)
    assert store.delivery_reports.channel_statuses()[0].state is DeliveryState.UNKNOWN


@over_both
def test_a_post_with_an_unreadable_payload_keeps_its_papers_and_is_never_edited() -> None:
    store, channel = a_store(), Channel("slack", "C1", "T1")
    store.library.add([(a_paper("2401.00000", version=1), NOT_REVIEWED)], now=NOW)
    store.post_edits.enqueue(since=NOW, now=NOW)
    for name in NAMES:
        store.posts.record_shared(Post(channel, name, ("2401.00000",), {"text": "x"}), now=NOW)
    corrupt_rows(store, "UPDATE posts SET payload = '{' WHERE message_id = 'b'")
    found = {post.message_id: post for post in store.posts.list_recent("slack", NOW, 9)}
    assert found["b"] == Post(channel, "b", ("2401.00000",), {})
    assert [store.posts.find(channel, name) for name in NAMES] == [found[name] for name in NAMES]
    for version in (2, 3):
        store.library.add([(a_paper("2401.00000", version=version), NOT_REVIEWED)], now=NOW)
        store.post_edits.enqueue(since=NOW, now=NOW)
        edits = store.post_edits.claim(now=NOW, interval=LEASE, limit=9)
        assert [edit.post.message_id for edit in edits] == ["a", "c"]
        for edit in edits:
            store.post_edits.complete(edit, "", now=NOW - LEASE, interval=LEASE)


def acknowledge_notices(store: Store) -> list[tuple[str, str, date]]:
    """Acknowledge the due notices; return owner, channel and edition of each."""
    notices = store.failure_notices.due(now=NOW, retry_after=LEASE, limit=9)
    for notice in notices:
        store.failure_notices.acknowledge(notice)
    return [
        (notice.subscription.owner_id, notice.subscription.channel.channel, notice.edition)
        for notice in notices
    ]


def a_store_with_owners() -> Store:
    store = a_store()
    subscriptions = [replace(a_subscription(name), owner_id=f"U{name}") for name in NAMES]
    store.subscriptions.sync_from_settings(subscriptions, now=NOW - timedelta(minutes=1))
    return store


@over_both
def test_an_unreadable_subscription_makes_one_failure_notice() -> None:
    store = a_store_with_owners()
    corrupt_rows(store, "UPDATE subscriptions SET domains = '{' WHERE channel = 'b'")
    assert list_channels(claim_all(store)) == ["a", "c"]
    (notice,) = store.failure_notices.due(now=NOW, retry_after=LEASE, limit=9)
    assert (notice.subscription.owner_id, notice.edition) == ("Ub", TODAY)
    assert "cannot be read" in notice.subscription.stop_reason
    assert notice.reason == notice.subscription.stop_reason
    store.failure_notices.acknowledge(notice)
    assert (claim_all(store), acknowledge_notices(store)) == ([], [])
    # Repaired within the day, the channel gets that day's digest.
    store.subscriptions.sync_from_settings([replace(a_subscription("b"), owner_id="Ub")], now=NOW)
    assert list_channels(claim_all(store)) == ["b"]
    assert (claim_all(store), acknowledge_notices(store)) == ([], [])


@over_both
def test_a_delivery_of_an_unreadable_subscription_fails_with_one_notice() -> None:
    store = a_store_with_owners()
    for claim in claim_all(store):
        store.outbox.reschedule(claim, "Slack is away.", next_try_at=NOW)
    corrupt_rows(store, "UPDATE subscriptions SET domains = '{' WHERE channel = 'b'")
    assert list_channels(claim_all(store)) == ["a", "c"]
    assert [status.state for status in store.delivery_reports.channel_statuses()] == [
        DeliveryState.CLAIMED,
        DeliveryState.FAILED,
        DeliveryState.CLAIMED,
    ]
    assert acknowledge_notices(store) == [("Ub", "b", TODAY)]


@over_both
def test_a_leased_delivery_of_an_unreadable_subscription_is_left_to_its_worker() -> None:
    store, subscription = a_store_with_channel()
    recap = claim_recap(store, subscription)
    assert recap
    store.outbox.reschedule(claim_edition(store, subscription), "Slack is away.", next_try_at=NOW)
    corrupt_rows(store, "UPDATE subscriptions SET domains = '{'")
    assert claim_all(store) == []
    store.outbox.finish(recap)


@over_both
def test_an_unreadable_delivery_makes_a_failure_notice() -> None:
    store = a_store_with_owners()
    for claim in claim_all(store):
        store.outbox.reschedule(claim, "Slack is away.", next_try_at=NOW)
    corrupt_second_channel(store, "deliveries", "empty_reason = 'moon'")
    assert list_channels(claim_all(store)) == ["a", "c"]
    assert acknowledge_notices(store) == [("Ub", "b", TODAY)]
    reopened = store.outbox.claim(
        find_subscription(store, "b"), TODAY, owner="a", now=NOW, lease=LEASE, retry_failed=True
    )
    assert reopened
    assert reopened.pages == ()
