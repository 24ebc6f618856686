"""The HTTP server of `[web]` and clients that do not keep to the protocol, over bare sockets."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import pytest

from bot.web import server as servers
from bot.web.server import serve_until
from tests.fakes.wire import WAIT_SECONDS

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
LARGE_BODY = b"x" * 2_000_000
"""An answer that does not fit into the buffers of the system."""


@pytest.fixture(autouse=True)
def _is_impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "HEAD_SECONDS", 0.2)
    monkeypatch.setattr(servers, "REQUEST_SECONDS", 0.2)


def answer_with(body: bytes) -> "ASGIApp":
    async def app(_: "Scope", receive: "Receive", send: "Send") -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})

    return app


def serve(app: "ASGIApp", talk: Callable[[int], Awaitable[None]]) -> None:
    """Serve an application with small buffers while `talk` connects to its port."""

    async def run() -> None:
        stop = asyncio.Event()
        with socket.create_server(("127.0.0.1", 0)) as listening:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            async with asyncio.timeout(WAIT_SECONDS):
                serving = asyncio.create_task(serve_until(app, listening, stop))
                try:
                    await talk(listening.getsockname()[1])
                finally:
                    stop.set()
                    await serving

    asyncio.run(run())


async def exchange(port: int, data: bytes) -> bytes:
    """Send some bytes on a connection of its own, and return everything that comes until it ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize("requests", [GET, GET.replace(b"Connection: close\r\n", b"") * 3])
def test_a_client_that_does_not_read_its_answer_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, requests: bytes
) -> None:
    monkeypatch.setattr(servers, "MAX_CONNECTIONS", 1)

    async def talk(port: int) -> None:
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.setblocking(False)
            await asyncio.get_running_loop().sock_connect(deaf, ("127.0.0.1", port))
            await asyncio.get_running_loop().sock_sendall(deaf, requests)
            while not (await exchange(port, GET)).startswith(b"HTTP/1.1 200"):
                pass  # The only place is still taken.

    serve(answer_with(LARGE_BODY), talk)
