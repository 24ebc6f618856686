"""Sources of papers: their positions and health, and exclusive turns on their servers."""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from digests.model import HealthReport, Paper, Review, Trouble


@dataclass(frozen=True, slots=True)
class SourceState:
    """Progress of a source. `position` is in the source's own format, empty before its first fetch.

    `failure` is the sentence of the last try, empty if it succeeded. No fetch begins before `next_try_at`.
    """

    position: str = ""
    last_try: datetime | None = None
    last_success: datetime | None = None
    failure: str = ""
    next_try_at: datetime | None = None


class Sources(Protocol):
    """Progress of each source, turns on their servers, and the time of the last import."""

    def load_state(self, source: str) -> SourceState:
        """Return the state saved last, or a fresh one for a source that was never fetched."""

    def save_state(self, source: str, state: SourceState) -> None:
        """Replace the state of a source."""

    def take_turn(self, server: str, owner: str, *, now: datetime, lease: timedelta) -> datetime | None:
        """Take the exclusive turn on a server. Returns None on success, else the latest time it gets free.

        A turn ends by `end_turn` or when its lease runs out. Exclusive between processes.
        """

    def end_turn(self, server: str, owner: str, *, free_at: datetime) -> None:
        """End the owner's turn; the next may begin at `free_at`. No effect on another owner's turn."""

    def record_import(self, *, now: datetime) -> None:
        """Record that a source delivered papers at `now`, new ones or not."""

    def last_import(self) -> datetime | None:
        """Return the time of the last import, None if there was none."""


class Health(Protocol):
    """The latest health report of each source and of the reviewer, for digests and `paperround status`."""

    def report(
        self,
        subject: str,
        trouble: Trouble | None,
        *,
        detail: str = "",
        waiting_count: int = 0,
        now: datetime,
    ) -> None:
        """Replace the report of a source (by name) or of `REVIEWER`. Call it after every try.

        `trouble` is None if all is well. A repeated trouble keeps the time since when it lasts. `detail` is
        one sentence without secrets. `waiting_count` is the number of papers that wait for a review.
        """

    def latest_reports(self) -> Sequence[HealthReport]:
        """Return the report of every subject, in the order of their names."""

    def troubles(self, since: datetime) -> Sequence[HealthReport]:
        """Return the reports with a trouble, without subjects that have not reported since `since`."""


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that could not be used. `line` counts from 1; `field` is empty if the whole record is bad."""

    source: str
    line: int
    field: str
    reason: str

    def __str__(self) -> str:
        return f"{self.source}, line {self.line}: {self.field + ': ' if self.field else ''}{self.reason}"


ProgressCallback = Callable[[int, int | None], None]
"""Receives the amount of a source read so far, and its total size if that is known."""


@dataclass(frozen=True, slots=True)
class SourceBatch:
    """A part of what a source returned. When it is stored, the source has reached `position`.

    `records` are papers to add, with `announce` as in `Library.add`; `updated_papers` only update known
    papers. `remark` is part of a sentence for people. A batch `is_stale` if the source answered from an
    old state.
    """

    position: str
    records: Sequence[tuple[Paper, Review]] = ()
    updated_papers: Sequence[Paper] = ()
    bad_records: Sequence[BadRecord] = ()
    remark: str = ""
    is_stale: bool = False
    announce: bool = True


class Source(Protocol):
    """A source of papers that is fetched repeatedly. `name` is unique, for people and in the store."""

    @property
    def name(self) -> str: ...

    def fetch(
        self, position: str, *, now: datetime, since: date | None, progress: ProgressCallback
    ) -> AsyncGenerator[SourceBatch, None]:
        """Yield everything after a position (empty: the first fetch), in batches to store in this order.

        Repeatable: after a crash the same position yields the same papers. The position never passes papers
        that could not be fetched. `since` requests everything from that day on, known or not, if the source
        supports days. Raises SourceError or InputError, after the batches that could be fetched.
        """

    def next_fetch_at(self, state: SourceState, now: datetime) -> datetime | None:
        """Return the time of the next fetch, possibly in the past; None for a finished source. Pure."""
