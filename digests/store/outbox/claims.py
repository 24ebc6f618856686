"""Who delivers which edition next: statements and rules behind `Deliveries.claim` and `claim_due`."""

import logging
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    and_,
    bindparam,
    case,
    exists,
    not_,
    or_,
    select,
    update,
)

from digests.model import EmptyReason
from digests.ports.outbox import IMPORT_DEBOUNCE, POISON_AFTER, Claim, DeliveryState, PlannedPage
from digests.schedule import newest_due_edition, next_due_edition
from digests.store import schema
from digests.store.engine import in_json_array, insert_if_absent, insert_many, update_many
from digests.store.outbox.abandon import (
    LEASED,
    RETRYABLE,
    InstantOrParameter,
    abandon_older,
    abandoned_columns,
    blocks_newer,
    find_first_missed,
    has_begun,
    has_live_lease,
    is_one_of,
    reopen_failed,
    return_unseen_papers,
)
from digests.store.outbox.pages import (
    DAMAGED_ROW_ERRORS,
    UNREADABLE_REASON,
    fetch_page_rows,
    planned_page_from_row,
)
from digests.store.subscriptions import read_or_stop_subscriptions, running_conditions
from digests.subscription import Subscription

log = logging.getLogger(__name__)

deliveries, papers = schema.deliveries, schema.papers


def claim_edition(
    connection: Connection,
    subscription: Subscription,
    edition: date,
    *,
    owner: str,
    now: datetime,
    lease: timedelta,
    retry_failed: bool,
) -> Claim | None:
    """Keeps the contract of `digests.ports.contracts.Deliveries.claim`."""
    if _is_blocked(connection, subscription.id, edition, now):
        return None
    if retry_failed:
        reopen_failed(connection, subscription.id, edition, now)
    row = _lock_delivery(connection, subscription, edition, now)
    if row is None:
        # Another may have begun it since: then there is a row, and it is taken.
        first_values = {"subscription": subscription.id, "edition": edition, "attempts": 0, "reason": ""}
        retry_values = {"state": DeliveryState.RETRYING, "owner": owner, "next_try_at": now}
        first_failed = find_first_missed(connection, {subscription.id: edition}).get(subscription.id)
        lateness = _lateness_columns(
            _fetch_subscription_row(connection, subscription), edition, now, first_failed
        )
        insert_if_absent(connection, deliveries, {**first_values, **retry_values, **lateness})
        row = _lock_delivery(connection, subscription, edition, now)
    _advance_next_due(connection, subscription, edition, now)
    if row is None or not row.is_free:
        return None
    if abandon_older(connection, {subscription.id: edition}, SUPERSEDED_REASON, now):
        return None  # Another process has just taken an older one; this one waits, and comes after it.
    lease_update = update(deliveries).where(deliveries.c.id == row.id)
    connection.execute(lease_update.values(**_retry_lease_columns(owner, now + lease)))
    claims = _build_claims(connection, [row], {subscription.id: subscription}, owner, now, lease)
    return claims[0] if claims else None


def claim_due(
    connection: Connection,
    *,
    owner: str,
    now: datetime,
    lease: timedelta,
    limit: int,
    limit_per_workspace: int,
    excluding: Collection[tuple[str, str]],
) -> list[Claim]:
    """Keeps the contract of `digests.ports.contracts.Deliveries.claim_due`."""
    blocked_ids, quota = set[int](), _WorkspaceQuota(limit_per_workspace, set(excluding))
    claims = _claim_unfinished(connection, _UNFINISHED, owner, now, lease, limit, quota)
    while len(claims) < limit:
        rows = _lock_due_subscriptions(connection, now, limit - len(claims), quota, blocked_ids)
        if not rows:
            break
        claims += _begin_newest_editions(connection, rows, blocked_ids, owner, now, lease)
    if not claims and not _is_worker_busy(connection, owner, now):
        claims = _claim_unfinished(connection, _UNFINISHED_POISON, owner, now, lease, 1, quota)
    return claims


SUPERSEDED_REASON = "A newer edition came before this one was done."
_DELIVERIES_OF_EDITIONS = select(deliveries.c.id, deliveries.c.subscription, deliveries.c.edition).where(
    in_json_array(deliveries.c.subscription, "keys"),
    deliveries.c.edition.between(bindparam("first"), bindparam("last")),
)


