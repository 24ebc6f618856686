"""Reservations and settlements within the limits of a day."""

from datetime import timedelta

import pytest

from digests.ports.budget import BudgetLimit, Spending
from tests.builders import NOW, TODAY, a_store

pytestmark = pytest.mark.usefixtures("over_both")

LATER = NOW + timedelta(hours=1)


def test_a_reservation_over_either_limit_is_refused_and_settling_frees_the_rest() -> None:
    budget = a_store().budget
    ceiling = BudgetLimit(tokens=1000, millionths=500)
    assert budget.reserve(TODAY, Spending(600, 300), ceiling)
    assert not budget.reserve(TODAY, Spending(600, 1), ceiling)
    assert not budget.reserve(TODAY, Spending(1, 300), ceiling)
    budget.settle(TODAY, Spending(600, 300), Spending(100, 50))
    assert budget.spending_on(TODAY) == Spending(100, 50)
    assert budget.reserve(TODAY, Spending(900, 450), ceiling)
    assert budget.spending_on(TODAY + timedelta(days=1)) == Spending()


def test_full_reviews_are_counted_per_day() -> None:
    budget = a_store().budget
    budget.reserve(TODAY, Spending(9, 9), BudgetLimit())
    budget.settle(TODAY, Spending(9, 9), Spending(8, 8), is_full_review=True)
    assert budget.count_full_reviews(TODAY) == 1
    assert budget.count_full_reviews(TODAY + timedelta(days=1)) == 0
