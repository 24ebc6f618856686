"""Polling loops survive failures and end on `stop`."""

import asyncio
import logging

import pytest

from bot.periodic import every, restart_on_failure
from digests.errors import InputError, StoreError
from tests.fakes.wire import WAIT_SECONDS


def test_polling_goes_on_after_failures_and_ends_with_the_stop_event(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stop, run_count = asyncio.Event(), 0

    async def work() -> None:
        nonlocal run_count
        run_count += 1
        if run_count == 1:
            raise StoreError("The store is away.")
        if run_count == 2:
            raise ZeroDivisionError
        stop.set()

    asyncio.run(asyncio.wait_for(every(0.001, work, stop, name="failure notices"), WAIT_SECONDS))
    assert run_count == 3
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.ERROR]
    assert "failure notices: The store is away. Trying again in 0.001 seconds." in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_work_may_choose_the_time_of_its_next_run() -> None:
    stop, run_count = asyncio.Event(), 0

    async def work() -> float:
        nonlocal run_count
        run_count += 1
        if run_count == 2:
            stop.set()
        return 0.001

    asyncio.run(asyncio.wait_for(every(3600, work, stop, name="reviews"), WAIT_SECONDS))
    assert run_count == 2


def test_work_is_restarted_after_a_failure_and_not_after_its_end(caplog: pytest.LogCaptureFixture) -> None:
    run_count = 0

    async def work() -> None:
        nonlocal run_count
        run_count += 1
        if run_count < 3:
            raise ZeroDivisionError

    asyncio.run(
        asyncio.wait_for(restart_on_failure(0.001, work, asyncio.Event(), name="delivering"), WAIT_SECONDS)
    )
    assert run_count == 3
    assert caplog.text.count("Delivering failed and restarts in 0.001 seconds") == 2


def test_an_expected_failure_of_restarted_work_is_its_sentence_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    run_count = 0

    async def work() -> None:
        nonlocal run_count
        run_count += 1
        if run_count < 2:
            raise InputError("Port 8780 cannot be used.")

    asyncio.run(asyncio.wait_for(restart_on_failure(0.001, work, asyncio.Event(), name="web"), WAIT_SECONDS))
    assert caplog.messages == ["web: Port 8780 cannot be used. Trying again in 0.001 seconds."]
    assert caplog.records[0].exc_info is None


def test_a_stop_ends_the_wait_between_two_runs_at_once() -> None:
    async def scenario() -> None:
        stop = asyncio.Event()

        async def work() -> None:
            stop.set()
            raise ZeroDivisionError

        await asyncio.wait_for(every(3600, work, stop, name="reviews"), WAIT_SECONDS)
        stop.clear()
        await asyncio.wait_for(restart_on_failure(3600, work, stop, name="reviews"), WAIT_SECONDS)

    asyncio.run(scenario())