def _fetch_subscription_row(connection: Connection, subscription: Subscription) -> Row[Any] | None:
    table = schema.subscriptions
    return connection.execute(select(table).where(table.c.id == subscription.id)).first()


def _lateness_columns(
    row: Row[Any] | None, edition: date, due_at: datetime, first_failed: date | None
) -> dict[str, Any]:
    """When an edition was to come, and the first before it that never came: that was awaited and never begun, by its
    subscription's row, or that `failed`. `at` is its hour where that row awaited another."""
    next_edition = row.next_edition if row is not None else None
    due = row.next_due_at if row is not None and next_edition == edition else due_at
    missed = [one for one in (next_edition, first_failed) if one and one < edition]
    return {"due_at": due, "first_missed": min(missed, default=None)}


def _advance_next_due(
    connection: Connection, subscription: Subscription, edition: date, now: datetime
) -> None:
    """Past an edition, be it before its hour, unless a later one is awaited."""
    table = schema.subscriptions
    coming = next_due_edition(subscription.schedule, now)
    while coming.edition <= edition:
        coming = next_due_edition(subscription.schedule, coming.at)
    is_passed = or_(table.c.next_edition.is_(None), table.c.next_edition <= edition)
    is_due = or_(table.c.next_due_at <= now, table.c.next_edition == edition)
    connection.execute(
        update(table)
        .where(table.c.id == subscription.id, is_due, is_passed)
        .values(next_due_at=coming.at, next_edition=coming.edition)
    )


def _lock_delivery(
    connection: Connection, subscription: Subscription, edition: date, now: datetime
) -> Row[Any] | None:
    return connection.execute(
        select(
            deliveries,
            deliveries.c.id.label("delivery"),
            _is_free(now, now - IMPORT_DEBOUNCE).label("is_free"),
        )
        .where(deliveries.c.subscription == subscription.id, deliveries.c.edition == edition)
        .with_for_update(of=deliveries)
    ).first()


def _is_blocked(connection: Connection, subscription_id: int, edition: date, now: datetime) -> bool:
    """Whether an older edition of the channel is to be finished first."""
    older = and_(deliveries.c.subscription == subscription_id, deliveries.c.edition < edition)
    return connection.execute(select(deliveries.c.id).where(older, blocks_newer(now))).first() is not None


def _is_free(now: InstantOrParameter, known_before: InstantOrParameter) -> ColumnElement[bool]:
    return or_(
        and_(is_one_of(deliveries.c.state, LEASED), deliveries.c.lease_until <= now),
        and_(is_one_of(deliveries.c.state, RETRYABLE), deliveries.c.next_try_at <= now),
        _has_late_papers(now, known_before),
    )


def _has_late_papers(now: InstantOrParameter, known_before: InstantOrParameter) -> ColumnElement[bool]:
    """Whether papers have come in, and settled, since it was said that there are none."""
    newest = (
        select(papers.c.known_seq)
        .where(papers.c.known_at <= known_before)
        .order_by(papers.c.known_at.desc(), papers.c.known_seq.desc())
        .limit(1)
        .scalar_subquery()
    )
    return and_(
        deliveries.c.state == DeliveryState.EMPTY,
        deliveries.c.late_until > now,
        deliveries.c.next_try_at <= now,
        deliveries.c.late_watermark < newest,
    )


def _build_claims(
    connection: Connection,
    rows: Sequence[Row[Any]],
    subscriptions_by_id: Mapping[int, Subscription],
    owner: str,
    now: datetime,
    lease: timedelta,
) -> list[Claim]:
    """The claims on deliveries that stood as these rows say. One that cannot be read is given up, and disturbs no other."""
    pages_by_delivery = fetch_page_rows(connection, [row.delivery for row in rows])
    claims = []
    for row in rows:
        subscription = subscriptions_by_id[row.subscription]
        try:
            planned = tuple(planned_page_from_row(page) for page in pages_by_delivery[row.delivery])
            claims.append(_build_claim(row, subscription, owner, now + lease, planned))
        except DAMAGED_ROW_ERRORS as error:
            reason = UNREADABLE_REASON.format(error)
            log.error("%s, %s: %s Given up.", subscription.channel, row.edition, reason)
            damaged_delivery = update(deliveries).where(deliveries.c.id == row.delivery)
            tell_at = now if subscription.owner_id else None
            connection.execute(damaged_delivery.values(**abandoned_columns(reason), notify_at=tell_at))
            return_unseen_papers(connection, [row.delivery])
    return claims


