"""Leader locks: at most one process does a job at a time."""

from typing import Protocol


class LeaderLock(Protocol):
    """The exclusive right to one role, among all processes over one store."""

    def is_held(self) -> bool:
        """Return True while the lock is held; once False, always False. Answers within seconds and never
        raises.

        Call it every two seconds or so. A process that does not ask for half a minute loses the lock to
        another.
        """

    def release(self) -> None:
        """Release the lock so that another process can take it at once. Never raises; repeating it has no
        effect.
        """


class Leadership(Protocol):
    """Leader election among the processes over one store, on SQLite and on PostgreSQL.

    A role is any short name of a job that only one process may do. Different roles may be led by different
    processes.
    """

    def acquire(self, role: str) -> LeaderLock | None:
        """Take the lock of a role, or return None while another process holds it or that cannot be
        determined.

        The lock of a process that dies is free within seconds. No two processes hold one role at once if they
        ask `is_held` as often as it requires. Raises StoreError.
        """
