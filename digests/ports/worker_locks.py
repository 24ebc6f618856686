"""Worker locks: a worker is alive while it holds its lock, so the claims of a dead one need not wait."""

from datetime import datetime
from typing import Protocol

from digests.ports.leadership import LeaderLock

LOCKED_OWNER_PREFIX = "worker:"
"""Beginning of the owner's name in claims that are made under a worker lock."""


def name_locked_owner(worker: str) -> str:
    """Return the owner's name for the claims of a worker that holds its lock.

    A claim under another name is never taken over before its lease ends: nobody can tell if its worker lives.
    """
    return f"{LOCKED_OWNER_PREFIX}{worker}"


class WorkerLocks(Protocol):
    """Locks of the workers over one store, on SQLite and on PostgreSQL.

    A lock that is free says that its worker is dead, or in PostgreSQL that it has lost its connection. It
    decides only when a delivery is taken over: a worker that lives all the same is fenced off by its token.
    """

    def acquire(self, worker: str) -> LeaderLock | None:
        """Take the lock of a worker, whose name no other process has; return None while it is held.

        As with a leader lock, ask `is_held` every two seconds. Raises StoreError.
        """

    def end_dead_leases(self, *, now: datetime) -> int:
        """End the leases of workers whose lock is free at `now`, and return their number.

        Leases of poison deliveries are left: one that crashes its workers must not do so every few seconds.
        A delivery whose lease ended so may be leased by anybody, and that counts as a crash. Raises
        StoreError.
        """
