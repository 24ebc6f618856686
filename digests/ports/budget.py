"""The reviewer's spending of a day."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spending:
    """Tokens, and money in millionths of whatever the prices are in."""

    tokens: int = 0
    millionths: int = 0

    def __add__(self, other: "Spending") -> "Spending":
        return Spending(self.tokens + other.tokens, self.millionths + other.millionths)


@dataclass(frozen=True, slots=True)
class BudgetLimit:
    """The most that a day may cost; None: no limit."""

    tokens: int | None = None
    millionths: int | None = None

    def allows(self, spending: Spending) -> bool:
        """Whether it is under both limits."""
        if self.tokens is not None and spending.tokens > self.tokens:
            return False
        return self.millionths is None or spending.millionths <= self.millionths
