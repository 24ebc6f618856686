"""What is done to a delivery, and at which of its awaits: written down by a test, done by the process itself."""

import os
import signal
from collections.abc import Coroutine, Generator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any


class Blow(StrEnum):
    KILL = "kill"
    STOP = "stop"


class Side(StrEnum):
    """Of an await: what it waits for is under way, or is done and not looked at yet."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Strike:
    """At the `number`-th await, from 1, of one delivery to a channel."""

    blow: Blow
    side: Side
    number: int

    def __str__(self) -> str:
        return f"{self.blow} {self.side} {self.number}"


@dataclass(frozen=True, slots=True)
class Strikes:
    """Those that are still to come, a file for each channel. Only one process does each."""

    folder: Path

    def order(self, channel: str, strikes: Sequence[Strike]) -> None:
        """One after the other: the second one hits the delivery that follows the first one."""
        self._file(channel).write_text("\n".join(map(str, strikes)))

    def left(self, channel: str) -> list[Strike]:
        """What was not done yet, the next one first."""
        try:
            lines = self._file(channel).read_text().splitlines()
        except FileNotFoundError:
            return []
        strikes = [
            Strike(Blow(blow), Side(side), int(number)) for blow, side, number in map(str.split, lines)
        ]
        return [one for place, one in enumerate(strikes) if not self._done(channel, place).exists()]

    def withdraw(self, channel: str) -> bool:
        """Nothing more is done to a channel; False where something was done at the very last moment."""
        lines = self._file(channel).read_text().splitlines()
        left = len(self.left(channel))
        claimed = [self._claim(channel, place) for place in range(len(lines) - left, len(lines))]
        return all(claimed)

    def hit(self, channel: str, strike: Strike) -> None:
        """Do it, unless another process has, or it was withdrawn; it is marked as done first."""
        left = self.left(channel)
        if not left or left[0] != strike:
            return
        lines = self._file(channel).read_text().splitlines()
        if self._claim(channel, len(lines) - len(left)):
            os.kill(os.getpid(), signal.SIGKILL if strike.blow is Blow.KILL else signal.SIGSTOP)

    def _claim(self, channel: str, place: int) -> bool:
        """Whether it was left, and is now marked as done, by nobody else."""
        try:
            self._done(channel, place).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def _file(self, channel: str) -> Path:
        return self.folder / f"{channel}.strikes"

    def _done(self, channel: str, place: int) -> Path:
        return self.folder / f"{channel}.strikes.{place}"


@dataclass(slots=True)
class Stepped:
    """An awaitable that lets a coroutine run as it would, step by step, and counts where it waits."""

    inner: Coroutine[Any, Any, Any]
    channel: str
    strikes: Strikes
    awaits: int = 0

    def __await__(self) -> Generator[Any, Any, Any]:
        answer: Any = None
        error: BaseException | None = None
        ordered = next(iter(self.strikes.left(self.channel)), None)
        while True:
            try:
                waited_for = self.inner.throw(error) if error else self.inner.send(answer)
            except StopIteration as done:
                return done.value
            self.awaits += 1
            self._at(Side.BEFORE, ordered)
            answer, error = None, None
            try:
                answer = yield waited_for
            except BaseException as raised:
                error = raised
            self._at(Side.AFTER, ordered)

    def _at(self, side: Side, ordered: Strike | None) -> None:
        if ordered and (ordered.side, ordered.number) == (side, self.awaits):
            self.strikes.hit(self.channel, ordered)
