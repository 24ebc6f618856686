"""Posted messages that have to be edited, in the database. Keeps the contract of `digests.ports.Upkeep`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, case, func, insert, literal, or_, select, update

from digests.model import News, Post
from digests.ports import Edit
from digests.store import schema
from digests.store.engine import Database, upsert_all
from digests.store.marks import as_posts

counters, papers, reviews, posts, post_papers, edits = (
    schema.counters, schema.papers, schema.reviews, schema.posts, schema.post_papers, schema.edits,
)  # fmt: skip

CURSOR = "upkeep"
"""The counter that holds the number of the last change that was gone through."""

STRETCH = 10_000
"""Changes gone through at once: a few milliseconds, so that no other write waits for long."""


@dataclass(frozen=True, slots=True)
class SqlUpkeep:
    """Edits in a database of any kind."""

    database: Database

    def notice(self, *, since: datetime, now: datetime) -> bool:
        with self.database.read() as connection:
            numbers = {row.name: row.value for row in connection.execute(select(counters))}
        if numbers.get(CURSOR) == numbers["change"]:
            return False
        with self.database.write() as connection:
            return _go_on(connection, since, now)

    def take(self, *, now: datetime, every: timedelta, most: int) -> Sequence[Edit]:
        due = (
            select(edits)
            .where(edits.c.due_at <= now)
            .order_by(edits.c.due_at, edits.c.post)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        with self.database.write() as connection:
            rows = connection.execute(due).fetchall()
            keys = [row.post for row in rows]
            taken = update(edits).where(edits.c.post.in_(keys))
            connection.execute(taken.values(due_at=now + every, tries=edits.c.tries + 1))
            shown = as_posts(connection, keys)
            unreadable = [key for key, post in shown.items() if not post.payload]
            lost = update(edits).where(edits.c.post.in_(unreadable))
            connection.execute(lost.values(due_at=None, lost=True))
        return [
            Edit(row.post, shown[row.post], row.said, row.noticed, row.tries + 1)
            for row in rows
            if row.post not in unreadable
        ]

    def edited(self, edit: Edit, said: str, *, now: datetime, every: timedelta) -> None:
        again = now + every
        self._done(edit, again, said=said, not_before=again, tries=0)

    def same(self, edit: Edit, *, now: datetime) -> None:
        self._done(edit, now, tries=0)

    def _done(self, edit: Edit, again: datetime, **values: Any) -> None:
        """Due again only where something more was noticed in the meantime."""
        due_at = case((edits.c.noticed > edit.noticed, literal(again, schema.Instant)), else_=None)
        with self.database.write() as connection:
            connection.execute(update(edits).where(edits.c.post == edit.id).values(due_at=due_at, **values))

    def put_off(self, edit: Edit, until: datetime | None) -> None:
        with self.database.write() as connection:
            this = update(edits).where(edits.c.post == edit.id)
            connection.execute(this.values(due_at=until, lost=until is None))

    def news(self, post: Post) -> Mapping[str, News]:
        query = (
            select(
                post_papers,
                papers.c.version.label("new_version"),
                papers.c.updated,
                papers.c.withdrawn.label("new_withdrawn"),
                papers.c.review.label("new_review"),
                papers.c.score.label("new_score"),
            )
            .join(posts, posts.c.id == post_papers.c.post)
            .join(papers, papers.c.name == post_papers.c.paper)
            .where(
                posts.c.platform == post.channel.platform,
                posts.c.channel == post.channel.channel,
                posts.c.message == post.message,
                _changed_for_readers(),
            )
        )
        with self.database.read() as connection:
            return {row.paper: _news(row) for row in connection.execute(query)}


def _changed_for_readers() -> Any:
    return or_(
        papers.c.version > post_papers.c.version,
        papers.c.review != post_papers.c.review,
        and_(papers.c.withdrawn.is_not(None), post_papers.c.withdrawn.is_(False)),
    )


def _news(row: Row[Any]) -> News:
    newer = row.version is not None and (row.new_version or 0) > row.version
    reviewed = row.review is not None and (row.new_review or 0) != row.review
    return News(
        version=row.new_version if newer else None,
        updated=row.updated if newer else None,
        withdrawn=row.new_withdrawn if not row.withdrawn else None,
        reviewed=reviewed,
        score=row.new_score if reviewed else None,
        was_reviewed=reviewed and row.review != 0,
        was_score=row.score if reviewed else None,
    )


def _go_on(connection: Connection, since: datetime, now: datetime) -> bool:
    """Go through the next stretch of changes, and write down how far that is, in one step."""
    last = connection.execute(select(counters.c.value).where(counters.c.name == "change")).scalar_one()
    here = select(counters.c.value).where(counters.c.name == CURSOR).with_for_update()
    after = connection.execute(here).scalar()
    if after is None:
        connection.execute(insert(counters).values(name=CURSOR, value=last))
        return False
    to = min(last, after + STRETCH)
    _put_down(connection, connection.execute(_showing(after, to, since)).fetchall(), now)
    connection.execute(update(counters).where(counters.c.name == CURSOR).values(value=to))
    return bool(to < last)


def _showing(after: int, to: int, since: datetime) -> Any:
    """The messages that show what changed, each with the newest of these changes."""
    return (
        select(post_papers.c.post, func.max(papers.c.changed).label("noticed"))
        .join(papers, papers.c.name == post_papers.c.paper)
        .join(posts, posts.c.id == post_papers.c.post)
        .where(papers.c.changed > after, papers.c.changed <= to, posts.c.posted_at >= since)
        .group_by(post_papers.c.post)
        .order_by(post_papers.c.post)
    )


def _put_down(connection: Connection, showing: Sequence[Row[Any]], now: datetime) -> None:
    rows = [
        {"post": row.post, "due_at": now, "noticed": row.noticed, "tries": 0, "said": "", "lost": False}
        for row in showing
    ]

    def anew(new: Any) -> dict[str, Any]:
        due_at = case(
            (edits.c.lost, None),
            (edits.c.due_at.is_not(None), edits.c.due_at),
            (edits.c.not_before > new.due_at, edits.c.not_before),
            else_=new.due_at,
        )
        return {"noticed": new.noticed, "due_at": due_at}

    if rows:
        upsert_all(connection, edits, rows, anew)
