"""Rows that something else than Paperround wrote, or half of them: each takes down itself alone."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from digests.model import NOT_REVIEWED, EmptyReason, Post
from digests.ports import Store
from digests.ports.outbox import Claim, DeliveryState, PlannedPage
from digests.subscription import Channel, Subscription
from tests.builders import NOW, TODAY, a_paper, a_store, a_subscription, corrupt_rows
from tests.outbox import LEASE, claim_all, find_shown_papers, save_plan, start_page

pytestmark = pytest.mark.usefixtures("over_both")

NAMES = "abc"


def three_that_wait(nothing: EmptyReason | None = None) -> Store:
    """Three channels, each with an edition of two pages that is to be tried again."""
    store = a_store()
    store.library.add([(a_paper(f"2401.0000{n}"), NOT_REVIEWED) for n in range(2)], now=NOW)
    store.subscriptions.sync_from_settings(
        [a_subscription(name) for name in NAMES], now=NOW - timedelta(minutes=1)
    )
    pages = [PlannedPage(n, f"key {n}", {"text": "x"}, (f"2401.0000{n}",), in_thread=False) for n in range(2)]
    for claim in claim_all(store):
        planned = save_plan(store, claim, pages, watermark=2, empty_reason=nothing)
        store.outbox.reschedule(planned, "Slack is away.", next_try_at=NOW)
    return store


def names(claims: list[Claim]) -> list[str]:
    return [claim.subscription.channel.channel for claim in claims]


def of(store: Store, name: str) -> Subscription:
    found = store.subscriptions.find(Channel("console", name))
    assert found
    return found


def its_rows(store: Store, table: str, change: str, **values: Any) -> None:
    """Change the rows of the second channel."""
    key = "delivery" if table == "pages" else "id"
    of_it = f"SELECT id FROM deliveries WHERE subscription = {of(store, 'b').id}"
    corrupt_rows(store, f"UPDATE {table} SET {change} WHERE {key} IN ({of_it})", **values)


DAMAGES = [
    ("pages", "payload = '{'"),
    ("pages", "papers = '7'"),
    ("pages", "posted_states = '[]'"),
    ("pages", "posted_states = '{\"2401.00000\": [1]}'"),
    ("pages", "state = 'moon'"),
    ("deliveries", "empty_reason = 'moon'"),
]


@pytest.mark.parametrize(("table", "change"), DAMAGES)
def test_a_delivery_that_cannot_be_read_is_given_up_with_a_reason_and_the_others_are_taken(
    table: str, change: str
) -> None:
    store = three_that_wait()
    its_rows(store, table, change)
    assert names(claim_all(store)) == ["a", "c"]
    stands = {one.channel.channel: one for one in store.delivery_reports.channel_statuses()}
    assert stands["b"].state is DeliveryState.FAILED
    assert stands["b"].reason.startswith("Its stored data cannot be read")
    assert find_shown_papers(store, of(store, "b"), 0, 2) == frozenset()
    assert store.delivery_reports.watermark(of(store, "b"), TODAY + timedelta(days=1)) is None
    assert claim_all(store) == []


def test_one_that_is_asked_for_by_name_is_given_up_too() -> None:
    store = three_that_wait()
    its_rows(store, "pages", "payload = '{'")
    assert store.outbox.claim(of(store, "b"), TODAY, owner="a", now=NOW, lease=LEASE) is None
    (delivery,) = store.delivery_reports.history(of(store, "b"), 1)
    assert (delivery.state, delivery.pages) == (DeliveryState.FAILED, ())


def test_what_became_of_an_edition_is_told_without_the_page_that_cannot_be_read() -> None:
    store = three_that_wait()
    its_rows(store, "pages", "payload = CASE number WHEN 0 THEN '{' ELSE payload END")
    (delivery,) = store.delivery_reports.history(of(store, "b"), 1)
    assert (delivery.state, [page.number for page in delivery.pages]) == (DeliveryState.RETRYING, [1])


def test_a_state_that_nobody_knows_is_shown_as_a_failure_beside_the_others() -> None:
    store = three_that_wait()
    its_rows(store, "deliveries", "state = 'moon'")
    assert names(claim_all(store)) == ["a", "c"]
    first, second, third = store.delivery_reports.channel_statuses()
    assert (first.state, second.state, third.state) == (
        DeliveryState.CLAIMED,
        DeliveryState.FAILED,
        DeliveryState.CLAIMED,
    )
    assert "moon" in second.reason
    (delivery,) = store.delivery_reports.history(of(store, "b"), 1)
    assert (delivery.state, len(delivery.pages)) == (DeliveryState.FAILED, 2)


def test_what_waits_again_is_unknown_where_a_page_may_have_gone_out_whatever_else_is_damaged() -> None:
    store = three_that_wait()
    (first, *_) = claim_all(store)
    start_page(store, first, 0)
    corrupt_rows(store, "UPDATE pages SET payload = '{'")
    store.outbox.reschedule(first, "lost", next_try_at=NOW)
    assert store.delivery_reports.channel_statuses()[0].state is DeliveryState.UNKNOWN


def test_a_message_whose_payload_cannot_be_read_has_its_papers_and_is_never_edited() -> None:
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


def to_be_told(store: Store) -> list[tuple[str, str, date]]:
    """Who hears of which edition of which channel."""
    untold = store.failure_notices.due(now=NOW, retry_after=LEASE, limit=9)
    for one in untold:
        store.failure_notices.acknowledge(one)
    return [(one.subscription.owner_id, one.subscription.channel.channel, one.edition) for one in untold]


def three_with_owners() -> Store:
    store = a_store()
    wanted = [replace(a_subscription(name), owner_id=f"U{name}") for name in NAMES]
    store.subscriptions.sync_from_settings(wanted, now=NOW - timedelta(minutes=1))
    return store


def test_the_owner_of_a_subscription_that_cannot_be_read_is_told_once_of_the_edition_that_does_not_come() -> (
    None
):
    store = three_with_owners()
    corrupt_rows(store, "UPDATE subscriptions SET domains = '{' WHERE channel = 'b'")
    assert names(claim_all(store)) == ["a", "c"]
    (untold,) = store.failure_notices.due(now=NOW, retry_after=LEASE, limit=9)
    assert (untold.subscription.owner_id, untold.edition) == ("Ub", TODAY)
    assert "cannot be read" in untold.subscription.stop_reason
    assert untold.reason == untold.subscription.stop_reason
    store.failure_notices.acknowledge(untold)
    assert (claim_all(store), to_be_told(store)) == ([], [])
    # Mended within the day, it has that day's digest.
    store.subscriptions.sync_from_settings([replace(a_subscription("b"), owner_id="Ub")], now=NOW)
    assert names(claim_all(store)) == ["b"]
    assert (claim_all(store), to_be_told(store)) == ([], [])


def test_what_is_begun_of_a_subscription_that_cannot_be_read_is_given_up_and_its_owner_told_of_that_alone() -> (
    None
):
    store = three_with_owners()
    for claim in claim_all(store):
        store.outbox.reschedule(claim, "Slack is away.", next_try_at=NOW)
    corrupt_rows(store, "UPDATE subscriptions SET domains = '{' WHERE channel = 'b'")
    assert names(claim_all(store)) == ["a", "c"]
    assert [one.state for one in store.delivery_reports.channel_statuses()] == [
        DeliveryState.CLAIMED,
        DeliveryState.FAILED,
        DeliveryState.CLAIMED,
    ]
    assert to_be_told(store) == [("Ub", "b", TODAY)]


def test_the_owner_of_a_delivery_that_cannot_be_read_is_told() -> None:
    store = three_with_owners()
    for claim in claim_all(store):
        store.outbox.reschedule(claim, "Slack is away.", next_try_at=NOW)
    its_rows(store, "deliveries", "empty_reason = 'moon'")
    assert names(claim_all(store)) == ["a", "c"]
    assert to_be_told(store) == [("Ub", "b", TODAY)]
    again = store.outbox.claim(of(store, "b"), TODAY, owner="a", now=NOW, lease=LEASE, retry_failed=True)
    assert again
    assert again.pages == ()
