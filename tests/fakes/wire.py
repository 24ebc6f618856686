"""A network between a client and a server on this machine, which can be cut, or swallow what is sent over it."""

import contextlib
import socket
import threading
from collections.abc import Callable


class Wire:
    """Listens on `port` of loopback and passes bytes on, both ways, until it is closed."""

    def __init__(self, reach: Callable[[], socket.socket]) -> None:
        self._reach = reach
        self._flowing = threading.Event()
        self._flowing.set()
        self._open: set[socket.socket] = set()
        self._is_cut = False
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._begin(self._listen)

    def swallow(self) -> None:
        """From now on nothing arrives, and nobody is told."""
        self._flowing.clear()

    def cut(self) -> None:
        """End every connection, and any new one at once."""
        self._is_cut = True
        for one in list(self._open):
            _end(one)

    def mend(self) -> None:
        """All is well again; what was swallowed arrives late."""
        self._is_cut = False
        self._flowing.set()

    def close(self) -> None:
        _end(self._listening)
        self.mend()
        self.cut()
        for thread in self._threads:
            thread.join()

    def _begin(self, work: Callable[..., None], *what: socket.socket) -> None:
        self._threads.append(threading.Thread(target=work, args=what, daemon=True))
        self._threads[-1].start()

    def _listen(self) -> None:
        with contextlib.suppress(OSError), self._listening:
            while True:
                client, _ = self._listening.accept()
                if self._is_cut:
                    client.close()
                    continue
                server = self._reach()
                self._open |= {client, server}
                for one, other in ((client, server), (server, client)):
                    self._begin(self._pass_on, one, other)

    def _pass_on(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while passed := one.recv(65536):
                self._flowing.wait()
                other.sendall(passed)
        _end(other)
        self._open.discard(one)
        one.close()


def _end(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
