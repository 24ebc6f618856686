"""The cost of reviewing: the day's budget, the shares kept for later papers, and prices of calls."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

from digests.ports.budget import BudgetLimit, Spending
from digests.reviewers.openai import TokenUsage
from digests.reviewers.review import ReviewError

SCORING_BUDGET_SHARE = 0.6
"""Share of the day's budget that scoring may use before the day's full reviews are chosen."""

BACKLOG_BUDGET_SHARE = 0.5
"""Share of the day's budget that papers queued on an earlier day may use before the day's announcement."""

MILLIONTHS = 1_000_000
"""Millionths in one unit of money."""


@dataclass(frozen=True, slots=True)
class DailyBudget:
    """The most that one day (UTC) may cost, in tokens and in money; None means no limit.

    Prices are per million tokens, in the unit of `money`.
    """

    tokens: int | None = None
    money: float | None = None
    price_in: float = 0.0
    price_out: float = 0.0

    def to_limit(self, share: float = 1.0) -> BudgetLimit:
        """Return the day's limit, scaled by `share`, a part from 0 to 1. No limit stays no limit."""
        millionths = int(self.money * MILLIONTHS * share) if self.money is not None else None
        return BudgetLimit(int(self.tokens * share) if self.tokens is not None else None, millionths)

    def cost_of(self, usage: TokenUsage) -> Spending:
        """Return the cost of some tokens. Money is rounded up to a millionth.

        A price per million tokens is a price in millionths per token.
        """
        return Spending(
            usage.total, ceil(usage.input_tokens * self.price_in + usage.output_tokens * self.price_out)
        )

    def cost_of_failure(self, error: ReviewError, reserved: Spending) -> Spending:
        """Return the cost of a failed call.

        That is all of `reserved` if the server may have billed it, else the tokens that the error has
        counted.
        """
        return reserved if error.may_be_billed else self.cost_of(error.usage)

    def describe_limits(self) -> str:
        """Return the limits in words ("2,000,000 tokens and 5 in money"), empty without a limit."""
        limits = [f"{self.tokens:,} tokens"] if self.tokens is not None else []
        limits += [f"{self.money:g} in money"] if self.money is not None else []
        return " and ".join(limits)

    def describe_exhausted(self) -> str:
        """Return the sentence for people that the day's budget is spent, with its limits."""
        return (
            f"Today's budget of {self.describe_limits()} has no room for another paper; "
            "what is left waits for tomorrow."
        )


def count_affordable(costs: Iterable[Spending], spent: Spending, limit: BudgetLimit) -> int:
    """Return the number of leading costs that fit into the limit, on top of what is spent already."""
    count, total = 0, spent
    for cost in costs:
        total = total + cost
        if not limit.allows(total):
            break
        count += 1
    return count
