"""How sources and the reviewer are, in the database. Keeps the contract of `digests.ports.health.Health`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, case, select

from digests.model import HealthReport, Trouble
from digests.store import schema
from digests.store.engine import Database, upsert

health = schema.health


@dataclass(frozen=True, slots=True)
class SqlHealth:
    """Health in a database of any kind."""

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
