"""How sources and the reviewer are, in the database. Keeps the contract of `digests.ports.Health`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, case, select

from digests.model import Condition, Trouble
from digests.store import schema
from digests.store.engine import Database, upsert

health = schema.health


@dataclass(frozen=True, slots=True)
class SqlHealth:
    """Health in a database of any kind."""

    database: Database

    def report(
        self, subject: str, trouble: Trouble | None, *, detail: str = "", waiting: int = 0, now: datetime
    ) -> None:
        kind = trouble or ""
        told = {"trouble": kind, "detail": detail, "waiting": waiting, "at": now}
        since = case((health.c.trouble == kind, health.c.since), else_=now)
        with self.database.write() as connection:
            upsert(connection, health, {"subject": subject, "since": now, **told}, {**told, "since": since})

    def conditions(self) -> Sequence[Condition]:
        return self._read(select(health))

    def troubles(self, since: datetime) -> Sequence[Condition]:
        return self._read(select(health).where(health.c.trouble != "", health.c.at >= since))

    def _read(self, query: Select[Any]) -> list[Condition]:
        with self.database.read() as connection:
            return [_condition(row) for row in connection.execute(query.order_by(health.c.subject))]


def _condition(row: Row[Any]) -> Condition:
    trouble = Trouble(row.trouble) if row.trouble else None
    return Condition(row.subject, trouble, row.detail, row.waiting, row.since, row.at)
