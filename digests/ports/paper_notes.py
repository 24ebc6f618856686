"""Notes that people write about papers, for those of their workspace."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from digests.ports.marks import QueueScope


@dataclass(frozen=True, slots=True)
class PaperNote:
    """A note about a paper. `person` is the platform's id of who wrote it."""

    id: int
    paper: str
    person: str
    text: str
    at: datetime


class PaperNotes(Protocol):
    """Notes about papers. Those of a scope are in its own channels, without those of its partners."""

    def add(
        self, scope: QueueScope, paper: str, person: str, text: str, *, limit: int, now: datetime
    ) -> bool:
        """Save a note, unless the person has `limit` notes about the paper in the scope; return False then.

        The same text of one person about one paper is saved once.
        """

    def list_of_paper(self, scope: QueueScope, paper: str, limit: int) -> Sequence[PaperNote]:
        """Return the up to `limit` newest notes about a paper, the oldest of them first."""

    def list_own(self, scope: QueueScope, person: str, limit: int) -> Sequence[PaperNote]:
        """Return the up to `limit` newest notes of a person, the newest first."""

    def count(self, scope: QueueScope, papers: Sequence[str]) -> Mapping[str, int]:
        """Count the notes about each paper; papers without notes are left out."""

    def remove(self, scope: QueueScope, note: int, person: str) -> PaperNote | None:
        """Remove a note and return it; None if the person has no such note in the scope."""
