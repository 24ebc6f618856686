"""Stores with due editions, and the steps of a delivery in the outbox, one write at a time."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from digests.model import NOT_REVIEWED, EmptyReason
from digests.ports import Store
from digests.ports.outbox import Claim, DeliveryKind, PageSending, PageSent, PlannedPage, PlanSaved
from digests.subscription import Channel, Subscription
from tests.builders import NOW, TODAY, a_paper, a_store, a_subscription, save_subscription

LEASE = timedelta(minutes=5)
YEAR = timedelta(days=365)


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


def a_store_with_channel() -> tuple[Store, Subscription]:
    """Build a store with four papers and one channel whose digest is due at `NOW`."""
    store = a_store()
    store.library.add([(a_paper(f"2401.0000{n}"), NOT_REVIEWED) for n in range(4)], now=NOW)
    return store, save_subscription(store, a_subscription(), NOW - timedelta(minutes=1))


def try_claim(
    store: Store,
    subscription: Subscription,
    owner: str = "a",
    delay: timedelta = timedelta(),
    edition: date = TODAY,
) -> Claim | None:
    """Request one edition `delay` after `NOW`; return its claim, None when it is not to be had."""
    return store.outbox.claim(subscription, edition, owner=owner, now=NOW + delay, lease=LEASE)


def claim_edition(
    store: Store, subscription: Subscription, owner: str = "a", delay: timedelta = timedelta()
) -> Claim:
    """Lease today's edition, which must be free."""
    claim = try_claim(store, subscription, owner, delay)
    assert claim
    return claim


def a_page(number: int, *papers: str) -> PlannedPage:
    return PlannedPage(number, f"key {number}", {"text": f"ünï {number}"}, papers, in_thread=number > 0)


def claim_channels(names: str) -> tuple[Store, list[Claim]]:
    """Build a store with four papers and these channels, and lease their editions."""
    store = a_store()
    store.library.add([(a_paper(f"2401.0000{n}"), NOT_REVIEWED) for n in range(4)], now=NOW)
    store.subscriptions.sync_from_settings(
        [a_subscription(name) for name in names], now=NOW - timedelta(minutes=1)
    )
    return store, claim_all(store, timedelta())


def list_due_times(store: Store) -> list[datetime | None]:
    return [status.next_due_at for status in store.delivery_reports.channel_statuses()]


def a_store_with_due_channels(channels: int) -> Store:
    """Build a store with channels that are due at `NOW`, each a second longer than the next one."""
    store = a_store()
    for number in range(channels):
        subscription = Subscription(Channel("console", f"c{number}", f"w{number % 2}"))
        before = NOW - timedelta(days=1, seconds=channels - number)
        store.subscriptions.change(subscription.channel, subscription, by="Ada", now=before)
    return store


def claim_due_channels(
    store: Store,
    limit: int = 10,
    owner: str = "a",
    delay: timedelta = timedelta(),
    excluding: tuple[tuple[str, str], ...] = (),
) -> list[str]:
    """Lease due deliveries and return the names of their channels."""
    claims = store.outbox.claim_due(
        owner=owner, now=NOW + delay, lease=LEASE, limit=limit, excluding=excluding
    )
    return [claim.subscription.channel.channel for claim in claims]


def start_first_page(store: Store, subscription: Subscription) -> Claim:
    """Plan two pages of today's edition and mark the first one as being sent."""
    pages = [a_page(0, "2401.00001"), a_page(1, "2401.00002")]
    claim = save_plan(store, claim_edition(store, subscription), pages, watermark=4)
    start_page(store, claim, 0)
    return claim


def repair_timestamps(store: Store, delay: timedelta = timedelta()) -> None:
    store.outbox.repair_future_timestamps(now=NOW + delay, lease=LEASE)


def claim_recap(
    store: Store, subscription: Subscription, edition: date = TODAY, delay: timedelta = timedelta()
) -> Claim | None:
    """Request the recap of a date; return its claim, None when it is not to be had."""
    return store.outbox.claim(
        subscription, edition, owner="r", now=NOW + delay, lease=LEASE, kind=DeliveryKind.RECAP
    )
