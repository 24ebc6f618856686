"""Papers that people asked for and that are not reviewed yet."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

REQUEST_RETENTION = timedelta(days=30)
"""Age at which a request is deleted, answered or not."""


@dataclass(frozen=True, slots=True)
class PaperRequest:
    """One person's request for one paper.

    `platform`, `workspace` and `person` are ids, empty for a request from before they were kept. `granted_on`
    is the day (UTC) on which the paper was last given one of the day's full reviews, None if it never was.
    """

    paper: str
    requested_at: datetime
    platform: str = ""
    workspace: str = ""
    person: str = ""
    granted_on: date | None = None


class PaperRequests(Protocol):
    """Requests by paper and person. A request is open until the paper has a review.

    A granted request counts in its day's share. To forget a person, empty `person` and keep the row: else
    whoever is forgotten could ask again on the same day, and again.
    """

    def add(
        self, paper: str, *, now: datetime, platform: str = "", workspace: str = "", person: str = ""
    ) -> None:
        """Record that a person asked for a paper, known or not.

        A repeated request of the same person changes nothing: the first one decides how long it has waited.
        """

    def list_open(self, limit: int, per_person: int) -> Sequence[PaperRequest]:
        """Return up to `limit` requests for papers that are known, are not withdrawn and have no review.

        Each person's `per_person` oldest requests count. Everybody's first ones come before the second ones,
        and of these the longest waiting. Papers that the reviewer has abandoned are left out.
        """

    def list_granted(self, day: date) -> Sequence[PaperRequest]:
        """Return the requests whose papers were given a full review of a day, reviewed by now or not."""

    def grant(self, papers: Iterable[str], day: date) -> None:
        """Give papers one of the full reviews of a day (UTC). Every request for them is marked."""

    def list_unknown(self, limit: int) -> Sequence[str]:
        """Return up to `limit` ids of requested papers that are not known.

        Everybody's first requests come before the second ones, and of these the longest waiting.
        """

    def drop(self, papers: Iterable[str]) -> None:
        """Delete the requests for these papers, if there are any. Meant for papers that no source has."""

    def prune(self, *, requested_before: datetime, granted_before: date) -> None:
        """Delete requests from before an instant, and those that are closed.

        Closed are requests for papers that are reviewed, withdrawn, or abandoned by the reviewer. One that
        was granted on `granted_before` or later stays, unless it is too old: it counts in that day's share.
        """
