"""Sources of papers, their positions, and the turns on their servers."""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from digests.model import Paper, Review


@dataclass(frozen=True, slots=True)
class SourceState:
    """How far a source has come. `position` is in the source's own words, empty before its first fetch.

    `failure` is the sentence of the last try, empty when that went well; there is no next one before `next_try_at`.
    """

    position: str = ""
    last_try: datetime | None = None
    last_success: datetime | None = None
    failure: str = ""
    next_try_at: datetime | None = None


class Sources(Protocol):
    """How far each source has come, and whose turn it is to ask a server that wants to be asked by one at a time."""

    def load_state(self, source: str) -> SourceState:
        """What was kept last; a fresh one for a source that was never fetched."""

    def save_state(self, source: str, state: SourceState) -> None:
        """Replace what is known of a source."""

    def take_turn(self, server: str, owner: str, *, now: datetime, lease: timedelta) -> datetime | None:
        """None: the turn is the owner's until it is ended or the lease runs out; else when it is free at the latest.

        Holds between processes: no two have a server's turn at the same time.
        """

    def end_turn(self, server: str, owner: str, *, free_at: datetime) -> None:
        """The turn is over, the next is not before `free_at`; nothing where it is not the owner's any more."""


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that could not be used: `line` counts from 1; `field` is empty when the whole record is at fault."""

    source: str
    line: int
    field: str
    reason: str

    def __str__(self) -> str:
        return f"{self.source}, line {self.line}: {self.field + ': ' if self.field else ''}{self.reason}"


ProgressCallback = Callable[[int, int | None], None]
"""Is told how much of a source was read so far, and the size of all where it is known."""


@dataclass(frozen=True, slots=True)
class SourceBatch:
    """Some of what a source gives. Once all of it is stored the source has come to `position`, in its own words.

    `records` are papers to know; `touched` renew what is known of a paper and are no news. `remark` is for people, part
    of a sentence. A `stale` source answers with what it had before. `news` is as in `Papers.add`.
    """

    position: str
    records: Sequence[tuple[Paper, Review]] = ()
    updated_papers: Sequence[Paper] = ()
    bad_records: Sequence[BadRecord] = ()
    remark: str = ""
    is_stale: bool = False
    announce: bool = True


class Source(Protocol):
    """Where papers come from, again and again. `name` is its own among all sources, for people and for the store."""

    @property
    def name(self) -> str: ...

    def fetch(
        self, position: str, *, now: datetime, since: date | None, progress: ProgressCallback
    ) -> AsyncGenerator[SourceBatch, None]:
        """What there is beyond a position (empty: the first fetch), in batches that are stored one after the other.

        A position may be given again after a crash: nothing is lost by it, and what comes twice is the same. It never
        moves beyond what could not be had. `since` asks for everything from that day on, known or not, where the
        source can tell days. Raises SourceError or InputError, after the batches that could be had.
        """

    def next_fetch_at(self, state: SourceState, now: datetime) -> datetime | None:
        """When to fetch next, be it in the past; None for a source that is done. Pure: it asks nobody."""
