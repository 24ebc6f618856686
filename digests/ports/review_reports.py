"""Reports of readers about a review: a part of it is wrong, or it is right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol


class ReviewPart(StrEnum):
    """Part of a review that a report is about."""

    SCORE = "score"
    TLDR = "TL;DR"
    LIMITATION = "limitation"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class ReviewReport:
    """One person's report about one part of a paper's review.

    `platform`, `workspace` and `person` are ids. `limitation` is the digest of a limitation's text, by
    `digests.limitations.digest_limitation`, and `subject` that text; both are empty for another part. With
    `is_right` the person confirms the part, else doubts it. `is_suspect`: the reason reads like an order to
    the reviewer. `id` is the store's number, 0 before it is saved.
    """

    platform: str
    workspace: str
    person: str
    paper: str
    part: ReviewPart
    reason: str
    at: datetime
    limitation: str = ""
    subject: str = ""
    is_right: bool = False
    is_suspect: bool = False
    id: int = 0

    @property
    def question(self) -> str:
        """Return the doubt as the reviewer is told of it, empty if it reads like an order."""
        if self.is_suspect:
            return ""
        return f"About {self.name_part()}: {self.reason}"

    def name_part(self) -> str:
        """Return the name of the part within a sentence. The text of a limitation is untrusted."""
        match self.part:
            case ReviewPart.SCORE:
                return "the score"
            case ReviewPart.TLDR:
                return "the TL;DR"
            case ReviewPart.LIMITATION:
                return f"the limitation “{self.subject}”"
            case ReviewPart.OTHER:
                return "the review"


class SavedReport(StrEnum):
    """Result of saving a report."""

    ADDED = "added"
    REPLACED = "replaced"
    """It took the place of the person's earlier report about the same part."""
    REFUSED = "refused"
    """The person has made too many reports on this day."""


class ReaderCounts(NamedTuple):
    """Numbers of the readers who confirmed a part of a review, and who doubted it."""

    confirmed: int = 0
    doubted: int = 0


class ReviewReports(Protocol):
    """Reports, one for each person, workspace, paper and part. A limitation is a part of its own."""

    def save(self, report: ReviewReport, *, per_day: int) -> SavedReport:
        """Save a report in place of an earlier one about the same part.

        A person may add `per_day` reports a day (UTC) on a platform. A report in place of another one adds
        none. Of concurrent reports about one part the last one stays.
        """

    def count_readers(
        self, paper: str, platform: str, workspace: str
    ) -> Mapping[tuple[ReviewPart, str], ReaderCounts]:
        """Count the readers of one workspace by part, and digest of a limitation. Other parts are no keys."""

    def list_of_paper(self, paper: str, platform: str, workspace: str, limit: int) -> Sequence[ReviewReport]:
        """Return up to `limit` reports of one workspace about a paper, newest first."""

    def list_open(self, limit: int, *, platform: str = "", workspace: str = "") -> Sequence[ReviewReport]:
        """Return up to `limit` reports that doubt a review, newest first, of one workspace or of all.

        Reports from before the beginning of the paper's last finished re-review are left out, and those about
        papers that are gone.
        """

    def find(self, report: int) -> ReviewReport | None:
        """Return a report by its number, None without it."""
