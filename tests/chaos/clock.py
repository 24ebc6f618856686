"""A clock in a small file: other processes read it while a test sets it."""

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path


@dataclass(frozen=True, slots=True)
class FileClock:
    """Gives instants in UTC, so much `ahead` of what the file says.

    It runs at a rate of its own: 30 means that a second of ours is half a minute of its.
    """

    file: Path
    offset: timedelta = timedelta()

    def __call__(self) -> datetime:
        since, began, rate = map(float, self.file.read_text().split())
        return datetime.fromtimestamp(began + (time.time() - since) * rate, UTC) + self.offset

    def timestamp(self) -> float:
        """Return the time as seconds since 1970."""
        return self().timestamp()

    def set(self, now: datetime, rate: float = 1.0) -> None:
        """Set the time, at once and for all processes."""
        other = self.file.with_suffix(f".{os.getpid()}")
        other.write_text(f"{time.time()!r} {now.timestamp()!r} {rate}")
        other.replace(self.file)

    def jump(self, by: timedelta) -> None:
        """Move the clock forward or back."""
        self.set(self() + by, self.rate)

    @property
    def rate(self) -> float:
        return float(self.file.read_text().split()[2])