def _build_claim(
    row: Row[Any],
    subscription: Subscription,
    owner: str,
    lease_until: datetime,
    planned_pages: tuple[PlannedPage, ...],
) -> Claim:
    """The claim on a delivery that stood as this row says."""
    return Claim(
        row.delivery,
        subscription,
        row.edition,
        owner,
        lease_until,
        row.attempts + 1,
        planned_pages,
        empty_reason=EmptyReason(row.empty_reason) if row.empty_reason else None,
        late_until=row.late_until,
        failures=row.failures + (row.state in LEASED),
        crashes=row.crashes + (row.state in LEASED),
        due_at=row.due_at,
        first_missed=row.first_missed,
    )


def _lease_columns(owner: str, lease_until: datetime) -> dict[str, Any]:
    return {"state": DeliveryState.CLAIMED, "owner": owner, "lease_until": lease_until, "next_try_at": None}


def _retry_lease_columns(owner: str, lease_until: datetime) -> dict[str, Any]:
    """One more try; that the last one was left in the middle counts as a failure."""
    crash_count = case((is_one_of(deliveries.c.state, LEASED), 1), else_=0)
    counters = {"attempts": deliveries.c.attempts + 1, "failures": deliveries.c.failures + crash_count}
    return {**_lease_columns(owner, lease_until), **counters, "crashes": deliveries.c.crashes + crash_count}


_IS_POISON = and_(is_one_of(deliveries.c.state, LEASED), deliveries.c.crashes >= POISON_AFTER)
"""It may be what ends its process."""


def _select_unfinished(condition: ColumnElement[bool]) -> Select[Any]:
    """What waited for its hour, or what its owner left; rows that another is at are passed over."""
    table, other, now = schema.subscriptions, deliveries.alias(), _NOW
    # Asked of the few that may be free: joined, SQLite would begin with every subscription there is.
    is_wanted = exists().where(
        table.c.id == deliveries.c.subscription,
        *running_conditions(),
        _NOT_EXCLUDED,
        # Where a newer edition is due, that one takes the place of one of which nobody has seen anything.
        or_(table.c.next_due_at > now, has_begun()),
    )
    has_no_other_lease = ~exists().where(
        other.c.subscription == deliveries.c.subscription,
        other.c.id != deliveries.c.id,
        has_live_lease(now, other),
    )
    return (
        select(deliveries, deliveries.c.id.label("delivery"))
        .where(
            _is_free(now, bindparam("settled_at", type_=schema.Instant)),
            condition,
            is_wanted,
            has_no_other_lease,
        )
        .order_by(deliveries.c.crashes, deliveries.c.failures, deliveries.c.id)
        .limit(bindparam("most", type_=Integer))
        .with_for_update(skip_locked=True)
    )


# Made once: SQLAlchemy takes longer to put such a statement together than the database to answer it.
_NOW = bindparam("now", type_=schema.Instant)
_WORKSPACE = schema.subscriptions.c.platform + " " + schema.subscriptions.c.workspace
_NOT_EXCLUDED = not_(in_json_array(_WORKSPACE, "but_not"))
_UNFINISHED, _UNFINISHED_POISON = _select_unfinished(not_(_IS_POISON)), _select_unfinished(_IS_POISON)


@dataclass(slots=True)
class _WorkspaceQuota:
    """How much is taken of each workspace, at most so much; nothing of those that are full."""

    limit_per_workspace: int
    full_workspaces: set[tuple[str, str]]
    claimed_counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def select_keys(self, rows: Iterable[Row[Any]], limit: int) -> list[int]:
        """The numbers of those of these subscriptions that there is room for, at most so many."""
        counts = Counter(self.claimed_counts)
        keys = list[int]()
        for row in rows:
            workspace = row.platform, row.workspace
            if (
                len(keys) < limit
                and workspace not in self.full_workspaces
                and counts[workspace] < self.limit_per_workspace
            ):
                counts[workspace] += 1
                keys.append(row.id)
        return keys

    def record_claimed(self, rows: Sequence[Row[Any]]) -> Sequence[Row[Any]]:
        """These, which are now taken."""
        self.claimed_counts.update((row.platform, row.workspace) for row in rows)
        self.full_workspaces |= {
            place for place, many in self.claimed_counts.items() if many >= self.limit_per_workspace
        }
        return rows


