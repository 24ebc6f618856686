"""What waits for a review, what a day has cost, and what is held. Keeps the contract of `digests.ports.Reviewing`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, case, delete, func, insert, or_, select, update

from digests.model import Better, Stage
from digests.ports import Ceiling, Decision, Held, Spending, Waiting
from digests.store import schema
from digests.store.engine import Database, insert_new, upsert
from digests.store.papers import papers_of

queue, days, holds, papers, reviews, placings = (
    schema.review_queue,
    schema.review_days,
    schema.holds,
    schema.papers,
    schema.reviews,
    schema.placings,
)

HELD, RELEASED, REJECTED = "held", "released", "rejected"


@dataclass(frozen=True, slots=True)
class SqlReviewing:
    """The reviewer's books in a database of any kind."""

    database: Database

    def put(self, promises: Mapping[str, float], stage: Stage, *, now: datetime) -> None:
        further = case((queue.c.stage == stage, queue.c.attempts), else_=0)
        with self.database.write() as connection:
            for paper, promise in promises.items():
                row = {
                    "paper": paper,
                    "stage": stage,
                    "promise": promise,
                    "since": now,
                    "attempts": 0,
                    "given_up": False,
                    "reason": "",
                }
                anew: dict[str, Any] = {"promise": promise}
                if stage is Stage.FULL:
                    anew |= {"stage": stage, "attempts": further}
                upsert(connection, queue, row, anew)

    def next(self, stage: Stage, most: int, *, now: datetime) -> Sequence[Waiting]:
        ready = (
            select(queue)
            .where(
                queue.c.stage == stage, _READY, or_(queue.c.next_try_at.is_(None), queue.c.next_try_at <= now)
            )
            .order_by(queue.c.promise.desc(), queue.c.since.desc(), queue.c.paper)
            .limit(most)
        )
        with self.database.read() as connection:
            return [_waiting(row) for row in connection.execute(ready)]

    def done(self, paper: str) -> None:
        with self.database.write() as connection:
            connection.execute(delete(queue).where(queue.c.paper == paper))

    def failed(self, paper: str, reason: str, *, next_try_at: datetime | None, counts: bool) -> None:
        with self.database.write() as connection:
            connection.execute(
                update(queue)
                .where(queue.c.paper == paper)
                .values(
                    reason=reason,
                    next_try_at=next_try_at,
                    attempts=queue.c.attempts + int(counts),
                    given_up=next_try_at is None,
                )
            )

    def revive(self) -> None:
        anew = {"given_up": False, "attempts": 0, "next_try_at": None}
        with self.database.write() as connection:
            connection.execute(update(queue).where(queue.c.given_up.is_(True)).values(anew))

    def let_go(self, stage: Stage, *, before: datetime, below: float) -> None:
        over = delete(queue).where(queue.c.stage == stage, queue.c.since < before, queue.c.promise < below)
        with self.database.write() as connection:
            connection.execute(over)

    def waiting(self) -> Mapping[Stage, int]:
        by_stage = select(queue.c.stage, func.count()).where(_READY).group_by(queue.c.stage)
        with self.database.read() as connection:
            return {Stage(stage): count for stage, count in connection.execute(by_stage)}

    def failures(self, most: int) -> Sequence[Waiting]:
        failed = (
            select(queue)
            .where(queue.c.reason != "")
            .order_by(queue.c.since.desc(), queue.c.paper)
            .limit(most)
        )
        with self.database.read() as connection:
            return [_waiting(row) for row in connection.execute(failed)]

    def graded(self, scale: str, since: datetime) -> Sequence[str]:
        graded = (
            select(papers.c.name)
            .join(reviews, reviews.c.id == papers.c.review)
            .where(papers.c.known_at >= since, papers.c.scale == scale, reviews.c.stage == Stage.SCORE)
        )
        with self.database.read() as connection:
            return list(connection.execute(graded).scalars())

    # What it costs.

    def reserve(self, day: date, wanted: Spending, ceiling: Ceiling) -> bool:
        fits: list[ColumnElement[bool]] = [days.c.day == day]
        if ceiling.tokens is not None:
            fits.append(days.c.tokens + wanted.tokens <= ceiling.tokens)
        if ceiling.millionths is not None:
            fits.append(days.c.millionths + wanted.millionths <= ceiling.millionths)
        with self.database.write() as connection:
            insert_new(connection, days, {"day": day, "tokens": 0, "millionths": 0, "full_reviews": 0})
            return connection.execute(update(days).where(and_(*fits)).values(_more(wanted))).rowcount == 1

    def settle(self, day: date, reserved: Spending, spent: Spending, *, full_review: bool = False) -> None:
        over = Spending(spent.tokens - reserved.tokens, spent.millionths - reserved.millionths)
        more = {**_more(over), "full_reviews": days.c.full_reviews + int(full_review)}
        with self.database.write() as connection:
            connection.execute(update(days).where(days.c.day == day).values(more))

    def spent(self, day: date) -> Spending:
        with self.database.read() as connection:
            row = connection.execute(select(days).where(days.c.day == day)).one_or_none()
        return Spending(row.tokens, row.millionths) if row else Spending()

    def full_reviews(self, day: date) -> int:
        with self.database.read() as connection:
            return connection.execute(select(days.c.full_reviews).where(days.c.day == day)).scalar() or 0

    # What was compared.

    def compared(self, scale: str, papers: Collection[str]) -> Mapping[tuple[str, str], Better]:
        pairs, names = schema.comparisons, list(papers)
        found = select(pairs.c.first, pairs.c.second, pairs.c.better).where(
            pairs.c.scale == scale, pairs.c.first.in_(names), pairs.c.second.in_(names)
        )
        with self.database.read() as connection:
            return {(first, second): Better(better) for first, second, better in connection.execute(found)}

    def keep_compared(self, scale: str, first: str, second: str, better: Better, *, now: datetime) -> None:
        row = {"scale": scale, "first": first, "second": second, "better": better, "at": now}
        with self.database.write() as connection:
            insert_new(connection, schema.comparisons, row)

    def place(self, day: date, papers: Sequence[str]) -> None:
        with self.database.read() as connection:
            if _placed(connection, day) == list(papers):
                return
        with self.database.write() as connection:
            connection.execute(delete(placings).where(placings.c.day == day))
            reviewed = _newest_reviews(connection, papers)
            rows = [
                {"review": reviewed[name], "paper": name, "day": day, "place": place, "among": len(papers)}
                for place, name in enumerate(papers, start=1)
                if name in reviewed
            ]
            if rows:
                connection.execute(delete(placings).where(placings.c.review.in_(reviewed.values())))
                connection.execute(insert(placings), rows)

    # What is held.

    def hold(self, paper: str, reason: str, *, now: datetime) -> None:
        with self.database.write() as connection:
            insert_new(
                connection, holds, {"paper": paper, "state": HELD, "reason": reason, "by": "", "at": now}
            )

    def held(self) -> Sequence[Held]:
        query = select(holds).where(holds.c.state == HELD).order_by(holds.c.at, holds.c.paper)
        with self.database.read() as connection:
            rows = connection.execute(query).all()
            known = papers_of(connection, [row.paper for row in rows])
        return [Held(known[row.paper], row.reason, row.at) for row in rows if row.paper in known]

    def release(self, paper: str, *, by: str, now: datetime) -> bool:
        with self.database.write() as connection:
            if not _decide(connection, paper, RELEASED, by, now):
                return False
            counter = schema.counters
            last = select(counter.c.value).where(counter.c.name == "change").with_for_update()
            number = connection.execute(last).scalar_one() + 1
            known = {"known": number, "known_at": now, "changed": number}
            connection.execute(update(papers).where(papers.c.name == paper).values(known))
            connection.execute(update(counter).where(counter.c.name == "change").values(value=number))
        return True

    def reject(self, paper: str, *, by: str, now: datetime) -> bool:
        with self.database.write() as connection:
            return _decide(connection, paper, REJECTED, by, now)

    def decision(self, paper: str) -> Decision | None:
        decided = select(holds).where(holds.c.paper == paper, holds.c.state != HELD)
        with self.database.read() as connection:
            row = connection.execute(decided).one_or_none()
        return Decision(row.state == RELEASED, row.by, row.at) if row else None


