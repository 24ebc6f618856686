"""Implementation of `digests.ports.paper_requests.PaperRequests`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select

from digests.model import ScoredPaper
from digests.store import schema
from digests.store.engine import Database, insert_if_absent
from digests.store.library import PAPERS_WITH_REVIEW, scored_paper_from_row

paper_requests, papers = schema.paper_requests, schema.papers


@dataclass(frozen=True, slots=True)
class SqlPaperRequests:
    """Requests in SQLite or PostgreSQL."""

    database: Database

    def add(self, paper: str, *, now: datetime) -> None:
        with self.database.write() as connection:
            insert_if_absent(connection, paper_requests, {"paper": paper, "at": now})

    def list_unreviewed(self, limit: int) -> Sequence[ScoredPaper]:
        waiting = PAPERS_WITH_REVIEW.join(paper_requests, paper_requests.c.paper == papers.c.name).where(
            papers.c.review.is_(None)
        )
        with self.database.read() as connection:
            rows = connection.execute(
                waiting.order_by(paper_requests.c.at, paper_requests.c.paper).limit(limit)
            )
            return [scored_paper_from_row(row) for row in rows]

    def list_unknown(self, limit: int) -> Sequence[str]:
        unknown = (
            select(paper_requests.c.paper)
            .outerjoin(papers, papers.c.name == paper_requests.c.paper)
            .where(papers.c.id.is_(None))
            .order_by(paper_requests.c.at, paper_requests.c.paper)
            .limit(limit)
        )
        with self.database.read() as connection:
            return list(connection.execute(unknown).scalars())

    def drop(self, papers: Iterable[str]) -> None:
        with self.database.write() as connection:
            connection.execute(delete(paper_requests).where(paper_requests.c.paper.in_(list(papers))))
