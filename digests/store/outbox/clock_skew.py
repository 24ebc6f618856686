"""Repair of timestamps that a clock with too much skew has stored."""

from datetime import datetime, timedelta

from sqlalchemy import Column, ColumnElement, Connection, and_, delete, exists, not_, select, update

from digests.ports.outbox import MAX_CLOCK_SKEW, DeliveryState, PageState
from digests.store import schema
from digests.store.outbox.abandon import ACKNOWLEDGED
from digests.store.outbox.conditions import LEASED, RETRYABLE

deliveries, pages, shown_papers = schema.deliveries, schema.pages, schema.shown_papers
post_edits, review_queue = schema.post_edits, schema.review_queue

MAX_RECAP_AHEAD = timedelta(days=16)
"""Longest time until the next recap: of a digest of every second week, in any time zone."""

MAX_EDITION_AHEAD = timedelta(days=2)
"""Longest time by which the date of tomorrow's edition can be ahead of the UTC date, in any time zone."""


def repair_future_timestamps(connection: Connection, now: datetime, lease: timedelta) -> None:
    """Reset timestamps more than `MAX_CLOCK_SKEW` ahead, as `Outbox.repair_future_timestamps` says.

    Leases then end at `now` plus `lease`. Retries, failure notices, post edits and queued reviews are due
    now. A future edition of which nothing was posted loses its plan and waits for its own due time.
    """
    _reset_future_editions(connection, now)
    leased = update(deliveries).where(
        deliveries.c.state.in_(LEASED), deliveries.c.lease_until > now + MAX_CLOCK_SKEW
    )
    connection.execute(leased.values(lease_until=now + lease))
    retryable = deliveries.c.state.in_(RETRYABLE)
    _reset_future_instants(
        connection, deliveries.c.next_try_at, now, retryable, not_(_is_unposted_future_edition(now))
    )
    unacknowledged = deliveries.c.notify_at != ACKNOWLEDGED
    _reset_future_instants(connection, deliveries.c.notify_at, now, unacknowledged)
    recap_at = schema.subscriptions.c.next_recap_at
    ahead = update(schema.subscriptions).where(recap_at > now + MAX_RECAP_AHEAD)
    connection.execute(ahead.values(next_recap_at=None))
    for column in (post_edits.c.due_at, post_edits.c.not_before, review_queue.c.next_try_at):
        _reset_future_instants(connection, column, now)


def _reset_future_instants(
    connection: Connection, column: Column[datetime], now: datetime, *conditions: ColumnElement[bool]
) -> None:
    connection.execute(
        update(column.table).where(column > now + MAX_CLOCK_SKEW, *conditions).values({column.name: now})
    )


def _is_unposted_future_edition(now: datetime) -> ColumnElement[bool]:
    """Match deliveries of future editions of which nothing is, or may be, in the channel.

    A future edition is not due yet, and its date is more than `MAX_EDITION_AHEAD` after `now`.
    """
    has_posted_page = exists().where(pages.c.delivery == deliveries.c.id, pages.c.state != PageState.PLANNED)
    return and_(
        deliveries.c.edition > (now + MAX_EDITION_AHEAD).date(),
        deliveries.c.due_at > now,
        not_(has_posted_page),
    )


def _reset_future_editions(connection: Connection, now: datetime) -> None:
    unposted = select(deliveries.c.id).where(
        deliveries.c.state.in_(LEASED + RETRYABLE), _is_unposted_future_edition(now)
    )
    keys = connection.execute(unposted.with_for_update(skip_locked=True)).scalars().all()
    if not keys:
        return
    connection.execute(delete(shown_papers).where(shown_papers.c.delivery.in_(keys)))
    connection.execute(delete(pages).where(pages.c.delivery.in_(keys)))
    reset_values = {"state": DeliveryState.RETRYING, "lease_until": None, "watermark": None}
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id.in_(keys))
        .values(**reset_values, next_try_at=deliveries.c.due_at)
    )
