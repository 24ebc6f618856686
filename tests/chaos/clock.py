"""A clock in a small file: other processes read it while a test sets it."""

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path


@dataclass(frozen=True, slots=True)
class FileClock:
    """Returns instants in UTC: the time of the file, plus `offset`.

    At a rate of 30, it advances by half a minute per real second.
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
        """Set the time for all processes at once."""
        other = self.file.with_suffix(f".{os.getpid()}")
        other.write_text(f"{time.time()!r} {now.timestamp()!r} {rate}")
        other.replace(self.file)

    def jump(self, by: timedelta) -> None:
        """Move the clock forward or back."""
        self.set(self() + by, self.rate)

    @property
    def rate(self) -> float:
        return float(self.file.read_text().split()[2])
