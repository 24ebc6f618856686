"""Conditions for the rows about a person, and the tables that have them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, case, func, or_, true

from digests.ports.people import Subject
from digests.store import schema

marks, posts, subscriptions = schema.marks, schema.posts, schema.subscriptions
changes, discussions, holds = schema.subscription_changes, schema.discussions, schema.holds
re_reviews, feedback, queue_decisions = schema.re_reviews, schema.feedback, schema.queue_decisions
consents, answers, paper_notes = schema.queue_consents, schema.discussion_answers, schema.paper_notes
tokens, plans = schema.access_tokens, schema.meeting_plans

AUDITED: Mapping[str, Table] = {
    "changes": changes,
    "decisions": holds,
    "discussions": discussions,
    "queue decisions": queue_decisions,
    "plans of meetings": plans,
    "agreements": consents,
    "re-reviews": re_reviews,
}
"""Tables that keep who did something, as `by` and `by_id`, by the word for their records."""

WITH_CHANNEL = (
    subscriptions,
    posts,
    marks,
    discussions,
    queue_decisions,
    consents,
    feedback,
    answers,
    paper_notes,
    tokens,
)
"""Tables whose rows belong to a channel, or to all of a workspace."""


def is_until(column: ColumnElement[Any], before: datetime | None) -> ColumnElement[bool]:
    return column <= before if before else true()


def is_of_person(table: Table, person: Subject) -> tuple[ColumnElement[bool], ...]:
    """Match rows of the person's workspace, and those whose workspace is not known."""
    is_on_platform = table.c.platform == person.platform
    if not person.workspace:
        return (is_on_platform,)
    return is_on_platform, table.c.workspace.in_((person.workspace, ""))


def is_qualified(column: ColumnElement[Any], person: Subject) -> ColumnElement[bool]:
    """Match a column with the platform, workspace and id of the person, as `slack:T1:U1`."""
    if person.workspace:
        return column.in_([f"{person.platform}:{name}:{person.id}" for name in (person.workspace, "")])
    start, end = f"{person.platform}:", f":{person.id}"
    return and_(
        func.substr(column, 1, len(start)) == start,
        func.length(column) >= len(start) + len(end) - 1,
        func.substr(column, func.length(column) - len(end) + 1) == end,
    )


def is_note_of(person: Subject) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for notes that a person wrote or kept, and for kept messages of the person."""
    is_theirs = or_(paper_notes.c.person == person.id, paper_notes.c.author == person.id)
    return (*is_of_person(paper_notes, person), is_theirs)


def last_answer_at() -> ColumnElement[datetime]:
    """Return the instant of the later one of a person's two answers about a discussed paper."""
    worth_it, truth = (
        func.coalesce(column, datetime.min.replace(tzinfo=UTC))
        for column in (answers.c.worth_it_at, answers.c.truth_at)
    )
    return case((worth_it > truth, worth_it), else_=truth)


def is_old_card() -> tuple[ColumnElement[bool], ...]:
    """Match shared cards of an older version, which may have a name in their content."""
    return posts.c.delivery.is_(None), posts.c.payload.is_not(None), posts.c.payload_without_name.is_(None)
