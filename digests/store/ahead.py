"""What a clock that was ahead left behind, once it is set back."""

from datetime import datetime, timedelta

from sqlalchemy import Column, ColumnElement, Connection, and_, delete, exists, not_, select, update

from digests.ports import FURTHEST, DeliveryState, PageState
from digests.store import schema
from digests.store.unfinished import HELD, PUT_OFF, TOLD

deliveries, pages, shown = schema.deliveries, schema.pages, schema.shown
edits, queue = schema.edits, schema.review_queue

NEWEST = timedelta(days=2)
"""No edition of today or tomorrow has a date further ahead of UTC's, wherever its channel is or has been."""


def bring_back(connection: Connection, now: datetime, lease: timedelta) -> None:
    """Nothing is held longer than a lease, or waits at all, that does so until an hour further ahead than `FURTHEST`.

    But an edition of a coming day of which nobody has seen anything waits for its own hour, as if it had not been planned.
    """
    _put_back(connection, now)
    held = update(deliveries).where(deliveries.c.state.in_(HELD), deliveries.c.lease_until > now + FURTHEST)
    connection.execute(held.values(lease_until=now + lease))
    waits = deliveries.c.state.in_(PUT_OFF)
    _wait_no_more(connection, deliveries.c.next_try_at, now, waits, not_(_of_a_coming_day(now)))
    untold = deliveries.c.tell_at != TOLD
    _wait_no_more(connection, deliveries.c.tell_at, now, untold)
    for hour in (edits.c.due_at, edits.c.not_before, queue.c.next_try_at):
        _wait_no_more(connection, hour, now)


def _wait_no_more(
    connection: Connection, hour: Column[datetime], now: datetime, *where: ColumnElement[bool]
) -> None:
    connection.execute(update(hour.table).where(hour > now + FURTHEST, *where).values({hour.name: now}))


def _of_a_coming_day(now: datetime) -> ColumnElement[bool]:
    """Whether a delivery is of an edition of the time to come, and nothing of it stands in its channel, or may."""
    is_there = exists().where(pages.c.delivery == deliveries.c.id, pages.c.state != PageState.PLANNED)
    return and_(deliveries.c.edition > (now + NEWEST).date(), deliveries.c.due_at > now, not_(is_there))


def _put_back(connection: Connection, now: datetime) -> None:
    begun = select(deliveries.c.id).where(deliveries.c.state.in_(HELD + PUT_OFF), _of_a_coming_day(now))
    keys = connection.execute(begun.with_for_update(skip_locked=True)).scalars().all()
    if not keys:
        return
    connection.execute(delete(shown).where(shown.c.delivery.in_(keys)))
    connection.execute(delete(pages).where(pages.c.delivery.in_(keys)))
    waiting = {"state": DeliveryState.WAITING, "lease_until": None, "considered_to": None}
    connection.execute(
        update(deliveries).where(deliveries.c.id.in_(keys)).values(**waiting, next_try_at=deliveries.c.due_at)
    )
