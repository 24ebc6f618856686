"""Erasures that a database has not seen, as after a restore: its tombstones are applied again."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, select

from digests.ports.people import Counts, Subject, SubjectKind
from digests.store import schema
from digests.store.engine import upsert
from digests.store.people.conditions import AUDITED, WITH_CHANNEL
from digests.store.people.erasure import erase_subject
from digests.store.people.meetings import list_people_of_meetings
from digests.store.tombstones import Addition, Tombstone, find_latest

marks, posts, subscriptions = schema.marks, schema.posts, schema.subscriptions
discussions, requests, workspaces = schema.discussions, schema.paper_requests, schema.workspaces
reports, feedback, queue_decisions = schema.review_reports, schema.feedback, schema.queue_decisions
consents, account_links, link_codes = schema.queue_consents, schema.account_links, schema.link_codes
answers, paper_notes, tokens = schema.discussion_answers, schema.paper_notes, schema.access_tokens
installations, members = schema.installations, schema.organization_members


def _note_name(file_id: str) -> str:
    return f"tombstones {file_id}"


def read_fingerprint(connection: Connection, file_id: str) -> str:
    """Return the fingerprint of the tombstones that this database has seen, empty for none."""
    query = select(schema.notes.c.text).where(schema.notes.c.name == _note_name(file_id))
    return connection.execute(query).scalar() or ""


def write_fingerprint(connection: Connection, file_id: str, fingerprint: str) -> None:
    row = {"name": _note_name(file_id), "text": fingerprint}
    upsert(connection, schema.notes, row, {"text": fingerprint})


def note_addition(connection: Connection, added: Addition) -> None:
    """Note that this database has seen a new tombstone.

    A file with others that it has not seen is left for `reapply_tombstones`.
    """
    if read_fingerprint(connection, added.file_id) == added.fingerprint_before:
        write_fingerprint(connection, added.file_id, added.fingerprint_after)


def reapply(connection: Connection, tombstones: Sequence[Tombstone]) -> Counts:
    counts: Counter[str] = Counter()
    for kind in SubjectKind:
        find_instant = find_latest(tombstones, kind)
        for subject in sorted(_list_subjects(connection, kind), key=lambda each: each.key):
            if at := find_instant(subject):
                counts.update(erase_subject(connection, subject, now=at, before=at))
    return +counts


def _list_subjects(connection: Connection, kind: SubjectKind) -> set[Subject]:
    """Return every subject of the store, as its tombstone may name it.

    A record whose workspace is not known gives a subject in each workspace of the platform.
    """
    in_workspaces = [
        set(map(tuple, connection.execute(select(table.c.platform, table.c.workspace).distinct())))
        for table in (
            subscriptions,
            posts,
            marks,
            discussions,
            queue_decisions,
            consents,
            account_links,
            link_codes,
            requests,
            reports,
            feedback,
            answers,
            paper_notes,
            tokens,
            workspaces,
            installations,
            members,
        )
    ]
    known = set[tuple[Any, ...]]().union(*in_workspaces)
    if kind is SubjectKind.WORKSPACE:
        return {Subject(kind, *each) for each in known if each[1]}
    keys = set(_list_people(connection) if kind is SubjectKind.PERSON else _list_channels(connection))
    return {
        Subject(kind, platform, workspace, id)
        for platform, own_workspace, id in keys  # noqa: A001
        for workspace in (
            {own_workspace, ""}
            if own_workspace
            else {"", *(name for where, name in known if where == platform)}
        )
    }


def _list_people(connection: Connection) -> Iterator[tuple[str, str, str]]:
    with_person = (
        (table, "person")
        for table in (marks, requests, reports, feedback, answers, paper_notes, account_links, link_codes)
    )
    named = (
        *with_person,
        (paper_notes, "author"),
        (subscriptions, "owner_id"),
        (installations, "installed_by"),
    )
    for table, column in named:
        query = select(table.c.platform, table.c.workspace, table.c[column]).distinct()
        for platform, workspace, person in connection.execute(query.where(table.c[column] != "")):
            yield platform, workspace, person
    yield from list_people_of_meetings(connection)
    id_columns = (
        *(each.c.by_id for each in AUDITED.values()),
        posts.c.shared_by_id,
        subscriptions.c.paused_by_id,
    )
    for id_column in id_columns:
        for qualified in connection.execute(select(id_column).distinct()).scalars():
            if qualified.count(":") >= 2:
                platform, workspace, person = qualified.split(":", 2)
                yield platform, workspace, person


def _list_channels(connection: Connection) -> Iterator[tuple[str, str, str]]:
    columns = (*(table.c.channel for table in WITH_CHANNEL), paper_notes.c.message_channel)
    for column in columns:
        query = select(column.table.c.platform, column.table.c.workspace, column).distinct()
        yield from map(tuple, connection.execute(query.where(column != "")))
