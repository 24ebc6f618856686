"""Retention: records that are old, and still name a person."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, exists, or_, select, update

from digests.ports.people import SOMEBODY
from digests.store import schema
from digests.store.people.conditions import AUDITED, is_old_card
from digests.store.people.meetings import list_old_meeting_records, prune_meeting_rows
from digests.store.people.names import drop_names_of_cards, rewrite_change

marks, posts, subscriptions = schema.marks, schema.posts, schema.subscriptions
changes, reports, feedback = schema.subscription_changes, schema.review_reports, schema.feedback
link_codes, meetings, votes = schema.link_codes, schema.meetings, schema.meeting_votes


def list_old_conditions(before: datetime) -> list[tuple[Table, ColumnElement[bool]]]:
    """Return the conditions for records that are older than an instant and still name a person, by table.

    Of marks these are the ones that were taken back: no event is that late. Reports and opinions are all of
    them. Of subscriptions these are the paused ones that nobody changed since.
    """
    is_newer = exists().where(changes.c.subscription == subscriptions.c.id, changes.c.at >= before)
    has_pauser = or_(subscriptions.c.paused_by_id != "", subscriptions.c.paused_by.not_in(("", SOMEBODY)))
    has_sharer = or_(posts.c.shared_by_id != "", and_(*is_old_card()))
    audited = [
        (table, and_(table.c.at < before, or_(table.c.by_id != "", table.c.by.not_in(("", SOMEBODY)))))
        for table in AUDITED.values()
    ]
    return [
        (marks, and_(~marks.c.is_on, marks.c.at < before)),
        (reports, reports.c.at < before),
        (link_codes, link_codes.c.expires_at < before),
        (feedback, feedback.c.at < before),
        (subscriptions, and_(has_pauser, ~is_newer)),
        (posts, and_(posts.c.posted_at < before, has_sharer)),
        *audited,
        *list_old_meeting_records(before),
    ]


def find_keys(
    connection: Connection, table: Table, condition: ColumnElement[bool], limit: int
) -> list[tuple[Any, ...]]:
    query = select(*table.primary_key).where(condition).limit(limit)
    return [tuple(row) for row in connection.execute(query)]


def prune_rows(connection: Connection, table: Table, condition: ColumnElement[bool]) -> None:
    """Take people out of the rows of one table."""
    if table in (meetings, schema.pages):
        prune_meeting_rows(connection, table, condition)
    elif table in (marks, reports, feedback, votes, link_codes):
        connection.execute(delete(table).where(condition))
    elif table is posts:
        drop_names_of_cards(
            connection, list(connection.execute(select(posts.c.id).where(condition)).scalars())
        )
    elif table is subscriptions:
        connection.execute(update(subscriptions).where(condition).values(paused_by=SOMEBODY, paused_by_id=""))
    else:
        if table is changes:
            for row in connection.execute(select(changes).where(condition)).mappings().all():
                rewrite_change(connection, dict(row), lambda *_: True)
        connection.execute(update(table).where(condition).values(by=SOMEBODY, by_id=""))
