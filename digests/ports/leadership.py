"""Leader locks: at most one process does a job at a time."""

from typing import Protocol


class LeaderLock(Protocol):
    """The exclusive right to one role, among all processes over one store."""

    def is_held(self) -> bool:
        """Return True while this process holds the lock; after False, acquire a new lock to lead again.

        Answers within seconds and never raises; a database that does not answer means False. Call it every
        two seconds: over PostgreSQL, a process that does not ask for twenty seconds loses its locks.
        """

    def release(self) -> None:
        """Release the lock, so that another process can take it at once.

        Never raises. Has no effect on a lock that is released or lost, or on a newer lock of the same role.
        """


class Leadership(Protocol):
    """Leader election among the processes over one store, on SQLite and on PostgreSQL.

    A role is a short name of a job that only one process may do, fit for a file name. Different roles may be
    led by different processes.
    """

    def acquire(self, role: str) -> LeaderLock | None:
        """Take the lock of a role without waiting; return None while any process holds it, this one included.

        The lock of a killed process is free at once, that of a machine that is lost after twenty seconds. Two
        processes never do the same job at once if each asks `is_held` every two seconds and stops at False.
        Raises StoreError if the database does not answer or the lock file cannot be written.
        """
