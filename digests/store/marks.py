"""Posts, marks and the queue in the database. Keeps the contract of `digests.ports.marks.Marks`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    exists,
    func,
    not_,
    or_,
    select,
    update,
)

from digests.model import Mark, MarkSource, Post, PostedState, QueuedPaper
from digests.store import schema
from digests.store.engine import (
    Database,
    in_json_array,
    insert_absent_returning,
    insert_if_absent,
    insert_many,
)
from digests.subscription import Channel

posts, post_papers, marks, discussions, pages, papers_table = (
    schema.posts, schema.post_papers, schema.marks, schema.discussions, schema.pages, schema.papers,
)  # fmt: skip

UNKNOWN_STATE = PostedState(None, None, None, False)


@dataclass(frozen=True, slots=True)
class SqlMarks:
    """Posts and marks in a database of any kind."""

    database: Database

    def find_post(self, channel: Channel, message_id: str) -> Post | None:
        query = _select_posts().where(
            posts.c.platform == channel.platform,
            posts.c.channel == channel.channel,
            posts.c.message_id == message_id,
        )
        with self.database.read() as connection:
            found = _fetch_posts(connection, query)
        return found[0] if found else None

    def find_posts(self, channel: Channel, paper: str, limit: int) -> Sequence[Post]:
        posts_of_paper = select(post_papers.c.post).where(
            post_papers.c.platform == channel.platform,
            post_papers.c.channel == channel.channel,
            post_papers.c.paper == paper,
        )
        query = _select_posts().where(posts.c.id.in_(posts_of_paper)).order_by(posts.c.id.desc()).limit(limit)
        with self.database.read() as connection:
            return _fetch_posts(connection, query)

    def recent_posts(self, platform: str, since: datetime, limit: int) -> Sequence[Post]:
        query = (
            _select_posts()
            .where(posts.c.platform == platform, posts.c.posted_at >= since)
            .order_by(posts.c.posted_at.desc(), posts.c.id.desc())
            .limit(limit)
        )
        with self.database.read() as connection:
            return _fetch_posts(connection, query)

    def record_shared_post(self, post: Post, *, now: datetime) -> None:
        with self.database.write() as connection:
            new_post = NewPost(
                post.channel,
                post.message_id,
                post.papers,
                post.first_number,
                posted_at=now,
                posted_states=state_of(connection, post.papers),
                payload=json.dumps(post.payload, ensure_ascii=False),
            )
            insert_posts(connection, [new_post])

    def set_mark(self, mark: Mark, is_on: bool) -> bool:
        with self.database.write() as connection:
            return _set_mark(connection, mark, is_on)

    def has_mark(self, mark: Mark) -> bool:
        query = select(marks.c.is_on).where(*_matches_mark(mark))
        with self.database.read() as connection:
            return bool(connection.execute(query).scalar())

    def people_by_paper(self, post: Post, source: MarkSource) -> Mapping[str, frozenset[str]]:
        people: dict[str, set[str]] = {}
        with self.database.read() as connection:
            for row in connection.execute(_select_marks_of_post(post, source)):
                people.setdefault(row.paper, set()).add(row.person)
        return {paper: frozenset(persons) for paper, persons in people.items()}

    def replace_marks(
        self, post: Post, people: Mapping[str, frozenset[str]], source: MarkSource, *, as_of: datetime
    ) -> bool:
        current_marks = _select_marks_of_post(post, source)
        wanted = {(paper, person) for paper in post.papers for person in people.get(paper, ())}
        with self.database.write() as connection:
            current_pairs = {(row.paper, row.person) for row in connection.execute(current_marks)}
            changed = [
                _set_mark(
                    connection,
                    Mark(post.channel, post.message_id, paper, person, source, as_of),
                    (paper, person) in wanted,
                )
                for paper, person in sorted(current_pairs ^ wanted)
            ]
        return any(changed)

    def mark_counts(self, channel: Channel, papers: Sequence[str]) -> Mapping[str, int]:
        query = (
            select(marks.c.paper, func.count(marks.c.person.distinct()).label("mark_count"))
            .where(*_is_in_channel(channel), marks.c.paper.in_(papers), marks.c.is_on)
            .group_by(marks.c.paper)
        )
        with self.database.read() as connection:
            return {row.paper: row.mark_count for row in connection.execute(query)}

    def discussion_queue(
        self, channel: Channel | None, *, since: datetime, limit: int
    ) -> Sequence[QueuedPaper]:
        conditions = [marks.c.is_on, marks.c.at >= since, not_(_is_discussed())]
        query = _select_queue(*conditions, *(_is_in_channel(channel) if channel else ())).limit(limit)
        with self.database.read() as connection:
            return [QueuedPaper(row.paper, row.mark_count, row.since) for row in connection.execute(query)]

    def papers_marked_by(
        self, platform: str, workspace: str, person: str, *, since: datetime, limit: int
    ) -> Sequence[QueuedPaper]:
        newest = func.max(marks.c.at)
        own_papers = (
            select(marks.c.paper)
            .where(
                marks.c.platform == platform,
                marks.c.person == person,
                marks.c.at >= since,
                marks.c.is_on,
                not_(_is_discussed()),
            )
            .group_by(marks.c.paper)
            .order_by(newest.desc(), marks.c.paper)
            .limit(limit)
        )
        with self.database.read() as connection:
            papers = list(connection.execute(own_papers).scalars())
            queue_query = _select_queue(
                marks.c.is_on, marks.c.at >= since, marks.c.paper.in_(papers), not_(_is_discussed())
            )
            rows = {row.paper: row for row in connection.execute(queue_query)}
        return [
            QueuedPaper(paper, rows[paper].mark_count, rows[paper].since) for paper in papers if paper in rows
        ]

    def finish_discussion(self, paper: str, channel: Channel | None, *, now: datetime) -> None:
        key = {
            "paper": paper,
            "platform": channel.platform if channel else "",
            "channel": channel.channel if channel else "",
        }
        with self.database.write() as connection:
            if not insert_if_absent(connection, discussions, {**key, "at": now}):
                key_conditions = [discussions.c[name] == value for name, value in key.items()]
                connection.execute(
                    update(discussions).where(*key_conditions, discussions.c.at < now).values(at=now)
                )


@dataclass(frozen=True, slots=True)
class NewPost:
    """A message that shows papers; a page of a digest has its payload there."""

    channel: Channel
    message_id: str
    papers: Sequence[str]
    first_number: int
    posted_at: datetime
    posted_states: Mapping[str, PostedState]
    payload: str | None = None
    delivery: int | None = None
    page: int | None = None

    @property
    def message_key(self) -> tuple[str, str, str]:
        """Where it is: no other message is there."""
        return self.channel.platform, self.channel.channel, self.message_id


def insert_posts(connection: Connection, new_posts: Sequence[NewPost]) -> dict[tuple[str, str, str], int]:
    """Remember that messages show papers, each once; the numbers of those that were not known. In the caller's transaction."""
    key_columns = (posts.c.platform, posts.c.channel, posts.c.message_id)
    added = insert_absent_returning(
        connection, posts, [_post_row(one) for one in new_posts], posts.c.id, *key_columns
    )
    keys = {(row.platform, row.channel, row.message_id): int(row.id) for row in added}
    post_paper_rows = [
        row
        for one in new_posts
        if one.message_key in keys
        for row in _post_paper_rows(one, keys[one.message_key])
    ]
    insert_many(connection, post_papers, post_paper_rows)
    return keys


