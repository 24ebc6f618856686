"""Failure notices: direct messages to the owner of a subscription whose edition was given up."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from digests.ports.outbox import DeliveryKind
from digests.subscription import Subscription


@dataclass(frozen=True, slots=True)
class FailureNotice:
    """An edition that was given up and whose failure notice has not been acknowledged.

    `delivery_id` is the store's key of the delivery, and `reason` the sentence with which it was given up. A
    subscription that cannot be read has its id, channel, `owner_id` and `stop_reason` only.
    """

    delivery_id: int
    subscription: Subscription
    edition: date
    kind: DeliveryKind
    reason: str


class FailureNotices(Protocol):
    """The queue of failure notices, one for each delivery at most.

    `Outbox.abandon` adds to it. The store itself adds to it when it gives up a delivery or a subscription
    that cannot be read. A subscription without an owner gets no notice.
    """

    def due(self, *, now: datetime, retry_after: timedelta, limit: int) -> Sequence[FailureNotice]:
        """Return up to `limit` notices that are due, longest due first, and hide each for `retry_after`.

        Notices of a kind that this version does not know are left out. Concurrent callers never receive the
        same notice. A notice that is not acknowledged is due again `retry_after` later, so a sender that
        crashes causes a repeat and never a loss.
        """

    def acknowledge(self, notice: FailureNotice, *, retry_at: datetime | None = None) -> None:
        """Remove a notice from the queue; with `retry_at`, keep it and make it due again then.

        If the edition is reopened and `Outbox.abandon` gives it up once more, a removed notice does not come
        back. No effect on a delivery that is gone.
        """
