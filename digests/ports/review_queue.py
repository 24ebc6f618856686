"""Papers that wait for our own reviewer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from digests.model import ReviewDepth


@dataclass(frozen=True, slots=True)
class ReviewTask:
    """One paper in the review queue. `reason` is the sentence of its last failure, empty if there was none.

    `attempts` counts the failures that were the paper's fault. An abandoned task is not tried again.
    """

    paper: str
    review_depth: ReviewDepth
    priority: float
    queued_at: datetime
    attempts: int = 0
    reason: str = ""
    next_try_at: datetime | None = None
    is_abandoned: bool = False


class ReviewQueue(Protocol):
    """Priority queue of papers, with at most one task per paper."""

    def enqueue(self, priorities: Mapping[str, float], review_depth: ReviewDepth, *, now: datetime) -> None:
        """Add papers, keyed by id, or update the priority of those queued already.

        `ReviewDepth.FULL` upgrades a task that waits for its score. `ReviewDepth.SCORE` never downgrades one.
        """

    def next(self, review_depth: ReviewDepth, limit: int, *, now: datetime) -> Sequence[ReviewTask]:
        """Return up to `limit` tasks that may be tried now: highest priority first, then newest first.

        Abandoned tasks and those with a later `next_try_at` are left out. Nothing is leased: only the process
        that leads the reviewer calls this.
        """

    def complete(self, paper: str) -> None:
        """Remove a paper from the queue."""

    def fail(self, paper: str, reason: str, *, next_try_at: datetime | None, counts_as_attempt: bool) -> None:
        """Record a failure. The task is retried at `next_try_at`, or abandoned if that is None.

        `counts_as_attempt` is False for failures that are not the paper's fault.
        """

    def requeue_failed(self) -> None:
        """Reset all abandoned tasks as if they had never failed. For a new model or rubric."""

    def expire(self, review_depth: ReviewDepth, *, queued_before: datetime, below_priority: float) -> None:
        """Remove the tasks of this depth that are older than `queued_before` and below the priority."""

    def count_waiting(self) -> Mapping[ReviewDepth, int]:
        """Count the tasks by depth, those with a later `next_try_at` included, abandoned ones not."""

    def recent_failures(self, limit: int) -> Sequence[ReviewTask]:
        """Return the tasks whose last try failed, newest first."""

    def scored_since(self, scale: str, since: datetime) -> Sequence[str]:
        """Return the papers known since an instant whose newest review has depth SCORE on this scale."""
