"""Sources of papers: their positions and health, and exclusive turns on their servers."""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from digests.model import HealthReport, Paper, Review, Trouble


@dataclass(frozen=True, slots=True)
class SourceState:
    """Progress of a source. `position` is in the source's own format, empty before its first fetch.

    `failure` is the error sentence of the last fetch, empty if it succeeded. `next_try_at` is the
    earliest time of another try after a failure, else None.
    """

    position: str = ""
    last_try: datetime | None = None
    last_success: datetime | None = None
    failure: str = ""
    next_try_at: datetime | None = None


class Sources(Protocol):
    """Progress of each source, turns on their servers, and the time of the last successful fetch."""

    def load_state(self, source: str) -> SourceState:
        """Return the state of a source that was saved last, an empty one if none was saved."""

    def save_state(self, source: str, state: SourceState) -> None:
        """Create or replace the state of a source, by its name."""

    def take_turn(self, server: str, owner: str, *, now: datetime, lease: timedelta) -> datetime | None:
        """Take the exclusive turn on a server until `now` plus `lease`, without waiting.

        Returns None on success. Otherwise another turn is held, or the server rests after one: returns the
        time at which it is free at the latest. Concurrent callers never take one turn together. `owner` names
        the caller; a caller that holds the turn is refused too. A time more than `MAX_CLOCK_SKEW` ahead comes
        from a wrong clock and is ignored.
        """

    def end_turn(self, server: str, owner: str, *, free_at: datetime) -> None:
        """End the owner's turn on a server; the next one may begin at `free_at`.

        No effect if another owner has taken the turn since.
        """

    def record_import(self, *, now: datetime) -> None:
        """Record that a fetch of any source succeeded at `now`, with or without new papers."""

    def count_papers(self) -> int:
        """Count the papers of the library: some 50 ms for a million."""

    def last_import(self) -> datetime | None:
        """Return the latest time that was recorded for any source, None if there is none."""


class Health(Protocol):
    """The latest health report of each source and of the reviewer."""

    def report(
        self,
        subject: str,
        trouble: Trouble | None,
        *,
        detail: str = "",
        waiting_count: int = 0,
        now: datetime,
    ) -> None:
        """Replace the report of `subject`: a source's name, or `REVIEWER`. Call it after every try.

        `trouble` is None if all is well. While the same trouble is reported again, `HealthReport.since`
        stays; otherwise it becomes `now`. `detail` is one sentence for the operator, without secrets.
        `waiting_count` is the number of papers that wait for a review.
        """

    def latest_reports(self) -> Sequence[HealthReport]:
        """Return the last report of every subject, healthy ones included, in the order of their names."""

    def troubles(self, since: datetime) -> Sequence[HealthReport]:
        """Return the last reports that have a trouble and were made at `since` or later, by subject name."""


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that could not be used, with the reason as part of a sentence.

    `line` is the line of the record in its source, or its number, as `unit` says; both are from 1. `field` is
    empty if no single field is at fault. `further` has the fields and reasons of its other faults.
    """

    source: str
    line: int
    field: str
    reason: str
    further: tuple[tuple[str, str], ...] = ()
    unit: str = "line"

    @property
    def faults(self) -> tuple[tuple[str, str], ...]:
        """Return the fields and reasons of all faults, in the order in which they were found."""
        return ((self.field, self.reason), *self.further)

    def __str__(self) -> str:
        faults = "; ".join(f"{field}: {reason}" if field else reason for field, reason in self.faults)
        return f"{self.source}, {self.unit} {self.line}: {faults}"


ProgressCallback = Callable[[int, int | None], None]
"""Receives the amount of a source read so far and its total, or None if that is unknown.

Both are in bytes for a file, and in records or requests for a server.
"""


@dataclass(frozen=True, slots=True)
class SourceBatch:
    """A part of a source's papers. Once it is stored, `position` is the source's position.

    `records` are papers to add, with `announce` as in `Library.add`. `updated_papers` only update papers that
    are known. `remark` is a note about the fetch for people, part of a sentence. `is_stale` means that the
    source answered with an older state than was due.
    """

    position: str
    records: Sequence[tuple[Paper, Review]] = ()
    updated_papers: Sequence[Paper] = ()
    bad_records: Sequence[BadRecord] = ()
    remark: str = ""
    is_stale: bool = False
    announce: bool = True


class Source(Protocol):
    """A source of papers that is fetched repeatedly. `name` is unique, and shown to people."""

    @property
    def name(self) -> str: ...

    def fetch(
        self, position: str, *, now: datetime, since: date | None, progress: ProgressCallback
    ) -> AsyncGenerator[SourceBatch, None]:
        """Yield the papers after a position, empty for the first fetch, in batches to store in their order.

        Repeatable: after a crash, a fetch from the last stored position misses no paper. A batch's position
        never passes papers that could not be fetched. `since` requests all papers from that day on, known or
        not; a source without days reads everything again or ignores it. `progress` is called now and then.
        Raises SourceError or InputError, after the batches that could be fetched.
        """

    def next_fetch_at(self, state: SourceState, now: datetime) -> datetime | None:
        """Return the time of the next fetch, None if no fetch is to follow.

        `state` is that after the last fetch.

        A time in the past means now. Writes nothing and asks no server.
        """
