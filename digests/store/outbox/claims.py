"""Leasing of deliveries. `Claimer` implements `Outbox.claim` and `Outbox.claim_due`."""

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
from digests.ports.outbox import (
    IMPORT_DEBOUNCE,
    MEETING_KINDS,
    POISON_AFTER,
    Claim,
    DeliveryKind,
    DeliveryState,
    PlannedPage,
)
from digests.schedule import newest_due_edition, next_due_edition
from digests.store import schema
from digests.store.engine import in_json_array, insert_if_absent, insert_many, update_many
from digests.store.outbox.abandon import (
    abandon_damaged,
    find_first_missed,
    reopen_failed,
    supersede_older,
)
from digests.store.outbox.conditions import (
    LEASED,
    RETRYABLE,
    InstantOrParameter,
    blocks_newer,
    has_begun,
    has_busy_neighbour,
    has_live_lease,
    is_digest,
    is_one_of,
)
from digests.store.outbox.meeting_posts import begin_meeting_posts
from digests.store.outbox.pages import (
    DAMAGED_ROW_ERRORS,
    fetch_page_rows,
    planned_page_from_row,
)
from digests.store.outbox.recap_posts import begin_recaps
from digests.store.subscriptions import read_or_stop_subscriptions, running_conditions
from digests.subscription import Subscription

log = logging.getLogger(__name__)

deliveries, papers, subscriptions = schema.deliveries, schema.papers, schema.subscriptions

OVERFETCH_FACTOR = 3
"""Candidates fetched for each delivery to claim: some are dropped when a workspace reaches its limit."""


Workspace = tuple[str, str]
"""A platform, and the id of a workspace there."""


@dataclass(slots=True)
class WorkspaceQuota:
    """Count of the deliveries that one call has claimed in each workspace, and the limit.

    `full_workspaces` are those at their limit, and those that the caller excludes. Nothing is stored.
    """

    limit_per_workspace: int
    full_workspaces: set[Workspace]
    claimed_counts: Counter[Workspace] = field(default_factory=Counter)

    def select_keys(self, candidates: Iterable[tuple[int, Workspace]], limit: int) -> list[int]:
        """Return up to `limit` keys, in the order of the candidates, within the limit of each workspace.

        Records nothing.
        """
        counts = Counter(self.claimed_counts)
        keys = list[int]()
        for key, workspace in candidates:
            if len(keys) == limit:
                break
            if workspace not in self.full_workspaces and counts[workspace] < self.limit_per_workspace:
                counts[workspace] += 1
                keys.append(key)
        return keys

    def record_claimed(self, workspaces: Iterable[Workspace]) -> None:
        """Count one claimed delivery for each listed workspace, and mark workspaces at their limit as full.

        A workspace may be listed several times.
        """
        self.claimed_counts.update(workspaces)
        self.full_workspaces |= {
            workspace for workspace, count in self.claimed_counts.items() if count >= self.limit_per_workspace
        }


