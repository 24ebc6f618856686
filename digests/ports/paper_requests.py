"""Papers that people asked for and that are not reviewed yet."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from digests.model import ScoredPaper


class PaperRequests(Protocol):
    """Requests by paper id. A request is open until the paper has a review."""

    def add(self, paper: str, *, now: datetime) -> None:
        """Record that a person asked for a paper, known or not. Idempotent: the first request dates it."""

    def list_unreviewed(self, limit: int) -> Sequence[ScoredPaper]:
        """Return requested papers that are known and have no review, longest waiting first."""

    def list_unknown(self, limit: int) -> Sequence[str]:
        """Return the ids of requested papers that are not known, longest waiting first."""

    def drop(self, papers: Iterable[str]) -> None:
        """Delete the requests for these papers. For papers that no source has."""
