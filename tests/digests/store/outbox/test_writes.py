"""Writes of a claim: a stale claim changes no row, and a batch is written whole or not at all."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from digests.ports.outbox import (
    DeliveryState,
    FirstPageSending,
    LeaseLostError,
    PageSending,
    PageSent,
    PageState,
    PlanSaved,
)
from tests.builders import NOW, TODAY
from tests.outbox import (
    LEASE,
    a_page,
    a_store_with_channel,
    claim_channels,
    claim_edition,
    confirm_page,
    save_plan,
    start_page,
    try_claim,
)

pytestmark = pytest.mark.usefixtures("over_both")


def test_a_worker_whose_lease_expired_can_write_nothing() -> None:
    store, subscription = a_store_with_channel()
    lost = save_plan(store, claim_edition(store, subscription), [a_page(0)], watermark=1)
    claim_edition(store, subscription, "b", LEASE)
    outbox = store.outbox
    writes: list[Callable[[], None]] = [
        lambda: start_page(store, lost, 0),
        lambda: confirm_page(store, lost, 0, "r"),
        lambda: outbox.reset_page(lost, 0),
        lambda: outbox.finish(lost),
        lambda: outbox.reschedule(lost, "x", next_try_at=NOW),
        lambda: outbox.abandon(lost, "x", now=NOW),
    ]
    for write in writes:
        with pytest.raises(LeaseLostError):
            write()


def test_an_earlier_claim_of_the_same_owner_can_write_nothing() -> None:
    store, subscription = a_store_with_channel()
    earlier = save_plan(store, claim_edition(store, subscription), [a_page(0)], watermark=1)
    claim_edition(store, subscription, delay=LEASE)
    with pytest.raises(LeaseLostError):
        start_page(store, earlier, 0)


def test_only_the_owner_of_a_delivery_can_write_to_it() -> None:
    store, subscription = a_store_with_channel()
    claim = save_plan(store, claim_edition(store, subscription), [a_page(0)], watermark=1)
    with pytest.raises(LeaseLostError):
        start_page(store, replace(claim, owner="b"), 0)


def test_a_rescheduled_delivery_takes_no_write_of_its_former_claim() -> None:
    store, subscription = a_store_with_channel()
    claim = save_plan(store, claim_edition(store, subscription), [a_page(0)], watermark=1)
    store.outbox.reschedule(claim, "not now", next_try_at=NOW + LEASE)
    with pytest.raises(LeaseLostError):
        start_page(store, claim, 0)


def test_each_page_renews_the_lease() -> None:
    store, subscription = a_store_with_channel()
    claim = replace(claim_edition(store, subscription), pages=(a_page(0), a_page(1)))
    store.outbox.apply([FirstPageSending(claim, 1, NOW + LEASE / 2, LEASE)])
    assert try_claim(store, subscription, "b", LEASE) is None
    start_page(store, claim, 1, now=NOW + LEASE)
    assert try_claim(store, subscription, "b", LEASE * 3 / 2) is None
    assert try_claim(store, subscription, "b", 2 * LEASE)


def test_a_batch_of_writes_has_the_effect_of_single_writes() -> None:
    store, claims = claim_channels("abc")
    planned_pages = [[a_page(0), a_page(1, f"2401.0000{n}")] for n in range(3)]
    planned = [replace(claim, pages=tuple(pages)) for claim, pages in zip(claims, planned_pages, strict=True)]
    first, second, third = planned
    store.outbox.apply([PlanSaved(first, 0), PlanSaved(second, 1), FirstPageSending(third, 2, NOW, LEASE)])
    store.outbox.apply([PageSending(first, 0, NOW, LEASE), PageSending(second, 1, NOW, LEASE)])
    store.outbox.apply(
        [
            PageSent(first, 0, None, NOW),
            PageSent(second, 1, "there", NOW, is_last=True),
            PageSent(third, 0, "3", NOW),
        ]
    )
    reports = [store.delivery_reports.history(claim.subscription, 1)[0] for claim in claims]
    assert [report.state for report in reports] == [
        DeliveryState.POSTING,
        DeliveryState.POSTED,
        DeliveryState.POSTING,
    ]
    assert [[page.state for page in report.pages] for report in reports] == [
        [PageState.SKIPPED, PageState.PLANNED],
        [PageState.PLANNED, PageState.POSTED],
        [PageState.POSTED, PageState.PLANNED],
    ]
    assert store.delivery_reports.shown_papers([(claim.subscription, 0, 9) for claim in claims]) == [
        frozenset({f"2401.0000{n}"}) for n in range(3)
    ]
    tomorrow = TODAY + timedelta(days=1)
    previous_editions = store.delivery_reports.previous_editions(
        [(claim.subscription, day) for claim in claims for day in (TODAY, tomorrow)]
    )
    assert [previous.watermark for previous in previous_editions] == [None, 0, None, 1, None, 2]
    post = store.posts.find(second.subscription.channel, "there")
    assert post
    assert post.papers == ("2401.00001",)


def test_the_papers_of_a_thread_are_found_by_its_first_message() -> None:
    store, claims = claim_channels("ab")
    pages = (a_page(0), a_page(1, "2401.00001"), a_page(2, "2401.00002"))
    for claim, name in zip(claims, "ab", strict=True):
        planned = replace(claim, pages=pages)
        store.outbox.apply([PlanSaved(planned, 0)])
        for number in range(3):
            store.outbox.apply([PageSent(planned, number, f"{name}{number}", NOW)])
    first, second = (claim.subscription.channel for claim in claims)
    assert [post.message_id for post in store.posts.list_of_thread(first, "a0")] == ["a1", "a2"]
    assert [post.papers for post in store.posts.list_of_thread(second, "b0")] == [
        ("2401.00001",),
        ("2401.00002",),
    ]
    assert store.posts.list_of_thread(first, "b0") == []
    assert store.posts.list_of_thread(first, "there") == []


def test_a_batch_with_a_lost_claim_writes_nothing() -> None:
    store, claims = claim_channels("ab")
    planned = [replace(claim, pages=(a_page(0),)) for claim in claims]
    store.outbox.apply([PlanSaved(claim, 1) for claim in planned])
    held, lost = planned
    assert store.outbox.claim(lost.subscription, TODAY, owner="c", now=NOW + LEASE, lease=LEASE)
    with pytest.raises(LeaseLostError):
        store.outbox.apply([PageSending(held, 0, NOW, LEASE), PageSending(lost, 0, NOW, LEASE)])
    with pytest.raises(LeaseLostError):
        store.outbox.apply([PlanSaved(replace(claim, pages=(a_page(1),)), 1) for claim in claims])
    with pytest.raises(LeaseLostError):
        store.outbox.apply(
            [FirstPageSending(replace(claim, pages=(a_page(1),)), 1, NOW, LEASE) for claim in claims]
        )
    for claim in claims:
        pages = store.delivery_reports.history(claim.subscription, 1)[0].pages
        assert [(page.number, page.state) for page in pages] == [(0, PageState.PLANNED)]
