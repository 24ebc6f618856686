"""Shared parts of the fakes: a TCP proxy that can be cut or stalled, and their command line."""

import argparse
import contextlib
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web

WAIT_SECONDS = 150.0
"""Longest wait of a test for a condition. A busy machine is slow, and a retry may be a minute away."""


async def stop_server(runner: "web.AppRunner") -> None:
    """Stop a server, and cut off clients that have not read its last answer.

    Their connections would stay open after the loop has ended, and be reported in some later test.
    """
    handlers = runner.server.connections if runner.server else []
    transports = [handler.transport for handler in handlers if handler.transport]
    await runner.cleanup()
    for transport in transports:
        transport.abort()


class TcpProxy:
    """Listens on `port` of loopback and forwards bytes, both ways, until it is closed."""

    def __init__(self, connect_upstream: Callable[[], socket.socket]) -> None:
        self._connect_upstream = connect_upstream
        self._flow_allowed = threading.Event()
        self._flow_allowed.set()
        self._open_sockets: set[socket.socket] = set()
        self._sockets_lock = threading.Lock()
        self._is_cut = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._start_thread(self._accept_connections)

    def stall_traffic(self) -> None:
        """Hold back all bytes without closing a connection."""
        self._flow_allowed.clear()

    def cut_connections(self) -> None:
        """Close every connection, and each new one at once."""
        with self._sockets_lock:
            self._is_cut.set()
            for one in self._open_sockets:
                _shut_socket(one)

    def restore_traffic(self) -> None:
        """Forward again, beginning with the bytes that were held back."""
        self._is_cut.clear()
        self._flow_allowed.set()

    def close(self) -> None:
        """Close all connections. Raises AssertionError if one of them does not end."""
        _shut_socket(self._listener)
        self._flow_allowed.set()
        self.cut_connections()
        for thread in self._threads:
            thread.join(WAIT_SECONDS)
            assert not thread.is_alive(), f"a connection of the proxy on port {self.port} does not end"

    def _start_thread(self, work: Callable[..., None], *sockets: socket.socket) -> None:
        self._threads.append(threading.Thread(target=work, args=sockets, daemon=True))
        self._threads[-1].start()

    def _accept_connections(self) -> None:
        with contextlib.suppress(OSError), self._listener:
            while True:
                client, _ = self._listener.accept()
                if self._is_cut.is_set():
                    client.close()
                    continue
                server = self._connect_upstream()
                with self._sockets_lock:
                    self._open_sockets |= {client, server}
                    if self._is_cut.is_set():  # Since it was accepted.
                        _shut_socket(client)
                        _shut_socket(server)
                for one, other in ((client, server), (server, client)):
                    self._start_thread(self._forward_bytes, one, other)

    def _forward_bytes(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while passed := source.recv(65536):
                self._flow_allowed.wait()
                target.sendall(passed)
        _shut_socket(target)
        with self._sockets_lock:
            self._open_sockets.discard(source)
        source.close()


def _shut_socket(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def parse_port(description: str | None, default: int) -> int:
    """Return the port of the command line; `--help` prints the description and exits."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("port", type=int, nargs="?", default=default, help="port to listen on (%(default)s)")
    port: int = parser.parse_args().port
    return port