@dataclass(frozen=True, slots=True)
class Claimer:
    """Leases deliveries for one worker at one instant, inside the caller's transaction."""

    connection: Connection
    owner: str
    now: datetime
    lease: timedelta

    def claim_edition(
        self, subscription: Subscription, edition: date, kind: DeliveryKind, *, retry_failed: bool
    ) -> Claim | None:
        """Lease one edition and insert its delivery if needed, or return None, as `Outbox.claim` says."""
        if kind is DeliveryKind.DIGEST and (
            self._is_blocked(subscription.id, edition) or not self._select_one_per_channel([subscription.id])
        ):
            return None
        if retry_failed:
            reopen_failed(self.connection, subscription.id, edition, self.now, kind)
        row = self._lock_delivery(subscription, edition, kind)
        if row is None:
            # Another process may insert the row in between; then that row is locked and read.
            self._insert_retryable(subscription, edition, kind)
            row = self._lock_delivery(subscription, edition, kind)
        if kind is DeliveryKind.DIGEST:
            self._advance_next_due(subscription, edition)
        if row is None or not row.is_free:
            return None
        if kind is DeliveryKind.DIGEST and supersede_older(
            self.connection, {subscription.id: edition}, self.now
        ):
            return None  # Another process has just leased an older edition, which has to be finished first.
        self._lease_again([row.id])
        claims = self._build_claims([row], {subscription.id: subscription})
        return claims[0] if claims else None

    def claim_due(self, limit: int, quota: WorkspaceQuota, kinds: Collection[DeliveryKind]) -> list[Claim]:
        """Lease up to `limit` deliveries, as `Outbox.claim_due` says."""
        blocked_ids = set[int]()
        if not MEETING_KINDS.isdisjoint(kinds):
            begin_meeting_posts(self.connection, self.now, limit)
        if DeliveryKind.RECAP in kinds:
            begin_recaps(self.connection, self.now, limit)
        claims = self._claim_unfinished(_UNFINISHED, limit, quota, kinds)
        while DeliveryKind.DIGEST in kinds and len(claims) < limit:
            rows = self._lock_due_subscriptions(limit - len(claims), quota, blocked_ids)
            if not rows:
                break
            claims += self._begin_newest_editions(rows, blocked_ids)
        if not claims and not self._is_worker_busy():
            claims = self._claim_unfinished(_UNFINISHED_POISON, 1, quota, kinds)
        return claims

    # Leasing of one edition.

    def _is_blocked(self, subscription_id: int, edition: date) -> bool:
        """Return True while an older edition of the channel has to be finished first."""
        older = and_(deliveries.c.subscription == subscription_id, deliveries.c.edition < edition)
        blocking = select(deliveries.c.id).where(older, blocks_newer(self.now))
        return self.connection.execute(blocking).first() is not None

    def _lock_delivery(
        self, subscription: Subscription, edition: date, kind: DeliveryKind
    ) -> Row[Any] | None:
        """Lock the row of a delivery, waiting for other processes that hold it, and return it.

        None if there is no such delivery. The column `is_free` is true if the delivery can be leased now.
        """
        return self.connection.execute(
            select(
                deliveries,
                deliveries.c.id.label("delivery"),
                _is_free(self.now, self.now - IMPORT_DEBOUNCE).label("is_free"),
            )
            .where(
                deliveries.c.subscription == subscription.id,
                deliveries.c.edition == edition,
                deliveries.c.kind == kind,
            )
            .with_for_update(of=deliveries)
        ).first()

    def _insert_retryable(self, subscription: Subscription, edition: date, kind: DeliveryKind) -> None:
        """Insert a delivery that is due now, unless the edition has one of this kind.

        It is not leased yet.
        """
        first_values = {
            "subscription": subscription.id,
            "edition": edition,
            "kind": kind,
            "attempts": 0,
            "reason": "",
        }
        retry_values = {"state": DeliveryState.RETRYING, "owner": self.owner, "next_try_at": self.now}
        lateness = (
            self._find_lateness(subscription, edition)
            if kind is DeliveryKind.DIGEST
            else {"due_at": self.now, "first_missed": None}
        )
        insert_if_absent(self.connection, deliveries, {**first_values, **retry_values, **lateness})

    def _find_lateness(self, subscription: Subscription, edition: date) -> dict[str, Any]:
        first_failed = find_first_missed(self.connection, {subscription.id: edition}).get(subscription.id)
        subscription_row = self.connection.execute(
            select(subscriptions).where(subscriptions.c.id == subscription.id)
        ).first()
        return _lateness_columns(subscription_row, edition, self.now, first_failed)

    def _advance_next_due(self, subscription: Subscription, edition: date) -> None:
        """Move the subscription's next edition past this one and past `now`.

        A next edition that is later than this one stays, and so does an earlier one that is not due yet. The
        edition itself may be claimed before its due time.
        """
        coming = next_due_edition(subscription.schedule, self.now)
        while coming.edition <= edition:
            coming = next_due_edition(subscription.schedule, coming.at)
        is_passed = or_(subscriptions.c.next_edition.is_(None), subscriptions.c.next_edition <= edition)
        is_due = or_(subscriptions.c.next_due_at <= self.now, subscriptions.c.next_edition == edition)
        self.connection.execute(
            update(subscriptions)
            .where(subscriptions.c.id == subscription.id, is_due, is_passed)
            .values(next_due_at=coming.at, next_edition=coming.edition)
        )

    # Deliveries whose retry is due, or whose lease has ended.

    def _claim_unfinished(
        self, query: Select[Any], limit: int, quota: WorkspaceQuota, kinds: Collection[DeliveryKind]
    ) -> list[Claim]:
        """Lease up to `limit` deliveries that a query finds, until it finds no more that can be claimed."""
        claims = list[Claim]()
        while len(claims) < limit:
            row_count, batch = self._claim_unfinished_batch(query, limit - len(claims), quota, kinds)
            claims += batch
            if row_count == len(batch):
                break
        return claims

    def _claim_unfinished_batch(
        self, query: Select[Any], limit: int, quota: WorkspaceQuota, kinds: Collection[DeliveryKind]
    ) -> tuple[int, list[Claim]]:
        """Lease deliveries once; return the number that was found, at most `limit`, and the claims.

        A delivery without a claim is in a full workspace, or it cannot be read.
        """
        parameters = {
            "now": self.now,
            "known_before": self.now - IMPORT_DEBOUNCE,
            "row_limit": limit,
            "excluded_workspaces": _format_workspaces(quota.full_workspaces),
            "kinds": kinds,
        }
        rows = list(self.connection.execute(query, parameters))
        # The first delivery of each subscription and kind, and the first digest of each channel.
        rows = list({(row.subscription, row.kind): row for row in reversed(rows)}.values())[::-1]
        free_ids = self._select_one_per_channel(
            [row.subscription for row in rows if row.kind == DeliveryKind.DIGEST]
        )
        rows = [row for row in rows if row.kind != DeliveryKind.DIGEST or row.subscription in free_ids]
        if not rows:
            return 0, []
        row_count = len(rows)
        subscription_query = select(subscriptions).where(
            subscriptions.c.id.in_({row.subscription for row in rows})
        )
        rows_by_id = {row.id: row for row in self.connection.execute(subscription_query)}
        workspaces = {
            row.delivery: _workspace_of(rows_by_id[row.subscription])
            for row in rows
            if row.subscription in rows_by_id
        }
        keys = set(quota.select_keys(workspaces.items(), limit))
        quota.record_claimed(workspaces[key] for key in keys)
        rows = [row for row in rows if row.delivery in keys]
        claimed_rows = {row.subscription: rows_by_id[row.subscription] for row in rows}
        subscriptions_by_id = {
            subscription.id: subscription
            for subscription in read_or_stop_subscriptions(self.connection, claimed_rows.values(), self.now)
        }
        rows = [row for row in rows if row.subscription in subscriptions_by_id]
        self._lease_again([row.delivery for row in rows])
        return row_count, self._build_claims(rows, subscriptions_by_id)

    def _lease_again(self, keys: Sequence[int]) -> None:
        """Lease deliveries for one more attempt. A lease that ended without a result counts as a crash.

        The caller holds the rows' locks.
        """
        crash_count = case((is_one_of(deliveries.c.state, LEASED), 1), else_=0)
        self.connection.execute(
            update(deliveries)
            .where(deliveries.c.id.in_(keys))
            .values(
                **self._lease_columns(),
                attempts=deliveries.c.attempts + 1,
                failures=deliveries.c.failures + crash_count,
                crashes=deliveries.c.crashes + crash_count,
            )
        )

    def _lease_columns(self) -> dict[str, Any]:
        return {
            "state": DeliveryState.CLAIMED,
            "owner": self.owner,
            "lease_until": self.now + self.lease,
            "next_try_at": None,
        }

    def _is_worker_busy(self) -> bool:
        """Return True while this worker holds a live lease."""
        own_leases = select(deliveries.c.id).where(deliveries.c.owner == self.owner, has_live_lease(self.now))
        return self.connection.execute(own_leases.limit(1)).first() is not None

    def _build_claims(
        self, rows: Sequence[Row[Any]], subscriptions_by_id: Mapping[int, Subscription]
    ) -> list[Claim]:
        """Return the claims on leased deliveries, given their rows as they were before the lease.

        Deliveries that cannot be read are given up and left out.
        """
        pages_by_delivery = fetch_page_rows(self.connection, [row.delivery for row in rows])
        claims = []
        for row in rows:
            subscription = subscriptions_by_id[row.subscription]
            try:
                planned = tuple(planned_page_from_row(page) for page in pages_by_delivery[row.delivery])
                claims.append(self._build_claim(row, subscription, planned))
            except DAMAGED_ROW_ERRORS as error:
                abandon_damaged(self.connection, row, subscription, error, self.now)
        return claims

    def _build_claim(
        self, row: Row[Any], subscription: Subscription, planned_pages: tuple[PlannedPage, ...]
    ) -> Claim:
        return Claim(
            row.delivery,
            subscription,
            row.edition,
            self.owner,
            self.now + self.lease,
            row.attempts + 1,
            planned_pages,
            empty_reason=EmptyReason(row.empty_reason) if row.empty_reason else None,
            late_until=row.late_until,
            failures=row.failures + (row.state in LEASED),
            crashes=row.crashes + (row.state in LEASED),
            kind=DeliveryKind(row.kind),
            due_at=row.due_at,
            first_missed=row.first_missed,
        )

    # Editions that are newly due.

    def _lock_due_subscriptions(
        self, limit: int, quota: WorkspaceQuota, blocked_ids: set[int]
    ) -> Sequence[Row[Any]]:
        """Lock up to `limit` due subscriptions until the transaction ends, and count them in the quota.

        Subscriptions in `blocked_ids`, and subscriptions that another process has locked, are passed over.
        """
        due_rows, skipped_ids = list[Row[Any]](), set(blocked_ids)
        while len(due_rows) < limit:
            parameters = {
                "now": self.now,
                "row_limit": limit * OVERFETCH_FACTOR,
                "excluded_workspaces": _format_workspaces(quota.full_workspaces),
                "blocked_ids": sorted(skipped_ids),
            }
            candidates = self.connection.execute(_DUE_SUBSCRIPTIONS, parameters).fetchall()
            keys = quota.select_keys(
                ((row.id, _workspace_of(row)) for row in candidates), limit - len(due_rows)
            )
            if not keys:
                break
            skipped_ids.update(keys)  # The second statement passes over what another process has just locked.
            locked = self.connection.execute(
                _DUE_SUBSCRIPTIONS_LOCKED, {"now": self.now, "keys": keys}
            ).fetchall()
            free_ids = self._select_one_per_channel(
                [*(row.id for row in due_rows), *(row.id for row in locked)]
            )
            locked = [row for row in locked if row.id in free_ids]
            quota.record_claimed(_workspace_of(row) for row in locked)
            due_rows += locked
        return due_rows

    def _select_one_per_channel(self, ids: Sequence[int]) -> set[int]:
        """Return the subscriptions whose digest can be leased now: one of each channel, the first in order.

        None of a channel of which another digest is leased, or is being leased by another process. The rows
        of all digests of these channels are locked until the transaction ends.
        """
        rows = self.connection.execute(_DIGESTS_OF_CHANNELS, {"keys": ids}).fetchall() if ids else ()
        channels: dict[int, tuple[str, str]] = {row.id: (row.platform, row.channel) for row in rows}
        neighbours = Counter(channels.values())
        shared_ids = [key for key, channel in channels.items() if neighbours[channel] > 1]
        if not shared_ids:
            return set(ids)
        locked = self.connection.execute(_LOCKED_SUBSCRIPTIONS, {"keys": shared_ids}).scalars().all()
        # In a statement of its own: it sees what a process leased that held a lock just now.
        busy = self.connection.execute(_BUSY_CHANNELS, {"keys": shared_ids, "now": self.now}).scalars().all()
        excluded = {channels[key] for key in (set(shared_ids) - set(locked)) | set(busy)}
        selected = set[int]()
        for key in ids:
            channel = channels.get(key)
            if channel not in excluded:
                selected.add(key)
            if channel is not None:
                excluded.add(channel)
        return selected

    def _begin_newest_editions(self, rows: Sequence[Row[Any]], blocked_ids: set[int]) -> list[Claim]:
        """Insert and lease the newest due digest of each subscription, and advance its next edition.

        Older unfinished digests are superseded. An edition that has a delivery already is not claimed. A
        subscription whose older edition another process has just leased is added to `blocked_ids` instead.
        """
        due = read_or_stop_subscriptions(self.connection, rows, self.now)
        if not due:
            return []
        # Cached, since most subscriptions share a few schedules.
        newest_due_of = cache(lambda schedule: newest_due_edition(schedule, self.now))
        newest = {subscription.id: newest_due_of(subscription.schedule) for subscription in due}
        editions = {key: due_edition.edition for key, due_edition in newest.items()}
        existing_keys = self._find_delivery_keys(editions)
        superseding = {key: edition for key, edition in editions.items() if key not in existing_keys}
        blocked_ids |= supersede_older(self.connection, superseding, self.now)
        due = [subscription for subscription in due if subscription.id not in blocked_ids]
        self._advance_all_next_due(due)
        new = [subscription for subscription in due if subscription.id not in existing_keys]
        if not new:
            return []
        rows_by_id = {row.id: row for row in rows}
        new_editions = {subscription.id: editions[subscription.id] for subscription in new}
        first_failed = find_first_missed(self.connection, new_editions)
        lateness = {
            key: _lateness_columns(rows_by_id[key], edition, newest[key].at, first_failed.get(key))
            for key, edition in new_editions.items()
        }
        self._insert_leased(new_editions, lateness)
        keys = self._find_delivery_keys(new_editions)
        lease_until = self.now + self.lease
        return [
            Claim(
                keys[subscription.id],
                subscription,
                new_editions[subscription.id],
                self.owner,
                lease_until,
                1,
                **lateness[subscription.id],
            )
            for subscription in new
        ]

    def _find_delivery_keys(self, editions: Mapping[int, date]) -> dict[int, int]:
        """Return the keys of the digests that exist for the editions, by subscription.

        `editions` is not empty. A subscription without a digest for its edition is left out.
        """
        parameters = {"keys": editions, "first": min(editions.values()), "last": max(editions.values())}
        return {
            row.subscription: row.id
            for row in self.connection.execute(_DELIVERIES_OF_EDITIONS, parameters)
            if row.edition == editions[row.subscription]
        }

    def _advance_all_next_due(self, due: Sequence[Subscription]) -> None:
        next_due_of = cache(lambda schedule: next_due_edition(schedule, self.now))
        next_editions = [(subscription.id, next_due_of(subscription.schedule)) for subscription in due]
        new_values = [
            {"subscription_key": key, "new_due_at": coming.at, "new_edition": coming.edition}
            for key, coming in next_editions
        ]
        update_many(self.connection, _ADVANCE_NEXT_DUE, new_values)

    def _insert_leased(self, editions: Mapping[int, date], lateness: Mapping[int, Mapping[str, Any]]) -> None:
        first_values = {"attempts": 1, "reason": "", **self._lease_columns()}
        new_rows = [
            {
                "subscription": key,
                "edition": edition,
                "kind": DeliveryKind.DIGEST,
                **first_values,
                **lateness[key],
            }
            for key, edition in editions.items()
        ]
        insert_many(self.connection, deliveries, new_rows)


