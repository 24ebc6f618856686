"""The order of the writes of one process to SQLite."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from digests.errors import StoreError
from digests.store.engine import open_database
from digests.store.write_queue import WriteQueue, WriteQueueTimeoutError
from tests.fakes.wire import WAIT_SECONDS

THREADS = 8


def start_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def wait_for_waiters(queue: WriteQueue, count: int) -> None:
    pause = threading.Event()
    while len(queue._waiting) < count:
        pause.wait(0.001)


def test_threads_get_the_turn_in_the_order_in_which_they_asked_and_nobody_overtakes() -> None:
    queue, served = WriteQueue(), list[int]()

    def take_turn(number: int) -> None:
        with queue.hold_turn(WAIT_SECONDS):
            served.append(number)

    threads = []
    with queue.hold_turn(WAIT_SECONDS):
        for number in range(THREADS):
            threads.append(start_thread(lambda number=number: take_turn(number)))  # type: ignore[misc]
            wait_for_waiters(queue, number + 1)
    take_turn(THREADS)  # Asked right after the turn was passed on.
    for thread in threads:
        thread.join()
    assert served == [*range(THREADS), THREADS]


def test_a_thread_that_gives_up_waiting_is_passed_over() -> None:
    queue = WriteQueue()
    with queue.hold_turn(WAIT_SECONDS), pytest.raises(WriteQueueTimeoutError), queue.hold_turn(0.001):
        pass
    with queue.hold_turn(0):
        assert not queue._waiting


def test_the_turn_is_passed_on_after_an_error() -> None:
    queue = WriteQueue()
    with pytest.raises(ZeroDivisionError), queue.hold_turn(0):
        raise ZeroDivisionError
    with queue.hold_turn(0):
        pass


def test_a_write_that_gets_no_turn_in_time_says_that_the_store_is_busy(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'p.db'}", busy_timeout=0.01)
    busy = pytest.raises(StoreError, match="is busy: no write was possible in time")
    with database.write(), busy, database.write():
        pass
    with database.write():
        pass
