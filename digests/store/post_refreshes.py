"""Refreshes of posted messages whose numbers of marks change without a mark.

Marks were erased, accounts became one person's, or workspaces began or ended to share a queue. Runs inside
the caller's transaction.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, case, or_, select

from digests.ports.marks import QueueScope
from digests.store import schema
from digests.store.engine import upsert_all

marks, posts, post_papers, post_edits = schema.marks, schema.posts, schema.post_papers, schema.post_edits

MAX_POST_AGE = timedelta(days=14)
"""Age of a message up to which it is refreshed."""

MAX_POSTS = 200
"""Messages that are refreshed after one change, the newest."""

ALWAYS_REFRESH = "\n"
"""Text that no message has: the next refresh finds another one, and is sent."""


def enqueue_refreshes(connection: Connection, keys: Iterable[int], now: datetime) -> None:
    """Enqueue messages for an edit, except those that cannot be edited any more."""
    rows = [
        {
            "post": key,
            "due_at": now,
            "change_seq": 0,
            "attempts": 0,
            "last_text": ALWAYS_REFRESH,
            "is_abandoned": False,
        }
        for key in keys
    ]
    if rows:
        due_at = case((post_edits.c.is_abandoned, None), else_=rows[0]["due_at"])
        upsert_all(connection, post_edits, rows, lambda new: {"due_at": due_at, "last_text": new.last_text})


def refresh_marked_posts(
    connection: Connection, places: Collection[QueueScope], is_counted: ColumnElement[bool], now: datetime
) -> None:
    """Enqueue the newest messages of some places whose papers have marks that match `is_counted`.

    `places` are workspaces or channels.
    """
    is_there = or_(
        *(
            and_(
                posts.c.platform == place.platform,
                posts.c.workspace == place.workspace,
                *([posts.c.channel == place.channel] if place.channel else []),
            )
            for place in places
        )
    )
    marked = select(marks.c.paper).where(marks.c.is_on, is_counted)
    newest = (
        select(posts.c.id)
        .join(post_papers, post_papers.c.post == posts.c.id)
        .where(is_there, posts.c.posted_at >= now - MAX_POST_AGE, post_papers.c.paper.in_(marked))
        .distinct()
        .order_by(posts.c.id.desc())
        .limit(MAX_POSTS)
    )
    enqueue_refreshes(connection, connection.execute(newest).scalars().all(), now)
