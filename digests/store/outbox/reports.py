"""Views of the outbox in the database. Implements `digests.ports.delivery_reports.DeliveryReports`."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, func, not_, or_, select, true

from digests.errors import StoreError
from digests.model import EmptyReason
from digests.ports.delivery_reports import ChannelStatus, DeliveryReport, PreviousEdition
from digests.ports.outbox import DeliveryKind, DeliveryState, PageState
from digests.store import schema
from digests.store.engine import Database, in_json_array
from digests.store.outbox.conditions import LEASED, has_live_lease, is_digest
from digests.store.outbox.pages import UNREADABLE_REASON, fetch_page_rows, readable_pages_from_rows
from digests.store.subscriptions import fetch_former_names, subscription_from_row
from digests.subscription import Channel, Subscription

deliveries, pages, shown_papers, papers = schema.deliveries, schema.pages, schema.shown_papers, schema.papers

_T = TypeVar("_T")

_ACTIVE_WORKERS = (
    select(schema.subscriptions.c.platform, schema.subscriptions.c.workspace, deliveries.c.owner)
    .join(deliveries, deliveries.c.subscription == schema.subscriptions.c.id)
    .where(has_live_lease(bindparam("now", type_=schema.Instant)))
    .distinct()
)
_PREVIOUS_EDITIONS = (
    select(
        deliveries.c.subscription,
        func.max(deliveries.c.watermark).label("watermark"),
        func.min(deliveries.c.due_at).label("first_due"),
    )
    .where(
        in_json_array(deliveries.c.subscription, "keys"),
        deliveries.c.edition < bindparam("before"),
        is_digest(),
    )
    .group_by(deliveries.c.subscription)
)
_neighbours = schema.subscriptions.alias("neighbours")
_SHOWN_IN_WINDOW = (
    select(schema.subscriptions.c.id.label("subscription"), papers.c.name)
    .join(
        _neighbours,
        and_(
            _neighbours.c.platform == schema.subscriptions.c.platform,
            _neighbours.c.channel == schema.subscriptions.c.channel,
            or_(_neighbours.c.id == schema.subscriptions.c.id, not_(schema.subscriptions.c.repeat)),
        ),
    )
    .join(shown_papers, shown_papers.c.subscription == _neighbours.c.id)
    .join(papers, shown_papers.c.paper == papers.c.id)
    .where(
        in_json_array(schema.subscriptions.c.id, "keys"),
        papers.c.known_seq > bindparam("after"),
        papers.c.known_seq <= bindparam("to"),
    )
)


@dataclass(frozen=True, slots=True)
class SqlDeliveryReports:
    database: Database

    def history(
        self, subscription: Subscription, limit: int, *, kind: DeliveryKind = DeliveryKind.DIGEST
    ) -> Sequence[DeliveryReport]:
        newest = (
            select(deliveries)
            .where(deliveries.c.subscription == subscription.id, deliveries.c.kind == kind)
            .order_by(deliveries.c.edition.desc())
            .limit(limit)
        )
        with self.database.read() as connection:
            rows = connection.execute(newest).fetchall()
            pages_by_delivery = fetch_page_rows(connection, [row.id for row in rows])
        return [_delivery_report_from_row(row, subscription, pages_by_delivery[row.id]) for row in rows]

    def channel_statuses(self) -> Sequence[ChannelStatus]:
        with self.database.read() as connection:
            return fetch_statuses(connection, true())

    def count_by_state(self, since: date) -> Mapping[DeliveryState, int]:
        query = (
            select(deliveries.c.state, func.count())
            .where(deliveries.c.edition >= since)
            .group_by(deliveries.c.state)
        )
        with self.database.read() as connection:
            found = {row[0]: row[1] for row in connection.execute(query)}
        return {state: found.get(state, 0) for state in DeliveryState}

    def active_workers(self, *, now: datetime) -> Collection[tuple[str, str, str]]:
        with self.database.read() as connection:
            rows = connection.execute(_ACTIVE_WORKERS, {"now": now})
            return {(row.platform, row.workspace, row.owner) for row in rows}

    def find_digest_name(self, channel: Channel, key: str) -> str | None:
        owners, pages = schema.subscriptions, schema.pages
        query = (
            select(owners.c.name)
            .join(deliveries, deliveries.c.subscription == owners.c.id)
            .join(pages, pages.c.delivery == deliveries.c.id)
            .where(
                owners.c.platform == channel.platform,
                owners.c.channel == channel.channel,
                pages.c.idempotency_key == key,
            )
        )
        with self.database.read() as connection:
            return connection.execute(query.order_by(pages.c.delivery.desc()).limit(1)).scalar()

    def find_renamed_digest(
        self, channel: Channel, name: str, edition: date, watermark: int
    ) -> Subscription | None:
        owners = schema.subscriptions
        showed_it = (
            select(owners)
            .join(deliveries, deliveries.c.subscription == owners.c.id)
            .where(
                owners.c.platform == channel.platform,
                owners.c.channel == channel.channel,
                owners.c.active,
                deliveries.c.edition == edition,
                deliveries.c.watermark == watermark,
                is_digest(),
            )
            .order_by(owners.c.name != name, owners.c.id)
        )
        with self.database.read() as connection:
            rows = connection.execute(showed_it).fetchall()
            former_names = fetch_former_names(connection, [row.id for row in rows])
        found = (row for row in rows if name in (row.name, *former_names[row.id]))
        return next(map(subscription_from_row, found), None)

    def watermark(self, subscription: Subscription, before: date) -> int | None:
        return self.previous_editions([(subscription, before)])[0].watermark

    def previous_editions(self, editions: Sequence[tuple[Subscription, date]]) -> Sequence[PreviousEdition]:
        found: dict[tuple[int, date], PreviousEdition] = {}
        with self.database.read() as connection:
            for before, keys in _group_keys(
                (edition, subscription.id) for subscription, edition in editions
            ).items():
                rows = connection.execute(_PREVIOUS_EDITIONS, {"keys": keys, "before": before})
                found |= {
                    (row.subscription, before): PreviousEdition(row.watermark, row.first_due) for row in rows
                }
        return [
            found.get((subscription.id, edition), PreviousEdition(None, None))
            for subscription, edition in editions
        ]

    def shown_papers(self, windows: Sequence[tuple[Subscription, int, int]]) -> Sequence[frozenset[str]]:
        found: defaultdict[tuple[int, int, int], set[str]] = defaultdict(set)
        with self.database.read() as connection:
            grouped = _group_keys(((after, to), subscription.id) for subscription, after, to in windows)
            for (after, to), keys in grouped.items():
                for row in connection.execute(_SHOWN_IN_WINDOW, {"keys": keys, "after": after, "to": to}):
                    found[row.subscription, after, to].add(row.name)
        return [frozenset(found[subscription.id, after, to]) for subscription, after, to in windows]


def fetch_statuses(connection: Connection, is_wanted: ColumnElement[bool]) -> Sequence[ChannelStatus]:
    """Fetch the status of each subscription that meets a condition, in order of the keys.

    Removed ones are left out.
    """
    table = schema.subscriptions
    # A delivery of a later date was stored by a clock that was ahead.
    not_ahead = or_(table.c.next_edition.is_(None), deliveries.c.edition <= table.c.next_edition)
    newest = (
        select(deliveries.c.subscription, func.max(deliveries.c.edition).label("edition"))
        .join(table, table.c.id == deliveries.c.subscription)
        .where(is_wanted, not_ahead, is_digest())
        .group_by(deliveries.c.subscription)
        .subquery()
    )
    last_delivery = newest.join(
        deliveries,
        and_(
            deliveries.c.subscription == newest.c.subscription,
            deliveries.c.edition == newest.c.edition,
            is_digest(),
        ),
    )
    count = func.count().label("count")
    names = ("id", "edition", "state", "reason", "attempts", "next_try_at", "lease_until")
    wanted = select(table).where(table.c.active, is_wanted).order_by(table.c.id)
    rows = connection.execute(wanted).fetchall()
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


def _channel_status_from_rows(
    row: Row[Any], last_delivery: Row[Any] | None, page_counts: Mapping[tuple[int, str], int]
) -> ChannelStatus:
    channel = Channel(row.platform, row.channel, row.workspace, bool(row.is_direct))
    subscription, read_error = None, ""
    try:
        subscription = subscription_from_row(row)
    except StoreError as error:
        read_error = str(error)
    status = ChannelStatus(
        channel, subscription, read_error, row.next_edition, row.next_due_at, name=row.name, key=row.id
    )
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
    """Return the state and reason of a delivery. A state that cannot be read is reported as failed."""
    try:
        return DeliveryState(row.state), row.reason
    except ValueError as error:
        return DeliveryState.FAILED, UNREADABLE_REASON.format(error)


def _group_keys(pairs: Iterable[tuple[_T, int]]) -> dict[_T, list[int]]:
    """Group the keys of pairs by the first elements."""
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
        empty_reason=next((reason for reason in EmptyReason if reason == row.empty_reason), None),
    )
