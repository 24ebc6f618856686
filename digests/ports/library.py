"""Papers and their reviews."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from digests.model import Candidate, Paper, Review, ScoredPaper


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """What an import changed: papers never seen, papers with a new review or new facts, and the rest."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0

    def __add__(self, other: "ImportCounts") -> "ImportCounts":
        return ImportCounts(
            self.new + other.new, self.changed + other.changed, self.unchanged + other.unchanged
        )


class Library(Protocol):
    """Papers with every review they ever had; the newest one counts."""

    def add(
        self, records: Sequence[tuple[Paper, Review]], *, now: datetime, announce: bool = True
    ) -> ImportCounts:
        """Put papers and reviews in, all or none. The same paper again changes nothing.

        Papers that are no `news` are found by who looks for them, and lie in no digest's window until they are reviewed.

        A review that is not older than the one known replaces it, which makes the paper known anew, at `now`;
        `NOT_REVIEWED` replaces nothing. Of the facts, those of the newest version stay, and those of a known version
        over those of none; empty ones replace nothing, and other spaces are no change. The last upvotes count.
        """

    def update_known(self, papers: Sequence[Paper], *, now: datetime) -> ImportCounts:
        """Merge facts into papers that are known, by the rules of `add`; unknown ones are left alone and not counted."""

    def record_import(self, *, now: datetime) -> None:
        """Papers came in at `now`, be it none that was new: the source is alive."""

    def last_import(self) -> datetime | None:
        """When papers last came in."""

    def get(self, ids: Iterable[str]) -> Mapping[str, ScoredPaper]:
        """The papers among these ids that are known."""

    def add_request(self, paper: str, *, now: datetime) -> None:
        """A person asked for this paper, known or not; the same again changes nothing."""

    def requested_unreviewed(self, limit: int) -> Sequence[ScoredPaper]:
        """Known papers without a review that people asked for, longest waiting first: they are to be reviewed soon."""

    def requested_unknown(self, limit: int) -> Sequence[str]:
        """Ids that people asked for and that are not known, longest waiting first: they are to be fetched."""

    def drop_requests(self, papers: Iterable[str]) -> None:
        """Forget that these were asked for: they are not to be had."""

    def reviews_of(self, paper: str) -> Sequence[Review]:
        """Every review of a paper, newest first."""

    def candidates(self, after_seq: int, to_seq: int, *, with_text: bool) -> Sequence[Candidate]:
        """What became known with a number over `after` and up to `to`, in no order; `text` is empty without `texts`."""

    def sequence_at(self, instant: datetime) -> int:
        """The highest number of what was known at an instant; 0 when nothing was."""

    def ids_with_prefix(self, prefix: str, limit: int) -> Sequence[str]:
        """Ids that begin so, highest first."""

    def changes_after(self, after_seq: int, limit: int) -> Sequence[tuple[int, ScoredPaper]]:
        """Papers whose last change has a number over `after`, in the order of their numbers; at most `most` of them."""

    def latest_sequence(self) -> int:
        """The highest number any change has, 0 when there was none.

        Whoever sees a number sees every lower one: what is written down as considered can never turn up behind it.
        """
