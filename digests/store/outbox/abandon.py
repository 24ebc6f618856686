"""Deliveries that are not done, and giving them up so that nothing they did not show is lost."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    case,
    delete,
    exists,
    func,
    not_,
    or_,
    select,
    tuple_,
    update,
)

from digests.ports.outbox import POSSIBLY_POSTED, DeliveryKind, DeliveryState, PageState
from digests.store import schema
from digests.store.engine import in_json_array, insert_if_absent

deliveries, pages, shown_papers = schema.deliveries, schema.pages, schema.shown_papers

LEASED = (DeliveryState.CLAIMED, DeliveryState.POSTING)
"""A process is at it, until its lease ends."""
RETRYABLE = (DeliveryState.RETRYING, DeliveryState.UNKNOWN)
"""It waits for its hour."""
DELIVERED = (DeliveryState.POSTED, DeliveryState.EMPTY)
"""Its channel has it."""

ACKNOWLEDGED = datetime(9999, 1, 1, tzinfo=UTC)
"""When its owner, who knows of it, is to be told next."""
SUPERSEDED_REASON = "A newer edition came before this one was done."
PAUSED_REASON = "The digest was paused or stopped before this was done."


InstantOrParameter = datetime | ColumnElement[Any]
"""An instant, or the parameter that will be one."""


def is_one_of(state: ColumnElement[Any], states: Iterable[str]) -> ColumnElement[bool]:
    """Not IN, whose list is written out anew at every call: these are in the ledger's commonest statements."""
    return or_(*(state == one for one in states))


def is_digest(table: Any = deliveries) -> ColumnElement[bool]:
    """Match digests: only they follow one another, one at a time."""
    return table.c.kind == DeliveryKind.DIGEST  # type: ignore[no-any-return]


def has_live_lease(now: InstantOrParameter, table: Any = deliveries) -> ColumnElement[bool]:
    """Whether a process is at a delivery."""
    return and_(is_one_of(table.c.state, LEASED), table.c.lease_until > now)


def has_begun(table: Any = deliveries) -> ColumnElement[bool]:
    """Whether some of a delivery stands in its channel, or may. A page that is only to change is not of it yet."""
    possibly_posted_page = exists().where(
        pages.c.delivery == table.c.id, is_one_of(pages.c.state, POSSIBLY_POSTED)
    )
    return possibly_posted_page.correlate(table)  # Said, because it is asked in subqueries of subqueries too.


def blocks_newer(now: InstantOrParameter, table: Any = deliveries) -> ColumnElement[bool]:
    """Whether a delivery is to be finished before another edition of its channel begins: readers have seen some of it, or
    are just about to."""
    return and_(
        is_digest(table),
        is_one_of(table.c.state, LEASED + RETRYABLE),
        or_(has_live_lease(now, table), has_begun(table)),
    )


def abandoned_columns(reason: str) -> dict[str, Any]:
    """What a delivery's row says once it is given up: what it considered is considered again."""
    state = {"state": DeliveryState.FAILED, "reason": reason}
    return {**state, "lease_until": None, "next_try_at": None, "watermark": None}


def reopen_failed(
    connection: Connection,
    subscription_id: int,
    edition: date,
    now: datetime,
    kind: DeliveryKind = DeliveryKind.DIGEST,
) -> None:
    """Let an edition that was given up with nothing in its channel be built and tried anew."""
    has_no_posted_page = ~exists().where(
        pages.c.delivery == deliveries.c.id, pages.c.state != PageState.PLANNED
    )
    key = connection.execute(
        select(deliveries.c.id).where(
            deliveries.c.subscription == subscription_id,
            deliveries.c.edition == edition,
            deliveries.c.kind == kind,
            deliveries.c.state == DeliveryState.FAILED,
            has_no_posted_page,
        )
    ).scalar()
    if key is not None:
        fresh_values = {
            "state": DeliveryState.RETRYING,
            "next_try_at": now,
            "reason": "",
            "notify_at": case((deliveries.c.notify_at == ACKNOWLEDGED, deliveries.c.notify_at)),
            "empty_reason": "",
        }
        connection.execute(delete(pages).where(pages.c.delivery == key))
        connection.execute(
            update(deliveries).where(deliveries.c.id == key).values(**fresh_values, failures=0, crashes=0)
        )


