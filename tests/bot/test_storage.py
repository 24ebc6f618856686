"""Thread pools over the store, so that no kind of work can starve another."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextvars import ContextVar

import pytest

from bot import storage
from bot.storage import run_background, run_ingest, run_interactive, run_leadership
from digests.store.postgres import MAX_CONNECTIONS
from tests.fakes.wire import WAIT_SECONDS

Runner = Callable[..., Awaitable[object]]

request_id: ContextVar[str] = ContextVar("request_id", default="")

THREADS = (
    storage.LEADERSHIP_THREADS, storage.BACKGROUND_THREADS,
    storage.INGEST_THREADS, storage.INTERACTIVE_THREADS,
)  # fmt: skip
RUNNERS = (run_leadership, run_background, run_ingest, run_interactive)


@pytest.mark.parametrize("run", RUNNERS)
def test_each_kind_of_work_has_threads_of_its_own(run: Runner) -> None:
    async def name_thread() -> object:
        return await run(lambda: threading.current_thread().name)

    assert str(asyncio.run(name_thread())).startswith(run.__name__.replace("run_", "store-"))


@pytest.mark.parametrize("busy", RUNNERS)
def test_work_that_blocks_every_thread_of_its_own_delays_no_other_work(busy: Runner) -> None:
    async def call(run: Runner, function: Callable[..., object], *arguments: object) -> object:
        return await run(function, *arguments)

    async def scenario() -> None:
        release = threading.Event()
        blocked = [
            asyncio.create_task(call(busy, release.wait, WAIT_SECONDS)) for _ in range(2 * max(THREADS))
        ]
        await asyncio.sleep(0)
        try:
            for run in RUNNERS:
                if run is not busy:
                    assert await asyncio.wait_for(call(run, int, "7"), WAIT_SECONDS) == 7
            assert not any(task.done() for task in blocked)
        finally:
            release.set()
        assert all(await asyncio.gather(*blocked))

    asyncio.run(scenario())


def test_every_thread_has_a_connection() -> None:
    """Leadership's thread stands for its session: it leaves the pool, but counts at the server."""
    assert sum(THREADS) <= MAX_CONNECTIONS


def test_context_variables_and_arguments_go_into_the_thread() -> None:
    def describe(first: int, *, second: int) -> tuple[str, int]:
        return request_id.get(), first + second

    async def scenario() -> None:
        request_id.set("a request")
        assert await run_background(describe, 1, second=2) == ("a request", 3)
        assert await run_interactive(describe, 3, second=4) == ("a request", 7)

    asyncio.run(scenario())


def test_an_exception_of_the_call_is_raised_to_its_caller() -> None:
    async def scenario() -> None:
        results = await asyncio.gather(
            run_background(int, "x"), run_interactive(int, "x"), return_exceptions=True
        )
        assert [type(result) for result in results] == [ValueError, ValueError]

    asyncio.run(scenario())
