"""A request that was held up reaches nobody."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import aiohttp
import pytest
from aiohttp import web

from bot.chat.attempt import page_attempt
from bot.chat.deadline import deadline_trace


def post(hours: Iterator[float], got: list[str]) -> None:
    """Post to a server that records into `got`, with a timeout of five seconds and this wall clock."""

    async def take(request: web.Request) -> web.Response:
        got.append(await request.text())
        return web.Response()

    async def run() -> None:
        app = web.Application()
        app.router.add_post("/", take)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            async with aiohttp.ClientSession(
                trace_configs=[deadline_trace(5, now=hours.__next__)]
            ) as session:
                port = runner.addresses[0][1]
                await session.post(f"http://127.0.0.1:{port}/", json={"text": "x"})
        finally:
            await runner.cleanup()

    asyncio.run(run())


def test_a_request_within_its_deadline_is_sent() -> None:
    got: list[str] = []
    post(iter([100, 104.9]), got)
    assert got == ['{"text": "x"}']


def test_a_request_held_up_past_its_deadline_is_not_sent() -> None:
    got: list[str] = []
    with pytest.raises(TimeoutError, match="held up"):
        post(iter([100, 105.0]), got)
    assert got == []


@pytest.mark.parametrize(("seconds", "is_sent"), [(60, True), (0, False)])
def test_a_request_is_not_sent_once_its_attempt_is_over_though_it_began_just_now(
    seconds: float, is_sent: bool
) -> None:
    got: list[str] = []
    with page_attempt(seconds) as attempt, suppress(TimeoutError):
        post(iter([100, 101]), got)
    assert (bool(got), attempt.was_sent) == (is_sent, is_sent)
