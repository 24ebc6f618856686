"""Faults at the awaits of a delivery: planned in a file by a test, injected by the process itself."""

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
    """Side of an await: its operation is in progress, or done and its result not read yet."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """A fault at the `number`-th await, from 1, of one delivery to a channel."""

    fault: Fault
    side: Side
    number: int

    def __str__(self) -> str:
        return f"{self.fault} {self.side} {self.number}"


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """The pending faults, in one file a channel. Each is injected by one process only."""

    folder: Path

    def schedule_faults(self, channel: str, faults: Sequence[PlannedFault]) -> None:
        """Plan one fault for each of the next deliveries to a channel."""
        self._plan_path(channel).write_text("\n".join(map(str, faults)))

    def pending_faults(self, channel: str) -> list[PlannedFault]:
        """Return the pending faults, the next one first."""
        try:
            lines = self._plan_path(channel).read_text().splitlines()
        except FileNotFoundError:
            return []
        faults = [
            PlannedFault(Fault(fault), Side(side), int(number))
            for fault, side, number in map(str.split, lines)
        ]
        return [one for place, one in enumerate(faults) if not self._done_path(channel, place).exists()]

    def cancel_faults(self, channel: str) -> bool:
        """Cancel the pending faults of a channel. Returns False when one was injected meanwhile."""
        lines = self._plan_path(channel).read_text().splitlines()
        left = len(self.pending_faults(channel))
        claimed = [self._mark_done(channel, place) for place in range(len(lines) - left, len(lines))]
        return all(claimed)

    def inject_fault(self, channel: str, planned: PlannedFault) -> None:
        """Inject a fault unless another process did or it was cancelled. It is marked as done first."""
        left = self.pending_faults(channel)
        if not left or left[0] != planned:
            return
        lines = self._plan_path(channel).read_text().splitlines()
        if self._mark_done(channel, len(lines) - len(left)):
            os.kill(os.getpid(), signal.SIGKILL if planned.fault is Fault.KILL else signal.SIGSTOP)

    def _mark_done(self, channel: str, position: int) -> bool:
        """Mark a fault as done. Returns False when it was done before."""
        try:
            self._done_path(channel, position).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def _plan_path(self, channel: str) -> Path:
        return self.folder / f"{channel}.faults"

    def _done_path(self, channel: str, position: int) -> Path:
        return self.folder / f"{channel}.faults.{position}"


@dataclass(slots=True)
class FaultInjector:
    """An awaitable that runs a coroutine unchanged, counts its awaits and injects the planned fault."""

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
