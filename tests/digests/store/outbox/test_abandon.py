"""Editions given up or superseded: at most one is in progress, and unseen papers are returned."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta

import pytest

from digests.model import EmptyReason
from digests.ports.outbox import DeliveryKind, DeliveryState, PageSent
from tests.builders import NOW, TODAY
from tests.outbox import (
    LEASE,
    YEAR,
    a_page,
    a_store_with_channel,
    a_store_with_due_channels,
    claim_all,
    claim_edition,
    claim_recap,
    confirm_page,
    find_shown_papers,
    save_plan,
    start_first_page,
    start_page,
    try_claim,
)

pytestmark = pytest.mark.usefixtures("over_both")


def test_a_failed_edition_returns_the_papers_of_its_unsent_pages() -> None:
    store, subscription = a_store_with_channel()
    claim = save_plan(
        store,
        claim_edition(store, subscription),
        [a_page(0, "2401.00001"), a_page(1, "2401.00002")],
        watermark=4,
    )
    start_page(store, claim, 0)
    confirm_page(store, claim, 0, "r")
    store.outbox.abandon(claim, "the channel is gone", now=NOW)
    assert find_shown_papers(store, subscription, 0, 4) == {"2401.00001"}
    (delivery,) = store.delivery_reports.history(subscription, 5)
    assert (delivery.state, delivery.reason) == (DeliveryState.FAILED, "the channel is gone")


def test_a_failed_edition_keeps_the_papers_of_a_skipped_page() -> None:
    store, subscription = a_store_with_channel()
    pages = [a_page(0, "2401.00001"), a_page(1, "2401.00002")]
    claim = save_plan(store, claim_edition(store, subscription), pages, watermark=4)
    store.outbox.apply([PageSent(claim, 0, None, NOW)])
    store.outbox.abandon(claim, "The channel is gone.", now=NOW, unknown_is_lost=True)
    assert find_shown_papers(store, subscription, 0, 4) == {"2401.00001"}


def test_a_failed_edit_returns_the_late_papers_of_its_page() -> None:
    store, subscription = a_store_with_channel()
    claim = save_plan(
        store,
        claim_edition(store, subscription),
        [a_page(0)],
        watermark=0,
        empty_reason=EmptyReason.QUIET_DAY,
    )
    confirm_page(store, claim, 0, "there")
    replanned = store.outbox.replace_plan(claim, [a_page(0, "2401.00001")], watermark=4)
    store.outbox.abandon(replanned, "the channel is gone", now=NOW)
    assert find_shown_papers(store, subscription, 0, 9) == frozenset()


def test_a_superseded_edition_returns_its_papers_and_its_watermark() -> None:
    store, subscription = a_store_with_channel()
    save_plan(store, claim_edition(store, subscription), [a_page(0, "2401.00001")], watermark=4)
    tomorrow = TODAY + timedelta(days=1)
    (newer,) = claim_all(store, timedelta(days=1))
    assert newer.edition == tomorrow
    assert store.delivery_reports.watermark(subscription, tomorrow) is None
    assert find_shown_papers(store, subscription, 0, 4) == frozenset()
    states = [report.state for report in store.delivery_reports.history(subscription, 9)]
    assert states == [DeliveryState.CLAIMED, DeliveryState.FAILED]


def test_a_requested_edition_supersedes_an_older_one() -> None:
    store, subscription = a_store_with_channel()
    older = save_plan(store, claim_edition(store, subscription), [a_page(0, "2401.00001")], watermark=4)
    store.outbox.reschedule(older, "not now", next_try_at=NOW + LEASE)
    assert try_claim(store, subscription, edition=TODAY + timedelta(days=1))
    states = [report.state for report in store.delivery_reports.history(subscription, 9)]
    assert states == [DeliveryState.CLAIMED, DeliveryState.FAILED]
    assert find_shown_papers(store, subscription, 0, 4) == frozenset()


def test_a_partly_sent_edition_is_finished_before_a_newer_one_begins() -> None:
    store, subscription = a_store_with_channel()
    start_first_page(store, subscription)
    two_days = timedelta(days=2)
    assert try_claim(store, subscription, "b", two_days, TODAY + two_days) is None
    (retried,) = claim_all(store, two_days)
    assert (retried.edition, retried.crashes, len(retried.pages)) == (TODAY, 1, 2)
    assert claim_all(store, two_days) == [], "while a worker holds its lease"
    store.outbox.finish(retried)
    (newest,) = claim_all(store, two_days)
    assert (newest.edition, newest.first_missed) == (TODAY + two_days, TODAY + timedelta(days=1))


def test_a_waiting_partly_sent_edition_blocks_newer_ones_until_it_fails() -> None:
    store, subscription = a_store_with_channel()
    two_days = timedelta(days=2)
    store.outbox.reschedule(
        start_first_page(store, subscription), "not now", next_try_at=NOW + two_days + LEASE
    )
    assert claim_all(store, two_days) == []
    (retried,) = claim_all(store, two_days + LEASE)
    store.outbox.abandon(retried, "The channel takes nothing.", now=NOW)
    (newest,) = claim_all(store, two_days + LEASE)
    assert newest.edition == TODAY + two_days


def test_an_unsent_edition_is_superseded_although_other_channels_were_sent_pages() -> None:
    store = a_store_with_due_channels(2)
    sent, unsent = store.subscriptions.list_active()
    start_first_page(store, sent)
    save_plan(store, claim_edition(store, unsent), [a_page(0, "2401.00001")], watermark=4)
    editions = {
        claim.subscription.channel.channel: claim.edition for claim in claim_all(store, timedelta(days=1))
    }
    assert editions == {"c0": TODAY, "c1": TODAY + timedelta(days=1)}


def test_a_retry_of_an_older_edition_leaves_the_newer_one_due() -> None:
    store, subscription = a_store_with_channel()
    start_first_page(store, subscription)
    tomorrow = timedelta(days=1)
    retried = try_claim(store, subscription, "b", tomorrow)
    assert retried
    store.outbox.finish(retried)
    assert [claim.edition for claim in claim_all(store, tomorrow)] == [TODAY + tomorrow]


def test_concurrent_workers_never_lease_two_editions_of_a_channel() -> None:
    store = a_store_with_due_channels(12)
    for subscription in store.subscriptions.list_active()[:6]:
        start_first_page(store, subscription)
    two_days = NOW + timedelta(days=2)

    def deliver_all(owner: str) -> list[tuple[str, date]]:
        finished = []
        for _ in range(30):
            for claim in store.outbox.claim_due(owner=owner, now=two_days, lease=LEASE, limit=2):
                finished.append((claim.subscription.channel.channel, claim.edition))
                store.outbox.finish(claim)
        return finished

    with ThreadPoolExecutor(4) as pool:
        finished = [edition for editions in pool.map(deliver_all, "abcd") for edition in editions]
    newest = {(f"c{number}", two_days.date()) for number in range(12)}
    assert len(finished) == len(set(finished))
    assert set(finished) == newest | {(f"c{number}", TODAY) for number in range(6)}


@pytest.mark.parametrize("unknown_is_lost", [False, True])
def test_a_failed_edition_returns_the_papers_of_unknown_pages_if_they_count_as_lost(
    unknown_is_lost: bool,
) -> None:
    store, subscription = a_store_with_channel()
    store.outbox.abandon(
        start_first_page(store, subscription), "Slack is out.", now=NOW, unknown_is_lost=unknown_is_lost
    )
    shown = find_shown_papers(store, subscription, 0, 4)
    assert shown == (frozenset() if unknown_is_lost else {"2401.00001"})


def test_a_recap_in_progress_neither_blocks_nor_is_superseded_by_a_newer_digest() -> None:
    store, subscription = a_store_with_channel()
    waiting, sending = claim_recap(store, subscription), claim_recap(store, subscription, TODAY - YEAR)
    assert waiting
    assert sending
    save_plan(store, sending, [a_page(0), a_page(1)], watermark=0)
    start_page(store, sending, 0)
    tomorrow = timedelta(days=1)
    for claim in (waiting, sending):
        store.outbox.reschedule(claim, "Slack is out.", next_try_at=NOW + tomorrow + LEASE)
    (digest,) = claim_all(store, tomorrow)
    assert (digest.kind, digest.edition) == (DeliveryKind.DIGEST, TODAY + tomorrow)
    store.outbox.finish(digest)
    retried = claim_all(store, tomorrow + LEASE)
    assert {claim.kind for claim in retried} == {DeliveryKind.RECAP}
    assert {claim.edition for claim in retried} <= {waiting.edition, sending.edition}


def test_a_stopped_channel_keeps_its_first_reason() -> None:
    store, subscription = a_store_with_channel()
    claim = claim_edition(store, subscription)
    store.subscriptions.stop(subscription.channel, "It was archived.")
    store.outbox.abandon(claim, "The app is not in the channel.", now=NOW, stop_subscription=True)
    (stopped,) = store.subscriptions.list_active()
    assert stopped.stop_reason == "It was archived."


def test_a_pause_gives_up_the_unfinished_deliveries_of_every_kind() -> None:
    store, subscription = a_store_with_channel()
    recap, digest = claim_recap(store, subscription), claim_edition(store, subscription)
    assert recap
    for claim in (recap, digest):
        store.outbox.reschedule(claim, "Slack is out.", next_try_at=NOW + LEASE)
    paused, later = replace(subscription, paused_by="Ada"), timedelta(days=1, hours=1)
    store.subscriptions.change(subscription.channel, paused, by="Ada", now=NOW)
    store.subscriptions.change(subscription.channel, subscription, by="Ada", now=NOW + later)
    assert claim_all(store, later) == []


def test_a_digest_in_progress_neither_blocks_nor_is_superseded_by_a_newer_recap() -> None:
    store, subscription = a_store_with_channel()
    sending = start_first_page(store, subscription)
    assert claim_recap(store, subscription, TODAY + timedelta(days=1))
    store.outbox.reschedule(sending, "Slack is out.", next_try_at=NOW)
    assert claim_recap(store, subscription, TODAY + timedelta(days=2))
    assert [claim.kind for claim in claim_all(store)] == [DeliveryKind.DIGEST]
