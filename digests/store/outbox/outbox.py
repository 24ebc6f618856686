"""The outbox in the database. Implements `digests.ports.outbox.Outbox`."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import and_, delete, exists, select

from digests.ports.outbox import (
    IMPORT_DEBOUNCE,
    Claim,
    DeliveryKind,
    DeliveryState,
    OutboxWrite,
    PageState,
    PlannedPage,
)
from digests.store import schema
from digests.store.engine import Database
from digests.store.outbox.abandon import abandon_claimed
from digests.store.outbox.claims import Claimer, WorkspaceQuota
from digests.store.outbox.clock_skew import repair_future_timestamps
from digests.store.outbox.pages import insert_pages
from digests.store.outbox.writes import apply_writes, finish_delivery, update_delivery, update_page
from digests.subscription import Subscription

deliveries, pages = schema.deliveries, schema.pages


@dataclass(frozen=True, slots=True)
class SqlOutbox:
    database: Database

    def claim(
        self,
        subscription: Subscription,
        edition: date,
        *,
        owner: str,
        now: datetime,
        lease: timedelta,
        retry_failed: bool = False,
        kind: DeliveryKind = DeliveryKind.DIGEST,
    ) -> Claim | None:
        with self.database.write() as connection:
            claimer = Claimer(connection, owner, now, lease)
            return claimer.claim_edition(subscription, edition, kind, retry_failed=retry_failed)

    def claim_due(
        self,
        *,
        owner: str,
        now: datetime,
        lease: timedelta,
        limit: int,
        limit_per_workspace: int | None = None,
        excluding: Collection[tuple[str, str]] = (),
        kinds: Collection[DeliveryKind] = (DeliveryKind.DIGEST,),
    ) -> Sequence[Claim]:
        quota = WorkspaceQuota(limit_per_workspace or limit, set(excluding))
        with self.database.write() as connection:
            return Claimer(connection, owner, now, lease).claim_due(limit, quota, kinds)

    def replace_plan(self, claim: Claim, planned: Sequence[PlannedPage], *, watermark: int) -> Claim:
        old_pages = {page.number: page for page in claim.pages}
        new_pages = [_replace_page(old_pages.get(page.number), page) for page in planned]
        no_late_window = {"empty_reason": "", "late_until": None, "late_watermark": None}
        with self.database.write() as connection:
            update_delivery(connection, claim, watermark=watermark, **no_late_window)
            connection.execute(delete(pages).where(pages.c.delivery == claim.id))
            insert_pages(connection, [(claim, new_pages)])
        return replace(claim, pages=tuple(new_pages), empty_reason=None, late_until=None)

    def reset_page(self, claim: Claim, page_number: int) -> None:
        with self.database.write() as connection:
            update_delivery(connection, claim)
            connection.execute(update_page(claim, page_number).values(state=PageState.PLANNED))

    def finish(self, claim: Claim) -> None:
        with self.database.write() as connection:
            finish_delivery(connection, claim)

    def apply(self, writes: Sequence[OutboxWrite]) -> None:
        with self.database.write() as connection:
            apply_writes(connection, writes)

    def finish_empty(self, claim: Claim, *, late_watermark: int, late_until: datetime, now: datetime) -> None:
        with self.database.write() as connection:
            update_delivery(
                connection,
                claim,
                state=DeliveryState.EMPTY,
                reason=claim.empty_reason or "",
                lease_until=None,
                next_try_at=now + IMPORT_DEBOUNCE,
                late_until=late_until,
                late_watermark=late_watermark,
                failures=0,
                crashes=0,
            )

    def reschedule(
        self, claim: Claim, reason: str, *, next_try_at: datetime, is_failure: bool = True
    ) -> None:
        with self.database.write() as connection:
            unconfirmed_page = and_(pages.c.delivery == claim.id, pages.c.state == PageState.POSTING)
            may_have_arrived = connection.execute(select(exists().where(unconfirmed_page))).scalar()
            update_delivery(
                connection,
                claim,
                state=DeliveryState.UNKNOWN if may_have_arrived else DeliveryState.RETRYING,
                reason=reason,
                next_try_at=next_try_at,
                lease_until=None,
                failures=deliveries.c.failures + int(is_failure),
                crashes=0 if is_failure else deliveries.c.crashes,
            )

    def abandon(
        self,
        claim: Claim,
        reason: str,
        *,
        now: datetime,
        stop_subscription: bool = False,
        unknown_is_lost: bool = False,
    ) -> None:
        with self.database.write() as connection:
            abandon_claimed(
                connection,
                claim,
                reason,
                now,
                stop_subscription=stop_subscription,
                unknown_is_lost=unknown_is_lost,
            )

    def repair_future_timestamps(self, *, now: datetime, lease: timedelta) -> None:
        with self.database.write() as connection:
            repair_future_timestamps(connection, now, lease)


def _replace_page(old: PlannedPage | None, new: PlannedPage) -> PlannedPage:
    """Return a page of a new plan with the key of the page in its place, to be edited if that was posted.

    A message with the same content is left alone, and so is one that was skipped.
    """
    if old is None:
        return new
    page = replace(new, idempotency_key=old.idempotency_key)
    if not old.receipt:
        return replace(page, state=PageState.SKIPPED) if old.state is PageState.SKIPPED else page
    is_same = json.loads(json.dumps(page.payload)) == old.payload
    state = PageState.POSTED if is_same and old.state is PageState.POSTED else PageState.CHANGING
    return replace(page, state=state, receipt=old.receipt)
