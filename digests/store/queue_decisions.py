"""Implementation of `digests.ports.queue_decisions.QueueDecisions`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Select,
    Table,
    and_,
    delete,
    func,
    literal,
    null,
    or_,
    select,
    union,
    update,
)

from digests.model import QueueDecision, QueueOutcome
from digests.ports.marks import QueueScope
from digests.store import schema
from digests.store.engine import Database, insert_if_absent

discussions, decisions = schema.discussions, schema.queue_decisions


@dataclass(frozen=True, slots=True)
class SqlQueueDecisions:
    """Decisions about queues in SQLite or PostgreSQL."""

    database: Database

    def decide(
        self,
        paper: str,
        scope: QueueScope,
        outcome: QueueOutcome,
        *,
        by: str,
        by_id: str,
        now: datetime,
        until: datetime | None = None,
    ) -> None:
        values: dict[str, Any] = {"by": by, "by_id": by_id, "at": now}
        table = discussions
        if outcome is not QueueOutcome.DISCUSSED:
            table, values = decisions, {**values, "outcome": outcome, "until": until}
        with self.database.write() as connection:
            for member in scope.members:
                key = {"paper": paper, **_key_of_scope(member)}
                if not insert_if_absent(connection, table, {**key, **values}):
                    is_older = table.c.at < now
                    connection.execute(update(table).where(*_matches(table, key), is_older).values(values))

    def list_recent(self, scope: QueueScope, *, since: datetime, limit: int) -> Sequence[QueueDecision]:
        return self._list(scope, lambda table: table.c.at >= since, limit)

    def list_of_papers(self, scope: QueueScope, papers: Sequence[str]) -> Sequence[QueueDecision]:
        return self._list(scope, lambda table: table.c.paper.in_(papers), None)

    def _list(self, scope: QueueScope, condition: Any, limit: int | None) -> Sequence[QueueDecision]:
        parts = [
            _select_decisions(table).where(_is_of_queue(table, scope), condition(table))
            for table in (discussions, decisions)
        ]
        found = union(*parts).subquery()  # A decision in several members of a scope is one.
        query = select(found).order_by(found.c.at.desc(), found.c.paper).limit(limit)
        with self.database.read() as connection:
            return [
                QueueDecision(row.paper, QueueOutcome(row.outcome), row.by, row.at, row.until)
                for row in connection.execute(query)
            ]

    def undo(self, paper: str, scope: QueueScope, *, at: datetime) -> bool:
        with self.database.write() as connection:
            removals = [
                delete(table).where(_is_of_queue(table, scope), table.c.paper == paper, table.c.at == at)
                for table in (discussions, decisions)
            ]
            return sum(connection.execute(removal).rowcount for removal in removals) > 0

    def last_discussions(self, scope: QueueScope, papers: Sequence[str]) -> Mapping[str, datetime]:
        is_there = or_(*(_is_in_channels(member) for member in scope.members))
        query = (
            select(discussions.c.paper, func.max(discussions.c.at).label("last"))
            .where(is_there, discussions.c.paper.in_(papers))
            .group_by(discussions.c.paper)
        )
        with self.database.read() as connection:
            return {row.paper: row.last for row in connection.execute(query)}

    def list_discussed(self, scope: QueueScope, *, limit: int) -> Sequence[str]:
        is_there = or_(*(_is_in_channels(member) for member in scope.members))
        last = func.max(discussions.c.at)
        query = (
            select(discussions.c.paper)
            .where(is_there)
            .group_by(discussions.c.paper)
            .order_by(last.desc(), discussions.c.paper)
            .limit(limit)
        )
        with self.database.read() as connection:
            return connection.execute(query).scalars().all()


def _key_of_scope(scope: QueueScope) -> dict[str, str]:
    return {"platform": scope.platform, "workspace": scope.workspace, "channel": scope.channel}


def _matches(table: Table, key: Mapping[str, str]) -> list[ColumnElement[bool]]:
    return [table.c[name] == value for name, value in key.items()]


def _is_of_queue(table: Table, scope: QueueScope) -> ColumnElement[bool]:
    return or_(*(and_(*_matches(table, _key_of_scope(member))) for member in scope.members))


def _is_in_channels(scope: QueueScope) -> ColumnElement[bool]:
    """Match discussions in the channels of a scope: those of a workspace, or of one channel and all."""
    conditions = [
        discussions.c.platform == scope.platform,
        discussions.c.workspace.in_((scope.workspace, "")),
    ]
    if scope.channel:
        conditions.append(discussions.c.channel.in_((scope.channel, "")[: 1 if scope.is_direct else 2]))
    return and_(*conditions)


def _select_decisions(table: Table) -> Select[Any]:
    if table is decisions:
        return select(table.c.paper, table.c.outcome, table.c.by, table.c.at, table.c.until)
    outcome = literal(QueueOutcome.DISCUSSED, decisions.c.outcome.type).label("outcome")
    until = func.cast(null(), DateTime(timezone=True)).label("until")
    return select(table.c.paper, outcome, table.c.by, table.c.at, until)
