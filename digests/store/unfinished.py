"""Deliveries that are not done, and giving them up so that nothing they did not show is lost."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, or_, select, tuple_, update

from digests.ports import DeliveryState, PageState
from digests.store import schema

deliveries, pages, shown = schema.deliveries, schema.pages, schema.shown

HELD = (DeliveryState.CLAIMED, DeliveryState.POSTING)
"""A process is at it, until its lease ends."""
PUT_OFF = (DeliveryState.WAITING, DeliveryState.UNKNOWN)
"""It waits for its hour."""


def given_up(reason: str) -> dict[str, Any]:
    """What a delivery's row says once it is given up: what it considered is considered again."""
    state = {"state": DeliveryState.FAILED, "reason": reason}
    return {**state, "lease_until": None, "next_try_at": None, "considered_to": None}


def take_back(connection: Connection, keys: Sequence[int]) -> None:
    """Papers on pages that never went out were not shown."""
    never_went_out = select(pages.c.delivery, pages.c.number).where(
        pages.c.delivery.in_(keys), pages.c.state.in_([PageState.PLANNED, PageState.CHANGING])
    )
    page = tuple_(shown.c.delivery, shown.c.page)
    connection.execute(delete(shown).where(shown.c.delivery.in_(keys), page.in_(never_went_out)))


def give_up(connection: Connection, before: Mapping[int, date], reason: str, now: datetime) -> None:
    """Give up what is not done and nobody is at, of these subscriptions and of editions before these dates."""
    rows = connection.execute(
        select(deliveries.c.id, deliveries.c.subscription, deliveries.c.edition)
        .where(
            deliveries.c.subscription.in_(before),
            or_(
                deliveries.c.state.in_(PUT_OFF),
                and_(deliveries.c.state.in_(HELD), deliveries.c.lease_until <= now),
            ),
        )
        .with_for_update(skip_locked=True)
    )
    older = [row.id for row in rows if row.edition < before[row.subscription]]
    if older:
        connection.execute(update(deliveries).where(deliveries.c.id.in_(older)).values(**given_up(reason)))
        take_back(connection, older)
