"""The events that platforms told us. Keeps the contract of `digests.ports.events.Events`."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete

from digests.store import schema
from digests.store.engine import Database, insert_if_absent

events = schema.events

RETENTION = timedelta(days=2)
"""Slack tells an event again for six minutes at most, other platforms for less than a day."""

PURGE_EVERY = 500
"""Events between two clearings: rows that stay a little longer cost nothing."""


@dataclass(slots=True)
class SqlEvents:
    """Events in a database of any kind."""

    database: Database
    _event_count: int = 0

    def record_once(self, event_id: str, *, now: datetime) -> bool:
        self._event_count += 1
        with self.database.write() as connection:
            if self._event_count % PURGE_EVERY == 0:
                connection.execute(delete(events).where(events.c.at < now - RETENTION))
            return insert_if_absent(connection, events, {"id": event_id, "at": now})
