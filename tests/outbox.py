"""Steps of a delivery in the outbox, one write at a time."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from digests.model import EmptyReason
from digests.ports import Store
from digests.ports.outbox import Claim, DeliveryKind, PageSending, PageSent, PlannedPage, PlanSaved
from digests.subscription import Subscription
from tests.builders import NOW

LEASE = timedelta(minutes=5)


def claim_all(store: Store, delay: timedelta = timedelta(), owner: str = "b") -> list[Claim]:
    """Lease all due deliveries of every kind for `owner`, `delay` after `NOW`."""
    now = NOW + delay
    return list(store.outbox.claim_due(owner=owner, now=now, lease=LEASE, limit=9, kinds=[*DeliveryKind]))


def save_plan(
    store: Store,
    claim: Claim,
    pages: Sequence[PlannedPage],
    *,
    watermark: int,
    empty_reason: EmptyReason | None = None,
) -> Claim:
    """Save a plan for the claim and return the claim with its pages."""
    planned = replace(claim, pages=tuple(pages), empty_reason=empty_reason)
    store.outbox.apply([PlanSaved(planned, watermark)])
    return planned


def start_page(store: Store, claim: Claim, page: int, *, now: datetime = NOW) -> None:
    store.outbox.apply([PageSending(claim, page, now, LEASE)])


def confirm_page(store: Store, claim: Claim, page: int, receipt: str, *, now: datetime = NOW) -> None:
    store.outbox.apply([PageSent(claim, page, receipt, now)])


def find_shown_papers(store: Store, subscription: Subscription, start: int, end: int) -> frozenset[str]:
    """Return the papers between two sequence numbers that the channel was shown."""
    (shown,) = store.delivery_reports.shown_papers([(subscription, start, end)])
    return shown
