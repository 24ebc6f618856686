"""Leader locks: one process at a time for a job."""

from typing import Protocol


class LeaderLock(Protocol):
    """The right to do alone, among all processes over one store, what its name says."""

    def is_held(self) -> bool:
        """Whether it still does; once False, false for good. Answers within seconds, and never raises.

        Ask every two seconds or so: a process that does not ask for half a minute loses it to another.
        """

    def release(self) -> None:
        """Give it back, so that another process gets it at once. Never raises; the second time does nothing."""


LEADER_ROLES = ("slack", "discord", "sources", "reviewer", "posts")
"""The names of all leads that there are."""


class Leadership(Protocol):
    """Who of several processes over one store does what only one may do: over SQLite as over PostgreSQL.

    The name says what it is about: a platform's ("slack", "discord") for the connection on which it speaks to us, and one each for
    other work of which there is one in the house ("sources", "reviewer", "posts"). Leads of different names may lie
    with different processes. `bot/leadership.py` does the asking for async work.
    """

    def acquire(self, role: str) -> LeaderLock | None:
        """Take the lead; None while another holds it, or nobody can know. A process that dies loses it within seconds.

        Two leads of one name are never held at once by processes that ask `holds` as they should. Raises StoreError.
        """
