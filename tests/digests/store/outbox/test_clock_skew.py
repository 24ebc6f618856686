"""Timestamps from a clock that was far ahead are repaired."""

from dataclasses import replace
from datetime import timedelta

import pytest

from digests.ports.outbox import LeaseLostError, PageState
from tests.builders import NOW, TODAY, a_store, a_subscription, save_subscription
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
