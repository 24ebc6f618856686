"""Failure notices: direct messages to the owner of a subscription whose edition was given up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from digests.subscription import Subscription


@dataclass(frozen=True, slots=True)
class FailureNotice:
    """One abandoned edition that its owner has not been told of.

    `delivery_id` is the store's key of the delivery. A subscription that cannot be read has its channel, its
    owner and its `stop_reason` only.
    """

    delivery_id: int
    subscription: Subscription
    edition: date
    reason: str


class FailureNotices(Protocol):
    """The queue of failure notices. `Outbox.fail` adds to it."""

    def due(self, *, now: datetime, retry_after: timedelta, limit: int) -> Sequence[FailureNotice]:
        """Return up to `limit` notices that are due, oldest first, and hide each for `retry_after`.

        Concurrent callers never receive the same notice. A notice that is not acknowledged is due again once
        `retry_after` has passed, so a sender that crashes causes a repeat and never a loss.
        """

    def acknowledge(self, notice: FailureNotice, *, retry_at: datetime | None = None) -> None:
        """Remove a notice for good, or make it due again at `retry_at`."""