def _post_row(new_post: NewPost) -> dict[str, Any]:
    return {
        "platform": new_post.channel.platform, "channel": new_post.channel.channel, "workspace": new_post.channel.workspace,
        "message_id": new_post.message_id, "first_number": new_post.first_number, "delivery": new_post.delivery, "page": new_post.page,
        "payload": new_post.payload, "posted_at": new_post.posted_at,
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
    """What a message that is written now says of these papers."""
    return {
        row.name: PostedState(row.version, row.review or 0, row.score, row.withdrawn is not None)
        for row in connection.execute(_PAPER_STATES, {"names": names})
    }


def _state_columns(state: PostedState) -> dict[str, Any]:
    return dict(zip(("version", "review_number", "score", "is_withdrawn"), state, strict=True))


def fetch_posts_by_key(connection: Connection, keys: Sequence[int]) -> dict[int, Post]:
    """The posts with these numbers."""
    query = _select_posts().where(posts.c.id.in_(keys)).order_by(posts.c.id)
    return dict(zip(sorted(keys), _fetch_posts(connection, query), strict=True))


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
    channel = Channel(row.platform, row.channel, row.workspace)
    return Post(channel, row.message_id, tuple(papers), _parse_payload(row.posted_payload), row.first_number)


def _parse_payload(text: str | None) -> dict[str, Any]:
    """What was posted; empty where it cannot be read, so that its papers are known all the same."""
    try:
        payload = json.loads(text or "{}")
    except ValueError:
        return {}
    return payload if isinstance(payload, dict) else {}


def _set_mark(connection: Connection, mark: Mark, on: bool) -> bool:
    if insert_if_absent(connection, marks, {**_key_of_mark(mark), "is_on": on, "at": mark.at}):
        return on
    row = connection.execute(
        select(marks.c.is_on, marks.c.at).where(*_matches_mark(mark)).with_for_update()
    ).one()
    # Of an add and a removal at the same instant the removal counts, in whatever order they come.
    if (mark.at, not on) < (row.at, not row.is_on):
        return False
    connection.execute(update(marks).where(*_matches_mark(mark)).values(is_on=on, at=mark.at))
    return bool(row.is_on != on)


def _key_of_mark(mark: Mark) -> dict[str, str]:
    return {
        "platform": mark.channel.platform, "channel": mark.channel.channel, "paper": mark.paper,
        "person": mark.person, "mark_source": mark.source, "message_id": mark.message_id,
    }  # fmt: skip


def _matches_mark(mark: Mark) -> list[ColumnElement[bool]]:
    return [marks.c[name] == value for name, value in _key_of_mark(mark).items()]


def _select_marks_of_post(post: Post, source: MarkSource) -> Select[Any]:
    """The marks that stand on a message."""
    return select(marks.c.paper, marks.c.person).where(
        marks.c.platform == post.channel.platform,
        marks.c.channel == post.channel.channel,
        marks.c.paper.in_(post.papers),
        marks.c.mark_source == source,
        marks.c.message_id == post.message_id,
        marks.c.is_on,
    )


def _is_in_channel(channel: Channel) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return marks.c.platform == channel.platform, marks.c.channel == channel.channel


def _is_discussed() -> ColumnElement[bool]:
    """Whether the paper was discussed after the mark was made, here or by everybody."""
    here = and_(discussions.c.platform == marks.c.platform, discussions.c.channel == marks.c.channel)
    everywhere = and_(discussions.c.platform == "", discussions.c.channel == "")
    return exists().where(
        discussions.c.paper == marks.c.paper, discussions.c.at >= marks.c.at, or_(here, everywhere)
    )


def _select_queue(*conditions: ColumnElement[bool]) -> Select[Any]:
    """Papers with their voices: a person is one voice, however often and wherever on a platform."""
    person = marks.c.platform + " " + marks.c.person
    mark_count, since = func.count(person.distinct()).label("mark_count"), func.min(marks.c.at).label("since")
    return (
        select(marks.c.paper, mark_count, since)
        .where(*conditions)
        .group_by(marks.c.paper)
        .order_by(mark_count.desc(), since, marks.c.paper)
    )
