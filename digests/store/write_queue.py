"""The order in which the threads of a process write to SQLite."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


class WriteQueueTimeoutError(Exception):
    """The turn did not come in time."""


@dataclass(slots=True)
class WriteQueue:
    """A lock that is handed over in the order in which threads ask for it.

    SQLite's own lock goes to whichever thread polls it at the right moment: under a burst of writes one
    thread may wait for seconds.
    """

    _mutex: threading.Lock = field(default_factory=threading.Lock)
    _waiting: deque[threading.Event] = field(default_factory=deque)
    _is_held: bool = False

    @contextmanager
    def hold_turn(self, timeout: float) -> Iterator[None]:
        """Wait for the turn, at most `timeout` seconds, and hold it for the block.

        Raises WriteQueueTimeoutError. A thread that holds the turn must not ask for another one.
        """
        self._take_turn(timeout)
        try:
            yield
        finally:
            self._pass_turn()

    def _take_turn(self, timeout: float) -> None:
        with self._mutex:
            if not self._is_held:
                self._is_held = True
                return
            turn = threading.Event()
            self._waiting.append(turn)
        if turn.wait(timeout):
            return
        with self._mutex:
            if turn.is_set():  # The turn came at the last moment.
                return
            self._waiting.remove(turn)
        raise WriteQueueTimeoutError

    def _pass_turn(self) -> None:
        with self._mutex:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._is_held = False
