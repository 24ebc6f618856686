"""The ledger: one edition is one process's at a time, and what was shown is never shown again."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from digests.model import NOT_REVIEWED, Subscription
from digests.ports import Claim, DeliveryState, LeaseLostError, PageState, PlannedPage, Store
from tests.builders import NOW, TODAY, a_paper, a_store, a_subscription, stored

LEASE = timedelta(minutes=5)


def a_ledger() -> tuple[Store, Subscription]:
    store = a_store()
    store.papers.add([(a_paper(f"2401.0000{n}"), NOT_REVIEWED) for n in range(4)], now=NOW)
    return store, stored(store, a_subscription())


def claim(
    store: Store,
    subscription: Subscription,
    owner: str = "a",
    late: timedelta = timedelta(),
    edition: date = TODAY,
) -> Claim | None:
    return store.deliveries.claim(subscription, edition, owner=owner, now=NOW + late, lease=LEASE)


def claimed(
    store: Store, subscription: Subscription, owner: str = "a", late: timedelta = timedelta()
) -> Claim:
    got = claim(store, subscription, owner, late)
    assert got
    return got


def a_page(number: int, *papers: str) -> PlannedPage:
    return PlannedPage(number, f"key {number}", {"text": f"ünï {number}"}, papers, in_thread=number > 0)


def test_an_edition_is_claimed_once_until_its_lease_runs_out() -> None:
    store, subscription = a_ledger()
    assert claimed(store, subscription).attempts == 1
    assert claim(store, subscription, "b") is None
    assert claim(store, subscription, "a") is None
    assert claimed(store, subscription, "b", LEASE).attempts == 2


def test_who_lost_the_lease_can_write_nothing_any_more() -> None:
    store, subscription = a_ledger()
    late = claimed(store, subscription)
    plan = store.deliveries.plan(late, [a_page(0)], considered_to=1)
    claimed(store, subscription, "b", LEASE)
    ledger = store.deliveries
    writes: list[Callable[[], None]] = [
        lambda: ledger.posting(plan, 0, now=NOW, lease=LEASE),
        lambda: ledger.posted(plan, 0, "r", now=NOW),
        lambda: ledger.finish(plan, now=NOW),
        lambda: ledger.wait(plan, "x", until=NOW),
        lambda: ledger.fail(plan, "x"),
    ]
    for write in writes:
        with pytest.raises(LeaseLostError):
            write()


def test_the_next_owner_finds_every_page_as_it_was_left() -> None:
    store, subscription = a_ledger()
    first = store.deliveries.plan(
        claimed(store, subscription), [a_page(n) for n in range(3)], considered_to=1
    )
    store.deliveries.posting(first, 0, now=NOW, lease=LEASE)
    store.deliveries.posted(first, 0, "receipt", now=NOW)
    store.deliveries.posting(first, 1, now=NOW, lease=LEASE)
    pages = claimed(store, subscription, "b", LEASE).pages
    assert [page.state for page in pages] == [PageState.POSTED, PageState.POSTING, PageState.PLANNED]
    assert pages[0].receipt == "receipt"
    assert pages[2].payload == {"text": "ünï 2"}
    assert [page.in_thread for page in pages] == [False, True, True]


def test_what_a_channel_had_is_known_by_window_and_not_by_edition() -> None:
    store, subscription = a_ledger()
    store.deliveries.plan(
        claimed(store, subscription), [a_page(0, "2401.00001", "2401.00003")], considered_to=4
    )
    assert store.deliveries.shown(subscription, 0, 4) == {"2401.00001", "2401.00003"}
    assert store.deliveries.shown(subscription, 2, 4) == {"2401.00003"}


def test_a_paper_shown_twice_is_no_error() -> None:
    store, subscription = a_ledger()
    store.deliveries.plan(claimed(store, subscription), [a_page(0, "2401.00001")], considered_to=4)
    second = claim(store, subscription, edition=TODAY + timedelta(days=1))
    assert second
    store.deliveries.plan(second, [a_page(0, "2401.00001", "2401.00002")], considered_to=4)
    assert store.deliveries.shown(subscription, 0, 4) == {"2401.00001", "2401.00002"}


def test_the_next_edition_begins_where_the_last_one_ended() -> None:
    store, subscription = a_ledger()
    assert store.deliveries.considered_to(subscription, TODAY) is None
    store.deliveries.plan(claimed(store, subscription), [], considered_to=3)
    assert store.deliveries.considered_to(subscription, TODAY) is None
    assert store.deliveries.considered_to(subscription, TODAY + timedelta(days=1)) == 3


def test_a_finished_edition_is_never_claimed_again() -> None:
    store, subscription = a_ledger()
    store.deliveries.finish(claimed(store, subscription), now=NOW)
    assert claim(store, subscription, "b", timedelta(days=9)) is None
    assert store.deliveries.unfinished(NOW + timedelta(days=9)) == []


def test_a_delivery_that_waits_is_unfinished_from_its_hour_on() -> None:
    store, subscription = a_ledger()
    store.deliveries.wait(claimed(store, subscription), "not now", until=NOW + LEASE)
    assert store.deliveries.unfinished(NOW) == []
    assert claim(store, subscription, "b") is None
    assert store.deliveries.unfinished(NOW + LEASE) == [(subscription, TODAY)]
    assert claimed(store, subscription, "b", LEASE).attempts == 2


def test_papers_on_pages_that_never_went_out_count_as_not_shown_after_a_failure_for_good() -> None:
    store, subscription = a_ledger()
    got = store.deliveries.plan(
        claimed(store, subscription), [a_page(0, "2401.00001"), a_page(1, "2401.00002")], considered_to=4
    )
    store.deliveries.posting(got, 0, now=NOW, lease=LEASE)
    store.deliveries.posted(got, 0, "r", now=NOW)
    store.deliveries.fail(got, "the channel is gone")
    assert store.deliveries.shown(subscription, 0, 4) == {"2401.00001"}
    (delivery,) = store.deliveries.history(subscription, 5)
    assert (delivery.state, delivery.reason) == (DeliveryState.FAILED, "the channel is gone")


def test_claiming_moves_the_channel_on_to_its_next_hour() -> None:
    store = a_store()
    subscription = stored(store, a_subscription(), NOW - timedelta(hours=1))
    assert len(store.subscriptions.due(NOW)) == 1
    claimed(store, subscription)
    assert store.subscriptions.due(NOW) == []
    assert len(store.subscriptions.due(NOW + timedelta(days=1))) == 1
