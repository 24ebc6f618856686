"""Conditions of statements over the outbox: the state of a delivery's lease and of its pages.

Each function builds a condition. `table` is `deliveries` or an alias of it.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select

from digests.ports.outbox import POSSIBLY_POSTED, DeliveryKind, DeliveryState
from digests.store import schema

deliveries, pages, subscriptions = schema.deliveries, schema.pages, schema.subscriptions

LEASED = (DeliveryState.CLAIMED, DeliveryState.POSTING)
"""States of a delivery that a worker holds until its lease ends."""
RETRYABLE = (DeliveryState.RETRYING, DeliveryState.UNKNOWN)
"""States of a delivery that waits for `next_try_at`."""
DELIVERED = (DeliveryState.POSTED, DeliveryState.EMPTY)
"""States of a finished delivery. An empty one may have been posted or not."""

InstantOrParameter = datetime | ColumnElement[Any]
"""An instant, or a bound parameter of a prepared statement."""


def is_one_of(state: ColumnElement[Any], states: Iterable[str]) -> ColumnElement[bool]:
    """Match any of the states. Cheaper than IN, whose list SQLAlchemy expands again at every execution."""
    return or_(*(state == value for value in states))


def is_digest(table: Any = deliveries) -> ColumnElement[bool]:
    """Match digests. Of the kinds, they alone are delivered one edition after another."""
    return table.c.kind == DeliveryKind.DIGEST  # type: ignore[no-any-return]


def has_live_lease(now: InstantOrParameter, table: Any = deliveries) -> ColumnElement[bool]:
    """Match deliveries with a lease that ends after `now`."""
    return and_(is_one_of(table.c.state, LEASED), table.c.lease_until > now)


def has_begun(table: Any = deliveries) -> ColumnElement[bool]:
    """Match deliveries with a page that is, or may be, in the channel. `CHANGING` pages do not count."""
    possibly_posted_page = exists().where(
        pages.c.delivery == table.c.id, is_one_of(pages.c.state, POSSIBLY_POSTED)
    )
    # Explicit, because the condition is also used in nested subqueries.
    return possibly_posted_page.correlate(table)


def has_busy_neighbour(
    now: InstantOrParameter, subscription_id: ColumnElement[Any] = subscriptions.c.id
) -> ColumnElement[bool]:
    """Match subscriptions while another digest of their channel is leased.

    Digests of a channel are posted one after another: the later one leaves out what the earlier one shows.
    """
    own, neighbour, delivery = subscriptions.alias(), subscriptions.alias(), deliveries.alias()
    is_neighbour = and_(
        neighbour.c.platform == own.c.platform,
        neighbour.c.channel == own.c.channel,
        neighbour.c.id != own.c.id,
    )
    # Not correlated: the few leased deliveries are read once, and not again for each of thousands of rows.
    busy = (
        select(own.c.id)
        .join(neighbour, is_neighbour)
        .join(delivery, delivery.c.subscription == neighbour.c.id)
        .where(is_digest(delivery), has_live_lease(now, delivery))
    )
    return subscription_id.in_(busy)


def blocks_newer(now: InstantOrParameter, table: Any = deliveries) -> ColumnElement[bool]:
    """Match digests that must be finished before a newer edition of their channel begins.

    Such a digest is leased at `now`, or a part of it is, or may be, in the channel.
    """
    return and_(
        is_digest(table),
        is_one_of(table.c.state, LEASED + RETRYABLE),
        or_(has_live_lease(now, table), has_begun(table)),
    )
