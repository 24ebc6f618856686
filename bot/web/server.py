"""The HTTP server of the operator's page and of look-ups for programs."""

import asyncio
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from digests.errors import InputError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 64
"""Connections at a time. Further ones are closed at once."""

HEAD_SECONDS = 10.0
"""Time for the head of a request. A connection without a request in progress is closed at its end."""

HEAD_BYTES = 16_384
"""Largest head of a request."""

REQUEST_SECONDS = 20.0
"""Limit of a request, from the end of its head to the end of its answer."""

STOP_SECONDS = 3
"""Time for the requests in progress when the process stops."""


def require_libraries() -> None:
    """Raise InputError if a library that serving needs is not installed. Call it before everything else."""
    for name in ("starlette", "uvicorn", "mcp"):
        if not find_spec(name):
            raise InputError(
                f"{name} is not installed, which [web] needs: install it with “pip install '.[web]'”."
            )


def open_socket(host: str, port: int) -> socket.socket:
    """Open the socket that listens on an address. Raises InputError if it cannot be used."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=MAX_CONNECTIONS)
    except OSError as error:
        raise InputError(describe_port_problem("web", host, port, error)) from error


def describe_port_problem(table: str, host: str, port: int, error: OSError) -> str:
    """Return a sentence about an address that cannot be listened on, which a table of the settings names."""
    return (
        f"Port {port} of {host} cannot be used ({os.strerror(error.errno) if error.errno else error}): end "
        f"what uses it, or set another port or host under [{table}]."
    )


async def serve_until(app: "ASGIApp", listening: socket.socket, stop: asyncio.Event) -> None:
    """Serve an application until `stop` is set."""
    server = _build_server(_RequestLimits(app))
    serving = asyncio.ensure_future(server.serve([listening]))
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        server.should_exit = True
        await serving


def _build_server(app: "ASGIApp") -> Any:
    """Build the server without its own signal handlers and logs."""
    import uvicorn
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Connection(H11Protocol):
        """A connection that is closed when it says nothing, or when there are too many."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self.app_state = {**self.app_state, "abort": transport.abort}
            if len(self.connections) > MAX_CONNECTIONS:
                transport.abort()
            else:
                self.loop.call_later(HEAD_SECONDS, self._close_if_idle)

        def _close_if_idle(self) -> None:
            if self not in self.connections:
                return
            if self.transport.is_closing():  # The client does not read the rest of its answer.
                self.transport.abort()
            elif getattr(self.cycle, "response_complete", True):  # Without a request it is None.
                self.transport.close()
            self.loop.call_later(HEAD_SECONDS, self._close_if_idle)

    class Server(uvicorn.Server):
        """A server that leaves SIGINT and SIGTERM to the bot."""

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # It logs every request that is garbage.
    return Server(
        uvicorn.Config(
            app,
            http=Connection,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=int(HEAD_SECONDS),
            timeout_graceful_shutdown=STOP_SECONDS,
            h11_max_incomplete_event_size=HEAD_BYTES,
        )
    )


class _ConnectionLostError(Exception):
    """The server could not send: the client is gone, or what it sent breaks the protocol."""


class _RequestLimits:
    """Ends each request after `REQUEST_SECONDS`, also one whose body comes byte by byte.

    A client that does not read its answer is cut off. One that leaves, or that breaks the protocol, is no
    line of the log: it could fill it. A failure of ours is one.
    """

    def __init__(self, app: "ASGIApp") -> None:
        self.app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        has_begun = is_gone = False

        async def receive_noted() -> "Message":
            nonlocal is_gone
            message = await receive()
            is_gone = message["type"] == "http.disconnect"
            return message

        async def send_noted(message: "Message") -> None:
            nonlocal has_begun
            has_begun = True
            try:
                await send(message)
            except Exception as error:
                raise _ConnectionLostError from error

        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                await self.app(scope, receive_noted, send_noted)
        except TimeoutError:
            if has_begun or not await _send_timeout(send_noted):
                # The server itself would wait for the client to read what came before.
                scope["state"]["abort"]()
        except _ConnectionLostError:
            pass
        except Exception:
            if not is_gone:
                log.exception("a request of the web was not answered")


async def _send_timeout(send: "Send") -> bool:
    """Answer 408, and return False if the client does not even read that."""
    headers = [(b"content-type", b"text/plain"), (b"connection", b"close")]
    with suppress(_ConnectionLostError, TimeoutError):
        async with asyncio.timeout(HEAD_SECONDS):
            await send({"type": "http.response.start", "status": 408, "headers": headers})
            await send({"type": "http.response.body", "body": b"too slow\n"})
            return True
    return False
