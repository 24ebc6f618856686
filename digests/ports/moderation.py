"""Papers held for a moderator, and the decisions about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from digests.model import ScoredPaper


@dataclass(frozen=True, slots=True)
class HeldPaper:
    """A paper that waits for a decision, held since `since`. `reason` is the sentence that says why."""

    scored_paper: ScoredPaper
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class ModerationDecision:
    """A decision about a held paper. If not released, it was rejected.

    `by` is the name of the person who decided, and `by_id` the id with platform and workspace. The id is
    empty for a decision of an older version.
    """

    is_released: bool
    by: str
    by_id: str
    at: datetime


class Moderation(Protocol):
    """Held papers. No digest shows a held or a rejected paper. The first decision about a paper is final.

    Each change of a paper's state draws a sequence number, so that posted messages with it are refreshed.
    """

    def hold(self, paper: str, reason: str, *, now: datetime) -> None:
        """Hold a paper until a person decides. Does nothing if it is already held, released or rejected."""

    def list_held(self) -> Sequence[HeldPaper]:
        """Return the papers that wait for a decision, longest waiting first. Unknown papers are left out."""

    def release(self, paper: str, *, by: str, by_id: str, now: datetime) -> bool:
        """Let digests show a held paper; return False, changing nothing, if it is not held.

        The paper becomes known again as of `now`, with a new sequence number, so that the next digests
        consider it. Of concurrent decisions one counts.
        """

    def reject(self, paper: str, *, by: str, by_id: str, now: datetime) -> bool:
        """Keep a held paper out of digests for good; return False, changing nothing, if it is not held."""

    def find_decision(self, paper: str) -> ModerationDecision | None:
        """Return the decision about a paper; None if it is still held or was never held."""
