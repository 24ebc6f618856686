"""Erasure of people's names from records that stay: decisions, changes, pauses, requests, shared cards."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    case,
    delete,
    exists,
    func,
    or_,
    select,
    true,
    update,
)

from digests.ports.people import SOMEBODY, Subject
from digests.store import schema
from digests.store.engine import insert_if_absent
from digests.store.people.conditions import AUDITED, is_of_person, is_old_card, is_qualified, is_until
from digests.store.post_refreshes import enqueue_refreshes

posts, subscriptions, changes = schema.posts, schema.subscriptions, schema.subscription_changes
requests = schema.paper_requests


def collect_names(connection: Connection, person: Subject) -> list[str]:
    """Return the names under which the person did something: older rows have the name alone."""
    columns = [(table.c.by, table.c.by_id) for table in AUDITED.values()]
    columns.append((subscriptions.c.paused_by, subscriptions.c.paused_by_id))
    names = set[str]()
    for name, qualified in columns:
        names |= set(
            connection.execute(select(name).where(is_qualified(qualified, person)).distinct()).scalars()
        )
    return sorted(names - {"", SOMEBODY})


def has_newer_change(person: Subject, before: datetime | None) -> ColumnElement[bool]:
    """Match subscriptions that the person changed after an instant; none without one."""
    if before is None:
        return ~true()
    return exists().where(
        changes.c.subscription == subscriptions.c.id,
        changes.c.at > before,
        is_qualified(changes.c.by_id, person),
    )


def erase_pauses(
    connection: Connection, person: Subject, names: Sequence[str], before: datetime | None
) -> int:
    is_named = and_(
        subscriptions.c.paused_by_id == "",
        subscriptions.c.paused_by.in_(names),
        *is_of_person(subscriptions, person),
    )
    paused = update(subscriptions).where(
        or_(is_qualified(subscriptions.c.paused_by_id, person), is_named), ~has_newer_change(person, before)
    )
    count: int = connection.execute(paused.values(paused_by=SOMEBODY, paused_by_id="")).rowcount
    return count


def erase_names(
    connection: Connection, table: Table, condition: ColumnElement[bool], before: datetime | None
) -> int:
    erasure = update(table).where(condition, is_until(table.c.at, before)).values(by=SOMEBODY, by_id="")
    count: int = connection.execute(erasure).rowcount
    return count


NameMatcher = Callable[[str, str, Mapping[str, str]], bool]
"""Says of a pause in a change if it names the subject: by name and id, and the subscription's ids."""


def names_person(person: Subject, names: Sequence[str]) -> NameMatcher:
    def match_pause(name: str, qualified: str, place: Mapping[str, str]) -> bool:
        platform, workspace, id = (*qualified.split(":", 2), "", "")[:3]  # noqa: A001
        if platform:
            in_workspace = not person.workspace or workspace in (person.workspace, "")
            return platform == person.platform and in_workspace and id == person.id
        in_scope = not person.workspace or place["workspace"] in (person.workspace, "")
        return place["platform"] == person.platform and in_scope and name in names

    return match_pause


def erase_names_in_history(connection: Connection, matches: NameMatcher, before: datetime | None) -> None:
    """Erase the names of who paused a digest from the contents of its changes."""
    query = (
        select(
            changes.c.id,
            changes.c.before,
            changes.c.after,
            subscriptions.c.platform,
            subscriptions.c.workspace,
        )
        .join(subscriptions, subscriptions.c.id == changes.c.subscription)
        .where(is_until(changes.c.at, before))
    )
    for row in connection.execute(query).mappings().all():
        rewrite_change(connection, dict(row), matches)


def rewrite_change(connection: Connection, row: Mapping[str, Any], matches: NameMatcher) -> None:
    values = {
        side: _rewrite_pause(row[side], lambda name, qualified: matches(name, qualified, row))
        for side in ("before", "after")
    }
    if any(values[side] != row[side] for side in values):
        connection.execute(update(changes).where(changes.c.id == row["id"]).values(values))


def _rewrite_pause(fields_text: str | None, matches: Callable[[str, str], bool]) -> str | None:
    """Replace who paused the digest, in the fields of a subscription as JSON, if it matches.

    The result equals the JSON of the subscription's row after the same erasure, so that undo finds it.
    """
    try:
        fields = json.loads(fields_text or "null")
    except ValueError:
        return fields_text
    if not isinstance(fields, dict) or not (name := fields.get("paused_by")):
        return fields_text
    if name == SOMEBODY or not matches(str(name), str(fields.get("paused_by_id", ""))):
        return fields_text
    fields["paused_by"] = SOMEBODY
    fields.pop("paused_by_id", None)
    return json.dumps(fields)


def erase_requesters(
    connection: Connection, conditions: Sequence[ColumnElement[bool]], *, keeps_workspace: bool
) -> int:
    """Take the person out of requests. They stay, so that their papers still count for the day."""
    found = connection.execute(select(requests).where(*conditions)).mappings().all()
    for row in found:
        key = [column == row[column.name] for column in requests.primary_key]
        connection.execute(delete(requests).where(*key))
        workspace = row["workspace"] if keeps_workspace else ""
        new_row = {**row, "workspace": workspace, "person": ""}
        if not insert_if_absent(connection, requests, new_row) and row["granted_on"]:
            new_key = [column == new_row[column.name] for column in requests.primary_key]
            is_older = or_(requests.c.granted_on.is_(None), requests.c.granted_on < row["granted_on"])
            granted = update(requests).where(*new_key, is_older)
            connection.execute(granted.values(granted_on=row["granted_on"]))
    return len(found)


def erase_sharer(
    connection: Connection, person: Subject, names: Sequence[str], now: datetime, before: datetime | None
) -> int:
    """Take the person's name out of the stored content of shared cards.

    A card of an older version does not say who shared it: its content is dropped if it has one of the names,
    and the message is not refreshed any more.
    """
    is_before = is_until(posts.c.posted_at, before)
    shared = connection.execute(
        select(posts.c.id, posts.c.payload_without_name).where(
            is_qualified(posts.c.shared_by_id, person), is_before
        )
    ).all()
    drop_names_of_cards(connection, [row.id for row in shared])
    enqueue_refreshes(connection, [row.id for row in shared if row.payload_without_name], now)
    count = len(shared)
    if names:
        old_cards = select(posts.c.id, posts.c.payload).where(
            *is_old_card(), *is_of_person(posts, person), is_before
        )
        naming = [
            row.id
            for row in connection.execute(old_cards)
            if any(_strip_marks(name) in _strip_marks(row.payload) for name in names)
        ]
        drop_names_of_cards(connection, naming)
        count += len(naming)
    return count


def drop_names_of_cards(connection: Connection, keys: Sequence[int]) -> None:
    nameless = func.nullif(posts.c.payload_without_name, "")
    kept = case((posts.c.payload_without_name == "", posts.c.payload), else_=nameless)
    anonymous = {"payload": kept, "payload_without_name": "", "shared_by_id": ""}
    for start in range(0, len(keys), 1000):
        connection.execute(update(posts).where(posts.c.id.in_(keys[start : start + 1000])).values(anonymous))


def _strip_marks(text: str) -> str:
    """Return the letters and digits of a text, which no platform escapes."""
    return "".join(filter(str.isalnum, text))