def _lateness_columns(
    row: Row[Any] | None, edition: date, due_at: datetime, first_failed: date | None
) -> dict[str, Any]:
    """Return the columns for the due time of an edition and for the first missed edition before it.

    `row` is the subscription's row before its next edition was advanced. If that next edition is older than
    `edition`, it was missed; `first_failed` is an edition that was given up. `due_at` is the due time if the
    row awaits another edition.
    """
    next_edition = row.next_edition if row is not None else None
    due = row.next_due_at if row is not None and next_edition == edition else due_at
    missed = [missed for missed in (next_edition, first_failed) if missed and missed < edition]
    return {"due_at": due, "first_missed": min(missed, default=None)}


def _workspace_of(row: Row[Any]) -> Workspace:
    return row.platform, row.workspace


def _format_workspaces(workspaces: Collection[Workspace]) -> list[str]:
    return [f"{platform} {workspace}" for platform, workspace in workspaces]


def _is_free(now: InstantOrParameter, known_before: InstantOrParameter) -> ColumnElement[bool]:
    """Match deliveries that can be leased: the lease ended, the retry is due, or late papers arrived.

    Late papers count if they were known at `known_before` or earlier.
    """
    return or_(
        and_(is_one_of(deliveries.c.state, LEASED), deliveries.c.lease_until <= now),
        and_(is_one_of(deliveries.c.state, RETRYABLE), deliveries.c.next_try_at <= now),
        _has_late_papers(now, known_before),
    )