def _claim_unfinished(
    connection: Connection,
    query: Select[Any],
    owner: str,
    now: datetime,
    lease: timedelta,
    limit: int,
    quota: _WorkspaceQuota,
) -> list[Claim]:
    """Take these, at most so many."""
    claims = list[Claim]()
    while len(claims) < limit:
        row_count, batch = _claim_unfinished_batch(
            connection, query, owner, now, lease, limit - len(claims), quota
        )
        claims += batch
        if row_count == len(batch):
            break
    return claims


def _claim_unfinished_batch(
    connection: Connection,
    query: Select[Any],
    owner: str,
    now: datetime,
    lease: timedelta,
    limit: int,
    quota: _WorkspaceQuota,
) -> tuple[int, list[Claim]]:
    """Those that there is room for of the first so many, and how many were looked at."""
    table = schema.subscriptions
    parameters = {
        "now": now,
        "settled_at": now - IMPORT_DEBOUNCE,
        "most": limit,
        "but_not": _format_workspaces(quota.full_workspaces),
    }
    rows = list(connection.execute(query, parameters))
    rows = list({row.subscription: row for row in reversed(rows)}.values())[::-1]
    if not rows:
        return 0, []
    row_count = len(rows)
    subscription_query = select(table).where(table.c.id.in_({row.subscription for row in rows}))
    rows_by_id = {row.id: row for row in connection.execute(subscription_query)}
    keys = quota.select_keys(
        (rows_by_id[row.subscription] for row in rows if row.subscription in rows_by_id), limit
    )
    subscriptions_by_id = {
        one.id: one
        for one in read_or_stop_subscriptions(
            connection, quota.record_claimed([rows_by_id[key] for key in keys]), now
        )
    }
    rows = [row for row in rows if row.subscription in subscriptions_by_id]
    keys = [row.delivery for row in rows]
    lease_update = update(deliveries).where(deliveries.c.id.in_(keys))
    connection.execute(lease_update.values(**_retry_lease_columns(owner, now + lease)))
    return row_count, _build_claims(connection, rows, subscriptions_by_id, owner, now, lease)


def _is_worker_busy(connection: Connection, owner: str, now: datetime) -> bool:
    own_leases = select(deliveries.c.id).where(deliveries.c.owner == owner, has_live_lease(now))
    return connection.execute(own_leases.limit(1)).first() is not None


def _lock_due_subscriptions(
    connection: Connection,
    now: datetime,
    limit: int,
    quota: _WorkspaceQuota,
    blocked_ids: set[int],
) -> Sequence[Row[Any]]:
    """Subscriptions whose hour has come, and of which nothing is to be finished first, but for those that are known to be
    blocked. Nobody else begins an edition of theirs until the transaction ends."""
    due_rows, skipped_ids = list[Row[Any]](), set(blocked_ids)
    while len(due_rows) < limit:
        parameters = {
            "now": now,
            "most": limit * OVERFETCH_FACTOR,
            "but_not": _format_workspaces(quota.full_workspaces),
            "blocked": sorted(skipped_ids),
        }
        keys = quota.select_keys(connection.execute(_DUE_SUBSCRIPTIONS, parameters), limit - len(due_rows))
        if not keys:
            break
        skipped_ids.update(keys)  # Those that another process has just locked are passed over.
        due_rows += quota.record_claimed(
            connection.execute(_DUE_SUBSCRIPTIONS_LOCKED, {"now": now, "keys": keys}).fetchall()
        )
    return due_rows


def _is_due() -> ColumnElement[bool]:
    table = schema.subscriptions
    # What is of a later date was begun by a clock that was ahead, and may wait for long.
    older = or_(table.c.next_edition.is_(None), deliveries.c.edition < table.c.next_edition)
    has_blocking_delivery = exists().where(deliveries.c.subscription == table.c.id, older, blocks_newer(_NOW))
    return and_(*running_conditions(), table.c.next_due_at <= _NOW, ~has_blocking_delivery)


