"""Implementation of `digests.ports.re_reviews.ReReviews`."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, delete, exists, or_, select, update

from digests.ports.re_reviews import RE_REVIEW_RETENTION, ReReview
from digests.ports.review_reports import ReviewPart, ReviewReport
from digests.store import schema
from digests.store.engine import Database, in_json_array, upsert

re_reviews, reports, papers, queue = (
    schema.re_reviews, schema.review_reports, schema.papers, schema.review_queue,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SqlReReviews:
    """Re-reviews in SQLite or PostgreSQL."""

    database: Database

    def ask(
        self,
        report: int,
        *,
        review_number: int,
        limitations: Sequence[str],
        by: str,
        by_id: str,
        now: datetime,
    ) -> bool:
        with self.database.write(lock_name="re-reviews") as connection:
            paper = connection.execute(select(reports.c.paper).where(reports.c.id == report)).scalar()
            waiting = select(re_reviews.c.paper).where(
                re_reviews.c.paper == paper, *_is_waiting(now), ~_IS_ABANDONED
            )
            if paper is None or connection.execute(waiting).first():
                return False
            values = {
                "report": report,
                "review_number": review_number,
                "limitations": json.dumps(list(limitations)),
                "by": by,
                "by_id": by_id,
                "at": now,
                "granted_on": None,
            }
            upsert(connection, re_reviews, {"paper": paper, **values}, values)
            connection.execute(delete(queue).where(queue.c.paper == paper, queue.c.is_abandoned.is_(True)))
        return True

    def find(self, paper: str) -> ReReview | None:
        with self.database.read() as connection:
            row = connection.execute(_WITH_REPORT.where(re_reviews.c.paper == paper)).one_or_none()
        return _re_review_from_row(row) if row else None

    def list_open(self, limit: int, *, now: datetime) -> Sequence[ReReview]:
        is_reviewable = exists().where(papers.c.name == re_reviews.c.paper, papers.c.withdrawn.is_(None))
        query = (
            _WITH_REPORT.where(*_is_waiting(now), is_reviewable, ~_IS_ABANDONED)
            .order_by(re_reviews.c.at, re_reviews.c.paper)
            .limit(limit)
        )
        with self.database.read() as connection:
            return [_re_review_from_row(row) for row in connection.execute(query)]

    def list_granted(self, day: date) -> Sequence[ReReview]:
        query = _WITH_REPORT.where(re_reviews.c.granted_on == day)
        with self.database.read() as connection:
            return [_re_review_from_row(row) for row in connection.execute(query)]

    def grant(self, papers: Iterable[str], day: date) -> None:
        granted = update(re_reviews).where(in_json_array(re_reviews.c.paper, "papers"), _IS_OPEN)
        with self.database.write() as connection:
            connection.execute(granted.values(granted_on=day), {"papers": list(papers)})

    def finish(self, paper: str, *, began_at: datetime, now: datetime) -> None:
        finished = update(re_reviews).where(
            re_reviews.c.paper == paper, re_reviews.c.at <= began_at, _IS_OPEN
        )
        with self.database.write() as connection:
            connection.execute(finished.values(began_at=began_at, finished_at=now))


_IS_OPEN = or_(re_reviews.c.finished_at.is_(None), re_reviews.c.finished_at < re_reviews.c.at)

_IS_ABANDONED = exists().where(queue.c.paper == re_reviews.c.paper, queue.c.is_abandoned.is_(True))

# A report that was changed since the decision is another one than the decider has read.
_WITH_REPORT: Select[Any] = select(
    re_reviews, reports.c.part, reports.c.subject, reports.c.reason, reports.c.is_suspect
).outerjoin(reports, and_(reports.c.id == re_reviews.c.report, reports.c.at <= re_reviews.c.at))


def _is_waiting(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return _IS_OPEN, re_reviews.c.at >= now - RE_REVIEW_RETENTION


def _re_review_from_row(row: Row[Any]) -> ReReview:
    question = ""
    if row.reason is not None:
        report = ReviewReport(
            "", "", "", row.paper, ReviewPart(row.part), row.reason, row.at,
            subject=row.subject, is_suspect=row.is_suspect,
        )  # fmt: skip
        question = report.question
    return ReReview(row.paper, question, row.by_id, row.at, row.granted_on, row.finished_at)
