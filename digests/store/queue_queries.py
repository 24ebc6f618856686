"""Queries for the marks that count in a queue, by the rules of `QueueScope` and `Marks.discussion_queue`.

Parameters are numbered by the member of the scope: `name_values` returns them all.
"""

from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    Select,
    Subquery,
    and_,
    bindparam,
    exists,
    func,
    not_,
    or_,
    select,
    union_all,
)

from digests.model import QueueOutcome
from digests.ports.marks import QueueScope
from digests.store import schema
from digests.store.engine import in_json_array

discussions, decisions, marks = schema.discussions, schema.queue_decisions, schema.marks
links = schema.account_links


class MemberKind(NamedTuple):
    """The form of a member's conditions: of one channel or of a workspace, of direct messages or not."""

    has_channel: bool
    is_direct: bool


IDENTITY = func.coalesce(links.c.identity, marks.c.platform + ":" + marks.c.person)
"""Key of the person behind a mark of `LINKED_MARKS`: the same text for all linked accounts of a person."""
LINKED_MARKS = marks.outerjoin(
    links, and_(links.c.platform == marks.c.platform, links.c.person == marks.c.person)
)

_SINCE = bindparam("marked_since", type_=marks.c.at.type)
_NOW = bindparam("now", type_=marks.c.at.type)


def name_values(scope: QueueScope, *, since: datetime) -> dict[str, Any]:
    """Return the parameters of the queries over a scope, but for those of `select_queue` and its kin."""
    return {"marked_since": since, **name_members(scope)}


def name_members(scope: QueueScope) -> dict[str, Any]:
    """Return the parameters that name the members of a scope."""
    values: dict[str, Any] = {}
    for number, member in enumerate(scope.members):
        values |= {
            f"member{number}_platform": member.platform,
            f"member{number}_workspace": member.workspace,
            f"member{number}_channel": member.channel,
        }
    return values


def list_kinds(scope: QueueScope) -> tuple[MemberKind, ...]:
    """Return the kinds of a scope's members, by which the queries are made once and kept."""
    return tuple(MemberKind(bool(member.channel), member.is_direct) for member in scope.members)


@lru_cache
def select_queue(kinds: tuple[MemberKind, ...]) -> Select[Any]:
    """Return the query for the papers of a queue in their order, which takes longer to make than to run.

    Its further parameters are `now` and `limit`. Rows have paper, mark_count, since and postponed_until.
    """
    counted = _select_counted(kinds, with_postponements=True)
    mark_count, since = func.count(counted.c.identity.distinct()), func.min(counted.c.at)
    postponed_until = func.max(counted.c.until)
    score = func.max(schema.papers.c.score)
    return (
        select(
            counted.c.paper,
            mark_count.label("mark_count"),
            since.label("since"),
            postponed_until.label("postponed_until"),
        )
        .select_from(counted.outerjoin(schema.papers, schema.papers.c.name == counted.c.paper))
        .group_by(counted.c.paper)
        .order_by(
            postponed_until.is_not(None), mark_count.desc(), score.desc().nulls_last(), since, counted.c.paper
        )
        .limit(bindparam("limit", type_=Integer))
    )


@lru_cache
def select_people(kinds: tuple[MemberKind, ...]) -> Select[Any]:
    """Return the query for the accounts whose marks count, by paper. Its further parameter is `papers`."""
    counted = _select_counted(kinds, with_postponements=False)
    key = (counted.c.paper, counted.c.identity, counted.c.platform, counted.c.workspace, counted.c.person)
    first = func.min(counted.c.at)
    return (
        select(*key)
        .where(in_json_array(counted.c.paper, "papers"))
        .group_by(*key)
        .order_by(first, counted.c.platform, counted.c.person)
    )


def _select_counted(kinds: tuple[MemberKind, ...], *, with_postponements: bool) -> Subquery:
    """Build the marks that count in a queue, with the person's identity: rows of all members together."""
    parts = [
        _select_of_member(number, kind, with_postponements=with_postponements)
        for number, kind in enumerate(kinds)
    ]
    return (union_all(*parts) if len(parts) > 1 else parts[0]).subquery("counted")


