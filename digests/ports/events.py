"""Platform events that were processed already."""

from datetime import datetime
from typing import Protocol


class Events(Protocol):
    """What platforms told us, so that the same told twice is done once."""

    def record_once(self, event_id: str, *, now: datetime) -> bool:
        """Whether this event was never told before; remembered for two days."""
