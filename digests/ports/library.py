"""Papers and their reviews."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from digests.model import Candidate, Paper, Review, ScoredPaper


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """Papers of an import: new ones, known ones with a new review or new metadata, and unchanged ones."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0

    def __add__(self, other: "ImportCounts") -> "ImportCounts":
        return ImportCounts(
            self.new + other.new, self.changed + other.changed, self.unchanged + other.unchanged
        )


class Library(Protocol):
    """All papers with all their reviews. The newest review of a paper counts.

    Every change of a paper or review draws a sequence number. Numbers become visible in order: a reader that
    sees a number sees every lower one.
    """

    def add(
        self, records: Sequence[tuple[Paper, Review]], *, now: datetime, announce: bool = True
    ) -> ImportCounts:
        """Save papers and reviews, all or none. Idempotent: an identical record changes nothing.

        A review that is not older than the current one replaces it, and the paper is considered again as of
        `now`. `NOT_REVIEWED` replaces nothing. Metadata of the newest version counts; metadata without a
        version only fills gaps. Empty fields replace nothing, and differences in spacing are no change.
        The last upvotes count. Papers added without `announce` are in no digest's window until reviewed.
        """

    def update_known(self, papers: Sequence[Paper], *, now: datetime) -> ImportCounts:
        """Merge metadata into known papers by the rules of `add`. Unknown papers are skipped, not counted."""

    def get(self, ids: Iterable[str]) -> Mapping[str, ScoredPaper]:
        """Return the known papers among these ids, by id."""

    def reviews_of(self, paper: str) -> Sequence[Review]:
        """Return every review of a paper, newest first."""

    def ids_with_prefix(self, prefix: str, limit: int) -> Sequence[str]:
        """Return up to `limit` ids that begin with the prefix, in descending order."""

    def candidates(self, after_seq: int, to_seq: int, *, with_text: bool) -> Sequence[Candidate]:
        """Return the papers that became known, or got a new review, in a window of sequence numbers.

        The window excludes `after_seq` and includes `to_seq`. The order is undefined. `text` is empty unless
        `with_text`.
        """

    def changes_after(self, after_seq: int, limit: int) -> Sequence[tuple[int, ScoredPaper]]:
        """Return up to `limit` papers last changed after `after_seq`, in the order of their last changes."""

    def sequence_at(self, instant: datetime) -> int:
        """Return the highest sequence number of the papers known at an instant, 0 if there were none."""

    def latest_sequence(self) -> int:
        """Return the highest sequence number of any change, 0 if there is none. Safe as a watermark."""
