"""Connections to the HTTP port: those whose request is not verified yet are bounded in time and in number."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

REQUEST_SECONDS = 5.0
"""Seconds for the head of a request, and again for its body. Slack gives a request up after three."""

MAX_UNVERIFIED = 512
"""Open connections whose request is not verified yet. One more closes the oldest.

A burst of 400 commands may be open before a slow machine verifies the first; half of the usual 1,024 file
descriptors stay free.
"""
MAX_UNVERIFIED_BYTES = 8 * 2**20
"""Bytes of bodies that are not verified yet. One more closes the oldest connection."""

MAX_CONNECTION_BYTES = 2 * 2**20
"""Bytes of everything that a connection sends, framing included. One more closes it."""

_LINGER_SECONDS = 1.0
"""Seconds in which the rest of a refused body is read, so that the client gets to read the answer."""

_silent = logging.getLogger("paperround.http")
_silent.setLevel(logging.CRITICAL + 1)


@dataclass(slots=True)
class UnverifiedConnections:
    """Open connections whose request is not verified yet, oldest first, with the bytes of their bodies.

    `count_broken` is called for each connection that sends something and ends without the head of a request.
    """

    count_broken: Callable[[], object]
    _sizes: "dict[web.RequestHandler, int]" = field(default_factory=dict)
    _total: int = 0

    def add(self, connection: web.RequestHandler) -> None:
        """Add a new connection. Closes the oldest if there are more than `MAX_UNVERIFIED`."""
        self._sizes[connection] = 0
        if len(self._sizes) > MAX_UNVERIFIED:
            self._close_oldest()

    def add_bytes(self, connection: web.RequestHandler, count: int) -> None:
        """Count bytes of a connection's body. Closes the oldest over `MAX_UNVERIFIED_BYTES` in all."""
        if connection in self._sizes:
            self._sizes[connection] += count
            self._total += count
        while self._total > MAX_UNVERIFIED_BYTES:
            self._close_oldest()

    def discard(self, connection: web.RequestHandler) -> None:
        """Take out a connection that is closed, or whose request is verified. It may be out already."""
        self._total -= self._sizes.pop(connection, 0)

    def _close_oldest(self) -> None:
        oldest = next(iter(self._sizes))
        self.discard(oldest)
        oldest.force_close()


class Connection(web.RequestHandler):
    """A connection that is in `unverified` from its start, and sends `MAX_CONNECTION_BYTES` at most.

    `has_head` is for the server to set when the head of a request came.
    """

    __slots__ = ("_byte_count", "_unverified", "has_head")

    def __init__(self, server: web.Server, unverified: UnverifiedConnections) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            logger=_silent,  # It would log a traceback for each request that is no HTTP.
            access_log=None,  # type: ignore[arg-type]
            keepalive_timeout=REQUEST_SECONDS,  # Also the time for the head of the first request.
            lingering_time=_LINGER_SECONDS,
            auto_decompress=False,  # The signature is that of the raw body.
        )
        self._unverified, self._byte_count, self.has_head = unverified, 0, False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._unverified.add(self)

    def data_received(self, data: bytes) -> None:
        self._byte_count += len(data)
        if self._byte_count > MAX_CONNECTION_BYTES:
            self.force_close()
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._unverified.discard(self)
        if self._byte_count and not self.has_head:  # A check whether the port is open sends nothing.
            self._unverified.count_broken()
        super().connection_lost(exc)


async def listen(
    host: str, port: int, server: web.Server, unverified: UnverifiedConnections
) -> asyncio.Server:
    """Open a port for a server of aiohttp. Its connections are in `unverified` until they are taken out.

    Raises OSError if the port is in use.
    """
    loop = asyncio.get_running_loop()
    # A burst that overflows the system's queue would have to be sent again, or be reset.
    return await loop.create_server(
        lambda: Connection(server, unverified), host, port, backlog=MAX_UNVERIFIED
    )
