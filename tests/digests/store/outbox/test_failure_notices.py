"""Failure notices of editions that were given up."""

from dataclasses import replace
from datetime import timedelta

import pytest

from digests.ports.outbox import DeliveryKind
from tests.builders import NOW, TODAY, a_store, a_subscription, corrupt_rows, save_subscription
from tests.outbox import LEASE, YEAR, claim_all, claim_edition, claim_recap

pytestmark = pytest.mark.usefixtures("over_both")


def test_a_failure_notice_is_due_until_acknowledged_and_to_one_worker_at_a_time() -> None:
    store = a_store()
    owned = save_subscription(store, replace(a_subscription(), owner_id="UADA"))
    store.outbox.abandon(claim_edition(store, owned), "Slack is out.", now=NOW)

    def list_due(delay: timedelta) -> list[str]:
        notices = store.failure_notices.due(now=NOW + delay, retry_after=LEASE, limit=9)
        return [f"{notice.subscription.owner_id}: {notice.edition}: {notice.reason}" for notice in notices]

    assert list_due(timedelta()) == [f"UADA: {TODAY}: Slack is out."]
    assert list_due(timedelta(minutes=1)) == []
    (retried,) = store.failure_notices.due(now=NOW + LEASE, retry_after=LEASE, limit=9)
    store.failure_notices.acknowledge(retried, retry_at=NOW + timedelta(hours=2))
    assert list_due(timedelta(hours=1)) == []
    (retried,) = store.failure_notices.due(now=NOW + timedelta(hours=2), retry_after=LEASE, limit=9)
    store.failure_notices.acknowledge(retried)
    assert list_due(timedelta(days=1)) == []


def test_a_second_failure_of_an_edition_makes_no_second_notice() -> None:
    store = a_store()
    owned = save_subscription(store, replace(a_subscription(), owner_id="UADA"))
    store.outbox.abandon(claim_edition(store, owned), "The channel is gone.", now=NOW, stop_subscription=True)
    (notice,) = store.failure_notices.due(now=NOW, retry_after=LEASE, limit=9)
    store.failure_notices.acknowledge(notice)
    store.subscriptions.start(owned.channel, now=NOW + LEASE)
    (reopened,) = claim_all(store, LEASE)
    store.outbox.abandon(reopened, "The channel is gone.", now=NOW + LEASE, stop_subscription=True)
    assert store.failure_notices.due(now=NOW + timedelta(days=1), retry_after=LEASE, limit=9) == []


def test_a_failure_notice_names_its_kind_and_unknown_kinds_wait_for_a_newer_version() -> None:
    store = a_store()
    owned = save_subscription(store, replace(a_subscription(), owner_id="UADA"))
    recap, digest = claim_recap(store, owned), claim_edition(store, owned)
    assert recap
    for claim in (recap, digest):
        store.outbox.abandon(claim, "Slack is out.", now=NOW)
    poll = claim_recap(store, owned, TODAY - YEAR)
    assert poll
    store.outbox.abandon(poll, "Slack is out.", now=NOW)
    corrupt_rows(store, "UPDATE deliveries SET kind = 'quiz' WHERE id = :id", id=poll.id)
    notices = store.failure_notices.due(now=NOW, retry_after=LEASE, limit=9)
    assert {(notice.delivery_id, notice.kind) for notice in notices} == {
        (recap.id, DeliveryKind.RECAP),
        (digest.id, DeliveryKind.DIGEST),
    }
