"""Papers that are reviewed anew because a reader doubts their review."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from digests.ports.paper_requests import PaperRequest

RE_REVIEW_RETENTION = timedelta(days=30)
"""Age at which a re-review that never came is given up, so that it can be asked for anew."""


@dataclass(frozen=True, slots=True)
class ReReview:
    """The last re-review of a paper that was asked for.

    `question` is the doubt of the reader, untrusted, and empty if it was forgotten or reads like an order.
    `by_id` is the decider's id with platform and workspace. `granted_on` is the day (UTC) of whose full
    reviews it has one. `finished_at` is the instant of the newest finished re-review, None without one.
    """

    paper: str
    question: str
    by_id: str
    asked_at: datetime
    granted_on: date | None = None
    finished_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Return True until the new review is saved."""
        return self.finished_at is None or self.finished_at < self.asked_at

    def to_request(self) -> PaperRequest:
        """Return it as the decider's request, which shares the day's requested reviews with all others."""
        platform, workspace, person = (*self.by_id.split(":", 2), "", "")[:3]
        return PaperRequest(self.paper, self.asked_at, platform, workspace, person, self.granted_on)


class ReReviews(Protocol):
    """Re-reviews, one a paper: a new one takes the place of a finished one."""

    def ask(
        self,
        report: int,
        *,
        review_number: int,
        limitations: Sequence[str],
        by: str,
        by_id: str,
        now: datetime,
    ) -> bool:
        """Ask for a re-review of the paper of a report; return False, changing nothing, if one is open.

        `review_number` and `limitations` are those of the doubted review, so that a card can say what
        changed. `by` is the name of the person who decided. A paper that the reviewer had abandoned gets
        another chance.
        """

    def find(self, paper: str) -> ReReview | None:
        """Return the last re-review of a paper, None if there never was one."""

    def list_open(self, limit: int, *, now: datetime) -> Sequence[ReReview]:
        """Return up to `limit` open re-reviews, longest waiting first.

        Papers that are gone, withdrawn or abandoned by the reviewer are left out, and so are re-reviews older
        than `RE_REVIEW_RETENTION`.
        """

    def list_granted(self, day: date) -> Sequence[ReReview]:
        """Return the re-reviews that were given a full review of a day, finished by now or not."""

    def grant(self, papers: Iterable[str], day: date) -> None:
        """Give open re-reviews of these papers one of the full reviews of a day (UTC)."""

    def finish(self, paper: str, *, began_at: datetime, now: datetime) -> None:
        """Close the open re-review of a paper, which a review answers that began at `began_at`.

        No effect without one that was asked for by then: a review that was under way does not answer what was
        asked meanwhile.
        """
