"""Erasure, export and retention of the rows about people in meetings."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    delete,
    literal,
    select,
    true,
    update,
)

from digests.ports.outbox import MEETING_KINDS, PageState
from digests.store import schema

plans, meetings, members = schema.meeting_plans, schema.meetings, schema.meeting_members
votes, subscriptions = schema.meeting_votes, schema.subscriptions
pages, deliveries, meeting_posts = schema.pages, schema.deliveries, schema.meeting_posts

_NO_CONTENT = "{}"
"""Content of a posted page that named somebody, until the page is edited."""


def list_people_of_meetings(connection: Connection) -> Iterator[tuple[str, str, str]]:
    """Yield the platform, the workspace and the id of everybody who leads, may lead or has voted."""
    place = (subscriptions.c.platform, subscriptions.c.workspace)
    of_plan = subscriptions.c.id == plans.c.subscription
    people = (
        select(*place, members.c.person).join(plans, of_plan).join(members, members.c.plan == plans.c.id),
        select(*place, meetings.c.presenter)
        .join(plans, of_plan)
        .join(meetings, meetings.c.plan == plans.c.id),
        select(*place, votes.c.person)
        .join(plans, of_plan)
        .join(meetings, meetings.c.plan == plans.c.id)
        .join(votes, votes.c.meeting == meetings.c.id),
    )
    for query in people:
        for platform, workspace, person in connection.execute(query.distinct()):
            if person:
                yield platform, workspace, person


def erase_from_meetings(
    connection: Connection,
    is_theirs: ColumnElement[bool],
    person: str,
    now: datetime,
    before: datetime | None,
) -> dict[str, int]:
    """Erase a person from the meetings of the subscriptions that match, and count the records.

    Votes and membership are deleted, and nobody leads what the person led. Posted messages that name the
    person are edited. With `before`, records that are newer stay.
    """
    own_plans = select(plans.c.id).where(
        plans.c.subscription.in_(select(subscriptions.c.id).where(is_theirs))
    )
    own_meetings = select(meetings.c.id).where(meetings.c.plan.in_(own_plans))

    def is_until(column: ColumnElement[Any]) -> ColumnElement[bool]:
        return column <= before if before else true()

    is_vote = (votes.c.person == person, votes.c.meeting.in_(own_meetings), is_until(votes.c.at))
    is_presenter = (
        meetings.c.presenter == person, meetings.c.plan.in_(own_plans), is_until(meetings.c.chosen_at),
    )  # fmt: skip
    is_member = (
        members.c.person == person, members.c.plan.in_(own_plans), is_until(members.c.joined_at),
    )  # fmt: skip
    naming = _find_naming_pages(connection, own_meetings, person, before)
    changed = {
        *connection.execute(select(votes.c.meeting).where(*is_vote)).scalars(),
        *connection.execute(select(meetings.c.id).where(*is_presenter)).scalars(),
        *(meeting for _, _, meeting in naming),
    }
    _touch_meetings(connection, changed, now)
    for delivery, number, _ in naming:
        page = update(pages).where(pages.c.delivery == delivery, pages.c.number == number)
        connection.execute(page.values(payload=_NO_CONTENT))
    return {
        "votes": connection.execute(delete(votes).where(*is_vote)).rowcount,
        "meetings led": connection.execute(
            update(meetings).where(*is_presenter).values(presenter="")
        ).rowcount,
        "places in a rota": connection.execute(delete(members).where(*is_member)).rowcount,
    }


def _find_naming_pages(
    connection: Connection, own_meetings: Select[Any], person: str, before: datetime | None
) -> list[tuple[int, int, int]]:
    """Return the keys of posted pages that have the person's id, each with its meeting."""
    query = (
        select(pages.c.delivery, pages.c.number, meeting_posts.c.meeting)
        .join(meeting_posts, meeting_posts.c.delivery == pages.c.delivery)
        .where(
            meeting_posts.c.meeting.in_(own_meetings),
            pages.c.state == PageState.POSTED,
            pages.c.payload.contains(person, autoescape=True),
            pages.c.posted_at <= before if before else true(),
        )
    )
    return [tuple(row) for row in connection.execute(query)]


def _touch_meetings(connection: Connection, keys: set[int], now: datetime) -> None:
    """Count a change of meetings, so that their posts are edited."""
    if not keys:
        return
    own_plans = select(meetings.c.plan).where(meetings.c.id.in_(keys))
    connection.execute(update(plans).where(plans.c.id.in_(own_plans)).values(next_step_at=now))
    change = update(meetings).where(meetings.c.id.in_(keys))
    connection.execute(change.values(revision=meetings.c.revision + 1))


def select_plans(is_planner: ColumnElement[bool]) -> Select[Any]:
    """Build a query for the plans that a person changed last."""
    place = (subscriptions.c.platform, subscriptions.c.workspace, subscriptions.c.channel)
    changed = (plans.c.content, plans.c.by, plans.c.by_id, plans.c.at)
    return select(*place, *changed).join(plans, plans.c.subscription == subscriptions.c.id).where(is_planner)


def select_meeting_records(is_theirs: ColumnElement[bool], person: str) -> Iterator[tuple[str, Select[Any]]]:
    """Yield queries for what is kept of a person in the meetings of the subscriptions that match."""
    place = (subscriptions.c.platform, subscriptions.c.workspace, subscriptions.c.channel)
    of_plan = plans.c.subscription == subscriptions.c.id
    membership = [column for column in members.c if column.name not in ("plan", "declined")]
    yield (
        "places in a rota",
        select(*place, *membership)
        .join(plans, of_plan)
        .join(members, members.c.plan == plans.c.id)
        .where(is_theirs, members.c.person == person),
    )
    led = (meetings.c.starts_at, meetings.c.paper, meetings.c.presenter)
    yield (
        "meetings led",
        select(*place, *led)
        .join(plans, of_plan)
        .join(meetings, meetings.c.plan == plans.c.id)
        .where(is_theirs, meetings.c.presenter == person),
    )
    yield (
        "votes",
        select(*place, meetings.c.starts_at, votes.c.person, votes.c.paper, votes.c.at)
        .join(plans, of_plan)
        .join(meetings, meetings.c.plan == plans.c.id)
        .join(votes, votes.c.meeting == meetings.c.id)
        .where(is_theirs, votes.c.person == person),
    )


def list_old_meeting_records(before: datetime) -> list[tuple[Table, ColumnElement[bool]]]:
    """Return the conditions for records of meetings that are older than an instant and name a person."""
    is_meeting_post = pages.c.delivery.in_(
        select(deliveries.c.id).where(deliveries.c.kind.in_(MEETING_KINDS))
    )
    return [
        (votes, votes.c.at < before),
        (meetings, and_(meetings.c.starts_at < before, meetings.c.presenter != "")),
        (pages, and_(pages.c.posted_at < before, pages.c.payload != literal(_NO_CONTENT), is_meeting_post)),
    ]


def prune_meeting_rows(connection: Connection, table: Table, condition: ColumnElement[bool]) -> None:
    """Take people out of old meetings, or their content out of old posts of meetings."""
    if table is meetings:
        connection.execute(update(meetings).where(condition).values(presenter=""))
    else:
        connection.execute(update(pages).where(condition).values(payload=_NO_CONTENT))
