"""Implementation of `digests.ports.discussions.Discussions`."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, select, update

from digests.ports.discussions import AnswerCounts, LimitationTruth, PaperMeeting
from digests.ports.marks import QueueScope
from digests.store import schema
from digests.store.engine import Database, upsert
from digests.store.meetings import LOCK_NAME, plan_from_json

answers, subscriptions = schema.discussion_answers, schema.subscriptions
plans, meetings = schema.meeting_plans, schema.meetings


@dataclass(frozen=True, slots=True)
class SqlDiscussions:
    """Answers about discussed papers in SQLite or PostgreSQL."""

    database: Database

    def set_worth_it(
        self, scope: QueueScope, paper: str, person: str, is_worth_it: bool, *, now: datetime
    ) -> None:
        self._save(scope, paper, person, {"is_worth_it": is_worth_it, "worth_it_at": now}, now)

    def set_truth(
        self,
        scope: QueueScope,
        paper: str,
        person: str,
        limitation: str,
        truth: LimitationTruth,
        *,
        now: datetime,
    ) -> None:
        values = {"limitation": limitation, "limitation_truth": truth, "truth_at": now}
        self._save(scope, paper, person, values, now)

    def _save(
        self, scope: QueueScope, paper: str, person: str, values: Mapping[str, Any], now: datetime
    ) -> None:
        key = {
            "platform": scope.platform,
            "workspace": scope.workspace,
            "channel": scope.channel,
            "paper": paper,
            "person": person,
        }
        with self.database.write(LOCK_NAME) as connection:
            is_there = is_in_channels(subscriptions, scope)
            edit_agendas(connection, is_there, [paper], now)
            upsert(connection, answers, {**key, **values}, values)

    def count_answers(self, scope: QueueScope, papers: Sequence[str]) -> Mapping[str, AnswerCounts]:
        query = select(answers).where(is_in_channels(answers, scope), answers.c.paper.in_(papers))
        by_paper: dict[str, list[Row[Any]]] = {}
        with self.database.read() as connection:
            for row in connection.execute(query):
                by_paper.setdefault(row.paper, []).append(row)
        return {paper: _count_rows(rows) for paper, rows in by_paper.items()}

    def find_meetings(self, scope: QueueScope, papers: Sequence[str]) -> Mapping[str, PaperMeeting]:
        query = (
            select(
                meetings.c.paper,
                meetings.c.starts_at,
                meetings.c.chosen_at,
                meetings.c.presenter,
                plans.c.content,
            )
            .join(plans, plans.c.id == meetings.c.plan)
            .join(subscriptions, subscriptions.c.id == plans.c.subscription)
            .where(
                is_in_channels(subscriptions, scope),
                meetings.c.paper.in_(papers),
                meetings.c.is_held,
            )
            .order_by(meetings.c.starts_at, meetings.c.id)
        )
        with self.database.read() as connection:
            return {
                row.paper: PaperMeeting(
                    plan_from_json(row.content).find_day(row.starts_at),
                    row.starts_at,
                    row.chosen_at,
                    row.presenter,
                )
                for row in connection.execute(query)
            }


def is_in_channels(table: Table, scope: QueueScope) -> ColumnElement[bool]:
    """Match the rows of a scope's own channels: all of a workspace, or those of one channel.

    What belongs to a whole workspace is not that of one channel, and direct messages have their own.
    """
    condition = (table.c.platform == scope.platform) & (table.c.workspace == scope.workspace)
    if scope.channel:
        return condition & (table.c.channel == scope.channel)
    return condition & ~table.c.is_direct if "is_direct" in table.c else condition


def _count_rows(rows: Iterable[Row[Any]]) -> AnswerCounts:
    """Count the last answers of each person about one paper."""
    worth_it: dict[str, tuple[datetime, bool]] = {}
    truths: dict[tuple[str, str], tuple[datetime, LimitationTruth]] = {}
    for row in rows:
        if row.worth_it_at is not None:
            answer = (row.worth_it_at, bool(row.is_worth_it))
            worth_it[row.person] = max(answer, worth_it.get(row.person, answer))
        if row.truth_at is not None:
            truth = (row.truth_at, LimitationTruth(row.limitation_truth))
            key = (row.person, row.limitation)
            truths[key] = max(truth, truths.get(key, truth))
    counted: dict[str, Counter[LimitationTruth]] = {}
    for (_, limitation), (_, said) in truths.items():
        counted.setdefault(limitation, Counter())[said] += 1
    yes = sum(is_worth_it for _, is_worth_it in worth_it.values())
    return AnswerCounts(yes, len(worth_it), counted)


def edit_agendas(
    connection: Connection, is_there: ColumnElement[bool], papers: Sequence[str], now: datetime
) -> None:
    """Count a change of the meetings about some papers that have begun, so that their agendas are edited.

    `is_there` matches subscriptions.
    """
    query = (
        select(meetings.c.id, meetings.c.plan)
        .join(plans, plans.c.id == meetings.c.plan)
        .join(subscriptions, subscriptions.c.id == plans.c.subscription)
        .where(is_there, meetings.c.paper.in_(papers), meetings.c.is_held, meetings.c.starts_at <= now)
    )
    found = connection.execute(query).all()
    if not found:
        return
    # The plans first: whoever takes a plan's step locks it first, too.
    own_plans = plans.c.id.in_({row.plan for row in found})
    connection.execute(select(plans.c.id).where(own_plans).order_by(plans.c.id).with_for_update()).all()
    connection.execute(update(plans).where(own_plans).values(next_step_at=now))
    change = update(meetings).where(meetings.c.id.in_({row.id for row in found}))
    connection.execute(change.values(revision=meetings.c.revision + 1))
