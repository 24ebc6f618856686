"""Links between accounts of one person, which two accounts prove to each other with a code."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum, auto
from typing import Protocol

from digests.model import Account


class LinkStep(Enum):
    """Outcome of a code that a person typed."""

    UNKNOWN = auto()
    """No such code, or it is used up or too old."""
    WAITING = auto()
    """The account that got the code typed it before any other did."""
    CLAIMED = auto()
    """The other account typed it: the first one has to confirm it by typing it too."""
    TAKEN = auto()
    """A third account typed it first. The code is void."""
    LINKED = auto()
    """The first account confirmed it: both are one person now. The code is used up."""


class AccountLinks(Protocol):
    """Links between accounts. Linked accounts count as one person in every queue."""

    def offer(self, account: Account, code: str, *, now: datetime, expires_at: datetime) -> None:
        """Keep a new code of an account, by its hash alone. Earlier codes of the account are void."""

    def enter(self, account: Account, code: str, *, now: datetime) -> LinkStep:
        """Take a code that an account typed, and link the two accounts once both have typed it."""

    def list_linked(self, account: Account) -> Sequence[Account]:
        """Return the other accounts of the same person, in order."""

    def unlink(self, account: Account, *, now: datetime) -> bool:
        """Take an account out of its links; return False if it has none. The others stay linked.

        Posted messages that count them are refreshed.
        """
