"""Implementations of `digests.ports.notes.Notes` and `Events`."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from digests.store import schema
from digests.store.engine import Database, insert_if_absent, upsert

events, notes = schema.events, schema.notes

RETENTION = timedelta(days=2)
"""Age from which an event id may be deleted.

Slack repeats an event for six minutes at most, other platforms for less than a day.
"""

PURGE_EVERY = 500
"""Events recorded by this process between two purges. Rows that stay a little longer cost nothing."""


@dataclass(frozen=True, slots=True)
class SqlNotes:
    """Notes in SQLite or PostgreSQL."""

    database: Database

    def read(self, name: str) -> str:
        with self.database.read() as connection:
            return connection.execute(select(notes.c.text).where(notes.c.name == name)).scalar() or ""

    def write(self, name: str, text: str) -> None:
        with self.database.write() as connection:
            upsert(connection, notes, {"name": name, "text": text}, {"text": text})


@dataclass(slots=True)
class SqlEvents:
    """Event ids in SQLite or PostgreSQL."""

    database: Database
    _event_count: int = 0

    def record_once(self, event_id: str, *, now: datetime) -> bool:
        self._event_count += 1
        with self.database.write() as connection:
            if self._event_count % PURGE_EVERY == 0:
                connection.execute(delete(events).where(events.c.at < now - RETENTION))
            return insert_if_absent(connection, events, {"id": event_id, "at": now})
