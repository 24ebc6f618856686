"""Failure notices in the database. Implements `digests.ports.failure_notices.FailureNotices`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from digests.ports.failure_notices import FailureNotice
from digests.ports.outbox import DeliveryKind
from digests.store import schema
from digests.store.engine import Database
from digests.store.outbox.abandon import ACKNOWLEDGED
from digests.store.outbox.conditions import is_one_of
from digests.store.subscriptions import subscription_or_stub_from_row

deliveries = schema.deliveries


@dataclass(frozen=True, slots=True)
class SqlFailureNotices:
    database: Database

    def due(self, *, now: datetime, retry_after: timedelta, limit: int) -> Sequence[FailureNotice]:
        table = schema.subscriptions
        waiting = (
            select(*(deliveries.c[name] for name in ("id", "subscription", "edition", "kind", "reason")))
            .where(deliveries.c.notify_at <= now, is_one_of(deliveries.c.kind, DeliveryKind))
            .order_by(deliveries.c.notify_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        with self.database.write() as connection:
            rows = connection.execute(waiting).fetchall()
            if not rows:
                return []
            subscription_query = select(table).where(table.c.id.in_({row.subscription for row in rows}))
            subscriptions_by_id = {
                row.id: subscription_or_stub_from_row(row) for row in connection.execute(subscription_query)
            }
            claimed_notices = update(deliveries).where(deliveries.c.id.in_([row.id for row in rows]))
            connection.execute(claimed_notices.values(notify_at=now + retry_after))
        return [
            FailureNotice(
                row.id,
                subscriptions_by_id[row.subscription],
                row.edition,
                DeliveryKind(row.kind),
                row.reason,
            )
            for row in rows
        ]

    def acknowledge(self, notice: FailureNotice, *, retry_at: datetime | None = None) -> None:
        notice_update = update(deliveries).where(deliveries.c.id == notice.delivery_id)
        with self.database.write() as connection:
            connection.execute(notice_update.values(notify_at=retry_at or ACKNOWLEDGED))
