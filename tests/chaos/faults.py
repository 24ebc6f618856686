"""What is done to a delivery, and at which of its awaits: written down by a test, done by the process itself."""

import os
import signal
from collections.abc import Coroutine, Generator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any


class Fault(StrEnum):
    KILL = "kill"
    STOP = "stop"


class Side(StrEnum):
    """Of an await: what it waits for is under way, or is done and not looked at yet."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """At the `number`-th await, from 1, of one delivery to a channel."""

    fault: Fault
    side: Side
    number: int

    def __str__(self) -> str:
        return f"{self.fault} {self.side} {self.number}"


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """Those that are still to come, a file for each channel. Only one process does each."""

    folder: Path

    def schedule_faults(self, channel: str, faults: Sequence[PlannedFault]) -> None:
        """One after the other: the second one hits the delivery that follows the first one."""
        self._plan_path(channel).write_text("\n".join(map(str, faults)))

    def pending_faults(self, channel: str) -> list[PlannedFault]:
        """What was not done yet, the next one first."""
        try:
            lines = self._plan_path(channel).read_text().splitlines()
        except FileNotFoundError:
            return []
        faults = [
            PlannedFault(Fault(blow), Side(side), int(number)) for blow, side, number in map(str.split, lines)
        ]
        return [one for place, one in enumerate(faults) if not self._done_path(channel, place).exists()]

    def cancel_faults(self, channel: str) -> bool:
        """Nothing more is done to a channel; False where something was done at the very last moment."""
        lines = self._plan_path(channel).read_text().splitlines()
        left = len(self.pending_faults(channel))
        claimed = [self._mark_done(channel, place) for place in range(len(lines) - left, len(lines))]
        return all(claimed)

    def inject_fault(self, channel: str, planned: PlannedFault) -> None:
        """Do it, unless another process has, or it was withdrawn; it is marked as done first."""
        left = self.pending_faults(channel)
        if not left or left[0] != planned:
            return
        lines = self._plan_path(channel).read_text().splitlines()
        if self._mark_done(channel, len(lines) - len(left)):
            os.kill(os.getpid(), signal.SIGKILL if planned.fault is Fault.KILL else signal.SIGSTOP)

    def _mark_done(self, channel: str, position: int) -> bool:
        """Whether it was left, and is now marked as done, by nobody else."""
        try:
            self._done_path(channel, position).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def _plan_path(self, channel: str) -> Path:
        return self.folder / f"{channel}.strikes"

    def _done_path(self, channel: str, position: int) -> Path:
        return self.folder / f"{channel}.strikes.{position}"


@dataclass(slots=True)
class FaultInjector:
    """An awaitable that lets a coroutine run as it would, step by step, and counts where it waits."""

    coroutine: Coroutine[Any, Any, Any]
    channel: str
    fault_plan: FaultPlan
    await_count: int = 0

    def __await__(self) -> Generator[Any, Any, Any]:
        answer: Any = None
        error: BaseException | None = None
        planned = next(iter(self.fault_plan.pending_faults(self.channel)), None)
        while True:
            try:
                waited_for = self.coroutine.throw(error) if error else self.coroutine.send(answer)
            except StopIteration as done:
                return done.value
            self.await_count += 1
            self._inject_at(Side.BEFORE, planned)
            answer, error = None, None
            try:
                answer = yield waited_for
            except BaseException as raised:
                error = raised
            self._inject_at(Side.AFTER, planned)

    def _inject_at(self, side: Side, planned: PlannedFault | None) -> None:
        if planned and (planned.side, planned.number) == (side, self.await_count):
            self.fault_plan.inject_fault(self.channel, planned)
