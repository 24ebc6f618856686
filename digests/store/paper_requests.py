"""Implementation of `digests.ports.paper_requests.PaperRequests`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, exists, func, or_, select, update

from digests.ports.paper_requests import PaperRequest
from digests.store import schema
from digests.store.engine import Database, in_json_array, insert_if_absent

requests, papers, review_queue = schema.paper_requests, schema.papers, schema.review_queue


@dataclass(frozen=True, slots=True)
class SqlPaperRequests:
    """Requests in SQLite or PostgreSQL."""

    database: Database

    def add(
        self, paper: str, *, now: datetime, platform: str = "", workspace: str = "", person: str = ""
    ) -> None:
        row = {"paper": paper, "platform": platform, "workspace": workspace, "person": person, "at": now}
        with self.database.write() as connection:
            insert_if_absent(connection, requests, row)

    def list_open(self, limit: int, per_person: int) -> Sequence[PaperRequest]:
        turns = select(requests, _TURN_OF_PERSON.label("turn")).where(_IS_KNOWN, ~_IS_CLOSED).subquery()
        in_order = (
            select(turns)
            .where(turns.c.turn <= per_person)
            .order_by(turns.c.turn, turns.c.at, turns.c.paper, turns.c.platform, turns.c.person)
            .limit(limit)
        )
        with self.database.read() as connection:
            return [_request_from_row(row) for row in connection.execute(in_order)]

    def list_granted(self, day: date) -> Sequence[PaperRequest]:
        granted = select(requests).where(requests.c.granted_on == day)
        with self.database.read() as connection:
            return [_request_from_row(row) for row in connection.execute(granted)]

    def grant(self, papers: Iterable[str], day: date) -> None:
        granted = update(requests).where(in_json_array(requests.c.paper, "papers")).values(granted_on=day)
        with self.database.write() as connection:
            connection.execute(granted, {"papers": list(papers)})

    def list_unknown(self, limit: int) -> Sequence[str]:
        turns = select(requests, _TURN_OF_PERSON.label("turn")).where(~_IS_KNOWN).subquery()
        unknown = (
            select(turns.c.paper)
            .group_by(turns.c.paper)
            .order_by(func.min(turns.c.turn), func.min(turns.c.at), turns.c.paper)
            .limit(limit)
        )
        with self.database.read() as connection:
            return list(connection.execute(unknown).scalars())

    def drop(self, papers: Iterable[str]) -> None:
        dropped = delete(requests).where(in_json_array(requests.c.paper, "papers"))
        with self.database.write() as connection:
            connection.execute(dropped, {"papers": list(papers)})

    def prune(self, *, requested_before: datetime, granted_before: date) -> None:
        is_uncounted = or_(requests.c.granted_on.is_(None), requests.c.granted_on < granted_before)
        closed = delete(requests).where(or_(requests.c.at < requested_before, and_(_IS_CLOSED, is_uncounted)))
        with self.database.write() as connection:
            connection.execute(closed)


_TURN_OF_PERSON: ColumnElement[int] = func.row_number().over(
    partition_by=(requests.c.platform, requests.c.person),
    order_by=(requests.c.at, requests.c.paper),
)

_IS_KNOWN = exists().where(papers.c.name == requests.c.paper)

_IS_CLOSED = or_(
    exists().where(
        papers.c.name == requests.c.paper, or_(papers.c.review.is_not(None), papers.c.withdrawn.is_not(None))
    ),
    exists().where(review_queue.c.paper == requests.c.paper, review_queue.c.is_abandoned.is_(True)),
)


def _request_from_row(row: Row[Any]) -> PaperRequest:
    return PaperRequest(row.paper, row.at, row.platform, row.workspace, row.person, row.granted_on)
