"""Decisions of people about the papers of a queue: discussed, passed on, postponed, taken out."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from digests.model import QueueDecision, QueueOutcome
from digests.ports.marks import QueueScope


class QueueDecisions(Protocol):
    """Decisions about papers in queues. Each holds for the marks of the scope's own channels.

    That a paper was discussed is kept beside any other decision about it; of the others the last one counts.
    A decision in a scope with partners holds for all of them.
    """

    def decide(
        self,
        paper: str,
        scope: QueueScope,
        outcome: QueueOutcome,
        *,
        by: str,
        by_id: str,
        now: datetime,
        until: datetime | None = None,
    ) -> None:
        """Keep a decision as of `now`, in the name `by` of the person with the id `by_id`.

        `until` is the end of a postponement. The marks stay. Has no effect if a later decision of the same
        sort is kept.
        """

    def list_recent(self, scope: QueueScope, *, since: datetime, limit: int) -> Sequence[QueueDecision]:
        """Return up to `limit` decisions about this very queue since `since`, the last first."""

    def list_of_papers(self, scope: QueueScope, papers: Sequence[str]) -> Sequence[QueueDecision]:
        """Return the decisions about some papers of this very queue, the last first, whatever their age."""

    def undo(self, paper: str, scope: QueueScope, *, at: datetime) -> bool:
        """Take back the decision of the instant `at`; the paper's marks of before count again.

        Returns False and changes nothing if there is none of that instant: it was taken back, or another
        followed.
        """

    def last_discussions(self, scope: QueueScope, papers: Sequence[str]) -> Mapping[str, datetime]:
        """Return when papers were last discussed in the scope's channels, by paper; others are left out."""

    def list_discussed(self, scope: QueueScope, *, limit: int) -> Sequence[str]:
        """Return up to `limit` papers that were discussed in the scope's channels, the last one first."""
