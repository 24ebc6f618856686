"""Implementation of `digests.ports.marks.Marks`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    delete,
    exists,
    func,
    not_,
    or_,
    select,
    update,
)

from digests.model import FinishedDiscussion, Mark, MarkSource, Post, QueuedPaper
from digests.ports.marks import QueueScope
from digests.store import schema
from digests.store.engine import Database, insert_if_absent
from digests.subscription import Channel

discussions, marks = schema.discussions, schema.marks

CHANNELS_PER_QUERY = 500
"""Channels of one statement. The oldest SQLite builds in use take 999 values."""


@dataclass(frozen=True, slots=True)
class SqlMarks:
    """Marks in SQLite or PostgreSQL."""

    database: Database

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

    def marked_papers(
        self, channels: Collection[Channel], *, since: datetime, limit: int
    ) -> Mapping[Channel, tuple[str, ...]]:
        wanted = {(channel.platform, channel.channel): channel for channel in channels}
        newest = func.max(marks.c.at).label("newest")
        query = (
            select(marks.c.platform, marks.c.channel, marks.c.paper)
            .where(marks.c.is_on, marks.c.at >= since)
            .group_by(marks.c.platform, marks.c.channel, marks.c.paper)
            .order_by(newest.desc(), marks.c.paper)
        )
        ids = sorted({channel.channel for channel in channels})
        found: dict[Channel, list[str]] = {}
        with self.database.read() as connection:
            for start in range(0, len(ids), CHANNELS_PER_QUERY):
                chunk = ids[start : start + CHANNELS_PER_QUERY]
                for row in connection.execute(query.where(marks.c.channel.in_(chunk))):
                    if channel := wanted.get((row.platform, row.channel)):
                        found.setdefault(channel, []).append(row.paper)
        return {channel: tuple(papers[:limit]) for channel, papers in found.items()}

    def discussion_queue(self, scope: QueueScope, *, since: datetime, limit: int) -> Sequence[QueuedPaper]:
        query = _select_queue(*_counts_in_queue(scope, since)).limit(limit)
        with self.database.read() as connection:
            return [QueuedPaper(row.paper, row.mark_count, row.since) for row in connection.execute(query)]

    def papers_marked_by(
        self, platform: str, workspace: str, person: str, *, since: datetime, limit: int
    ) -> Sequence[QueuedPaper]:
        newest, conditions = func.max(marks.c.at), _counts_in_queue(QueueScope(platform, workspace), since)
        own_papers = (
            select(marks.c.paper)
            .where(marks.c.person == person, *conditions)
            .group_by(marks.c.paper)
            .order_by(newest.desc(), marks.c.paper)
            .limit(limit)
        )
        with self.database.read() as connection:
            papers = list(connection.execute(own_papers).scalars())
            queue_query = _select_queue(marks.c.paper.in_(papers), *conditions)
            rows = {row.paper: row for row in connection.execute(queue_query)}
        return [
            QueuedPaper(paper, rows[paper].mark_count, rows[paper].since) for paper in papers if paper in rows
        ]

    def finish_discussion(self, paper: str, scope: QueueScope, *, by: str, by_id: str, now: datetime) -> None:
        key, values = {"paper": paper, **_key_of_scope(scope)}, {"by": by, "by_id": by_id, "at": now}
        with self.database.write() as connection:
            if not insert_if_absent(connection, discussions, {**key, **values}):
                is_older = discussions.c.at < now
                connection.execute(
                    update(discussions).where(*_matches_discussion(key), is_older).values(values)
                )

    def finished_discussions(
        self, scope: QueueScope, *, since: datetime, limit: int
    ) -> Sequence[FinishedDiscussion]:
        query = (
            select(discussions.c.paper, discussions.c.by, discussions.c.at)
            .where(*_matches_discussion(_key_of_scope(scope)), discussions.c.at >= since)
            .order_by(discussions.c.at.desc(), discussions.c.paper)
            .limit(limit)
        )
        with self.database.read() as connection:
            return [FinishedDiscussion(row.paper, row.by, row.at) for row in connection.execute(query)]

    def undo_discussion(self, paper: str, scope: QueueScope, *, at: datetime) -> bool:
        key = {"paper": paper, **_key_of_scope(scope)}
        removal = delete(discussions).where(*_matches_discussion(key), discussions.c.at == at)
        with self.database.write() as connection:
            return connection.execute(removal).rowcount > 0


def _key_of_scope(scope: QueueScope) -> dict[str, str]:
    return {"platform": scope.platform, "workspace": scope.workspace, "channel": scope.channel}


def _matches_discussion(key: Mapping[str, str]) -> list[ColumnElement[bool]]:
    return [discussions.c[name] == value for name, value in key.items()]


def _set_mark(connection: Connection, mark: Mark, is_on: bool) -> bool:
    values = {"workspace": mark.channel.workspace, "is_on": is_on, "at": mark.at}
    if insert_if_absent(connection, marks, {**_key_of_mark(mark), **values}):
        return is_on
    row = connection.execute(
        select(marks.c.is_on, marks.c.at).where(*_matches_mark(mark)).with_for_update()
    ).one()
    # Of an addition and a removal at the same instant the removal counts, in either order of arrival.
    if (mark.at, not is_on) < (row.at, not row.is_on):
        return False
    if not mark.channel.workspace:
        del values["workspace"]
    connection.execute(update(marks).where(*_matches_mark(mark)).values(values))
    return bool(row.is_on != is_on)


def _key_of_mark(mark: Mark) -> dict[str, str]:
    return {
        "platform": mark.channel.platform, "channel": mark.channel.channel, "paper": mark.paper,
        "person": mark.person, "mark_source": mark.source, "message_id": mark.message_id,
    }  # fmt: skip


def _matches_mark(mark: Mark) -> list[ColumnElement[bool]]:
    return [marks.c[name] == value for name, value in _key_of_mark(mark).items()]


def _select_marks_of_post(post: Post, source: MarkSource) -> Select[Any]:
    """Build a query for paper and person of the marks from one source that stand on a message."""
    return select(marks.c.paper, marks.c.person).where(
        marks.c.platform == post.channel.platform,
        marks.c.channel == post.channel.channel,
        marks.c.paper.in_(post.papers),
        marks.c.mark_source == source,
        marks.c.message_id == post.message_id,
        marks.c.is_on,
    )


def _is_in_channel(channel: Channel) -> list[ColumnElement[bool]]:
    conditions = [marks.c.platform == channel.platform, marks.c.channel == channel.channel]
    if channel.workspace:
        conditions.append(marks.c.workspace.in_((channel.workspace, "")))
    return conditions


def _counts_in_queue(scope: QueueScope, since: datetime) -> tuple[ColumnElement[bool], ...]:
    return marks.c.is_on, marks.c.at >= since, *_is_in_scope(scope), not_(_is_discussed(scope))


def _is_in_scope(scope: QueueScope) -> tuple[ColumnElement[bool], ...]:
    """Match the marks of a queue, by the rules of `QueueScope`."""
    is_on_platform = marks.c.platform == scope.platform
    if scope.channel:
        in_workspace = marks.c.workspace.in_((scope.workspace, ""))
        return is_on_platform, marks.c.channel == scope.channel, in_workspace
    others = marks.alias("others")
    own_channels = select(others.c.channel).where(
        others.c.platform == scope.platform, others.c.workspace == scope.workspace
    )
    is_unnamed = and_(marks.c.workspace == "", marks.c.channel.in_(own_channels))
    return is_on_platform, or_(marks.c.workspace == scope.workspace, is_unnamed)


def _is_discussed(scope: QueueScope) -> ColumnElement[bool]:
    """Match marks whose paper was discussed when they were made or later, in their channel or workspace."""
    return exists().where(
        discussions.c.paper == marks.c.paper,
        discussions.c.at >= marks.c.at,
        discussions.c.platform == marks.c.platform,
        discussions.c.workspace.in_((scope.workspace, "")),
        discussions.c.channel.in_((marks.c.channel, "")),
    )


def _select_queue(*conditions: ColumnElement[bool]) -> Select[Any]:
    """Build a query for the papers of a platform's marks, with mark counts and first marks, most marks first.

    A person counts once, in whatever channels the marks are.
    """
    mark_count = func.count(marks.c.person.distinct()).label("mark_count")
    since = func.min(marks.c.at).label("since")
    return (
        select(marks.c.paper, mark_count, since)
        .where(*conditions)
        .group_by(marks.c.paper)
        .order_by(mark_count.desc(), since, marks.c.paper)
    )
