"""Implementation of `digests.ports.overview.Overview`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select

from digests.ports.delivery_reports import ChannelStatus
from digests.ports.metrics import LATE_AFTER
from digests.ports.outbox import DeliveryState
from digests.ports.overview import DigestFilter, DigestPage, WorkspaceDigests
from digests.store import schema
from digests.store.engine import Database
from digests.store.outbox.conditions import LEASED, is_digest, is_one_of
from digests.store.outbox.reports import fetch_statuses

digests, deliveries = schema.subscriptions, schema.deliveries

_BAD = (DeliveryState.FAILED, DeliveryState.RETRYING, DeliveryState.UNKNOWN)

_IS_RUNNING = and_(digests.c.active, digests.c.paused_by == "", digests.c.stop_reason == "")


@dataclass(frozen=True, slots=True)
class SqlOverview:
    """An overview of SQLite or PostgreSQL."""

    database: Database

    def list_workspaces(self) -> Sequence[WorkspaceDigests]:
        # Sums over an index's order: grouping by the state too would sort every row.
        is_paused = and_(digests.c.stop_reason == "", digests.c.paused_by != "")
        kinds = {"running": _IS_RUNNING, "paused": is_paused, "stopped": digests.c.stop_reason != ""}
        sums = [func.sum(case((kind, 1), else_=0)).label(name) for name, kind in kinds.items()]
        place = (digests.c.platform, digests.c.workspace)
        query = select(*place, *sums).where(digests.c.active).group_by(*place).order_by(*place)
        with self.database.read() as connection:
            rows = connection.execute(query).fetchall()
        return [
            WorkspaceDigests(row.platform, row.workspace, {name: getattr(row, name) for name in kinds})
            for row in rows
        ]

    def list_digests(self, wanted: DigestFilter, *, now: datetime, offset: int, limit: int) -> DigestPage:
        order = (digests.c.platform, digests.c.workspace, digests.c.channel, digests.c.name)
        is_wanted = _is_wanted(wanted, now)
        # The count comes with the rows: to find those in trouble costs as much as both.
        query = select(digests.c.id, func.count().over().label("count")).where(is_wanted).order_by(*order)
        with self.database.read() as connection:
            rows = connection.execute(query.offset(offset).limit(limit)).fetchall()
            if rows:
                count = rows[0][1]
            else:  # Behind the end.
                total = select(func.count()).select_from(digests).where(is_wanted)
                count = connection.execute(total).scalar_one()
            keys = [row.id for row in rows]
            found = {each.key: each for each in fetch_statuses(connection, digests.c.id.in_(keys))}
        return DigestPage([found[key] for key in keys if key in found], count)

    def find_digest(self, key: int) -> ChannelStatus | None:
        with self.database.read() as connection:
            found = fetch_statuses(connection, digests.c.id == key)
        return found[0] if found else None


def _is_wanted(wanted: DigestFilter, now: datetime) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = [digests.c.active]
    if wanted.words:
        named = (digests.c.channel, digests.c.workspace, digests.c.name)
        words = wanted.words.lower()
        conditions.append(or_(*(func.lower(column).contains(words, autoescape=True) for column in named)))
    if wanted.platform:
        conditions.append(digests.c.platform == wanted.platform)
    if wanted.workspace:
        conditions.append(digests.c.workspace == wanted.workspace)
    if wanted.is_in_trouble:
        conditions.append(_is_in_trouble(now))
    return and_(*conditions)


def _is_in_trouble(now: datetime) -> ColumnElement[bool]:
    """Build the condition that the sentence about a digest's problem is not empty.

    It leaves out posted editions of which a message may be missing: to find them, every page would be read.
    """
    late = now - LATE_AFTER
    newer = deliveries.alias("newer")
    is_newest = ~exists().where(
        newer.c.subscription == deliveries.c.subscription,
        newer.c.kind == deliveries.c.kind,
        newer.c.edition > deliveries.c.edition,
    )
    is_bad = or_(
        is_one_of(deliveries.c.state, _BAD),
        and_(is_one_of(deliveries.c.state, LEASED), deliveries.c.lease_until < late),
    )
    bad = select(deliveries.c.subscription).where(is_bad, is_digest(), is_newest)
    return or_(
        digests.c.stop_reason != "",
        and_(_IS_RUNNING, digests.c.next_due_at < late),
        digests.c.id.in_(bad),
    )
