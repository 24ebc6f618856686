"""What waits for a review, what a day has cost, and what is held. Keeps the contract of `digests.ports.review_queue.Reviewing`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, case, delete, func, insert, or_, select, update

from digests.model import ReviewDepth, Verdict
from digests.ports.budget import BudgetLimit, Spending
from digests.ports.moderation import HeldPaper, ModerationDecision
from digests.ports.review_queue import ReviewTask
from digests.store import schema
from digests.store.engine import Database, insert_if_absent, upsert
from digests.store.library import fetch_papers

queue, review_spending, holds, papers, reviews, pairwise_ranks = (
    schema.review_queue,
    schema.review_spending,
    schema.holds,
    schema.papers,
    schema.reviews,
    schema.pairwise_ranks,
)

HELD, RELEASED, REJECTED = "held", "released", "rejected"


@dataclass(frozen=True, slots=True)
class SqlReviewing:
    """The reviewer's books in a database of any kind."""

    database: Database

    def enqueue(self, priorities: Mapping[str, float], review_depth: ReviewDepth, *, now: datetime) -> None:
        attempts = case((queue.c.review_depth == review_depth, queue.c.attempts), else_=0)
        with self.database.write() as connection:
            for paper, promise in priorities.items():
                row = {
                    "paper": paper,
                    "review_depth": review_depth,
                    "priority": promise,
                    "queued_at": now,
                    "attempts": 0,
                    "is_abandoned": False,
                    "reason": "",
                }
                updated_values: dict[str, Any] = {"priority": promise}
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

    def expire(self, review_depth: ReviewDepth, *, queued_before: datetime, below_priority: float) -> None:
        expired = delete(queue).where(
            queue.c.review_depth == review_depth,
            queue.c.queued_at < queued_before,
            queue.c.priority < below_priority,
        )
        with self.database.write() as connection:
            connection.execute(expired)

    def count_waiting(self) -> Mapping[ReviewDepth, int]:
        by_stage = select(queue.c.review_depth, func.count()).where(_IS_READY).group_by(queue.c.review_depth)
        with self.database.read() as connection:
            return {ReviewDepth(stage): count for stage, count in connection.execute(by_stage)}

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
        graded = (
            select(papers.c.name)
            .join(reviews, reviews.c.id == papers.c.review)
            .where(
                papers.c.known_at >= since,
                papers.c.scale == scale,
                reviews.c.review_depth == ReviewDepth.SCORE,
            )
        )
        with self.database.read() as connection:
            return list(connection.execute(graded).scalars())

    # What it costs.

    def reserve(self, day: date, estimate: Spending, limit: BudgetLimit) -> bool:
        fits: list[ColumnElement[bool]] = [review_spending.c.day == day]
        if limit.tokens is not None:
            fits.append(review_spending.c.tokens + estimate.tokens <= limit.tokens)
        if limit.millionths is not None:
            fits.append(review_spending.c.millionths + estimate.millionths <= limit.millionths)
        with self.database.write() as connection:
            insert_if_absent(
                connection, review_spending, {"day": day, "tokens": 0, "millionths": 0, "full_reviews": 0}
            )
            return (
                connection.execute(
                    update(review_spending).where(and_(*fits)).values(_add_spending(estimate))
                ).rowcount
                == 1
            )

    def settle(self, day: date, reserved: Spending, spent: Spending, *, is_full_review: bool = False) -> None:
        difference = Spending(spent.tokens - reserved.tokens, spent.millionths - reserved.millionths)
        new_totals = {
            **_add_spending(difference),
            "full_reviews": review_spending.c.full_reviews + int(is_full_review),
        }
        with self.database.write() as connection:
            connection.execute(update(review_spending).where(review_spending.c.day == day).values(new_totals))

    def spending_on(self, day: date) -> Spending:
        with self.database.read() as connection:
            row = connection.execute(
                select(review_spending).where(review_spending.c.day == day)
            ).one_or_none()
        return Spending(row.tokens, row.millionths) if row else Spending()

    def count_full_reviews(self, day: date) -> int:
        with self.database.read() as connection:
            return (
                connection.execute(
                    select(review_spending.c.full_reviews).where(review_spending.c.day == day)
                ).scalar()
                or 0
            )

    # What was compared.

    def verdicts(self, scale: str, paper_versions: Collection[str]) -> Mapping[tuple[str, str], Verdict]:
        pairs, names = schema.comparisons, list(paper_versions)
        found = select(pairs.c.first, pairs.c.second, pairs.c.verdict).where(
            pairs.c.scale == scale, pairs.c.first.in_(names), pairs.c.second.in_(names)
        )
        with self.database.read() as connection:
            return {(first, second): Verdict(better) for first, second, better in connection.execute(found)}

    def save_verdict(self, scale: str, first: str, second: str, verdict: Verdict, *, now: datetime) -> None:
        row = {"scale": scale, "first": first, "second": second, "verdict": verdict, "at": now}
        with self.database.write() as connection:
            insert_if_absent(connection, schema.comparisons, row)

    def save_ranking(self, day: date, papers: Sequence[str]) -> None:
        with self.database.read() as connection:
            if _fetch_valid_ranking(connection, day) == list(papers):
                return
        with self.database.write() as connection:
            connection.execute(delete(pairwise_ranks).where(pairwise_ranks.c.day == day))
            review_by_paper = _fetch_newest_reviews(connection, papers)
            rows = [
                {
                    "review": review_by_paper[name],
                    "paper": name,
                    "day": day,
                    "rank": place,
                    "group_size": len(papers),
                }
                for place, name in enumerate(papers, start=1)
                if name in review_by_paper
            ]
            if rows:
                connection.execute(
                    delete(pairwise_ranks).where(pairwise_ranks.c.review.in_(review_by_paper.values()))
                )
                connection.execute(insert(pairwise_ranks), rows)

    # What is held.

    def hold(self, paper: str, reason: str, *, now: datetime) -> None:
        with self.database.write() as connection:
            insert_if_absent(
                connection, holds, {"paper": paper, "state": HELD, "reason": reason, "by": "", "at": now}
            )

    def list_held(self) -> Sequence[HeldPaper]:
        query = select(holds).where(holds.c.state == HELD).order_by(holds.c.at, holds.c.paper)
        with self.database.read() as connection:
            rows = connection.execute(query).all()
            known = fetch_papers(connection, [row.paper for row in rows])
        return [HeldPaper(known[row.paper], row.reason, row.at) for row in rows if row.paper in known]

    def release(self, paper: str, *, by: str, now: datetime) -> bool:
        with self.database.write() as connection:
            if not _decide_hold(connection, paper, RELEASED, by, now):
                return False
            counter = schema.counters
            last_seq_query = select(counter.c.value).where(counter.c.name == "change").with_for_update()
            seq = connection.execute(last_seq_query).scalar_one() + 1
            announced_values = {"known_seq": seq, "known_at": now, "changed_seq": seq}
            connection.execute(update(papers).where(papers.c.name == paper).values(announced_values))
            connection.execute(update(counter).where(counter.c.name == "change").values(value=seq))
        return True

    def reject(self, paper: str, *, by: str, now: datetime) -> bool:
        with self.database.write() as connection:
            return _decide_hold(connection, paper, REJECTED, by, now)

    def find_decision(self, paper: str) -> ModerationDecision | None:
        decided = select(holds).where(holds.c.paper == paper, holds.c.state != HELD)
        with self.database.read() as connection:
            row = connection.execute(decided).one_or_none()
        return ModerationDecision(row.state == RELEASED, row.by, row.at) if row else None


