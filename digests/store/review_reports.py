"""Implementation of `digests.ports.review_reports.ReviewReports`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time
from typing import Any

from sqlalchemy import Connection, Row, and_, case, exists, func, insert, select, update

from digests.ports.review_reports import ReaderCounts, ReviewPart, ReviewReport, SavedReport
from digests.store import schema
from digests.store.engine import Database

reports, papers, re_reviews = schema.review_reports, schema.papers, schema.re_reviews

KEY = ("platform", "workspace", "person", "paper", "part", "limitation")
"""Columns of which the values together belong to one report."""


@dataclass(frozen=True, slots=True)
class SqlReviewReports:
    """Reports about reviews in SQLite or PostgreSQL."""

    database: Database

    def save(self, report: ReviewReport, *, per_day: int) -> SavedReport:
        row = asdict(report)
        del row["id"]
        values = {name: value for name, value in row.items() if name not in KEY}
        is_same = [reports.c[name] == row[name] for name in KEY]
        with self.database.write(lock_name="review reports") as connection:
            is_known = connection.execute(select(reports.c.id).where(*is_same)).first() is not None
            if not is_known and _count_of_day(connection, report) >= per_day:
                return SavedReport.REFUSED
            change = update(reports).where(*is_same) if is_known else insert(reports)
            connection.execute(change.values(values if is_known else row))
        return SavedReport.REPLACED if is_known else SavedReport.ADDED

    def count_readers(
        self, paper: str, platform: str, workspace: str
    ) -> Mapping[tuple[ReviewPart, str], ReaderCounts]:
        confirmed = func.sum(case((reports.c.is_right, 1), else_=0))
        query = (
            select(reports.c.part, reports.c.limitation, confirmed, func.count())
            .where(reports.c.paper == paper, reports.c.platform == platform, reports.c.workspace == workspace)
            .group_by(reports.c.part, reports.c.limitation)
        )
        with self.database.read() as connection:
            return {
                (ReviewPart(part), limitation): ReaderCounts(int(right), int(total) - int(right))
                for part, limitation, right, total in connection.execute(query)
            }

    def list_of_paper(self, paper: str, platform: str, workspace: str, limit: int) -> Sequence[ReviewReport]:
        query = (
            select(reports)
            .where(reports.c.paper == paper, reports.c.platform == platform, reports.c.workspace == workspace)
            .order_by(reports.c.at.desc(), reports.c.id.desc())
            .limit(limit)
        )
        with self.database.read() as connection:
            return [_report_from_row(row) for row in connection.execute(query)]

    def list_open(self, limit: int, *, platform: str = "", workspace: str = "") -> Sequence[ReviewReport]:
        is_answered = exists().where(
            re_reviews.c.paper == reports.c.paper,
            re_reviews.c.began_at >= reports.c.at,
        )
        is_known = exists().where(papers.c.name == reports.c.paper)
        is_there = (
            [and_(reports.c.platform == platform, reports.c.workspace == workspace)] if platform else []
        )
        query = (
            select(reports)
            .where(reports.c.is_right.is_(False), is_known, ~is_answered, *is_there)
            .order_by(reports.c.at.desc(), reports.c.id.desc())
            .limit(limit)
        )
        with self.database.read() as connection:
            return [_report_from_row(row) for row in connection.execute(query)]

    def find(self, report: int) -> ReviewReport | None:
        with self.database.read() as connection:
            row = connection.execute(select(reports).where(reports.c.id == report)).one_or_none()
        return _report_from_row(row) if row else None


def _count_of_day(connection: Connection, report: ReviewReport) -> int:
    """Count the reports of a person since midnight (UTC) in all workspaces of the platform."""
    midnight = datetime.combine(report.at.astimezone(UTC).date(), time(), UTC)
    of_person = select(func.count()).where(
        reports.c.platform == report.platform, reports.c.person == report.person, reports.c.at >= midnight
    )
    return connection.execute(of_person).scalar_one()


def _report_from_row(row: Row[Any]) -> ReviewReport:
    values = dict(row._mapping)
    return ReviewReport(**{**values, "part": ReviewPart(values["part"])})