def _placed(connection: Connection, day: date) -> list[str]:
    """Those whose placing still holds, in order."""
    placed = (
        select(placings.c.paper)
        .join(papers, and_(papers.c.name == placings.c.paper, papers.c.review == placings.c.review))
        .where(placings.c.day == day)
        .order_by(placings.c.place)
    )
    return list(connection.execute(placed).scalars())


def _newest_reviews(connection: Connection, names: Sequence[str]) -> dict[str, int]:
    newest = select(papers.c.name, papers.c.review).where(
        papers.c.name.in_(list(names)), papers.c.review.is_not(None)
    )
    return {row.name: row.review for row in connection.execute(newest)}


_READY = queue.c.given_up.is_(False)


def _decide(connection: Any, paper: str, state: str, by: str, now: datetime) -> bool:
    """Only what is held can be decided, once."""
    held = update(holds).where(holds.c.paper == paper, holds.c.state == HELD)
    decided: int = connection.execute(held.values(state=state, by=by, at=now)).rowcount
    return decided == 1


def _more(spending: Spending) -> dict[str, Any]:
    return {"tokens": days.c.tokens + spending.tokens, "millionths": days.c.millionths + spending.millionths}


def _waiting(row: Row[Any]) -> Waiting:
    return Waiting(
        paper=row.paper,
        stage=Stage(row.stage),
        promise=row.promise,
        since=row.since,
        attempts=row.attempts,
        reason=row.reason,
        next_try_at=row.next_try_at,
        given_up=row.given_up,
    )
