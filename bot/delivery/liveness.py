"""The lock by which a worker is known to be alive, and the end of the leases of workers that are dead."""

import logging
from dataclasses import dataclass

from bot.delivery.context import DeliveryContext
from bot.storage import run_background, run_leadership
from digests.ports.leadership import LeaderLock
from digests.ports.worker_locks import name_locked_owner

log = logging.getLogger(__name__)

CHECK_SECONDS = 1.0
"""Interval between two checks of the lock, and between two looks for dead workers."""


@dataclass(slots=True)
class WorkerLiveness:
    """The lock of one worker. Without it the worker delivers all the same, and a crash costs it a lease."""

    context: DeliveryContext
    _lock: LeaderLock | None = None
    _lock_problem: str = ""
    _search_problem: str = ""

    @property
    def owner(self) -> str:
        """The owner's name for new claims."""
        return name_locked_owner(self.context.owner) if self._lock else self.context.owner

    @property
    def owners(self) -> frozenset[str]:
        """Both names under which this worker makes claims."""
        return frozenset({self.context.owner, name_locked_owner(self.context.owner)})

    async def keep_lock(self) -> None:
        """Take the lock, or take it again if it was lost. A failure is logged once and not raised."""
        try:
            if self._lock and not await run_leadership(self._lock.is_held):
                await self.release()
            if self._lock is None:
                self._lock = await run_leadership(self.context.store.worker_locks.acquire, self.context.owner)
        except Exception as error:
            problem = f"this worker has no lock, so a crash would cost it a lease: {error}"
            self._lock_problem = _log_new_problem(problem, self._lock_problem)
        else:
            self._lock_problem = ""

    async def end_dead_leases(self) -> bool:
        """End the leases of dead workers. Returns True if there were any. A failure is logged once."""
        locks, now = self.context.store.worker_locks, self.context.clock()
        try:
            ended_count = await run_background(locks.end_dead_leases, now=now)
        except Exception as error:
            self._search_problem = _log_new_problem(
                f"dead workers are not known: {error}", self._search_problem
            )
            return False
        self._search_problem = ""
        if ended_count:
            log.info("a worker is dead: its deliveries (%d) are free", ended_count)
        return bool(ended_count)

    async def release(self) -> None:
        """Release the lock, held or lost. A worker that ends has finished its deliveries before."""
        lock, self._lock = self._lock, None
        if lock:
            await run_leadership(lock.release)


def _log_new_problem(problem: str, last_problem: str) -> str:
    """Log a problem unless it is the last one of its kind, and return it."""
    if problem != last_problem:
        log.warning("%s", problem)
    return problem
