"""Shared parts of the fakes: a TCP proxy that can be cut or stalled, and their command line."""

import argparse
import contextlib
import socket
import threading
from collections.abc import Callable

WAIT_SECONDS = 150.0
"""Longest wait of a test for a condition. A busy machine is slow, and a retry may be a minute away."""


class TcpProxy:
    """Listens on `port` of loopback and forwards bytes, both ways, until it is closed."""

    def __init__(self, connect_upstream: Callable[[], socket.socket]) -> None:
        self._connect_upstream = connect_upstream
        self._flow_allowed = threading.Event()
        self._flow_allowed.set()
        self._open_sockets: set[socket.socket] = set()
        self._is_cut = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._start_thread(self._accept_connections)

    def stall_traffic(self) -> None:
        """Hold back all bytes without closing a connection."""
        self._flow_allowed.clear()

    def cut_connections(self) -> None:
        """Close every connection, and each new one at once."""
        self._is_cut = True
        for one in list(self._open_sockets):
            _shut_socket(one)

    def restore_traffic(self) -> None:
        """Forward again, beginning with the bytes that were held back."""
        self._is_cut = False
        self._flow_allowed.set()

    def close(self) -> None:
        _shut_socket(self._listener)
        self.restore_traffic()
        self.cut_connections()
        for thread in self._threads:
            thread.join()

    def _start_thread(self, work: Callable[..., None], *sockets: socket.socket) -> None:
        self._threads.append(threading.Thread(target=work, args=sockets, daemon=True))
        self._threads[-1].start()

    def _accept_connections(self) -> None:
        with contextlib.suppress(OSError), self._listener:
            while True:
                client, _ = self._listener.accept()
                if self._is_cut:
                    client.close()
                    continue
                server = self._connect_upstream()
                self._open_sockets |= {client, server}
                for one, other in ((client, server), (server, client)):
                    self._start_thread(self._forward_bytes, one, other)

    def _forward_bytes(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while passed := source.recv(65536):
                self._flow_allowed.wait()
                target.sendall(passed)
        _shut_socket(target)
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
