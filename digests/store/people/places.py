"""Erasure of what is kept of a channel, or of a whole workspace."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, exists, func, or_, select, true, update

from digests.ports.people import Subject
from digests.store import schema
from digests.store.account_links import delete_lone_links
from digests.store.people.conditions import AUDITED, WITH_CHANNEL, is_of_person, is_until, last_answer_at
from digests.store.people.names import erase_names, erase_names_in_history, erase_requesters

marks, posts, subscriptions = schema.marks, schema.posts, schema.subscriptions
changes, deliveries, discussions = schema.subscription_changes, schema.deliveries, schema.discussions
requests, workspaces, removals = schema.paper_requests, schema.workspaces, schema.removals
reports, feedback, queue_decisions = schema.review_reports, schema.feedback, schema.queue_decisions
consents, account_links, link_codes = schema.queue_consents, schema.account_links, schema.link_codes
answers, paper_notes, tokens = schema.discussion_answers, schema.paper_notes, schema.access_tokens
installations, members = schema.installations, schema.organization_members

Place = Callable[[Table], ColumnElement[bool]]
"""Builds the condition for rows of a table that are in some channels."""


def is_channel(channel: Subject) -> Place:
    def is_there(table: Table) -> ColumnElement[bool]:
        is_own = table.c.channel == channel.id
        if table is paper_notes:  # A message of the channel may be a note of the whole workspace.
            is_own = or_(is_own, paper_notes.c.message_channel == channel.id)
        return and_(*is_of_person(table, channel), is_own)

    return is_there


def erase_workspace(connection: Connection, workspace: Subject, before: datetime | None) -> dict[str, int]:
    platform, name = workspace.platform, workspace.workspace
    own_channels = {
        channel
        for table in WITH_CHANNEL
        for channel in connection.execute(
            select(table.c.channel).where(table.c.platform == platform, table.c.workspace == name).distinct()
        ).scalars()
        if channel
    }

    def is_in_workspace(table: Table) -> ColumnElement[bool]:
        is_unnamed = and_(table.c.workspace == "", table.c.channel.in_(own_channels))
        return and_(table.c.platform == platform, or_(table.c.workspace == name, is_unnamed))

    counts = delete_channels(connection, before, is_in_workspace)
    is_own = (requests.c.platform == platform, requests.c.workspace == name, is_until(requests.c.at, before))
    counts["requests"] = erase_requesters(connection, is_own, keeps_workspace=False)
    is_report = (
        reports.c.platform == platform, reports.c.workspace == name, is_until(reports.c.at, before),
    )  # fmt: skip
    counts["reports"] = connection.execute(delete(reports).where(*is_report)).rowcount
    for table in (account_links, link_codes, members):
        connection.execute(delete(table).where(table.c.platform == platform, table.c.workspace == name))
    connection.execute(delete(members).where(members.c.platform == platform, members.c.organization == name))
    is_installed = (
        installations.c.platform == platform,
        installations.c.workspace == name,
        is_until(installations.c.installed_at, before),
    )
    counts["installations"] = connection.execute(delete(installations).where(*is_installed)).rowcount
    claimed = (link_codes.c.other_platform == platform, link_codes.c.other_workspace == name)
    connection.execute(delete(link_codes).where(*claimed))
    delete_lone_links(connection)
    start = f"{platform}:{name}:"
    for kind, table in AUDITED.items():
        is_theirs = func.substr(table.c.by_id, 1, len(start)) == start
        counts[kind] = counts.get(kind, 0) + erase_names(connection, table, is_theirs, before)
    erase_names_in_history(connection, lambda _name, qualified, _place: qualified.startswith(start), before)
    entry = and_(
        workspaces.c.platform == platform, workspaces.c.workspace == name, is_until(workspaces.c.at, before)
    )
    is_denied = workspaces.c.state == "denied"
    connection.execute(update(workspaces).where(entry, is_denied).values(name=""))
    connection.execute(delete(removals).where(removals.c.platform == platform, removals.c.workspace == name))
    counts["entries in the list"] = connection.execute(delete(workspaces).where(entry, ~is_denied)).rowcount
    return counts


def was_used_since(connection: Connection, workspace: Subject, at: datetime) -> bool:
    """Return True if people marked or changed something in a workspace, or it got a message, after `at`."""
    changed = (
        select(changes.c.id)
        .join(subscriptions, subscriptions.c.id == changes.c.subscription)
        .where(
            subscriptions.c.platform == workspace.platform,
            subscriptions.c.workspace == workspace.workspace,
            changes.c.at > at,
        )
    )
    dated = (
        (marks, marks.c.at),
        (posts, posts.c.posted_at),
        (discussions, discussions.c.at),
        (queue_decisions, queue_decisions.c.at),
        (consents, consents.c.at),
        (account_links, account_links.c.at),
        (requests, requests.c.at),
        (reports, reports.c.at),
        (feedback, feedback.c.at),
        (answers, last_answer_at()),
        (paper_notes, paper_notes.c.at),
        (installations, installations.c.installed_at),
    )
    used = [
        select(table.c.platform).where(
            table.c.platform == workspace.platform, table.c.workspace == workspace.workspace, column > at
        )
        for table, column in dated
    ]
    return any(connection.execute(query.limit(1)).first() for query in (changed, *used))


def delete_channels(connection: Connection, before: datetime | None, is_there: Place) -> dict[str, int]:
    """Delete all records of some channels. Rows that depend on a subscription or a post go with it."""
    is_old: ColumnElement[bool] = true()
    if before:
        is_old = ~exists().where(changes.c.subscription == subscriptions.c.id, changes.c.at > before)
        is_old &= ~exists().where(
            deliveries.c.subscription == subscriptions.c.id, deliveries.c.due_at > before
        )
    deletions = {
        "marks": delete(marks).where(is_there(marks), is_until(marks.c.at, before)),
        "discussions": delete(discussions).where(is_there(discussions), is_until(discussions.c.at, before)),
        "queue decisions": delete(queue_decisions).where(
            is_there(queue_decisions), is_until(queue_decisions.c.at, before)
        ),
        "agreements": delete(consents).where(is_there(consents), is_until(consents.c.at, before)),
        "opinions": delete(feedback).where(is_there(feedback), is_until(feedback.c.at, before)),
        "answers about discussions": delete(answers).where(
            is_there(answers), is_until(last_answer_at(), before)
        ),
        "notes": delete(paper_notes).where(is_there(paper_notes), is_until(paper_notes.c.at, before)),
        "access tokens": delete(tokens).where(is_there(tokens), is_until(tokens.c.created_at, before)),
        "posted messages": delete(posts).where(is_there(posts), is_until(posts.c.posted_at, before)),
        "digests": delete(subscriptions).where(is_there(subscriptions), is_old),
    }
    return {kind: connection.execute(deletion).rowcount for kind, deletion in deletions.items()}
