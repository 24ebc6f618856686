"""Channels and their wishes in the database. Keeps the contract of `digests.ports.Subscriptions`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from digests.model import Channel, Schedule, Style, Subscription, Wish
from digests.schedule import next_due
from digests.store import schema
from digests.store.engine import Database

subscriptions = schema.subscriptions


@dataclass(frozen=True, slots=True)
class SqlSubscriptions:
    """Subscriptions in a database of any kind."""

    database: Database

    def keep(self, wanted: Sequence[Subscription], *, now: datetime) -> None:
        with self.database.write() as connection:
            stored = {row.id: row for row in connection.execute(select(subscriptions))}
            by_channel = {_channel(row): row for row in stored.values()}
            kept = {_keep(connection, one, by_channel.get(one.channel), now) for one in wanted}
            gone = [
                row.id for row in stored.values() if row.from_settings and row.active and row.id not in kept
            ]
            for key in gone:
                connection.execute(
                    update(subscriptions).where(subscriptions.c.id == key).values(active=False)
                )

    def all(self) -> Sequence[Subscription]:
        active = select(subscriptions).where(subscriptions.c.active).order_by(subscriptions.c.id)
        with self.database.read() as connection:
            return [as_subscription(row) for row in connection.execute(active)]

    def find(self, channel: Channel) -> Subscription | None:
        same = select(subscriptions).where(
            subscriptions.c.active,
            subscriptions.c.platform == channel.platform,
            subscriptions.c.channel == channel.channel,
        )
        if channel.workspace:
            same = same.where(subscriptions.c.workspace.in_((channel.workspace, "")))
        with self.database.read() as connection:
            row = connection.execute(
                same.order_by(subscriptions.c.workspace.desc(), subscriptions.c.id)
            ).first()
        return as_subscription(row) if row else None

    def due(self, now: datetime) -> Sequence[Subscription]:
        overdue = (
            select(subscriptions)
            .where(subscriptions.c.active, subscriptions.c.next_due_at <= now)
            .order_by(subscriptions.c.next_due_at, subscriptions.c.id)
        )
        with self.database.read() as connection:
            return [as_subscription(row) for row in connection.execute(overdue)]


def _keep(connection: Connection, one: Subscription, row: Row[Any] | None, now: datetime) -> int:
    """The number of the subscription, which is made or renewed where it is not yet so."""
    values = {**_as_row(one), "from_settings": True, "active": True}
    if row is None:
        values["next_due_at"] = next_due(one.schedule, now).at
        (key,) = connection.execute(insert(subscriptions).values(values)).inserted_primary_key or (0,)
        return int(key)
    if not row.active or as_subscription(row).schedule != one.schedule:
        values["next_due_at"] = next_due(one.schedule, now).at
    connection.execute(update(subscriptions).where(subscriptions.c.id == row.id).values(values))
    return int(row.id)


def _as_row(one: Subscription) -> dict[str, Any]:
    wish, schedule = one.wish, one.schedule
    return {
        "platform": one.channel.platform,
        "workspace": one.channel.workspace,
        "channel": one.channel.channel,
        "domains": json.dumps(wish.domains),
        "keywords": json.dumps(wish.keywords),
        "muted": json.dumps(wish.muted),
        "top": wish.top,
        "min_score": wish.min_score,
        "style": wish.style,
        "at": schedule.at.isoformat(),
        "days": json.dumps(sorted(schedule.days)),
        "time_zone": schedule.time_zone,
    }


def _channel(row: Row[Any]) -> Channel:
    return Channel(row.platform, row.channel, row.workspace)


def as_subscription(row: Row[Any]) -> Subscription:
    """A row of the table, out of any query that has all of its columns."""
    wish = Wish(
        domains=tuple(json.loads(row.domains)),
        keywords=tuple(json.loads(row.keywords)),
        muted=tuple(json.loads(row.muted)),
        top=row.top,
        min_score=row.min_score,
        style=Style(row.style),
    )
    schedule = Schedule(time.fromisoformat(row.at), frozenset(json.loads(row.days)), row.time_zone)
    return Subscription(_channel(row), wish, schedule, row.id)
