"""Posts, marks and the queue in the database. Keeps the contract of `digests.ports.Marks`."""

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

from digests.model import Channel, Mark, MarkedBy, Post, Queued, Said
from digests.store import schema
from digests.store.engine import Database, among, insert_many, insert_new, insert_new_returning

posts, post_papers, marks, discussed, pages, papers_ = (
    schema.posts, schema.post_papers, schema.marks, schema.discussed, schema.pages, schema.papers,
)  # fmt: skip

UNKNOWN = Said(None, None, None, False)


@dataclass(frozen=True, slots=True)
class SqlMarks:
    """Posts and marks in a database of any kind."""

    database: Database

    def post(self, channel: Channel, message: str) -> Post | None:
        query = _posts().where(
            posts.c.platform == channel.platform,
            posts.c.channel == channel.channel,
            posts.c.message == message,
        )
        with self.database.read() as connection:
            found = _as_posts(connection, query)
        return found[0] if found else None

    def posts(self, channel: Channel, paper: str, most: int) -> Sequence[Post]:
        showing = select(post_papers.c.post).where(
            post_papers.c.platform == channel.platform,
            post_papers.c.channel == channel.channel,
            post_papers.c.paper == paper,
        )
        query = _posts().where(posts.c.id.in_(showing)).order_by(posts.c.id.desc()).limit(most)
        with self.database.read() as connection:
            return _as_posts(connection, query)

    def recent(self, platform: str, since: datetime, most: int) -> Sequence[Post]:
        query = (
            _posts()
            .where(posts.c.platform == platform, posts.c.posted_at >= since)
            .order_by(posts.c.posted_at.desc(), posts.c.id.desc())
            .limit(most)
        )
        with self.database.read() as connection:
            return _as_posts(connection, query)

    def shared(self, post: Post, *, now: datetime) -> None:
        with self.database.write() as connection:
            new = NewPost(
                post.channel,
                post.message,
                post.papers,
                post.first_number,
                posted_at=now,
                said=said_of(connection, post.papers),
                payload=json.dumps(post.payload, ensure_ascii=False),
            )
            write_posts(connection, [new])

    def set(self, mark: Mark, on: bool) -> bool:
        with self.database.write() as connection:
            return _set(connection, mark, on)

    def is_set(self, mark: Mark) -> bool:
        query = select(marks.c.is_on).where(*_same(mark))
        with self.database.read() as connection:
            return bool(connection.execute(query).scalar())

    def people(self, post: Post, by: MarkedBy) -> Mapping[str, frozenset[str]]:
        people: dict[str, set[str]] = {}
        with self.database.read() as connection:
            for row in connection.execute(_of_post(post, by)):
                people.setdefault(row.paper, set()).add(row.person)
        return {paper: frozenset(persons) for paper, persons in people.items()}

    def replace(
        self, post: Post, people: Mapping[str, frozenset[str]], by: MarkedBy, *, at: datetime
    ) -> bool:
        known = _of_post(post, by)
        wanted = {(paper, person) for paper in post.papers for person in people.get(paper, ())}
        with self.database.write() as connection:
            had = {(row.paper, row.person) for row in connection.execute(known)}
            changed = [
                _set(
                    connection,
                    Mark(post.channel, post.message, paper, person, by, at),
                    (paper, person) in wanted,
                )
                for paper, person in sorted(had ^ wanted)
            ]
        return any(changed)

    def voices(self, channel: Channel, papers: Sequence[str]) -> Mapping[str, int]:
        query = (
            select(marks.c.paper, func.count(marks.c.person.distinct()).label("voices"))
            .where(*_in(channel), marks.c.paper.in_(papers), marks.c.is_on)
            .group_by(marks.c.paper)
        )
        with self.database.read() as connection:
            return {row.paper: row.voices for row in connection.execute(query)}

    def queue(self, channel: Channel | None, *, since: datetime, most: int) -> Sequence[Queued]:
        counting = [marks.c.is_on, marks.c.at >= since, not_(_discussed())]
        query = _queued(*counting, *(_in(channel) if channel else ())).limit(most)
        with self.database.read() as connection:
            return [Queued(row.paper, row.voices, row.since) for row in connection.execute(query)]

    def of_person(
        self, platform: str, workspace: str, person: str, *, since: datetime, most: int
    ) -> Sequence[Queued]:
        newest = func.max(marks.c.at)
        own = (
            select(marks.c.paper)
            .where(
                marks.c.platform == platform,
                marks.c.person == person,
                marks.c.at >= since,
                marks.c.is_on,
                not_(_discussed()),
            )
            .group_by(marks.c.paper)
            .order_by(newest.desc(), marks.c.paper)
            .limit(most)
        )
        with self.database.read() as connection:
            papers = list(connection.execute(own).scalars())
            counted = _queued(
                marks.c.is_on, marks.c.at >= since, marks.c.paper.in_(papers), not_(_discussed())
            )
            rows = {row.paper: row for row in connection.execute(counted)}
        return [Queued(paper, rows[paper].voices, rows[paper].since) for paper in papers if paper in rows]

    def discussed(self, paper: str, channel: Channel | None, *, now: datetime) -> None:
        key = {
            "paper": paper,
            "platform": channel.platform if channel else "",
            "channel": channel.channel if channel else "",
        }
        with self.database.write() as connection:
            if not insert_new(connection, discussed, {**key, "at": now}):
                same = [discussed.c[name] == value for name, value in key.items()]
                connection.execute(update(discussed).where(*same, discussed.c.at < now).values(at=now))