def _has_late_papers(now: InstantOrParameter, known_before: InstantOrParameter) -> ColumnElement[bool]:
    """Match empty digests that late papers reopen: known after their watermark, by `known_before`.

    Only before `late_until`, and from `next_try_at` on.
    """
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


def _is_due() -> ColumnElement[bool]:
    """Match running subscriptions whose next edition is due and not blocked by an older one."""
    due = subscriptions.alias()
    # A delivery of a later date comes from a clock that was ahead, and may wait for long.
    is_older = or_(due.c.next_edition.is_(None), deliveries.c.edition < due.c.next_edition)
    # Not correlated: the few unfinished deliveries are read once, not again for thousands of due rows.
    blocked = (
        select(deliveries.c.subscription)
        .join(due, due.c.id == deliveries.c.subscription)
        .where(is_older, blocks_newer(_NOW))
    )
    return and_(
        *running_conditions(),
        subscriptions.c.next_due_at <= _NOW,
        subscriptions.c.id.not_in(blocked),
        not_(has_busy_neighbour(_NOW)),
    )


def _select_unfinished(condition: ColumnElement[bool]) -> Select[Any]:
    """Build a query that locks unfinished deliveries that can be leased and meet a condition.

    Rows that another process has locked are passed over, and so is a delivery of a channel that has another
    one of its kind under a live lease.
    """
    other = deliveries.alias()
    # A subquery over the few deliveries that may be free: with a join, SQLite begins at every subscription.
    is_wanted = exists().where(
        subscriptions.c.id == deliveries.c.subscription,
        *running_conditions(),
        _NOT_EXCLUDED,
        # A newer edition that is due supersedes a digest of which nothing was posted.
        or_(not_(is_digest()), subscriptions.c.next_due_at > _NOW, has_begun()),
    )
    has_no_other_lease = ~exists().where(
        other.c.subscription == deliveries.c.subscription,
        other.c.kind == deliveries.c.kind,
        other.c.id != deliveries.c.id,
        has_live_lease(_NOW, other),
    )
    return (
        select(deliveries, deliveries.c.id.label("delivery"))
        .where(
            _is_free(_NOW, bindparam("known_before", type_=schema.Instant)),
            in_json_array(deliveries.c.kind, "kinds"),
            condition,
            is_wanted,
            has_no_other_lease,
            or_(not_(is_digest()), ~has_busy_neighbour(_NOW, deliveries.c.subscription)),
        )
        .order_by(deliveries.c.crashes, deliveries.c.failures, deliveries.c.id)
        .limit(bindparam("row_limit", type_=Integer))
        .with_for_update(skip_locked=True)
    )


