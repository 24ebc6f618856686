"""Papers that people asked for and that are not reviewed yet."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from digests.model import ScoredPaper


class PaperRequests(Protocol):
    """Requests by paper id. A request is open until the paper has a review."""

    def add(self, paper: str, *, now: datetime) -> None:
        """Record that a person asked for a paper, known or not.

        A repeated request changes nothing: the first one decides how long the paper has waited.
        """

    def list_unreviewed(self, limit: int) -> Sequence[ScoredPaper]:
        """Return up to `limit` requested papers that are known and have no review, longest waiting first."""

    def list_unknown(self, limit: int) -> Sequence[str]:
        """Return up to `limit` ids of requested papers that are not known, longest waiting first."""

    def drop(self, papers: Iterable[str]) -> None:
        """Delete the requests for these papers, if there are any. Meant for papers that no source has."""
