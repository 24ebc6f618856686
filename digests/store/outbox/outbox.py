"""The ledger in the database. Keeps the contract of `digests.ports.contracts.Deliveries`."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Row, and_, bindparam, delete, exists, func, literal, or_, select, update

from digests.errors import StoreError
from digests.model import EmptyReason
from digests.ports.failure_notices import FailureNotice
from digests.ports.outbox import (
    IMPORT_DEBOUNCE,
    ChannelStatus,
    Claim,
    DeliveryReport,
    DeliveryState,
    OutboxWrite,
    PageState,
    PlannedPage,
    PreviousEdition,
)
from digests.store import schema
from digests.store.engine import Database, in_json_array
from digests.store.outbox import claims
from digests.store.outbox import writes as written
from digests.store.outbox.abandon import ACKNOWLEDGED, LEASED, abandoned_columns, return_unseen_papers
from digests.store.outbox.clock_skew import repair_future_timestamps
from digests.store.outbox.pages import (
    UNREADABLE_REASON,
    fetch_page_rows,
    insert_pages,
    readable_pages_from_rows,
)
from digests.store.outbox.writes import update_delivery, update_page
from digests.store.subscriptions import subscription_from_row, subscription_or_stub_from_row
from digests.subscription import Channel, Subscription

deliveries, pages, shown_papers, papers = schema.deliveries, schema.pages, schema.shown_papers, schema.papers

_T = TypeVar("_T")

_PREVIOUS_EDITIONS = (
    select(
        deliveries.c.subscription,
        func.max(deliveries.c.watermark).label("watermark"),
        func.min(deliveries.c.due_at).label("first_due"),
    )
    .where(
        in_json_array(deliveries.c.subscription, "keys"),
        deliveries.c.edition < bindparam("before"),
    )
    .group_by(deliveries.c.subscription)
)
_SHOWN_IN_WINDOW = (
    select(shown_papers.c.subscription, papers.c.name)
    .join(papers, shown_papers.c.paper == papers.c.id)
    .where(
        in_json_array(shown_papers.c.subscription, "keys"),
        papers.c.known_seq > bindparam("after"),
        papers.c.known_seq <= bindparam("to"),
    )
)


@dataclass(frozen=True, slots=True)
class SqlOutbox:
    """Deliveries in a database of any kind."""

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
    ) -> Claim | None:
        with self.database.write() as connection:
            return claims.claim_edition(
                connection,
                subscription,
                edition,
                owner=owner,
                now=now,
                lease=lease,
                retry_failed=retry_failed,
            )

    def claim_due(
        self,
        *,
        owner: str,
        now: datetime,
        lease: timedelta,
        limit: int,
        limit_per_workspace: int | None = None,
        excluding: Collection[tuple[str, str]] = (),
    ) -> Sequence[Claim]:
        with self.database.write() as connection:
            return claims.claim_due(
                connection,
                owner=owner,
                now=now,
                lease=lease,
                limit=limit,
                limit_per_workspace=limit_per_workspace or limit,
                excluding=excluding,
            )

    def active_workers(self, *, now: datetime) -> Collection[tuple[str, str, str]]:
        with self.database.read() as connection:
            rows = connection.execute(claims.ACTIVE_WORKERS, {"now": now})
            return {(row.platform, row.workspace, row.owner) for row in rows}

    def watermark(self, subscription: Subscription, before: date) -> int | None:
        return self.previous_editions([(subscription, before)])[0].watermark

    def previous_editions(self, editions: Sequence[tuple[Subscription, date]]) -> Sequence[PreviousEdition]:
        found: dict[tuple[int, date], PreviousEdition] = {}
        with self.database.read() as connection:
            for before, keys in _group_keys((edition, one.id) for one, edition in editions).items():
                rows = connection.execute(_PREVIOUS_EDITIONS, {"keys": keys, "before": before})
                found |= {
                    (row.subscription, before): PreviousEdition(row.watermark, row.first_due) for row in rows
                }
        return [found.get((one.id, edition), PreviousEdition(None, None)) for one, edition in editions]

    def shown_papers(self, windows: Sequence[tuple[Subscription, int, int]]) -> Sequence[frozenset[str]]:
        found: defaultdict[tuple[int, int, int], set[str]] = defaultdict(set)
        with self.database.read() as connection:
            for (after, to), keys in _group_keys(((after, to), one.id) for one, after, to in windows).items():
                for row in connection.execute(_SHOWN_IN_WINDOW, {"keys": keys, "after": after, "to": to}):
                    found[row.subscription, after, to].add(row.name)
        return [frozenset(found[one.id, after, to]) for one, after, to in windows]

    def replace_plan(self, claim: Claim, planned: Sequence[PlannedPage], *, watermark: int) -> Claim:
        receipts = {page.number: page.receipt for page in claim.pages if page.receipt}
        changed = [
            replace(page, state=PageState.CHANGING, receipt=receipts[page.number])
            if page.number in receipts
            else page
            for page in planned
        ]
        no_late_window = {"empty_reason": "", "late_until": None, "late_watermark": None}
        with self.database.write() as connection:
            update_delivery(connection, claim, watermark=watermark, **no_late_window)
            connection.execute(delete(pages).where(pages.c.delivery == claim.id))
            insert_pages(connection, [(claim, changed)])
        return replace(claim, pages=tuple(changed), empty_reason=None, late_until=None)

    def reset_page(self, claim: Claim, page_number: int) -> None:
        with self.database.write() as connection:
            update_delivery(connection, claim)
            connection.execute(update_page(claim, page_number).values(state=PageState.PLANNED))

    def finish(self, claim: Claim) -> None:
        with self.database.write() as connection:
            written.finish_delivery(connection, claim)

    def apply(self, writes: Sequence[OutboxWrite]) -> None:
        with self.database.write() as connection:
            written.apply_writes(connection, writes)

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
            unknown = connection.execute(select(exists().where(unconfirmed_page))).scalar()
            update_delivery(
                connection,
                claim,
                state=DeliveryState.UNKNOWN if unknown else DeliveryState.RETRYING,
                reason=reason,
                next_try_at=next_try_at,
                lease_until=None,
                failures=deliveries.c.failures + int(is_failure),
                crashes=0 if is_failure else deliveries.c.crashes,
            )

    def fail(
        self,
        claim: Claim,
        reason: str,
        *,
        now: datetime,
        stop_subscription: bool = False,
        unknown_is_lost: bool = False,
    ) -> None:
        table, one = schema.subscriptions, claim.subscription
        with self.database.write() as connection:
            notify_at = (
                func.coalesce(deliveries.c.notify_at, literal(now, schema.Instant)) if one.owner_id else None
            )
            update_delivery(connection, claim, **abandoned_columns(reason), notify_at=notify_at)
            return_unseen_papers(connection, [claim.id], include_unknown=unknown_is_lost)
            if stop_subscription:
                running_row = update(table).where(table.c.id == one.id, table.c.stop_reason == "")
                connection.execute(running_row.values(stop_reason=reason))

    def due_failure_notices(
        self, *, now: datetime, retry_after: timedelta, limit: int
    ) -> Sequence[FailureNotice]:
        table = schema.subscriptions
        waiting = (
            select(deliveries.c.id, deliveries.c.subscription, deliveries.c.edition, deliveries.c.reason)
            .where(deliveries.c.notify_at <= now)
            .order_by(deliveries.c.notify_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        with self.database.write() as connection:
            rows = connection.execute(waiting).fetchall()
            if not rows:
                return []
            subscription_query = select(table).where(table.c.id.in_({row.subscription for row in rows}))
            subscriptions_by_id = {
                row.id: subscription_or_stub_from_row(row) for row in connection.execute(subscription_query)
            }
            claimed_notices = update(deliveries).where(deliveries.c.id.in_([row.id for row in rows]))
            connection.execute(claimed_notices.values(notify_at=now + retry_after))
        return [
            FailureNotice(row.id, subscriptions_by_id[row.subscription], row.edition, row.reason)
            for row in rows
        ]

    def acknowledge(self, notice: FailureNotice, *, retry_at: datetime | None = None) -> None:
        notice_update = update(deliveries).where(deliveries.c.id == notice.delivery_id)
        with self.database.write() as connection:
            connection.execute(notice_update.values(notify_at=retry_at or ACKNOWLEDGED))

    def repair_future_timestamps(self, *, now: datetime, lease: timedelta) -> None:
        with self.database.write() as connection:
            repair_future_timestamps(connection, now, lease)

    def history(self, subscription: Subscription, limit: int) -> Sequence[DeliveryReport]:
        newest = (
            select(deliveries)
            .where(deliveries.c.subscription == subscription.id)
            .order_by(deliveries.c.edition.desc())
            .limit(limit)
        )
        with self.database.read() as connection:
            rows = connection.execute(newest).fetchall()
            pages_by_delivery = fetch_page_rows(connection, [row.id for row in rows])
        return [_delivery_report_from_row(row, subscription, pages_by_delivery[row.id]) for row in rows]

    def channel_statuses(self) -> Sequence[ChannelStatus]:
        # What a clock that was ahead has left is of a day to come.
        not_ahead = or_(
            schema.subscriptions.c.next_edition.is_(None),
            deliveries.c.edition <= schema.subscriptions.c.next_edition,
        )
        newest = (
            select(deliveries.c.subscription, func.max(deliveries.c.edition).label("edition"))
            .join(schema.subscriptions, schema.subscriptions.c.id == deliveries.c.subscription)
            .where(not_ahead)
            .group_by(deliveries.c.subscription)
            .subquery()
        )
        last_delivery = newest.join(
            deliveries,
            and_(
                deliveries.c.subscription == newest.c.subscription, deliveries.c.edition == newest.c.edition
            ),
        )
        count = func.count().label("count")
        table = schema.subscriptions
        names = ("id", "edition", "state", "reason", "attempts", "next_try_at", "lease_until")
        with self.database.read() as connection:
            rows = connection.execute(select(table).where(table.c.active).order_by(table.c.id)).fetchall()
            last_deliveries_query = select(
                deliveries.c.subscription, *(deliveries.c[name] for name in names)
            ).select_from(last_delivery)
            last_deliveries = {row.subscription: row for row in connection.execute(last_deliveries_query)}
            by_state = (
                select(pages.c.delivery, pages.c.state, count)
                .select_from(last_delivery.join(pages, pages.c.delivery == deliveries.c.id))
                .group_by(pages.c.delivery, pages.c.state)
            )
            page_counts = {(row.delivery, row.state): row[2] for row in connection.execute(by_state)}
        return [_channel_status_from_rows(row, last_deliveries.get(row.id), page_counts) for row in rows]

    def count_by_state(self, since: date) -> Mapping[DeliveryState, int]:
        query = (
            select(deliveries.c.state, func.count())
            .where(deliveries.c.edition >= since)
            .group_by(deliveries.c.state)
        )
        with self.database.read() as connection:
            found = {row[0]: row[1] for row in connection.execute(query)}
        return {state: found.get(state, 0) for state in DeliveryState}


def _channel_status_from_rows(
    row: Row[Any], last_delivery: Row[Any] | None, page_counts: Mapping[tuple[int, str], int]
) -> ChannelStatus:
    channel = Channel(row.platform, row.channel, row.workspace)
    subscription, fault = None, ""
    try:
        subscription = subscription_from_row(row)
    except StoreError as error:
        fault = str(error)
    status = ChannelStatus(channel, subscription, fault, row.next_edition, row.next_due_at)
    if last_delivery is None:
        return status
    state, reason = _parse_state(last_delivery)
    unknown = (
        page_counts.get((last_delivery.id, PageState.POSTING), 0) if last_delivery.state not in LEASED else 0
    )
    return replace(
        status,
        edition=last_delivery.edition,
        state=state,
        reason=reason,
        attempts=last_delivery.attempts,
        next_try_at=last_delivery.next_try_at,
        posted_pages=page_counts.get((last_delivery.id, PageState.POSTED), 0),
        unknown_pages=unknown + page_counts.get((last_delivery.id, PageState.SKIPPED), 0),
        lease_until=last_delivery.lease_until,
    )


def _parse_state(row: Row[Any]) -> tuple[DeliveryState, str]:
    """The state of a delivery, and the reason for it. One that has no sense is never claimed: it has failed."""
    try:
        return DeliveryState(row.state), row.reason
    except ValueError as error:
        return DeliveryState.FAILED, UNREADABLE_REASON.format(error)


def _group_keys(pairs: Iterable[tuple[_T, int]]) -> dict[_T, list[int]]:
    """The keys that belong to the same thing."""
    found: defaultdict[_T, list[int]] = defaultdict(list)
    for group, key in pairs:
        found[group].append(key)
    return found


def _delivery_report_from_row(
    row: Row[Any], subscription: Subscription, rows_of_pages: Iterable[Row[Any]]
) -> DeliveryReport:
    state, reason = _parse_state(row)
    return DeliveryReport(
        subscription=subscription,
        edition=row.edition,
        state=state,
        attempts=row.attempts,
        reason=reason,
        next_try_at=row.next_try_at,
        pages=tuple(readable_pages_from_rows(rows_of_pages)),
        empty_reason=next((each for each in EmptyReason if each == row.empty_reason), None),
    )
