"""Direct messages to owners whose edition was given up."""

from dataclasses import dataclass
from datetime import date

from digests.subscription import Subscription


@dataclass(frozen=True, slots=True)
class FailureNotice:
    """An edition that was given up, of which its owner does not know yet. `delivery` is the store's number of it.

    Of a `subscription` that cannot be read there is only the channel, the owner, and why it is stopped.
    """

    delivery_id: int
    subscription: Subscription
    edition: date
    reason: str
