"""The cost of a claim, in steps of SQLite's virtual machine, which no busy machine changes."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count

from digests.ports import Store
from digests.ports.outbox import DeliveryKind
from digests.store.engine import Database
from tests.builders import NOW
from tests.outbox import LEASE, a_store_with_due_channels, claim_due_channels

STEPS_PER_CALL = 100


@contextmanager
def count_steps(store: Store) -> Iterator[list[int]]:
    """Count the steps of the block. The list has one number, at the end of the block."""
    database: Database = store.outbox.database  # type: ignore[attr-defined]
    calls, steps = count(), list[int]()
    with database.engine.connect() as connection:  # A store in memory has one connection.
        driver = connection.connection.driver_connection
        assert driver
    driver.set_progress_handler(lambda: next(calls) and None, STEPS_PER_CALL)
    try:
        yield steps
    finally:
        driver.set_progress_handler(None, 0)
        steps.append(next(calls) * STEPS_PER_CALL)


def steps_of_a_claim(leased: int, due: int) -> int:
    """Return the steps in which 100 of `due` channels are claimed while `leased` others are in progress."""
    store = a_store_with_due_channels(leased + due)
    assert len(claim_due_channels(store, leased)) == leased
    with count_steps(store) as steps:
        assert len(claim_due_channels(store, 100)) == 100
    return steps[0]


def test_a_claim_reads_what_is_in_progress_once_and_not_for_each_due_channel() -> None:
    few, many = steps_of_a_claim(leased=10, due=300), steps_of_a_claim(leased=110, due=300)
    steps_of_each_leased = (many - few) / 100
    assert steps_of_each_leased < 300  # One step for each due channel would be as many.


def steps_of_an_idle_poll(channels: int) -> int:
    """Return the steps of a poll for every kind while nothing is due."""
    store = a_store_with_due_channels(channels)
    before = NOW - timedelta(days=3)
    with count_steps(store) as steps:
        assert not store.outbox.claim_due(owner="a", now=before, lease=LEASE, limit=9, kinds=[*DeliveryKind])
    return steps[0]


def test_a_poll_that_finds_nothing_due_costs_the_same_whatever_the_number_of_channels() -> None:
    assert steps_of_an_idle_poll(channels=400) == steps_of_an_idle_poll(channels=40)
