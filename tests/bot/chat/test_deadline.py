"""A request that was held up reaches nobody."""

import asyncio
from collections.abc import Iterator

import aiohttp
import pytest
from aiohttp import web

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
