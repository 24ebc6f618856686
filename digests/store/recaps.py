"""Implementation of `digests.ports.recaps.Recaps`."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from digests.ports.outbox import DeliveryState
from digests.store import schema
from digests.store.engine import Database, in_json_array
from digests.store.outbox.conditions import is_digest
from digests.subscription import Channel
from digests.team_agreement import JudgedPaper

deliveries, subscriptions, posts = schema.deliveries, schema.subscriptions, schema.posts
post_papers, marks, discussions = schema.post_papers, schema.marks, schema.discussions

# Built once: SQLAlchemy takes longer to build such a statement than the database to answer it.
_POSTED_PAPERS = (
    select(posts.c.delivery, post_papers.c.paper, post_papers.c.score)
    .join_from(posts, post_papers, post_papers.c.post == posts.c.id)
    .where(in_json_array(posts.c.delivery, "deliveries"))
    .order_by(posts.c.first_number, post_papers.c.ordinal)
)


@dataclass(frozen=True, slots=True)
class SqlRecaps:
    """Views in SQLite or PostgreSQL."""

    database: Database

    def list_judged_digests(self, channel: Channel, limit: int) -> Sequence[Sequence[JudgedPaper]]:
        newest = (
            select(deliveries.c.id)
            .join(subscriptions, subscriptions.c.id == deliveries.c.subscription)
            .where(
                subscriptions.c.platform == channel.platform,
                subscriptions.c.channel == channel.channel,
                is_digest(),
                deliveries.c.state == DeliveryState.POSTED,
            )
            .order_by(deliveries.c.edition.desc(), deliveries.c.id.desc())
            .limit(limit)
        )
        with self.database.read() as connection:
            keys = connection.execute(newest).scalars().all()
            rows = connection.execute(_POSTED_PAPERS, {"deliveries": keys}).fetchall()
            wanted = _find_wanted(connection, channel, sorted({row.paper for row in rows}))
        papers: dict[int, dict[str, JudgedPaper]] = {key: {} for key in keys}
        for row in rows:
            papers[row.delivery][row.paper] = JudgedPaper(row.paper, row.score, row.paper in wanted)
        return [tuple(of_digest.values()) for of_digest in papers.values()]


def _find_wanted(connection: Connection, channel: Channel, papers: Sequence[str]) -> frozenset[str]:
    """Return those of the papers that were marked in a channel or discussed there."""
    marked = select(marks.c.paper).where(
        marks.c.platform == channel.platform,
        marks.c.channel == channel.channel,
        marks.c.workspace.in_((channel.workspace, "")),
        marks.c.is_on,
        in_json_array(marks.c.paper, "papers"),
    )
    discussed = select(discussions.c.paper).where(
        discussions.c.platform == channel.platform,
        discussions.c.workspace.in_((channel.workspace, "")),
        # One person's conversation has a queue of its own.
        discussions.c.channel.in_((channel.channel, "")[: 1 if channel.is_direct else 2]),
        in_json_array(discussions.c.paper, "papers"),
    )
    parameters = {"papers": papers}
    return frozenset(
        paper for query in (marked, discussed) for paper in connection.execute(query, parameters).scalars()
    )
