"""Papers and their reviews."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from digests.model import Candidate, Paper, Review, ScoredPaper


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """Counts of an import's records: new papers, changes of known papers, and records that change nothing.

    A new review, new metadata and another number of upvotes are changes.
    """

    new: int = 0
    changed: int = 0
    unchanged: int = 0

    def __add__(self, other: "ImportCounts") -> "ImportCounts":
        return ImportCounts(
            self.new + other.new, self.changed + other.changed, self.unchanged + other.unchanged
        )


class Library(Protocol):
    """All papers with all their reviews.

    The current review of a paper is its newest one. Where there are reviews of several models or samples, it
    is the panel that the newest of each make together (`digests.panel`).

    Every change of a paper or review draws a sequence number. Numbers become visible in order: a reader that
    sees a number sees every lower one. A paper becomes known by its first import, and becomes known again,
    with a new sequence number, by a new current review and by a moderator's release.
    """

    def add(
        self, records: Sequence[tuple[Paper, Review]], *, now: datetime, announce: bool = True
    ) -> ImportCounts:
        """Save papers and reviews, all or none, and return the counts. An identical record changes nothing.

        Reviews: one that is not older than the current review, or without a date, becomes current, and the
        paper is known again as of `now`. An older one is only saved. `NOT_REVIEWED` changes nothing. With
        several models or samples this holds within each, and for the panel that they make.

        Metadata: that of the newest version counts, and the other fills gaps. Metadata without a version
        counts as older than stored metadata with one, unless its `updated` is later; without any version the
        last one counts. Flags are added up. The last upvotes and code link count. A difference in spacing is
        no change of title or abstract.

        Without `announce`, new papers without a review are in no digest's window until they are reviewed.
        """

    def update_known(self, papers: Sequence[Paper], *, now: datetime) -> ImportCounts:
        """Merge metadata into known papers by the rules of `add`, all or none, and return the counts.

        Unknown papers are skipped and not counted. A changed paper draws a sequence number, and does not
        become known again by it.
        """

    def get(self, ids: Iterable[str]) -> Mapping[str, ScoredPaper]:
        """Return the known papers among these ids, by id, each with its current review.

        Unknown ids are left out. `NOT_REVIEWED` stands for a missing review.
        """

    def reviews_of(self, paper: str) -> Sequence[Review]:
        """Return every review of a paper: the current one, then the others, most recently saved first.

        A current panel comes before its members.

        Empty for a paper that is unknown or not reviewed.
        """

    def ids_with_prefix(self, prefix: str, limit: int) -> Sequence[str]:
        """Return up to `limit` ids of papers that begin with the prefix, in descending code point order."""

    def ids_with_title(self, title: str, limit: int) -> Sequence[str]:
        """Return up to `limit` ids of papers with this title, newest first.

        ASCII letters match in any case. Others do so in PostgreSQL, as its locale has them.
        """

    def candidates(
        self, after_seq: int, to_seq: int, *, with_text: bool, with_authors: bool = False
    ) -> Sequence[Candidate]:
        """Return the papers that last became known in a window of sequence numbers, in any order.

        The window excludes `after_seq` and includes `to_seq`. Held, withdrawn and flagged papers are
        included, and marked as such. `Candidate.text` is empty unless `with_text`, and `Candidate.authors`
        unless `with_authors`.
        """

    def changes_after(self, after_seq: int, limit: int) -> Sequence[tuple[int, ScoredPaper]]:
        """Return up to `limit` papers that changed in any way after `after_seq`, least recent change first.

        Each comes with the sequence number of its last change; that of the last paper is the `after_seq` of
        the next call.
        """

    def sequence_at(self, instant: datetime) -> int:
        """Return the sequence number of the last paper that became known up to an instant, 0 without one.

        Papers that were never announced do not count.
        """

    def note_left_out(self, models_by_paper: Mapping[str, Sequence[str]]) -> None:
        """Note the models of the panel that were down when it reviewed the papers, in place of earlier ones.

        Unknown papers are skipped. Changes no sequence number.
        """

    def latest_sequence(self) -> int:
        """Return the highest sequence number of any paper's last change, 0 without papers.

        Safe as a watermark: later changes get higher numbers.
        """