def _fetch_valid_ranking(connection: Connection, day: date) -> list[str]:
    """Those whose placing still holds, in order."""
    placed = (
        select(pairwise_ranks.c.paper)
        .join(
            papers, and_(papers.c.name == pairwise_ranks.c.paper, papers.c.review == pairwise_ranks.c.review)
        )
        .where(pairwise_ranks.c.day == day)
        .order_by(pairwise_ranks.c.rank)
    )
    return list(connection.execute(placed).scalars())


def _fetch_newest_reviews(connection: Connection, names: Sequence[str]) -> dict[str, int]:
    newest = select(papers.c.name, papers.c.review).where(
        papers.c.name.in_(list(names)), papers.c.review.is_not(None)
    )
    return {row.name: row.review for row in connection.execute(newest)}


_IS_READY = queue.c.is_abandoned.is_(False)


def _decide_hold(connection: Any, paper: str, state: str, decided_by: str, now: datetime) -> bool:
    """Only what is held can be decided, once."""
    held = update(holds).where(holds.c.paper == paper, holds.c.state == HELD)
    decided: int = connection.execute(held.values(state=state, by=decided_by, at=now)).rowcount
    return decided == 1


def _add_spending(spending: Spending) -> dict[str, Any]:
    return {
        "tokens": review_spending.c.tokens + spending.tokens,
        "millionths": review_spending.c.millionths + spending.millionths,
    }


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
