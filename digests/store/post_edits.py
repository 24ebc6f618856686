"""Implementation of `digests.ports.post_edits.PostEdits`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, case, func, insert, literal, or_, select, update

from digests.limitations import MAX_POINTS, find_withdrawn, list_limitations
from digests.model import HoldState, PaperUpdate, Post, Review, ScoredPaper
from digests.ports.post_edits import PostEdit
from digests.ports.workspaces import WorkspaceState
from digests.store import schema
from digests.store.engine import Database, upsert_all
from digests.store.library import fetch_papers
from digests.store.posts import fetch_posts_by_key

counters, papers, posts, post_papers, post_edits, holds, workspaces, re_reviews = (
    schema.counters, schema.papers, schema.posts, schema.post_papers, schema.post_edits, schema.holds,
    schema.workspaces, schema.re_reviews,
)  # fmt: skip

CURSOR = "post_edits"
"""Name of the counter with the sequence number of the last processed change."""

CHANGES_PER_PASS = 10_000
"""Changes processed in one transaction: a few milliseconds, so that other writes do not wait long."""


@dataclass(frozen=True, slots=True)
class SqlPostEdits:
    """Post edits in SQLite or PostgreSQL."""

    database: Database

    def enqueue(self, *, since: datetime, now: datetime) -> bool:
        with self.database.read() as connection:
            counter_values = {row.name: row.value for row in connection.execute(select(counters))}
        if counter_values.get(CURSOR) == counter_values["change"]:
            return False
        with self.database.write() as connection:
            return _process_next_changes(connection, since, now)

    def claim(self, *, now: datetime, interval: timedelta, limit: int) -> Sequence[PostEdit]:
        due = (
            select(post_edits)
            .where(post_edits.c.due_at <= now)
            .order_by(post_edits.c.due_at, post_edits.c.post)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        with self.database.write() as connection:
            rows = connection.execute(due).fetchall()
            keys = [row.post for row in rows]
            lease_update = update(post_edits).where(post_edits.c.post.in_(keys))
            connection.execute(lease_update.values(due_at=now + interval, attempts=post_edits.c.attempts + 1))
            posts_by_key = fetch_posts_by_key(connection, keys)
            denied = {
                (row.platform, row.workspace)
                for row in connection.execute(
                    select(workspaces).where(workspaces.c.state == WorkspaceState.DENIED)
                )
            }
            abandoned = [
                key
                for key, post in posts_by_key.items()
                if not post.payload or (post.channel.platform, post.channel.workspace) in denied
            ]
            abandoned_edits = update(post_edits).where(post_edits.c.post.in_(abandoned))
            connection.execute(abandoned_edits.values(due_at=None, is_abandoned=True))
        return [
            PostEdit(row.post, posts_by_key[row.post], row.last_text, row.change_seq, row.attempts + 1)
            for row in rows
            if row.post not in abandoned
        ]

    def complete(self, edit: PostEdit, text: str, *, now: datetime, interval: timedelta) -> None:
        next_due_at = now + interval
        self._complete_edit(edit, next_due_at, last_text=text, not_before=next_due_at, attempts=0)

    def unchanged(self, edit: PostEdit, *, now: datetime) -> None:
        self._complete_edit(edit, now, attempts=0)

    def _complete_edit(self, edit: PostEdit, next_due_at: datetime, **values: Any) -> None:
        """End a claim and set the values.

        The message is due at `next_due_at` if a newer change was enqueued since the claim, else not again.
        """
        due_at = case(
            (post_edits.c.change_seq > edit.noticed_seq, literal(next_due_at, schema.Instant)), else_=None
        )
        with self.database.write() as connection:
            connection.execute(
                update(post_edits).where(post_edits.c.post == edit.id).values(due_at=due_at, **values)
            )

    def reschedule(self, edit: PostEdit, due_at: datetime | None) -> None:
        with self.database.write() as connection:
            edit_update = update(post_edits).where(post_edits.c.post == edit.id)
            connection.execute(edit_update.values(due_at=due_at, is_abandoned=due_at is None))

    def paper_updates(self, post: Post) -> Mapping[str, PaperUpdate]:
        query = (
            select(
                post_papers,
                papers.c.version.label("new_version"),
                papers.c.updated,
                papers.c.withdrawn.label("new_withdrawn"),
                papers.c.review.label("new_review"),
                papers.c.score.label("new_score"),
                holds.c.state.label("hold_state"),
                re_reviews.c.at.label("asked_at"),
                re_reviews.c.finished_at,
                re_reviews.c.review_number.label("doubted_review"),
                re_reviews.c.limitations.label("doubted_limitations"),
            )
            .join(posts, posts.c.id == post_papers.c.post)
            .join(papers, papers.c.name == post_papers.c.paper)
            .outerjoin(re_reviews, re_reviews.c.paper == papers.c.name)
            .outerjoin(holds, and_(holds.c.paper == papers.c.name, holds.c.state != HoldState.RELEASED))
            .where(
                posts.c.platform == post.channel.platform,
                posts.c.channel == post.channel.channel,
                posts.c.message_id == post.message_id,
                _has_visible_change(),
            )
        )
        with self.database.read() as connection:
            rows = connection.execute(query).fetchall()
            asked = fetch_papers(connection, [row.paper for row in rows if row.asked_at])
        return {row.paper: _paper_update_from_row(row, asked.get(row.paper)) for row in rows}


def _has_visible_change() -> Any:
    return or_(
        papers.c.version > post_papers.c.version,
        papers.c.review != post_papers.c.review_number,
        and_(papers.c.withdrawn.is_not(None), post_papers.c.is_withdrawn.is_(False)),
        holds.c.state.is_not(None),
    )


def _paper_update_from_row(row: Row[Any], scored: ScoredPaper | None) -> PaperUpdate:
    """Build the update of a paper; `scored` is the paper if a re-review of it was ever asked for."""
    has_new_version = row.version is not None and (row.new_version or 0) > row.version
    reviewed = row.review_number is not None and (row.new_review or 0) != row.review_number
    return PaperUpdate(
        version=row.new_version if has_new_version else None,
        updated=row.updated if has_new_version else None,
        withdrawn=row.new_withdrawn if not row.is_withdrawn else None,
        has_new_review=reviewed,
        score=row.new_score if reviewed else None,
        had_review=reviewed and row.review_number != 0,
        previous_score=row.score if reviewed else None,
        hold_state=HoldState(row.hold_state) if row.hold_state else None,
        **(_describe_re_review(row, scored.review) if scored and reviewed and row.review_number else {}),
    )


def _describe_re_review(row: Row[Any], review: Review) -> dict[str, Any]:
    """Return the fields about a re-review, none if the review is from before it.

    While another one waits the finished one counts. Limitations are numbered as on a card of the doubted
    review.
    """
    is_new = review.reviewed_at is not None and review.reviewed_at >= row.asked_at
    if not review.reviewed_at or not (is_new or row.finished_at):
        return {}
    fields: dict[str, Any] = {"reviewed_again": review.reviewed_at.astimezone(UTC).date()}
    if is_new and row.doubted_review == row.review_number:
        doubted = json.loads(row.doubted_limitations)[:MAX_POINTS]
        fields["withdrawn_limitations"] = find_withdrawn(doubted, list_limitations(review))
    return fields


def _process_next_changes(connection: Connection, since: datetime, now: datetime) -> bool:
    """Process the next batch of changes and advance the cursor, in the caller's transaction.

    Returns True if more changes are left.
    """
    last_seq = connection.execute(select(counters.c.value).where(counters.c.name == "change")).scalar_one()
    cursor_query = select(counters.c.value).where(counters.c.name == CURSOR).with_for_update()
    after = connection.execute(cursor_query).scalar()
    if after is None:
        connection.execute(insert(counters).values(name=CURSOR, value=last_seq))
        return False
    to = min(last_seq, after + CHANGES_PER_PASS)
    _enqueue_edits(connection, connection.execute(_select_affected_posts(after, to, since)).fetchall(), now)
    connection.execute(update(counters).where(counters.c.name == CURSOR).values(value=to))
    return bool(to < last_seq)


def _select_affected_posts(after: int, to: int, since: datetime) -> Any:
    """Build a query for the messages, posted at `since` or later, that show papers changed in a window.

    Each comes with its newest change. The window excludes `after` and includes `to`.
    """
    return (
        select(post_papers.c.post, func.max(papers.c.changed_seq).label("change_seq"))
        .join(papers, papers.c.name == post_papers.c.paper)
        .join(posts, posts.c.id == post_papers.c.post)
        .where(papers.c.changed_seq > after, papers.c.changed_seq <= to, posts.c.posted_at >= since)
        .group_by(post_papers.c.post)
        .order_by(post_papers.c.post)
    )


def _enqueue_edits(connection: Connection, affected_posts: Sequence[Row[Any]], now: datetime) -> None:
    rows = [
        {
            "post": row.post,
            "due_at": now,
            "change_seq": row.change_seq,
            "attempts": 0,
            "last_text": "",
            "is_abandoned": False,
        }
        for row in affected_posts
    ]

    def merge_edit(new: Any) -> dict[str, Any]:
        due_at = case(
            (post_edits.c.is_abandoned, None),
            (post_edits.c.due_at.is_not(None), post_edits.c.due_at),
            (post_edits.c.not_before > new.due_at, post_edits.c.not_before),
            else_=new.due_at,
        )
        return {"change_seq": new.change_seq, "due_at": due_at}

    if rows:
        upsert_all(connection, post_edits, rows, merge_edit)
