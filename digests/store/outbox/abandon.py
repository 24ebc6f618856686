"""Abandoning: the end of a delivery in `FAILED`, after which the papers it did not show are considered again.

`abandon_claimed` does it for the worker that holds the delivery: `bot/delivery/deliver.py` decides when. The
store does it in four more places, all below. `Claimer` calls `abandon_damaged` for a delivery that cannot be
read, and `supersede_older` where a newer edition replaces it. `digests/store/subscriptions.py` calls
`abandon_paused` when a channel runs again after a pause or a stop, and `abandon_due_edition` for a
subscription that cannot be read.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Select,
    case,
    delete,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    tuple_,
    update,
)

from digests.ports.outbox import POSSIBLY_POSTED, Claim, DeliveryKind, DeliveryState, PageState
from digests.store import schema
from digests.store.engine import in_json_array, insert_if_absent
from digests.store.outbox.conditions import (
    DELIVERED,
    LEASED,
    RETRYABLE,
    has_begun,
    has_live_lease,
    is_digest,
    is_one_of,
)
from digests.store.outbox.pages import UNREADABLE_REASON
from digests.store.outbox.writes import update_delivery
from digests.subscription import Subscription

log = logging.getLogger(__name__)

deliveries, pages, shown_papers = schema.deliveries, schema.pages, schema.shown_papers

ACKNOWLEDGED = datetime(9999, 1, 1, tzinfo=UTC)
"""Value of `notify_at` for a failure notice that was acknowledged: it is never due."""
SUPERSEDED_REASON = "A newer edition came before this one was done."
"""Reason of a digest that gave way to a newer edition."""
PAUSED_REASON = "The digest was paused or stopped before this was done."
"""Reason of a delivery that a pause or a stop left unfinished."""


def _abandoned_columns(reason: str) -> dict[str, Any]:
    """Return the column values of an abandoned delivery.

    It has no watermark, so that its papers are considered again.
    """
    state = {"state": DeliveryState.FAILED, "reason": reason}
    return {**state, "lease_until": None, "next_try_at": None, "watermark": None}


def abandon_claimed(
    connection: Connection,
    claim: Claim,
    reason: str,
    now: datetime,
    *,
    stop_subscription: bool,
    unknown_is_lost: bool,
) -> None:
    """Give a claimed delivery up, in the caller's transaction, as `Outbox.abandon` says.

    Raises LeaseLostError.
    """
    table, subscription = schema.subscriptions, claim.subscription
    notify_at = (
        func.coalesce(deliveries.c.notify_at, literal(now, schema.Instant)) if subscription.owner_id else None
    )
    update_delivery(connection, claim, **_abandoned_columns(reason), notify_at=notify_at)
    _return_unseen_papers(connection, [claim.id], include_unknown=unknown_is_lost)
    if stop_subscription:
        running_row = update(table).where(table.c.id == subscription.id, table.c.stop_reason == "")
        connection.execute(running_row.values(stop_reason=reason))


def abandon_damaged(
    connection: Connection, row: Row[Any], subscription: Subscription, error: Exception, now: datetime
) -> None:
    """Give up a delivery whose row or pages cannot be read, log it, and queue the failure notice.

    `row` is the delivery's row, `error` the reason. Without an owner there is no notice.
    """
    reason = UNREADABLE_REASON.format(error)
    log.error("%s, %s: %s Given up.", subscription.channel, row.edition, reason)
    damaged_delivery = update(deliveries).where(deliveries.c.id == row.delivery)
    notify_at = now if subscription.owner_id else None
    connection.execute(damaged_delivery.values(**_abandoned_columns(reason), notify_at=notify_at))
    _return_unseen_papers(connection, [row.delivery])


def reopen_failed(
    connection: Connection,
    subscription_id: int,
    edition: date,
    now: datetime,
    kind: DeliveryKind = DeliveryKind.DIGEST,
) -> None:
    """Make a failed delivery due at `now`, without its plan and with no failures.

    Does nothing if the edition has no failed delivery of this kind, or if one of its pages is, or may be, in
    the channel. A failure notice that was not acknowledged is withdrawn.
    """
    has_no_posted_page = ~exists().where(
        pages.c.delivery == deliveries.c.id, pages.c.state != PageState.PLANNED
    )
    delivery_key = connection.execute(
        select(deliveries.c.id).where(
            deliveries.c.subscription == subscription_id,
            deliveries.c.edition == edition,
            deliveries.c.kind == kind,
            deliveries.c.state == DeliveryState.FAILED,
            has_no_posted_page,
        )
    ).scalar()
    if delivery_key is not None:
        fresh_values = {
            "state": DeliveryState.RETRYING,
            "next_try_at": now,
            "reason": "",
            "notify_at": case((deliveries.c.notify_at == ACKNOWLEDGED, deliveries.c.notify_at)),
            "empty_reason": "",
        }
        connection.execute(delete(pages).where(pages.c.delivery == delivery_key))
        connection.execute(
            update(deliveries)
            .where(deliveries.c.id == delivery_key)
            .values(**fresh_values, failures=0, crashes=0)
        )


def _return_unseen_papers(
    connection: Connection, keys: Sequence[int], *, include_unknown: bool = False
) -> None:
    """Forget that deliveries showed the papers of pages that nobody saw; a later digest can pick them.

    The files of pages are forgotten too. `keys` are those of the deliveries. A page counts as seen in
    `POSTED`, `SKIPPED` and `POSTING`; with `include_unknown`, not in `POSTING`.
    """
    seen_states = [state for state in POSSIBLY_POSTED if not (include_unknown and state is PageState.POSTING)]
    unseen_pages = select(pages.c.delivery, pages.c.number).where(
        pages.c.delivery.in_(keys), pages.c.state.not_in(seen_states)
    )
    page = tuple_(shown_papers.c.delivery, shown_papers.c.page)
    connection.execute(delete(shown_papers).where(shown_papers.c.delivery.in_(keys), page.in_(unseen_pages)))
    has_file = (pages.c.delivery.in_(keys), pages.c.file.is_not(None))
    connection.execute(update(pages).where(*has_file).values(file=None))


_UNFINISHED_DELIVERIES = select(
    deliveries.c.id, deliveries.c.subscription, deliveries.c.edition, deliveries.c.kind
).where(
    in_json_array(deliveries.c.subscription, "subscriptions"),
    is_one_of(deliveries.c.state, LEASED + RETRYABLE),
)


_UNFINISHED_DIGESTS = _UNFINISHED_DELIVERIES.where(is_digest())


def supersede_older(connection: Connection, before: Mapping[int, date], now: datetime) -> set[int]:
    """Give up the unfinished digests of some subscriptions for editions before their dates in `before`.

    Leased ones are left alone. No failure notice is queued. Returns the subscriptions that have such a digest
    left, because another process has leased it in the meantime.
    """
    return _abandon_older(connection, _UNFINISHED_DIGESTS, before, SUPERSEDED_REASON, now)


def abandon_paused(connection: Connection, before: Mapping[int, date], now: datetime) -> None:
    """Give up the unfinished deliveries, of all kinds, that a pause left before the dates in `before`.

    Leased ones are left alone. No failure notice is queued.
    """
    _abandon_older(connection, _UNFINISHED_DELIVERIES, before, PAUSED_REASON, now)


def _abandon_older(
    connection: Connection, query: Select[Any], before: Mapping[int, date], reason: str, now: datetime
) -> set[int]:
    older = _find_older(connection, query, before)
    if not older:
        return set()
    # Rows that another process has just locked are passed over: it is about to lease them.
    unleased = query.where(not_(has_live_lease(now))).with_for_update(skip_locked=True)
    abandoned_keys = list(_find_older(connection, unleased, before))
    connection.execute(
        update(deliveries).where(deliveries.c.id.in_(abandoned_keys)).values(**_abandoned_columns(reason))
    )
    _return_unseen_papers(connection, abandoned_keys)
    return {subscription for key, subscription in older.items() if key not in abandoned_keys}


def abandon_due_edition(connection: Connection, row: Row[Any], reason: str, now: datetime) -> None:
    """Give up the unfinished deliveries of a subscription, and queue failure notices for its owner.

    `row` is the subscription's row; without an owner there is no notice. Leased deliveries are left to their
    workers. If none of the others is a digest and the next edition is due, a failed delivery is inserted for
    that edition.
    """
    failed_values = {**_abandoned_columns(reason), "notify_at": now if row.owner_id else None}
    unleased = _UNFINISHED_DELIVERIES.where(not_(has_live_lease(now))).with_for_update(skip_locked=True)
    begun = connection.execute(unleased, {"subscriptions": [row.id]}).fetchall()
    if begun:
        begun_keys = [delivery.id for delivery in begun]
        connection.execute(update(deliveries).where(deliveries.c.id.in_(begun_keys)).values(**failed_values))
        _return_unseen_papers(connection, begun_keys)
    if row.next_due_at <= now and not any(delivery.kind == DeliveryKind.DIGEST for delivery in begun):
        edition = row.next_edition or row.next_due_at.date()
        new = {
            "subscription": row.id,
            "edition": edition,
            "due_at": row.next_due_at,
            "owner": "",
            "attempts": 0,
        }
        insert_if_absent(connection, deliveries, {**new, **failed_values})


def _find_older(connection: Connection, query: Select[Any], before: Mapping[int, date]) -> dict[int, int]:
    """Return the keys of the deliveries before their subscription's date, each with its subscription's id."""
    rows = connection.execute(query, {"subscriptions": before})
    return {row.id: row.subscription for row in rows if row.edition < before[row.subscription]}


def find_first_missed(connection: Connection, before: Mapping[int, date]) -> dict[int, date]:
    """Return the first missed edition of each subscription before its date in `before`.

    An edition is missed if its digest was given up, other than by a pause, with nothing in the channel. Only
    editions after the last delivered one count, and only those since the channel was last subscribed or
    resumed. Subscriptions that missed none are left out.
    """
    runs_since = schema.subscriptions.c.running_since
    failed = (
        select(deliveries.c.subscription, deliveries.c.edition)
        .join(schema.subscriptions, schema.subscriptions.c.id == deliveries.c.subscription)
        .where(
            deliveries.c.subscription.in_(before),
            is_digest(),
            deliveries.c.state == DeliveryState.FAILED,
            deliveries.c.reason != PAUSED_REASON,
            or_(runs_since.is_(None), deliveries.c.edition >= runs_since),
            ~has_begun(),
        )
    )
    rows = [row for row in connection.execute(failed) if row.edition < before[row.subscription]]
    if not rows:
        return {}
    delivered_query = (
        select(deliveries.c.subscription, func.max(deliveries.c.edition).label("edition"))
        .where(
            deliveries.c.subscription.in_({row.subscription for row in rows}),
            is_digest(),
            or_(deliveries.c.state.in_(DELIVERED), has_begun()),
        )
        .group_by(deliveries.c.subscription)
    )
    last_delivered = {row.subscription: row.edition for row in connection.execute(delivered_query)}
    first_missed = dict[int, date]()
    for row in sorted(rows, key=lambda row: row.edition):
        if row.edition > last_delivered.get(row.subscription, date.min):
            first_missed.setdefault(row.subscription, row.edition)
    return first_missed
