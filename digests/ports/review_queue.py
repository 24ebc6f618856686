"""Papers that wait for our own reviewer."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from digests.model import ReviewDepth

MAX_UNFINISHED_READINGS = 2
"""Readings of a full text that never ended, after which it is not read again.

The first may have ended with a machine that was switched off; a text that ends the whole bot does so twice.
"""


@dataclass(frozen=True, slots=True)
class ReviewTask:
    """One paper in the review queue. `paper` is its id.

    Of two tasks, the one with the higher `priority` is tried first. `reason` is the sentence of the last
    failure, empty if there was none. `attempts` counts the failed attempts at this depth, without faults of
    the whole server. An abandoned task is not tried again until failed tasks are requeued.
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
        """Queue papers, keyed by id, with their priorities; update the priority of tasks queued already.

        `ReviewDepth.FULL` turns a scoring task into one for a full review, with no failed attempts.
        `ReviewDepth.SCORE` never turns it back. A queued task keeps its `queued_at`, and an abandoned one
        stays abandoned.
        """

    def next(self, review_depth: ReviewDepth, limit: int, *, now: datetime) -> Sequence[ReviewTask]:
        """Return up to `limit` tasks of one depth to try now: by priority, then most recently queued first.

        Abandoned tasks and tasks with a `next_try_at` after `now` are left out. Nothing is leased, and a
        second call returns the same tasks: only the process that leads the reviewer may call this.
        """

    def complete(self, paper: str) -> None:
        """Remove a paper from the queue. No effect on a paper that is not queued."""

    def fail(self, paper: str, reason: str, *, next_try_at: datetime | None, counts_as_attempt: bool) -> None:
        """Record the failure of a task with its reason, a sentence.

        The task is retried at `next_try_at`, or abandoned if that is None. `counts_as_attempt` adds one to
        its `attempts`; it is False for a fault of the whole server. No effect on a paper that is not queued.
        """

    def requeue_failed(self) -> None:
        """Make every abandoned task due again, with no failed attempts. For a new model or rubric.

        The reason of the last failure stays.
        """

    def clear_priorities(self, review_depth: ReviewDepth) -> None:
        """Set the priority of every task of one depth to 0. Each `enqueue` gives its papers their own."""

    def expire(
        self, review_depth: ReviewDepth, *, queued_before: datetime, keeping: Collection[str] = ()
    ) -> None:
        """Remove the tasks of one depth that were queued before an instant, except those of papers to keep.

        Abandoned tasks are removed too.
        """

    def begin_reading(self, paper: str, version: int | None, *, now: datetime) -> None:
        """Count a reading of a version's full text that has begun. The count outlasts the task."""

    def end_reading(self, paper: str, version: int | None) -> None:
        """Forget the readings of a full text that had not ended, and its mark."""

    def mark_unreadable(self, paper: str, version: int | None, *, now: datetime) -> None:
        """Mark the full text of a paper's version as unreadable. The mark outlasts the task."""

    def is_unreadable(self, paper: str, version: int | None) -> bool:
        """Return True if the full text of this version is marked as unreadable.

        So is one of which `MAX_UNFINISHED_READINGS` readings have begun and not ended.
        """

    def count_waiting(self) -> Mapping[ReviewDepth, int]:
        """Count the tasks by depth, those that wait for a retry included, abandoned ones not.

        A depth without tasks is no key.
        """

    def recent_failures(self, limit: int) -> Sequence[ReviewTask]:
        """Return up to `limit` tasks that have failed or were abandoned, most recently queued first."""

    def scored_since(self, scale: str, since: datetime) -> Sequence[str]:
        """Return the ids, in any order, of papers whose current review is a score on this scale.

        Only papers that last became known at `since` or later. A scale names a model and rubric. Papers with
        a full review are left out.
        """
