"""Batches: items of one moment share a run, and only the items at fault fail."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from bot.delivery.batching import BATCH_DIVISOR, BATCH_FROM, Batcher


def double(number: int) -> int:
    if number < 0:
        raise ValueError(number)
    return 2 * number


class Calls:
    """Doubler of numbers that records the sizes of its batches."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def one(self, number: int) -> int:
        self.sizes.append(1)
        return double(number)

    def many(self, numbers: Sequence[int]) -> list[int]:
        self.sizes.append(len(numbers))
        return [double(number) for number in numbers]


async def submit_all(calls: Calls, numbers: Sequence[int]) -> list[int | BaseException]:
    batcher = Batcher()
    submissions = (batcher.submit("double", number, calls.one, calls.many) for number in numbers)
    return await asyncio.gather(*submissions, return_exceptions=True)


def test_a_single_item_runs_alone() -> None:
    calls = Calls()
    assert asyncio.run(submit_all(calls, [3])) == [6]
    assert calls.sizes == [1]


def test_items_of_one_moment_share_a_batch_and_each_gets_its_own_result() -> None:
    calls = Calls()
    assert asyncio.run(submit_all(calls, range(20))) == [2 * number for number in range(20)]
    assert calls.sizes == [20]


def test_in_a_failed_batch_only_the_items_at_fault_raise() -> None:
    calls = Calls()
    first, failed, last = asyncio.run(submit_all(calls, [1, -1, 2]))
    assert (first, str(failed), last) == (2, "-1", 4)
    assert calls.sizes == [3, 1, 1, 1]


def test_a_cancelled_caller_does_not_affect_its_batch() -> None:
    calls = Calls()

    async def cancel_one() -> int:
        batcher = Batcher()
        cancelled, waiting = (
            asyncio.ensure_future(batcher.submit("double", number, calls.one, calls.many))
            for number in (1, 2)
        )
        await asyncio.sleep(0)
        cancelled.cancel()
        result = await waiting
        return result + await batcher.submit("double", 5, calls.one, calls.many)

    assert asyncio.run(cancel_one()) == 14


def test_a_batch_waits_for_more_items_when_many_deliveries_are_in_progress() -> None:
    calls = Calls()

    async def submit_twice() -> None:
        batcher = Batcher()
        with ExitStack() as deliveries:
            for _ in range(BATCH_FROM):
                deliveries.enter_context(batcher.track_delivery())
            first = asyncio.ensure_future(batcher.submit("double", 1, calls.one, calls.many))
            for _ in range(9):
                await asyncio.sleep(0)
            await asyncio.gather(first, batcher.submit("double", 2, calls.one, calls.many))

    asyncio.run(submit_twice())
    assert calls.sizes == [2]


def test_a_full_batch_starts_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.delivery.batching.BATCH_WAIT_SECONDS", 3600)
    calls = Calls()

    async def submit_two() -> list[int]:
        batcher = Batcher()
        with ExitStack() as deliveries:
            for _ in range(BATCH_DIVISOR * 2):
                deliveries.enter_context(batcher.track_delivery())
            first = asyncio.ensure_future(batcher.submit("double", 1, calls.one, calls.many))
            await asyncio.sleep(0)
            assert calls.sizes == []
            return list(await asyncio.gather(first, batcher.submit("double", 2, calls.one, calls.many)))

    assert asyncio.run(submit_two()) == [2, 4]
    assert calls.sizes == [2]


def test_without_a_free_thread_a_batch_fails_and_the_next_one_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class FullPool(ThreadPoolExecutor):
        def submit(self, *_: Any, **__: Any) -> Any:
            raise RuntimeError("can't start new thread")

    async def submit_thrice() -> tuple[list[int | BaseException], int]:
        batcher, calls = Batcher(), Calls()
        monkeypatch.setattr("bot.storage._background_pool", FullPool(1))
        submissions = (batcher.submit("double", number, calls.one, calls.many) for number in (1, 2))
        failed = await asyncio.gather(*submissions, return_exceptions=True)
        monkeypatch.undo()
        return failed, await batcher.submit("double", 3, calls.one, calls.many)

    failed, next_result = asyncio.run(submit_thrice())
    assert [str(error) for error in failed] == ["can't start new thread"] * 2
    assert next_result == 6


def test_an_exception_that_ends_the_process_reaches_the_callers_of_a_batch() -> None:
    class EndError(BaseException):
        pass

    def end_process(_: int) -> int:
        raise EndError

    with pytest.raises(EndError):
        asyncio.run(
            Batcher().submit(
                "end", 1, end_process, lambda numbers: [end_process(number) for number in numbers]
            )
        )
