"""Implementation of `digests.ports.budget.Budget`."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, select, update

from digests.ports.budget import BudgetLimit, Spending
from digests.store import schema
from digests.store.engine import Database, insert_if_absent

review_spending = schema.review_spending


@dataclass(frozen=True, slots=True)
class SqlBudget:
    """Spending per day in SQLite or PostgreSQL."""

    database: Database

    def reserve(self, day: date, estimate: Spending, limit: BudgetLimit) -> bool:
        fits: list[ColumnElement[bool]] = [review_spending.c.day == day]
        if limit.tokens is not None:
            fits.append(review_spending.c.tokens + estimate.tokens <= limit.tokens)
        if limit.millionths is not None:
            fits.append(review_spending.c.millionths + estimate.millionths <= limit.millionths)
        add_estimate = update(review_spending).where(and_(*fits)).values(_add_spending(estimate))
        first = {"day": day, "tokens": 0, "millionths": 0, "full_reviews": 0}
        with self.database.write() as connection:
            if connection.execute(add_estimate).rowcount == 1:
                return True
            # Most days have their row. An insert before each call would cost as much as the update.
            insert_if_absent(connection, review_spending, first)
            return connection.execute(add_estimate).rowcount == 1

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


def _add_spending(spending: Spending) -> dict[str, Any]:
    return {
        "tokens": review_spending.c.tokens + spending.tokens,
        "millionths": review_spending.c.millionths + spending.millionths,
    }
