"""Implementation of `digests.ports.posts.Posts`, and statements on posts that share a transaction."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, or_, select

from digests.model import Post, PostedState
from digests.ports.marks import QueueScope
from digests.store import schema
from digests.store.engine import Database, in_json_array, insert_absent_returning, insert_many
from digests.subscription import Channel

posts, post_papers, pages, papers_table = schema.posts, schema.post_papers, schema.pages, schema.papers

UNKNOWN_STATE = PostedState(None, None, None, False)
"""State of a paper whose facts in the message are not known."""


@dataclass(frozen=True, slots=True)
class SqlPosts:
    """Posts in SQLite or PostgreSQL."""

    database: Database

    def find(self, channel: Channel, message_id: str) -> Post | None:
        query = _select_posts().where(
            posts.c.platform == channel.platform,
            posts.c.channel == channel.channel,
            posts.c.message_id == message_id,
        )
        with self.database.read() as connection:
            found = _fetch_posts(connection, query)
        return found[0] if found else None

    def list_of_thread(self, channel: Channel, message_id: str) -> Sequence[Post]:
        first = pages.alias("first_pages")
        is_begun_there = (
            select(first.c.delivery)
            .where(first.c.delivery == posts.c.delivery, first.c.receipt == message_id)
            .exists()
        )
        query = (
            _select_posts()
            .where(posts.c.platform == channel.platform, posts.c.channel == channel.channel, is_begun_there)
            .order_by(posts.c.id)
        )
        with self.database.read() as connection:
            return _fetch_posts(connection, query)

    def find_with_paper(self, channel: Channel, paper: str, limit: int) -> Sequence[Post]:
        posts_of_paper = select(post_papers.c.post).where(
            post_papers.c.platform == channel.platform,
            post_papers.c.channel == channel.channel,
            post_papers.c.paper == paper,
        )
        query = _select_posts().where(posts.c.id.in_(posts_of_paper)).order_by(posts.c.id.desc()).limit(limit)
        with self.database.read() as connection:
            return _fetch_posts(connection, query)

    def find_in_queue(self, scope: QueueScope, paper: str, limit: int) -> Sequence[Post]:
        is_of_member = or_(*map(_is_post_of, scope.members))
        shows_paper = posts.c.id.in_(select(post_papers.c.post).where(post_papers.c.paper == paper))
        query = _select_posts().where(shows_paper, is_of_member).order_by(posts.c.id.desc()).limit(limit)
        with self.database.read() as connection:
            return _fetch_posts(connection, query)

    def list_recent(self, platform: str, since: datetime, limit: int) -> Sequence[Post]:
        query = (
            _select_posts()
            .where(posts.c.platform == platform, posts.c.posted_at >= since)
            .order_by(posts.c.posted_at.desc(), posts.c.id.desc())
            .limit(limit)
        )
        with self.database.read() as connection:
            return _fetch_posts(connection, query)

    def list_of_digests(self, channel: Channel, limit: int) -> Sequence[Post]:
        query = (
            _select_posts()
            .where(
                posts.c.platform == channel.platform,
                posts.c.channel == channel.channel,
                posts.c.delivery.is_not(None),
            )
            .order_by(posts.c.id.desc())
            .limit(limit)
        )
        with self.database.read() as connection:
            return _fetch_posts(connection, query)

    def record_shared(
        self, post: Post, *, now: datetime, by_id: str = "", nameless: Mapping[str, Any] | None = None
    ) -> None:
        with self.database.write() as connection:
            new_post = NewPost(
                post.channel,
                post.message_id,
                post.papers,
                post.first_number,
                posted_at=now,
                posted_states=state_of(connection, post.papers),
                payload=json.dumps(post.payload, ensure_ascii=False),
                payload_without_name=json.dumps(nameless, ensure_ascii=False) if nameless else None,
                shared_by_id=by_id,
            )
            insert_posts(connection, [new_post])


@dataclass(frozen=True, slots=True)
class NewPost:
    """A message to insert.

    A page of a digest names its `delivery` and its number `page`; its `payload` is None, since its row in
    `pages` has it. `posted_states` may leave papers out: their states are then `UNKNOWN_STATE`.
    """

    channel: Channel
    message_id: str
    papers: Sequence[str]
    first_number: int
    posted_at: datetime
    posted_states: Mapping[str, PostedState]
    payload: str | None = None
    payload_without_name: str | None = None
    shared_by_id: str = ""
    delivery: int | None = None
    page: int | None = None

    @property
    def message_key(self) -> tuple[str, str, str]:
        """Return the unique key: platform, channel and message id."""
        return self.channel.platform, self.channel.channel, self.message_id


def insert_posts(connection: Connection, new_posts: Sequence[NewPost]) -> dict[tuple[str, str, str], int]:
    """Insert messages with their papers; skip messages that are stored already.

    Returns the store's numbers of the inserted ones, by message key.
    """
    key_columns = (posts.c.platform, posts.c.channel, posts.c.message_id)
    added = insert_absent_returning(
        connection, posts, [_post_row(new_post) for new_post in new_posts], posts.c.id, *key_columns
    )
    keys = {(row.platform, row.channel, row.message_id): int(row.id) for row in added}
    post_paper_rows = [
        row
        for new_post in new_posts
        if new_post.message_key in keys
        for row in _post_paper_rows(new_post, keys[new_post.message_key])
    ]
    insert_many(connection, post_papers, post_paper_rows, has_short_values=True)
    return keys


def _post_row(new_post: NewPost) -> dict[str, Any]:
    return {
        "platform": new_post.channel.platform, "channel": new_post.channel.channel,
        "workspace": new_post.channel.workspace,
        "message_id": new_post.message_id, "first_number": new_post.first_number,
        "delivery": new_post.delivery, "page": new_post.page,
        "payload": new_post.payload, "payload_without_name": new_post.payload_without_name,
        "shared_by_id": new_post.shared_by_id, "posted_at": new_post.posted_at,
        "is_direct": new_post.channel.is_direct,
    }  # fmt: skip


def _post_paper_rows(new_post: NewPost, key: int) -> list[dict[str, Any]]:
    post_key = {"platform": new_post.channel.platform, "channel": new_post.channel.channel, "post": key}
    return [
        {
            **post_key,
            "ordinal": place,
            "paper": paper,
            **_state_columns(new_post.posted_states.get(paper, UNKNOWN_STATE)),
        }
        for place, paper in enumerate(new_post.papers)
    ]


_PAPER_STATES = select(
    papers_table.c.name,
    papers_table.c.version,
    papers_table.c.review,
    papers_table.c.score,
    papers_table.c.withdrawn,
).where(in_json_array(papers_table.c.name, "names"))


def state_of(connection: Connection, names: Sequence[str]) -> dict[str, PostedState]:
    """Return the current state of papers, as a message posted now would show it, by paper id.

    Unknown papers are left out.
    """
    return {
        row.name: PostedState(row.version, row.review or 0, row.score, row.withdrawn is not None)
        for row in connection.execute(_PAPER_STATES, {"names": names})
    }


def _state_columns(state: PostedState) -> dict[str, Any]:
    return dict(zip(("version", "review_number", "score", "is_withdrawn"), state, strict=True))


def fetch_posts_by_key(connection: Connection, keys: Sequence[int]) -> dict[int, Post]:
    """Return the posts with these numbers, by number. Raises ValueError if one of them does not exist."""
    query = _select_posts().where(posts.c.id.in_(keys)).order_by(posts.c.id)
    return dict(zip(sorted(keys), _fetch_posts(connection, query), strict=True))


def _is_post_of(member: QueueScope) -> ColumnElement[bool]:
    is_there = posts.c.channel == member.channel if member.channel else ~posts.c.is_direct
    is_in_workspace = posts.c.workspace.in_((member.workspace, "") if member.channel else (member.workspace,))
    return and_(posts.c.platform == member.platform, is_there, is_in_workspace)


def _select_posts() -> Select[Any]:
    payload = func.coalesce(posts.c.payload, pages.c.payload).label("posted_payload")
    is_page_of_post = and_(pages.c.delivery == posts.c.delivery, pages.c.number == posts.c.page)
    return select(posts, payload).select_from(posts.outerjoin(pages, is_page_of_post))


def _fetch_posts(connection: Connection, query: Select[Any]) -> list[Post]:
    rows = connection.execute(query).fetchall()
    papers: dict[int, list[str]] = {row.id: [] for row in rows}
    post_paper_query = (
        select(post_papers).where(post_papers.c.post.in_(papers)).order_by(post_papers.c.ordinal)
    )
    for row in connection.execute(post_paper_query):
        papers[row.post].append(row.paper)
    return [_post_from_row(row, papers[row.id]) for row in rows]


def _post_from_row(row: Row[Any], papers: Sequence[str]) -> Post:
    channel = Channel(row.platform, row.channel, row.workspace, bool(row.is_direct))
    return Post(channel, row.message_id, tuple(papers), _parse_payload(row.posted_payload), row.first_number)


def _parse_payload(text: str | None) -> dict[str, Any]:
    """Parse a stored payload; return an empty one if it is damaged, so that its papers stay known."""
    try:
        payload = json.loads(text or "{}")
    except ValueError:
        return {}
    return payload if isinstance(payload, dict) else {}
