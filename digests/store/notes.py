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

PURGE_INTERVAL = timedelta(hours=1)
"""Least time between two purges by one process. A purge comes with the first event after it."""


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
    _purged_at: datetime | None = None

    def record_once(self, event_id: str, *, now: datetime) -> bool:
        with self.database.write() as connection:
            if self._purged_at is None or abs(now - self._purged_at) >= PURGE_INTERVAL:
                connection.execute(delete(events).where(events.c.at < now - RETENTION))
                self._purged_at = now
            return insert_if_absent(connection, events, {"id": event_id, "at": now})
