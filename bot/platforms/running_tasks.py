"""Work on requests and events that runs, or that nobody waits for, until shutdown."""

import asyncio
import logging
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bot.chat.port import PostError
from digests.errors import PaperroundError

log = logging.getLogger(__name__)

DRAIN_SECONDS = 10.0
"""Longest wait for running work at shutdown. A container is killed after ten to thirty seconds."""


@dataclass(frozen=True, slots=True)
class RunningTasks:
    """Tasks of one platform that shutdown waits for."""

    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    async def run_logged(self, work: Awaitable[None]) -> None:
        """Run work that nobody waits for. An error is logged and not raised.

        Until it ends, it is among the running tasks that `drain` waits for.
        """
        with self.track_task():
            try:
                await work
            except (PaperroundError, PostError) as error:
                log.warning("%s", error)
            except Exception:
                log.exception("an event could not be handled")

    @contextmanager
    def track_task(self) -> Iterator[None]:
        """Count the current task among the running tasks that `drain` waits for."""
        task = asyncio.current_task()
        if task:
            self._tasks.add(task)
        try:
            yield
        finally:
            if task:
                self._tasks.discard(task)

    def add(self, task: asyncio.Task[Any]) -> None:
        """Count a task among the running tasks until it ends."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drain(self) -> None:
        """Wait for running tasks, up to `DRAIN_SECONDS`. Tasks that take longer are left running."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=DRAIN_SECONDS)