@dataclass(frozen=True, slots=True)
class NewPost:
    """A message that shows papers; a page of a digest has its payload there."""

    channel: Channel
    message: str
    papers: Sequence[str]
    first_number: int
    posted_at: datetime
    said: Mapping[str, Said]
    payload: str | None = None
    delivery: int | None = None
    page: int | None = None

    @property
    def place(self) -> tuple[str, str, str]:
        """Where it is: no other message is there."""
        return self.channel.platform, self.channel.channel, self.message


def write_posts(connection: Connection, new: Sequence[NewPost]) -> dict[tuple[str, str, str], int]:
    """Remember that messages show papers, each once; the numbers of those that were not known. In the caller's transaction."""
    at = (posts.c.platform, posts.c.channel, posts.c.message)
    added = insert_new_returning(connection, posts, [_post_row(one) for one in new], posts.c.id, *at)
    keys = {(row.platform, row.channel, row.message): int(row.id) for row in added}
    shown = [row for one in new if one.place in keys for row in _shown_rows(one, keys[one.place])]
    insert_many(connection, post_papers, shown)
    return keys


def _post_row(new: NewPost) -> dict[str, Any]:
    return {
        "platform": new.channel.platform, "channel": new.channel.channel, "workspace": new.channel.workspace,
        "message": new.message, "first_number": new.first_number, "delivery": new.delivery, "page": new.page,
        "payload": new.payload, "posted_at": new.posted_at,
    }  # fmt: skip


def _shown_rows(new: NewPost, key: int) -> list[dict[str, Any]]:
    where = {"platform": new.channel.platform, "channel": new.channel.channel, "post": key}
    return [
        {**where, "place": place, "paper": paper, **_said_columns(new.said.get(paper, UNKNOWN))}
        for place, paper in enumerate(new.papers)
    ]


_SAYS = select(
    papers_.c.name, papers_.c.version, papers_.c.review, papers_.c.score, papers_.c.withdrawn
).where(among(papers_.c.name, "names"))


def said_of(connection: Connection, names: Sequence[str]) -> dict[str, Said]:
    """What a message that is written now says of these papers."""
    return {
        row.name: Said(row.version, row.review or 0, row.score, row.withdrawn is not None)
        for row in connection.execute(_SAYS, {"names": names})
    }


def _said_columns(said: Said) -> dict[str, Any]:
    return dict(zip(("version", "review", "score", "withdrawn"), said, strict=True))