# Built once: SQLAlchemy takes longer to build such a statement than the database to answer it.
_NOW = bindparam("now", type_=schema.Instant)
_WORKSPACE = subscriptions.c.platform + " " + subscriptions.c.workspace
_NOT_EXCLUDED = not_(in_json_array(_WORKSPACE, "excluded_workspaces"))
_IS_POISON = and_(is_one_of(deliveries.c.state, LEASED), deliveries.c.crashes >= POISON_AFTER)
_UNFINISHED, _UNFINISHED_POISON = _select_unfinished(not_(_IS_POISON)), _select_unfinished(_IS_POISON)
_OVERDUE_FIRST = subscriptions.c.next_due_at, subscriptions.c.id
_DUE_SUBSCRIPTIONS: Select[Any] = (
    select(subscriptions.c.id, subscriptions.c.platform, subscriptions.c.workspace)
    .where(_is_due(), _NOT_EXCLUDED, not_(in_json_array(subscriptions.c.id, "blocked_ids")))
    .order_by(*_OVERDUE_FIRST)
    .limit(bindparam("row_limit", type_=Integer))
)
_DUE_SUBSCRIPTIONS_LOCKED = (
    select(subscriptions)
    .where(_is_due(), in_json_array(subscriptions.c.id, "keys"))
    .order_by(*_OVERDUE_FIRST)
    .with_for_update(skip_locked=True)
)
_neighbours = subscriptions.alias("neighbours")
_DIGESTS_OF_CHANNELS = (
    select(_neighbours.c.id, _neighbours.c.platform, _neighbours.c.channel)
    .join(
        subscriptions,
        and_(
            _neighbours.c.platform == subscriptions.c.platform,
            _neighbours.c.channel == subscriptions.c.channel,
        ),
    )
    .where(in_json_array(subscriptions.c.id, "keys"))
    .distinct()
)
_LOCKED_SUBSCRIPTIONS = (
    select(subscriptions.c.id)
    .where(in_json_array(subscriptions.c.id, "keys"))
    .order_by(subscriptions.c.id)
    .with_for_update(skip_locked=True)
)
_BUSY_CHANNELS = select(subscriptions.c.id).where(
    in_json_array(subscriptions.c.id, "keys"), has_busy_neighbour(_NOW)
)
_ADVANCE_NEXT_DUE = (
    update(subscriptions)
    .where(subscriptions.c.id == bindparam("subscription_key"))
    .values(next_due_at=bindparam("new_due_at"), next_edition=bindparam("new_edition"))
)
_DELIVERIES_OF_EDITIONS = select(deliveries.c.id, deliveries.c.subscription, deliveries.c.edition).where(
    in_json_array(deliveries.c.subscription, "keys"),
    deliveries.c.edition.between(bindparam("first"), bindparam("last")),
    is_digest(),
)
