"""Implementation of `digests.ports.review_queue.ReviewQueue`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, case, delete, func, or_, select, update

from digests.model import ReviewDepth
from digests.ports.review_queue import MAX_UNFINISHED_READINGS, ReviewTask
from digests.store import schema
from digests.store.engine import Database, in_json_array, upsert

papers, queue, reviews = schema.papers, schema.review_queue, schema.reviews
unreadable_texts = schema.unreadable_texts


@dataclass(frozen=True, slots=True)
class SqlReviewQueue:
    """Review queue in SQLite or PostgreSQL."""

    database: Database

    def enqueue(self, priorities: Mapping[str, float], review_depth: ReviewDepth, *, now: datetime) -> None:
        attempts = case((queue.c.review_depth == review_depth, queue.c.attempts), else_=0)
        with self.database.write() as connection:
            for paper, priority in priorities.items():
                row = {
                    "paper": paper,
                    "review_depth": review_depth,
                    "priority": priority,
                    "queued_at": now,
                    "attempts": 0,
                    "is_abandoned": False,
                    "reason": "",
                }
                updated_values: dict[str, Any] = {"priority": priority}
                if review_depth is ReviewDepth.FULL:
                    updated_values |= {"review_depth": review_depth, "attempts": attempts}
                upsert(connection, queue, row, updated_values)

    def next(self, review_depth: ReviewDepth, limit: int, *, now: datetime) -> Sequence[ReviewTask]:
        ready = (
            select(queue)
            .where(
                queue.c.review_depth == review_depth,
                _IS_READY,
                or_(queue.c.next_try_at.is_(None), queue.c.next_try_at <= now),
            )
            .order_by(queue.c.priority.desc(), queue.c.queued_at.desc(), queue.c.paper)
            .limit(limit)
        )
        with self.database.read() as connection:
            return [_review_task_from_row(row) for row in connection.execute(ready)]

    def complete(self, paper: str) -> None:
        with self.database.write() as connection:
            connection.execute(delete(queue).where(queue.c.paper == paper))

    def fail(self, paper: str, reason: str, *, next_try_at: datetime | None, counts_as_attempt: bool) -> None:
        with self.database.write() as connection:
            connection.execute(
                update(queue)
                .where(queue.c.paper == paper)
                .values(
                    reason=reason,
                    next_try_at=next_try_at,
                    attempts=queue.c.attempts + int(counts_as_attempt),
                    is_abandoned=next_try_at is None,
                )
            )

    def requeue_failed(self) -> None:
        fresh_values = {"is_abandoned": False, "attempts": 0, "next_try_at": None}
        with self.database.write() as connection:
            connection.execute(update(queue).where(queue.c.is_abandoned.is_(True)).values(fresh_values))

    def clear_priorities(self, review_depth: ReviewDepth) -> None:
        with self.database.write() as connection:
            connection.execute(update(queue).where(queue.c.review_depth == review_depth).values(priority=0.0))

    def expire(
        self, review_depth: ReviewDepth, *, queued_before: datetime, keeping: Collection[str] = ()
    ) -> None:
        expired = delete(queue).where(
            queue.c.review_depth == review_depth,
            queue.c.queued_at < queued_before,
            ~in_json_array(queue.c.paper, "kept"),
        )
        with self.database.write() as connection:
            connection.execute(expired, {"kept": list(keeping)})

    def begin_reading(self, paper: str, version: int | None, *, now: datetime) -> None:
        row = {"paper": paper, "version": version or 0, "marked_at": now, "reading_count": 1}
        updated_values = {"marked_at": now, "reading_count": unreadable_texts.c.reading_count + 1}
        with self.database.write() as connection:
            upsert(connection, unreadable_texts, row, updated_values)

    def mark_unreadable(self, paper: str, version: int | None, *, now: datetime) -> None:
        values = {"marked_at": now, "reading_count": MAX_UNFINISHED_READINGS}
        row = {"paper": paper, "version": version or 0, **values}
        with self.database.write() as connection:
            upsert(connection, unreadable_texts, row, values)

    def end_reading(self, paper: str, version: int | None) -> None:
        with self.database.write() as connection:
            connection.execute(delete(unreadable_texts).where(*_is_text_of(paper, version)))

    def is_unreadable(self, paper: str, version: int | None) -> bool:
        marked = select(unreadable_texts.c.paper).where(
            *_is_text_of(paper, version), unreadable_texts.c.reading_count >= MAX_UNFINISHED_READINGS
        )
        with self.database.read() as connection:
            return connection.execute(marked).first() is not None

    def count_waiting(self) -> Mapping[ReviewDepth, int]:
        by_depth = select(queue.c.review_depth, func.count()).where(_IS_READY).group_by(queue.c.review_depth)
        with self.database.read() as connection:
            return {ReviewDepth(depth): count for depth, count in connection.execute(by_depth)}

    def recent_failures(self, limit: int) -> Sequence[ReviewTask]:
        failed = (
            select(queue)
            .where(queue.c.reason != "")
            .order_by(queue.c.queued_at.desc(), queue.c.paper)
            .limit(limit)
        )
        with self.database.read() as connection:
            return [_review_task_from_row(row) for row in connection.execute(failed)]

    def scored_since(self, scale: str, since: datetime) -> Sequence[str]:
        scored = (
            select(papers.c.name)
            .join(reviews, reviews.c.id == papers.c.review)
            .where(
                papers.c.known_at >= since,
                papers.c.scale == scale,
                reviews.c.review_depth == ReviewDepth.SCORE,
            )
        )
        with self.database.read() as connection:
            return list(connection.execute(scored).scalars())


_IS_READY = queue.c.is_abandoned.is_(False)


def _is_text_of(paper: str, version: int | None) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return unreadable_texts.c.paper == paper, unreadable_texts.c.version == (version or 0)


def _review_task_from_row(row: Row[Any]) -> ReviewTask:
    return ReviewTask(
        paper=row.paper,
        review_depth=ReviewDepth(row.review_depth),
        priority=row.priority,
        queued_at=row.queued_at,
        attempts=row.attempts,
        reason=row.reason,
        next_try_at=row.next_try_at,
        is_abandoned=row.is_abandoned,
    )
