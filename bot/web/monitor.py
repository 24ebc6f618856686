"""A small HTTP server for monitors: liveness, readiness and metrics. It needs no library."""

import asyncio
import logging
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from bot.storage import run_interactive
from bot.web.metrics import collect_metrics
from bot.web.server import describe_port_problem
from digests.errors import InputError, PaperroundError
from digests.ports import Store
from digests.ports.budget import BudgetLimit

log = logging.getLogger(__name__)

HEAD_BYTES = 8192
"""Largest head of a request."""

REQUEST_SECONDS = 5.0
"""Limit of a request, from its connection to the end of its answer."""

MAX_CONNECTIONS = 32
"""Connections at a time. Further ones are closed at once."""

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed"} | {
    503: "Service Unavailable"
}


@dataclass(slots=True)
class Monitor:
    """Answers `/health` while the event loop runs, `/ready` while the store answers, and `/metrics`.

    Each connection serves one request. At most one at a time asks the store.
    """

    store: Store
    clock: Callable[[], datetime]
    source_names: Collection[str] = ()
    budget_limit: BudgetLimit | None = None
    _connections: int = 0
    _store_lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def serve_until(self, host: str, port: int, stop: asyncio.Event) -> None:
        """Listen until `stop` is set. Raises InputError if the port cannot be used."""
        server = await self.start_listening(host, port)
        log.info("metrics: http://%s:%d/metrics", host, port)
        try:
            await stop.wait()
        finally:
            server.close()

    async def start_listening(self, host: str, port: int) -> asyncio.Server:
        try:
            return await asyncio.start_server(self._serve_connection, host, port, limit=HEAD_BYTES)
        except OSError as error:
            raise InputError(describe_port_problem("monitoring", host, port, error)) from error

    async def _serve_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close the connection. Errors of the connection are dropped."""
        self._connections += 1
        try:
            if self._connections <= MAX_CONNECTIONS:
                # Nobody awaits this: when the process stops, asyncio would log a cancellation as a fault.
                with suppress(TimeoutError, OSError, asyncio.CancelledError):
                    async with asyncio.timeout(REQUEST_SECONDS):
                        await self._answer_request(reader, writer)
        finally:
            self._connections -= 1
            writer.close()

    async def _answer_request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            method, target, _ = head.partition(b"\r\n")[0].decode("ascii").split(" ")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            method, status, kind, body = "GET", 400, "text/plain", "bad request\n"
        else:
            path = target.partition("?")[0]
            status, kind, body = await self._find_answer(method, path)
        content = body.encode()
        writer.write(
            f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}"
            "\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n".encode()
            + (b"" if method == "HEAD" else content)
        )
        await writer.drain()

    async def _find_answer(self, method: str, path: str) -> tuple[int, str, str]:
        """Return the status, the content type and the body for a request."""
        if path not in ("/health", "/ready", "/metrics"):
            return 404, "text/plain", "not found\n"
        if method not in ("GET", "HEAD"):
            return 405, "text/plain", "GET only\n"
        if path == "/health":
            return 200, "text/plain", "ok\n"
        try:
            async with self._store_lock:
                if path == "/ready":
                    await run_interactive(self.store.notes.read, "ready")
                    return 200, "text/plain", "ready\n"
                text = await run_interactive(
                    collect_metrics, self.store, self.source_names, self.clock(), self.budget_limit
                )
        except PaperroundError as error:
            log.warning("a monitor was not answered: %s", error)
            return 503, "text/plain", "the store does not answer\n"
        return 200, METRICS_TYPE, text
