"""Implementation of `digests.ports.queue_groups.QueueConsents`."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, or_, select

from digests.ports.marks import QueueScope
from digests.ports.queue_groups import QueueGroup
from digests.store import schema
from digests.store.engine import Database, upsert
from digests.store.post_refreshes import refresh_marked_posts

consents, marks = schema.queue_consents, schema.marks


@dataclass(frozen=True, slots=True)
class SqlQueueConsents:
    """Agreements to share queues in SQLite or PostgreSQL."""

    database: Database

    def agree(self, group: QueueGroup, member: QueueScope, *, by: str, by_id: str, now: datetime) -> None:
        values = {"members": _format_members(group), "by": by, "by_id": by_id, "at": now}
        with self.database.write() as connection:
            upsert(connection, consents, {"name": group.name, **_key_of_member(member), **values}, values)
            _refresh_counts(connection, group, now)

    def withdraw(self, group: QueueGroup, member: QueueScope, *, now: datetime) -> bool:
        key = {"name": group.name, **_key_of_member(member)}
        matches: list[ColumnElement[bool]] = [consents.c[name] == value for name, value in key.items()]
        with self.database.write() as connection:
            is_withdrawn = connection.execute(delete(consents).where(*matches)).rowcount > 0
            if is_withdrawn:
                _refresh_counts(connection, group, now)
        return is_withdrawn

    def list_agreed(self, group: QueueGroup) -> tuple[QueueScope, ...]:
        query = select(consents.c.platform, consents.c.workspace, consents.c.channel).where(
            consents.c.name == group.name, consents.c.members == _format_members(group)
        )
        with self.database.read() as connection:
            agreed = {tuple(row) for row in connection.execute(query)}
        return tuple(member for member in group.members if (*_key_of_member(member).values(),) in agreed)


def _refresh_counts(connection: Connection, group: QueueGroup, now: datetime) -> None:
    """Refresh the messages of all members with marked papers: they count more people, or fewer."""
    is_of_member = or_(
        *(
            and_(
                marks.c.platform == member.platform,
                marks.c.workspace == member.workspace,
                *([marks.c.channel == member.channel] if member.channel else []),
            )
            for member in group.members
        )
    )
    refresh_marked_posts(connection, group.members, is_of_member, now)


def _key_of_member(member: QueueScope) -> dict[str, Any]:
    return {"platform": member.platform, "workspace": member.workspace, "channel": member.channel}


def _format_members(group: QueueGroup) -> str:
    """Return the members as JSON, the same text in whatever order the settings name them."""
    return json.dumps(sorted([*_key_of_member(member).values()] for member in group.members))