_OVERDUE_FIRST = schema.subscriptions.c.next_due_at, schema.subscriptions.c.id
_DUE_SUBSCRIPTIONS = (
    select(schema.subscriptions.c.id, schema.subscriptions.c.platform, schema.subscriptions.c.workspace)
    .where(_is_due(), _NOT_EXCLUDED, not_(in_json_array(schema.subscriptions.c.id, "blocked")))
    .order_by(*_OVERDUE_FIRST)
    .limit(bindparam("most", type_=Integer))
)
_DUE_SUBSCRIPTIONS_LOCKED = (
    select(schema.subscriptions)
    .where(_is_due(), in_json_array(schema.subscriptions.c.id, "keys"))
    .order_by(*_OVERDUE_FIRST)
    .with_for_update(skip_locked=True)
)
OVERFETCH_FACTOR = 3
"""Times as many as are wanted: there is not room for all of them where a workspace has many channels."""


def _format_workspaces(workspaces: Collection[tuple[str, str]]) -> list[str]:
    return [f"{platform} {workspace}" for platform, workspace in workspaces]


def _begin_newest_editions(
    connection: Connection,
    rows: Sequence[Row[Any]],
    blocked_ids: set[int],
    owner: str,
    now: datetime,
    lease: timedelta,
) -> list[Claim]:
    """Begin the newest edition of each, and move each on to its next hour. One that was begun before is left alone, and so
    is a channel of which another process has just taken an older one, which is then among the `blocked`."""
    due = read_or_stop_subscriptions(connection, rows, now)
    if not due:
        return []
    rows_by_id = {row.id: row for row in rows}
    newest_due_of = cache(
        lambda schedule: newest_due_edition(schedule, now)
    )  # Most channels have one of a few.
    newest = {one.id: newest_due_of(one.schedule) for one in due}
    editions = {key: each.edition for key, each in newest.items()}
    existing_keys = _find_delivery_keys(connection, editions)
    blocked_ids |= abandon_older(
        connection,
        {key: edition for key, edition in editions.items() if key not in existing_keys},
        SUPERSEDED_REASON,
        now,
    )
    due = [one for one in due if one.id not in blocked_ids]
    _advance_all_next_due(connection, due, now)
    new = [one for one in due if one.id not in existing_keys]
    if not new:
        return []
    first_failed = find_first_missed(connection, {one.id: editions[one.id] for one in new})
    lateness = {
        one.id: _lateness_columns(
            rows_by_id[one.id], editions[one.id], newest[one.id].at, first_failed.get(one.id)
        )
        for one in new
    }
    row = {"attempts": 1, "reason": "", **_lease_columns(owner, now + lease)}
    new_rows = [
        {"subscription": one.id, "edition": editions[one.id], **row, **lateness[one.id]} for one in new
    ]
    insert_many(connection, deliveries, new_rows)
    keys = _find_delivery_keys(connection, {one.id: editions[one.id] for one in new})
    return [
        Claim(keys[one.id], one, editions[one.id], owner, now + lease, 1, **lateness[one.id]) for one in new
    ]


def _advance_all_next_due(connection: Connection, due: Sequence[Subscription], now: datetime) -> None:
    next_due_of = cache(lambda schedule: next_due_edition(schedule, now))
    coming = [(one.id, next_due_of(one.schedule)) for one in due]
    new_values = [{"key": key, "due": each.at, "to": each.edition} for key, each in coming]
    update_many(connection, _ADVANCE_NEXT_DUE, new_values)


_ADVANCE_NEXT_DUE = (
    update(schema.subscriptions)
    .where(schema.subscriptions.c.id == bindparam("key"))
    .values(next_due_at=bindparam("due"), next_edition=bindparam("to"))
)


def _find_delivery_keys(connection: Connection, editions: Mapping[int, date]) -> dict[int, int]:
    """The numbers of those deliveries that are there, by their subscriptions."""
    parameters = {"keys": editions, "first": min(editions.values()), "last": max(editions.values())}
    return {
        row.subscription: row.id
        for row in connection.execute(_DELIVERIES_OF_EDITIONS, parameters)
        if row.edition == editions[row.subscription]
    }
