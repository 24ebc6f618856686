"""Facts that must outlive a process: named notes, and the platform events that were processed."""

from datetime import datetime
from typing import Protocol


class Notes(Protocol):
    """Short texts by name, such as a hash of the commands that were registered last."""

    def read(self, name: str) -> str:
        """Return the note of this name, empty if there is none."""

    def write(self, name: str, text: str) -> None:
        """Replace the note of this name."""


class Events(Protocol):
    """Ids of platform events. Platforms deliver an event at least once; it must be processed once."""

    def record_once(self, event_id: str, *, now: datetime) -> bool:
        """Record an event id for two days; return True the first time, also between concurrent callers."""
