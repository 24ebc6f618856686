"""Weekly recaps: begun after the first digest of a week. Runs inside the caller's transaction."""

import logging
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, exists, or_, select, update

from digests.errors import StoreError
from digests.ports.outbox import DeliveryKind, DeliveryState
from digests.recap import find_newest_recap, find_next_recap
from digests.schedule import DueEdition
from digests.store import schema
from digests.store.engine import insert_if_absent
from digests.store.outbox.conditions import LEASED, RETRYABLE, is_digest, is_one_of
from digests.store.subscriptions import running_conditions, subscription_from_row

deliveries, subscriptions = schema.deliveries, schema.subscriptions

log = logging.getLogger(__name__)

_DAY = timedelta(days=1)


def begin_recaps(connection: Connection, now: datetime, limit: int) -> None:
    """Insert the deliveries of up to `limit` recaps that are due, and set the time of each next one.

    A recap waits for the digest of its hour: until that is posted, empty or given up. A digest that has just
    got a recap gets the first one at its next hour. A week has one recap, also if the schedule is changed.
    Rows that another process has locked are passed over.
    """
    unfinished = (
        exists()
        .where(
            deliveries.c.subscription == subscriptions.c.id,
            is_digest(),
            or_(is_one_of(deliveries.c.state, LEASED), is_one_of(deliveries.c.state, RETRYABLE)),
        )
        .correlate(subscriptions)
    )
    recap_at = subscriptions.c.next_recap_at
    due = (
        select(subscriptions)
        .where(
            subscriptions.c.recap,
            or_(recap_at.is_(None), (recap_at <= now) & (subscriptions.c.next_due_at > now) & ~unfinished),
            *running_conditions(),
        )
        .order_by(recap_at, subscriptions.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=subscriptions)
    )
    for row in connection.execute(due).fetchall():
        try:
            schedule = subscription_from_row(row).schedule
        except StoreError as error:
            log.error("digest %d: %s", row.id, error)
            _set_next_recap(connection, row.id, now + _DAY)
            continue
        if row.next_recap_at is not None:
            recap = find_newest_recap(schedule, now)
            # An earlier one was due by another schedule, or before the digest had recaps.
            awaited = row.next_recap_at.astimezone(ZoneInfo(schedule.time_zone)).date()
            if recap.edition >= awaited and not _has_recap_in_week(connection, row.id, recap.edition):
                _insert_recap(connection, row.id, recap, now)
        _set_next_recap(connection, row.id, find_next_recap(schedule, now).at)


def _set_next_recap(connection: Connection, key: int, at: datetime) -> None:
    connection.execute(update(subscriptions).where(subscriptions.c.id == key).values(next_recap_at=at))


def _has_recap_in_week(connection: Connection, key: int, edition: date) -> bool:
    monday = edition - edition.weekday() * _DAY
    of_week = select(deliveries.c.id).where(
        deliveries.c.subscription == key,
        deliveries.c.kind == DeliveryKind.RECAP,
        deliveries.c.edition.between(monday, monday + 6 * _DAY),
    )
    return connection.execute(of_week).first() is not None


def _insert_recap(connection: Connection, key: int, recap: DueEdition, now: datetime) -> None:
    """Insert the delivery of a recap, which waits to be leased."""
    row = {
        "subscription": key,
        "edition": recap.edition,
        "kind": DeliveryKind.RECAP,
        "attempts": 0,
        "reason": "",
        "state": DeliveryState.RETRYING,
        "owner": "",
        "next_try_at": now,
        "due_at": recap.at,
        "first_missed": None,
    }
    insert_if_absent(connection, deliveries, row)
