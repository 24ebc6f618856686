"""Implementation of `digests.ports.pairwise_ranking.PairwiseRanking`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, and_, delete, insert, select

from digests.model import Verdict
from digests.store import schema
from digests.store.engine import Database, insert_if_absent

comparisons, pairwise_ranks, papers_table = schema.comparisons, schema.pairwise_ranks, schema.papers


@dataclass(frozen=True, slots=True)
class SqlPairwiseRanking:
    """Verdicts and rankings in SQLite or PostgreSQL."""

    database: Database

    def verdicts(self, scale: str, paper_versions: Collection[str]) -> Mapping[tuple[str, str], Verdict]:
        pairs, names = comparisons, list(paper_versions)
        found = select(pairs.c.first, pairs.c.second, pairs.c.verdict).where(
            pairs.c.scale == scale, pairs.c.first.in_(names), pairs.c.second.in_(names)
        )
        with self.database.read() as connection:
            return {(first, second): Verdict(verdict) for first, second, verdict in connection.execute(found)}

    def save_verdict(self, scale: str, first: str, second: str, verdict: Verdict, *, now: datetime) -> None:
        row = {"scale": scale, "first": first, "second": second, "verdict": verdict, "at": now}
        with self.database.write() as connection:
            insert_if_absent(connection, comparisons, row)

    def save_ranking(self, day: date, papers: Sequence[str]) -> None:
        with self.database.read() as connection:
            if _fetch_valid_ranking(connection, day) == list(papers):
                return
        with self.database.write() as connection:
            connection.execute(delete(pairwise_ranks).where(pairwise_ranks.c.day == day))
            review_by_paper = _fetch_newest_reviews(connection, papers)
            rows = [
                {
                    "review": review_by_paper[name],
                    "paper": name,
                    "day": day,
                    "rank": rank,
                    "group_size": len(papers),
                }
                for rank, name in enumerate(papers, start=1)
                if name in review_by_paper
            ]
            if rows:
                connection.execute(
                    delete(pairwise_ranks).where(pairwise_ranks.c.review.in_(review_by_paper.values()))
                )
                connection.execute(insert(pairwise_ranks), rows)


def _fetch_valid_ranking(connection: Connection, day: date) -> list[str]:
    """Return the papers of a day's ranking whose reviews are still current, best first."""
    placed = (
        select(pairwise_ranks.c.paper)
        .join(
            papers_table,
            and_(
                papers_table.c.name == pairwise_ranks.c.paper,
                papers_table.c.review == pairwise_ranks.c.review,
            ),
        )
        .where(pairwise_ranks.c.day == day)
        .order_by(pairwise_ranks.c.rank)
    )
    return list(connection.execute(placed).scalars())


def _fetch_newest_reviews(connection: Connection, names: Sequence[str]) -> dict[str, int]:
    newest = select(papers_table.c.name, papers_table.c.review).where(
        papers_table.c.name.in_(list(names)), papers_table.c.review.is_not(None)
    )
    return {row.name: row.review for row in connection.execute(newest)}