def as_posts(connection: Connection, keys: Sequence[int]) -> dict[int, Post]:
    """The posts with these numbers."""
    query = _posts().where(posts.c.id.in_(keys)).order_by(posts.c.id)
    return dict(zip(sorted(keys), _as_posts(connection, query), strict=True))


def _posts() -> Select[Any]:
    payload = func.coalesce(posts.c.payload, pages.c.payload).label("posted_payload")
    of_page = and_(pages.c.delivery == posts.c.delivery, pages.c.number == posts.c.page)
    return select(posts, payload).select_from(posts.outerjoin(pages, of_page))


def _as_posts(connection: Connection, query: Select[Any]) -> list[Post]:
    rows = connection.execute(query).fetchall()
    papers: dict[int, list[str]] = {row.id: [] for row in rows}
    shown = select(post_papers).where(post_papers.c.post.in_(papers)).order_by(post_papers.c.place)
    for row in connection.execute(shown):
        papers[row.post].append(row.paper)
    return [_post(row, papers[row.id]) for row in rows]


def _post(row: Row[Any], papers: Sequence[str]) -> Post:
    channel = Channel(row.platform, row.channel, row.workspace)
    return Post(channel, row.message, tuple(papers), _payload(row.posted_payload), row.first_number)


def _payload(text: str | None) -> dict[str, Any]:
    """What was posted; empty where it cannot be read, so that its papers are known all the same."""
    try:
        payload = json.loads(text or "{}")
    except ValueError:
        return {}
    return payload if isinstance(payload, dict) else {}


def _set(connection: Connection, mark: Mark, on: bool) -> bool:
    if insert_new(connection, marks, {**_key(mark), "is_on": on, "at": mark.at}):
        return on
    row = connection.execute(select(marks.c.is_on, marks.c.at).where(*_same(mark)).with_for_update()).one()
    # Of an add and a removal at the same instant the removal counts, in whatever order they come.
    if (mark.at, not on) < (row.at, not row.is_on):
        return False
    connection.execute(update(marks).where(*_same(mark)).values(is_on=on, at=mark.at))
    return bool(row.is_on != on)


def _key(mark: Mark) -> dict[str, str]:
    return {
        "platform": mark.channel.platform, "channel": mark.channel.channel, "paper": mark.paper,
        "person": mark.person, "marked_by": mark.by, "message": mark.message,
    }  # fmt: skip


def _same(mark: Mark) -> list[ColumnElement[bool]]:
    return [marks.c[name] == value for name, value in _key(mark).items()]


def _of_post(post: Post, by: MarkedBy) -> Select[Any]:
    """The marks that stand on a message."""
    return select(marks.c.paper, marks.c.person).where(
        marks.c.platform == post.channel.platform,
        marks.c.channel == post.channel.channel,
        marks.c.paper.in_(post.papers),
        marks.c.marked_by == by,
        marks.c.message == post.message,
        marks.c.is_on,
    )


def _in(channel: Channel) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return marks.c.platform == channel.platform, marks.c.channel == channel.channel


def _discussed() -> ColumnElement[bool]:
    """Whether the paper was discussed after the mark was made, here or by everybody."""
    here = and_(discussed.c.platform == marks.c.platform, discussed.c.channel == marks.c.channel)
    everybody = and_(discussed.c.platform == "", discussed.c.channel == "")
    return exists().where(
        discussed.c.paper == marks.c.paper, discussed.c.at >= marks.c.at, or_(here, everybody)
    )


def _queued(*counting: ColumnElement[bool]) -> Select[Any]:
    """Papers with their voices: a person is one voice, however often and wherever on a platform."""
    person = marks.c.platform + " " + marks.c.person
    voices, since = func.count(person.distinct()).label("voices"), func.min(marks.c.at).label("since")
    return (
        select(marks.c.paper, voices, since)
        .where(*counting)
        .group_by(marks.c.paper)
        .order_by(voices.desc(), since, marks.c.paper)
    )
