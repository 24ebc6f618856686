"""Implementation of `digests.ports.marks.Marks`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, bindparam, func, or_, select, update

from digests.model import Account, Mark, MarkSource, Post, QueuedPaper
from digests.ports.marks import QueueScope
from digests.store import schema
from digests.store.engine import Database, in_json_array, insert_if_absent
from digests.store.queue_queries import (
    IDENTITY,
    LINKED_MARKS,
    MemberKind,
    counts_in_queue,
    is_of_any,
    list_kinds,
    name_members,
    name_values,
    select_people,
    select_queue,
)
from digests.subscription import Channel

marks = schema.marks

# Built once: SQLAlchemy takes longer to build such a statement than the database to answer it.
_MARKED_PAPERS = (
    select(marks.c.platform, marks.c.channel, marks.c.paper)
    .where(
        marks.c.is_on,
        marks.c.at >= bindparam("since", type_=schema.Instant),
        in_json_array(marks.c.channel, "channels"),
    )
    .group_by(marks.c.platform, marks.c.channel, marks.c.paper)
    .order_by(func.max(marks.c.at).desc(), marks.c.paper)
)
_MARKED_AMONG = (
    select(marks.c.platform, marks.c.workspace, marks.c.channel, marks.c.paper)
    .where(
        in_json_array(marks.c.platform, "platforms"),
        in_json_array(marks.c.channel, "channels"),
        in_json_array(marks.c.paper, "papers"),
        marks.c.is_on,
    )
    .distinct()
)


@dataclass(frozen=True, slots=True)
class SqlMarks:
    """Marks in SQLite or PostgreSQL."""

    database: Database

    def set_mark(self, mark: Mark, is_on: bool) -> bool:
        with self.database.write() as connection:
            is_changed = _set_mark(connection, mark, is_on)
            if mark.source is MarkSource.REACTION:
                is_changed |= _replace_button_mark(connection, mark)
        return is_changed

    def list_own(self, scope: QueueScope, paper: str, person: str, *, since: datetime) -> Sequence[Mark]:
        own = replace(scope, partners=())
        (kind,) = list_kinds(own)
        is_own = (marks.c.person == person, marks.c.paper == paper)
        query = select(marks).where(*is_own, *counts_in_queue(0, kind)).order_by(marks.c.at)
        with self.database.read() as connection:
            return [_mark_from_row(row) for row in connection.execute(query, name_values(own, since=since))]

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
            # A missed removal takes no mark by a button away: that may be newer.
            if source is MarkSource.REACTION:
                for paper, person in sorted(wanted - current_pairs):
                    _replace_button_mark(
                        connection, Mark(post.channel, post.message_id, paper, person, source, as_of)
                    )
        return any(changed)

    def mark_counts(
        self, channel: Channel, papers: Sequence[str], *, shared: QueueScope | None = None
    ) -> Mapping[str, int]:
        counts, values = and_(*_is_in_channel(channel)), dict[str, Any]()
        if shared:
            counts, values = or_(counts, is_of_any(list_kinds(shared))), name_members(shared)
        query = (
            select(marks.c.paper, func.count(IDENTITY.distinct()).label("mark_count"))
            .select_from(LINKED_MARKS)
            .where(counts, marks.c.paper.in_(papers), marks.c.is_on)
            .group_by(marks.c.paper)
        )
        with self.database.read() as connection:
            return {row.paper: row.mark_count for row in connection.execute(query, values)}

    def find_marked(
        self, channels: Collection[Channel], papers: Collection[str]
    ) -> Mapping[Channel, frozenset[str]]:
        parameters = {
            "platforms": sorted({channel.platform for channel in channels}),
            "channels": sorted({channel.channel for channel in channels}),
            "papers": sorted(papers),
        }
        wanted: dict[tuple[str, str], list[Channel]] = {}
        for channel in channels:
            wanted.setdefault((channel.platform, channel.channel), []).append(channel)
        found: dict[Channel, set[str]] = {}
        with self.database.read() as connection:
            for row in connection.execute(_MARKED_AMONG, parameters):
                place = Channel(row.platform, row.channel, row.workspace)
                for channel in wanted.get((row.platform, row.channel), ()):
                    if channel.may_match(place):
                        found.setdefault(channel, set()).add(row.paper)
        return {channel: frozenset(papers) for channel, papers in found.items()}

    def marked_papers(
        self, channels: Collection[Channel], *, since: datetime, limit: int
    ) -> Mapping[Channel, tuple[str, ...]]:
        wanted = {(channel.platform, channel.channel): channel for channel in channels}
        parameters = {"since": since, "channels": sorted({channel.channel for channel in channels})}
        found: dict[Channel, list[str]] = {}
        with self.database.read() as connection:
            for row in connection.execute(_MARKED_PAPERS, parameters):
                if channel := wanted.get((row.platform, row.channel)):
                    found.setdefault(channel, []).append(row.paper)
        return {channel: tuple(papers[:limit]) for channel, papers in found.items()}

    def discussion_queue(
        self, scope: QueueScope, *, since: datetime, now: datetime, limit: int
    ) -> Sequence[QueuedPaper]:
        values = {**name_values(scope, since=since), "now": now, "limit": limit}
        with self.database.read() as connection:
            return [
                QueuedPaper(row.paper, row.mark_count, row.since, row.postponed_until)
                for row in connection.execute(select_queue(list_kinds(scope)), values)
            ]

    def list_marked(self, scope: QueueScope, *, limit: int) -> Sequence[QueuedPaper]:
        people, since = func.count(marks.c.person.distinct()), func.min(marks.c.at)
        is_there = [marks.c.platform == scope.platform, marks.c.workspace == scope.workspace]
        is_there.append(marks.c.channel == scope.channel if scope.channel else ~marks.c.is_direct)
        query = (
            select(marks.c.paper, people.label("mark_count"), since.label("since"))
            .where(marks.c.is_on, *is_there)
            .group_by(marks.c.paper)
            .order_by(func.max(marks.c.at).desc(), marks.c.paper)
            .limit(limit)
        )
        with self.database.read() as connection:
            return [QueuedPaper(row.paper, row.mark_count, row.since) for row in connection.execute(query)]

    def marking_people(
        self, scope: QueueScope, papers: Sequence[str], *, since: datetime
    ) -> Mapping[str, tuple[tuple[Account, ...], ...]]:
        values = {**name_values(scope, since=since), "papers": papers}
        found: dict[str, dict[str, list[Account]]] = {}
        with self.database.read() as connection:
            for row in connection.execute(select_people(list_kinds(scope)), values):
                account = Account(row.platform, row.workspace, row.person)
                found.setdefault(row.paper, {}).setdefault(row.identity, []).append(account)
        return {paper: tuple(map(tuple, people.values())) for paper, people in found.items()}

    def papers_marked_by(
        self, platform: str, workspace: str, person: str, *, since: datetime, limit: int
    ) -> Sequence[QueuedPaper]:
        newest, values = func.max(marks.c.at), name_values(QueueScope(platform, workspace), since=since)
        of_workspace = counts_in_queue(0, MemberKind(has_channel=False, is_direct=False))
        direct = counts_in_queue(0, MemberKind(has_channel=False, is_direct=True))
        counts = or_(and_(*of_workspace), and_(marks.c.person == person, *direct))
        own_papers = (
            select(marks.c.paper)
            .where(marks.c.person == person, counts)
            .group_by(marks.c.paper)
            .order_by(newest.desc(), marks.c.paper)
            .limit(limit)
        )
        with self.database.read() as connection:
            papers = list(connection.execute(own_papers, values).scalars())
            queue_query = _select_counts(marks.c.paper.in_(papers), counts)
            rows = {row.paper: row for row in connection.execute(queue_query, values)}
        return [
            QueuedPaper(paper, rows[paper].mark_count, rows[paper].since) for paper in papers if paper in rows
        ]


def _replace_button_mark(connection: Connection, reaction: Mark) -> bool:
    """Remove the mark by a button that a reaction takes the place of; return True if there was one."""
    replaced = update(marks).where(
        marks.c.platform == reaction.channel.platform,
        marks.c.channel == reaction.channel.channel,
        marks.c.paper == reaction.paper,
        marks.c.person == reaction.person,
        marks.c.mark_source == MarkSource.BUTTON,
        marks.c.is_on,
        marks.c.at <= reaction.at,
    )
    return connection.execute(replaced.values(is_on=False, at=reaction.at)).rowcount > 0


def _set_mark(connection: Connection, mark: Mark, is_on: bool) -> bool:
    values = {"workspace": mark.channel.workspace, "is_on": is_on, "at": mark.at}
    is_direct = {"is_direct": mark.channel.is_direct}
    if insert_if_absent(connection, marks, {**_key_of_mark(mark), **values, **is_direct}):
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


def _mark_from_row(row: Row[Any]) -> Mark:
    channel = Channel(row.platform, row.channel, row.workspace, bool(row.is_direct))
    return Mark(channel, row.message_id, row.paper, row.person, MarkSource(row.mark_source), row.at)


def _select_counts(*conditions: ColumnElement[bool]) -> Select[Any]:
    """Build a query for the papers of a platform's marks, with mark counts and first marks.

    A person counts once, in whatever channels the marks are.
    """
    mark_count = func.count(marks.c.person.distinct()).label("mark_count")
    return (
        select(marks.c.paper, mark_count, func.min(marks.c.at).label("since"))
        .where(*conditions)
        .group_by(marks.c.paper)
    )
