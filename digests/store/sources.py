"""Implementations of `digests.ports.sources.Sources` and `Health`."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, case, func, insert, select, update

from digests.model import HealthReport, Trouble
from digests.ports.outbox import MAX_CLOCK_SKEW
from digests.ports.sources import SourceState
from digests.store import schema
from digests.store.engine import Database, insert_if_absent, upsert

health, imports, sources, turns = schema.health, schema.imports, schema.sources, schema.turns

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
"""`free_at` of a server that nobody has asked yet."""


@dataclass(frozen=True, slots=True)
class SqlSources:
    """Sources and turns in SQLite or PostgreSQL."""

    database: Database

    def load_state(self, source: str) -> SourceState:
        with self.database.read() as connection:
            row = connection.execute(select(sources).where(sources.c.name == source)).first()
        if row is None:
            return SourceState()
        return SourceState(row.position, row.last_try, row.last_success, row.failure, row.next_try_at)

    def save_state(self, source: str, state: SourceState) -> None:
        values = asdict(state)
        with self.database.write() as connection:
            if not insert_if_absent(connection, sources, {"name": source, **values}):
                connection.execute(update(sources).where(sources.c.name == source).values(values))

    def take_turn(self, server: str, owner: str, *, now: datetime, lease: timedelta) -> datetime | None:
        of_server = turns.c.name == server
        with self.database.write() as connection:
            insert_if_absent(connection, turns, {"name": server, "owner": "", "free_at": LONG_AGO})
            free_at: datetime = connection.execute(
                select(turns.c.free_at).where(of_server).with_for_update()
            ).scalar_one()
            if now < free_at <= now + MAX_CLOCK_SKEW:
                return free_at
            connection.execute(update(turns).where(of_server).values(owner=owner, free_at=now + lease))
        return None

    def end_turn(self, server: str, owner: str, *, free_at: datetime) -> None:
        own_turn = update(turns).where(turns.c.name == server, turns.c.owner == owner)
        with self.database.write() as connection:
            connection.execute(own_turn.values(owner="", free_at=free_at))

    def record_import(self, *, now: datetime) -> None:
        with self.database.write() as connection:
            connection.execute(insert(imports), {"at": now})

    def count_papers(self) -> int:
        with self.database.read() as connection:
            return connection.execute(select(func.count()).select_from(schema.papers)).scalar_one()

    def last_import(self) -> datetime | None:
        with self.database.read() as connection:
            newest: datetime | None = connection.execute(select(func.max(imports.c.at))).scalar()
            return newest


@dataclass(frozen=True, slots=True)
class SqlHealth:
    """Health reports in SQLite or PostgreSQL."""

    database: Database

    def report(
        self,
        subject: str,
        trouble: Trouble | None,
        *,
        detail: str = "",
        waiting_count: int = 0,
        now: datetime,
    ) -> None:
        kind = trouble or ""
        values = {"trouble": kind, "detail": detail, "waiting_count": waiting_count, "reported_at": now}
        since = case((health.c.trouble == kind, health.c.since), else_=now)
        with self.database.write() as connection:
            upsert(
                connection, health, {"subject": subject, "since": now, **values}, {**values, "since": since}
            )

    def latest_reports(self) -> Sequence[HealthReport]:
        return self._fetch_reports(select(health))

    def troubles(self, since: datetime) -> Sequence[HealthReport]:
        return self._fetch_reports(
            select(health).where(health.c.trouble != "", health.c.reported_at >= since)
        )

    def _fetch_reports(self, query: Select[Any]) -> list[HealthReport]:
        with self.database.read() as connection:
            return [
                _health_report_from_row(row) for row in connection.execute(query.order_by(health.c.subject))
            ]


def _health_report_from_row(row: Row[Any]) -> HealthReport:
    trouble = Trouble(row.trouble) if row.trouble else None
    return HealthReport(row.subject, trouble, row.detail, row.waiting_count, row.since, row.reported_at)
