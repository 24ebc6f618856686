"""Notes that people write about papers, for those of their workspace."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from digests.ports.marks import QueueScope


@dataclass(frozen=True, slots=True)
class NoteSource:
    """A message of a channel that was kept as a note. `author` is the platform's id of who wrote it."""

    author: str
    channel: str
    message_id: str


@dataclass(frozen=True, slots=True)
class PaperNote:
    """A note about a paper. `person` is the platform's id of who wrote it, or kept the message `source`."""

    id: int
    paper: str
    person: str
    text: str
    at: datetime
    source: NoteSource | None = None

    @property
    def author(self) -> str:
        """The platform's id of who wrote the text."""
        return self.source.author if self.source else self.person

    def is_of(self, person: str) -> bool:
        """Return True for a person who wrote the note, kept it, or wrote its message."""
        return person in (self.person, self.author)


class PaperNotes(Protocol):
    """Notes about papers. Those of a scope are in its own channels, without those of its partners."""

    def add(
        self,
        scope: QueueScope,
        paper: str,
        person: str,
        text: str,
        *,
        limit: int,
        now: datetime,
        source: NoteSource | None = None,
    ) -> bool:
        """Save a note, unless the person has `limit` notes about the paper in the scope; return False then.

        The same text of one person about one paper is saved once, and so is a message, whoever keeps it.
        """

    def list_of_paper(self, scope: QueueScope, paper: str, limit: int) -> Sequence[PaperNote]:
        """Return the up to `limit` newest notes about a paper, the oldest of them first."""

    def list_own(self, scope: QueueScope, person: str, limit: int) -> Sequence[PaperNote]:
        """Return the up to `limit` newest notes that a person wrote or kept, the newest first."""

    def count(self, scope: QueueScope, papers: Sequence[str]) -> Mapping[str, int]:
        """Count the notes about each paper; papers without notes are left out."""

    def remove(self, scope: QueueScope, note: int, person: str) -> PaperNote | None:
        """Remove a note and return it; None unless it is the person's, by `PaperNote.is_of`, in the scope."""
