"""Small records that must outlive a process: named notes, and ids of events that were processed."""

from datetime import datetime
from typing import Protocol

RESTORED_NOTE = "restored at"
"""Name of the note with the instant, in ISO 8601, at which the store was restored from a backup."""


class Notes(Protocol):
    """Short texts by name, such as a hash of the commands that were registered last."""

    def read(self, name: str) -> str:
        """Return the note of this name, empty if there is none."""

    def write(self, name: str, text: str) -> None:
        """Create or replace the note of this name."""


class Events(Protocol):
    """Idempotency keys of a platform's events. Platforms deliver an event at least once."""

    def record_once(self, event_id: str, *, now: datetime) -> bool:
        """Record an event id; return True the first time, and False, changing nothing, while it is recorded.

        Of concurrent callers one gets True. An id is recorded for two days at least.
        """