def _select_of_member(number: int, kind: MemberKind, *, with_postponements: bool) -> Select[Any]:
    columns = [
        marks.c.paper,
        marks.c.platform,
        _workspace_of(number).label("workspace"),
        marks.c.person,
        marks.c.at,
        IDENTITY.label("identity"),
    ]
    if not with_postponements:
        return select(*columns).select_from(LINKED_MARKS).where(*counts_in_queue(number, kind))
    postponed = decisions.alias("postponed")
    is_postponed = and_(
        *_is_about_mark(postponed, number, kind),
        postponed.c.outcome == QueueOutcome.POSTPONED,
        postponed.c.until > _NOW,
    )
    source = LINKED_MARKS.outerjoin(postponed, is_postponed)
    return select(*columns, postponed.c.until).select_from(source).where(*counts_in_queue(number, kind))


def counts_in_queue(number: int, kind: MemberKind) -> tuple[ColumnElement[bool], ...]:
    """Match the marks that count in the queue of the scope's member with this number."""
    is_off = or_(_is_discussed(number, kind), _is_left_out(number, kind))
    return marks.c.is_on, marks.c.at >= _SINCE, *_is_in_scope(number, kind), not_(is_off)


def is_of_any(kinds: tuple[MemberKind, ...]) -> ColumnElement[bool]:
    """Match the marks of a scope's members, those that count in no queue any more too."""
    return or_(*(and_(*_is_in_scope(number, kind)) for number, kind in enumerate(kinds)))


def _platform_of(number: int) -> BindParameter[Any]:
    return bindparam(f"member{number}_platform", type_=marks.c.platform.type)


def _workspace_of(number: int) -> BindParameter[Any]:
    return bindparam(f"member{number}_workspace", type_=marks.c.workspace.type)


def _is_in_scope(number: int, kind: MemberKind) -> tuple[ColumnElement[bool], ...]:
    """Match the marks of a queue, by the rules of `QueueScope`."""
    platform, workspace = _platform_of(number), _workspace_of(number)
    is_on_platform = marks.c.platform == platform
    if kind.has_channel:
        channel = bindparam(f"member{number}_channel", type_=marks.c.channel.type)
        return is_on_platform, marks.c.channel == channel, marks.c.workspace.in_([workspace, ""])
    if kind.is_direct:
        return is_on_platform, marks.c.is_direct, marks.c.workspace == workspace
    others = marks.alias("others")
    own_channels = select(others.c.channel).where(
        others.c.platform == platform, others.c.workspace == workspace
    )
    is_unnamed = and_(marks.c.workspace == "", marks.c.channel.in_(own_channels))
    return is_on_platform, ~marks.c.is_direct, or_(marks.c.workspace == workspace, is_unnamed)


def _is_about_mark(table: Any, number: int, kind: MemberKind) -> tuple[ColumnElement[bool], ...]:
    """Match the rows of a table that are about a mark's paper, in its channel or in the whole workspace.

    A decision of the workspace does not count for a direct message.
    """
    channels = (marks.c.channel,) if kind.is_direct else (marks.c.channel, "")
    return (
        table.c.paper == marks.c.paper,
        table.c.platform == marks.c.platform,
        table.c.workspace.in_([_workspace_of(number), ""]),
        table.c.channel.in_(channels),
    )


def _is_discussed(number: int, kind: MemberKind) -> ColumnElement[bool]:
    """Match marks whose paper was discussed when they were made or later."""
    return exists().where(*_is_about_mark(discussions, number, kind), discussions.c.at >= marks.c.at)


def _is_left_out(number: int, kind: MemberKind) -> ColumnElement[bool]:
    """Match marks whose paper was taken out, or was passed on when they were made or later."""
    is_passed = and_(decisions.c.outcome == QueueOutcome.PASSED, decisions.c.at >= marks.c.at)
    is_taken_out = decisions.c.outcome == QueueOutcome.TAKEN_OUT
    return exists().where(*_is_about_mark(decisions, number, kind), or_(is_passed, is_taken_out))
