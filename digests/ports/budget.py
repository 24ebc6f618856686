"""The reviewer's spending of a day, and its limits."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Spending:
    """Tokens and money. Money is in millionths of the currency that the prices are given in."""

    tokens: int = 0
    millionths: int = 0

    def __add__(self, other: "Spending") -> "Spending":
        return Spending(self.tokens + other.tokens, self.millionths + other.millionths)


@dataclass(frozen=True, slots=True)
class BudgetLimit:
    """The most that a day may cost. None means no limit. A spending equal to the limit is allowed."""

    tokens: int | None = None
    millionths: int | None = None

    def allows(self, spending: Spending) -> bool:
        """Return True if the spending exceeds neither limit."""
        if self.tokens is not None and spending.tokens > self.tokens:
            return False
        return self.millionths is None or spending.millionths <= self.millionths


class Budget(Protocol):
    """Spending per day (UTC), shared by all processes. A cost is reserved before the call that causes it."""

    def reserve(self, day: date, estimate: Spending, limit: BudgetLimit) -> bool:
        """Add the estimate to the day's spending; return False, adding nothing, if the sum exceeds the limit.

        Atomic between processes, so concurrent callers never exceed the limit together. A reservation that is
        never settled stays counted: its process may have crashed after the call was billed.
        """

    def settle(self, day: date, reserved: Spending, spent: Spending, *, is_full_review: bool = False) -> None:
        """Replace a reservation of `day` by the actual cost, which may exceed it and the limit.

        Call it once for each reservation, on the reservation's day: every call subtracts `reserved` and adds
        `spent`. `is_full_review` adds one to the day's full reviews.
        """

    def spending_on(self, day: date) -> Spending:
        """Return the day's spending, open reservations included; zero for a day without any."""

    def count_full_reviews(self, day: date) -> int:
        """Return the number of full reviews settled for the day, 0 without any."""