def return_unseen_papers(
    connection: Connection, keys: Sequence[int], *, include_unknown: bool = False
) -> None:
    """Papers on pages that never went out were not shown; with `unknown_too` neither were those of which nobody knows."""
    seen_states = [state for state in POSSIBLY_POSTED if not (include_unknown and state is PageState.POSTING)]
    unseen_pages = select(pages.c.delivery, pages.c.number).where(
        pages.c.delivery.in_(keys), pages.c.state.not_in(seen_states)
    )
    page = tuple_(shown_papers.c.delivery, shown_papers.c.page)
    connection.execute(delete(shown_papers).where(shown_papers.c.delivery.in_(keys), page.in_(unseen_pages)))


_UNFINISHED_DELIVERIES = select(
    deliveries.c.id, deliveries.c.subscription, deliveries.c.edition, deliveries.c.kind
).where(
    in_json_array(deliveries.c.subscription, "subscriptions"),
    is_one_of(deliveries.c.state, LEASED + RETRYABLE),
)


_UNFINISHED_DIGESTS = _UNFINISHED_DELIVERIES.where(is_digest())


def supersede_older(connection: Connection, before: Mapping[int, date], now: datetime) -> set[int]:
    """Give up the unleased, unfinished digests of these subscriptions for editions before these dates.

    Returns the subscriptions with such a digest that another process has just leased all the same.
    """
    return _abandon_older(connection, _UNFINISHED_DIGESTS, before, SUPERSEDED_REASON, now)


def abandon_paused(connection: Connection, before: Mapping[int, date], now: datetime) -> None:
    """Give up the unleased, unfinished deliveries of any kind that a pause left behind, before these dates."""
    _abandon_older(connection, _UNFINISHED_DELIVERIES, before, PAUSED_REASON, now)


def _abandon_older(
    connection: Connection, query: Select[Any], before: Mapping[int, date], reason: str, now: datetime
) -> set[int]:
    older = _find_older(connection, query, before)
    if not older:
        return set()
    unleased = query.where(not_(has_live_lease(now))).with_for_update(skip_locked=True)
    abandoned_keys = list(_find_older(connection, unleased, before))
    connection.execute(
        update(deliveries).where(deliveries.c.id.in_(abandoned_keys)).values(**abandoned_columns(reason))
    )
    return_unseen_papers(connection, abandoned_keys)
    return {subscription for key, subscription in older.items() if key not in abandoned_keys}


def fail_due_edition(connection: Connection, row: Row[Any], reason: str, now: datetime) -> None:
    """What is begun or due of the subscription with this row has failed, unless a process is at it; its owner is to be told."""
    failed_values = {**abandoned_columns(reason), "notify_at": now if row.owner_id else None}
    unleased = _UNFINISHED_DELIVERIES.where(not_(has_live_lease(now))).with_for_update(skip_locked=True)
    begun = connection.execute(unleased, {"subscriptions": [row.id]}).fetchall()
    if begun:
        begun_keys = [delivery.id for delivery in begun]
        connection.execute(update(deliveries).where(deliveries.c.id.in_(begun_keys)).values(**failed_values))
        return_unseen_papers(connection, begun_keys)
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
    """The subscriptions of those deliveries that are of editions before these dates."""
    rows = connection.execute(query, {"subscriptions": before})
    return {row.id: row.subscription for row in rows if row.edition < before[row.subscription]}


def find_first_missed(connection: Connection, before: Mapping[int, date]) -> dict[int, date]:
    """The first of the editions before these dates that were given up with nothing in their channels, since one last came,
    and since somebody last subscribed or resumed the channel."""
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
