"""Papers that wait for our own reviewer."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from digests.model import ReviewDepth, Verdict
from digests.ports.budget import BudgetLimit, Spending
from digests.ports.moderation import HeldPaper, ModerationDecision


@dataclass(frozen=True, slots=True)
class ReviewTask:
    """A paper that our own reviewer has to read. `reason` says why the last try failed; `given_up` is not tried again."""

    paper: str
    review_depth: ReviewDepth
    priority: float
    queued_at: datetime
    attempts: int = 0
    reason: str = ""
    next_try_at: datetime | None = None
    is_abandoned: bool = False


class Reviewing(Protocol):
    """The books of our own reviewer: what waits, what a day has cost, what was compared, and what is held for a person."""

    def enqueue(self, priorities: Mapping[str, float], review_depth: ReviewDepth, *, now: datetime) -> None:
        """These papers wait, the highest promise first. What waits already gets its promise anew.

        `Stage.FULL` lifts a paper that waits for its score; the other way round nothing changes.
        """

    def next(self, review_depth: ReviewDepth, limit: int, *, now: datetime) -> Sequence[ReviewTask]:
        """What can be read now: neither given up nor waiting for its next try. By promise, then the newest first."""

    def complete(self, paper: str) -> None:
        """It waits no more."""

    def fail(self, paper: str, reason: str, *, next_try_at: datetime | None, counts_as_attempt: bool) -> None:
        """A try failed; None: it is given up. One that does not count is not the paper's fault."""

    def requeue_failed(self) -> None:
        """What was given up waits again, as if it had never failed: the model or the rubric is another one."""

    def expire(self, review_depth: ReviewDepth, *, queued_before: datetime, below_priority: float) -> None:
        """What has waited for this stage since before then, with a promise below this, waits no more."""

    def count_waiting(self) -> Mapping[ReviewDepth, int]:
        """How many wait for each stage, those with a later next try among them."""

    def recent_failures(self, limit: int) -> Sequence[ReviewTask]:
        """Those whose last try failed, the newest first."""

    def scored_since(self, scale: str, since: datetime) -> Sequence[str]:
        """The papers known since an instant whose newest review is a `Stage.SCORE` of this scale."""

    def reserve(self, day: date, estimate: Spending, limit: BudgetLimit) -> bool:
        """Count this as spent, unless the day's ceiling would be passed; whether it was.

        Holds between processes. What is never settled (the process died) stays counted: it may have been paid.
        """

    def settle(self, day: date, reserved: Spending, spent: Spending, *, is_full_review: bool = False) -> None:
        """What was reserved on that day has cost this in the end."""

    def spending_on(self, day: date) -> Spending:
        """What a day has cost, with what is reserved."""

    def count_full_reviews(self, day: date) -> int:
        """How many full reviews were settled for a day."""

    def verdicts(self, scale: str, paper_versions: Collection[str]) -> Mapping[tuple[str, str], Verdict]:
        """What was found of these papers on a scale, by the pair as it was shown. The names are those of `keep_compared`."""

    def save_verdict(self, scale: str, first: str, second: str, verdict: Verdict, *, now: datetime) -> None:
        """What was found of two papers, as they were shown. A name stands for one version of a paper."""

    def save_ranking(self, day: date, papers: Sequence[str]) -> None:
        """The order of a day's best, in place of the one before; it holds while their newest reviews are what they are."""

    def hold(self, paper: str, reason: str, *, now: datetime) -> None:
        """Keep it out of digests until a person decides; one that was decided stays so."""

    def list_held(self) -> Sequence[HeldPaper]:
        """What waits for a decision, longest first."""

    def release(self, paper: str, *, by: str, now: datetime) -> bool:
        """It may be posted: known anew, at `now`. Whether it was held."""

    def reject(self, paper: str, *, by: str, now: datetime) -> bool:
        """It is never posted. Whether it was held."""

    def find_decision(self, paper: str) -> ModerationDecision | None:
        """What was decided about a paper that was held; None for one that still is, or never was."""
