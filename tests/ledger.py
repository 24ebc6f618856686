"""What a delivery writes and reads in the ledger, one word at a time."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from digests.model import Nothing, Subscription
from digests.ports import Claim, GoesOut, Landed, Plan, PlannedPage, Store
from tests.builders import NOW

LEASE = timedelta(minutes=5)


def taken(store: Store, late: timedelta = timedelta(), owner: str = "b") -> list[Claim]:
    """All that a process takes which asks so long after `NOW`."""
    return list(store.deliveries.claim_due(owner=owner, now=NOW + late, lease=LEASE, most=9))


def plan(
    store: Store,
    claim: Claim,
    pages: Sequence[PlannedPage],
    *,
    considered_to: int,
    nothing: Nothing | None = None,
) -> Claim:
    """The claim with its plan, which is written down."""
    planned = replace(claim, pages=tuple(pages), nothing=nothing)
    store.deliveries.write([Plan(planned, considered_to)])
    return planned


def go_out(store: Store, claim: Claim, page: int, *, now: datetime = NOW) -> None:
    store.deliveries.write([GoesOut(claim, page, now, LEASE)])


def land(store: Store, claim: Claim, page: int, receipt: str, *, now: datetime = NOW) -> None:
    store.deliveries.write([Landed(claim, page, receipt, now)])


def had(store: Store, subscription: Subscription, after: int, to: int) -> frozenset[str]:
    """The papers of that window that the channel had."""
    (shown,) = store.deliveries.shown_in([(subscription, after, to)])
    return shown
