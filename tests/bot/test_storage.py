"""Two thread pools over the store, so that people's commands cannot starve delivery."""

import asyncio
import threading
from contextvars import ContextVar

from bot.storage import INTERACTIVE_THREADS, run_background, run_interactive
from tests.fakes.wire import WAIT_SECONDS

request_id: ContextVar[str] = ContextVar("request_id", default="")


def test_commands_that_block_every_thread_of_theirs_delay_no_background_work() -> None:
    async def scenario() -> str:
        release = threading.Event()
        commands = [
            asyncio.create_task(run_interactive(release.wait, WAIT_SECONDS))
            for _ in range(2 * INTERACTIVE_THREADS)
        ]
        await asyncio.sleep(0)
        thread_name = await asyncio.wait_for(
            run_background(lambda: threading.current_thread().name), WAIT_SECONDS
        )
        assert not any(command.done() for command in commands)
        release.set()
        assert all(await asyncio.gather(*commands))
        return thread_name

    assert asyncio.run(scenario()).startswith("store-background")


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
