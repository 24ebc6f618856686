"""Read-only views of the outbox: the state of deliveries and channels, and the input of the next digest."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from digests.model import EmptyReason
from digests.ports.outbox import POSSIBLY_POSTED, DeliveryKind, DeliveryState, PlannedPage
from digests.subscription import Channel, Subscription


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """The state of one delivery, for people to read."""

    subscription: Subscription
    edition: date
    state: DeliveryState
    attempts: int
    reason: str
    next_try_at: datetime | None
    pages: tuple[PlannedPage, ...]
    empty_reason: EmptyReason | None = None

    @property
    def is_partly_posted(self) -> bool:
        """Return True for an unfinished delivery with a page that is, or may be, in its channel."""
        is_over = self.state in (DeliveryState.POSTED, DeliveryState.EMPTY, DeliveryState.FAILED)
        return not is_over and any(page.state in POSSIBLY_POSTED for page in self.pages)


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """The next digest of a channel and the state of its last one, for people to read.

    `subscription` is None where the stored row cannot be read; `read_error` then gives the reason.
    `posted_pages` counts confirmed pages, `unknown_pages` those that may or may not have arrived.
    `lease_until` is the end of the lease while a worker holds the last delivery.
    """

    channel: Channel
    subscription: Subscription | None
    read_error: str = ""
    next_edition: date | None = None
    next_due_at: datetime | None = None
    edition: date | None = None
    state: DeliveryState | None = None
    reason: str = ""
    attempts: int = 0
    next_try_at: datetime | None = None
    posted_pages: int = 0
    unknown_pages: int = 0
    lease_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class PreviousEdition:
    """The digests of a channel before one edition; None where there is none.

    `watermark` is that of the last edition that was not given up. `first_due_at` is the due time of the
    channel's first edition, given up or not.
    """

    watermark: int | None
    first_due_at: datetime | None


class DeliveryReports(Protocol):
    """Questions about deliveries. Nothing here takes a lease or changes a row."""

    def history(
        self, subscription: Subscription, limit: int, *, kind: DeliveryKind = DeliveryKind.DIGEST
    ) -> Sequence[DeliveryReport]:
        """Return up to `limit` deliveries of one kind to a channel, newest edition first.

        Pages that cannot be read are left out.
        """

    def channel_statuses(self) -> Sequence[ChannelStatus]:
        """Return the status of every active subscription by id, unreadable ones included."""

    def count_by_state(self, since: date) -> Mapping[DeliveryState, int]:
        """Count deliveries of every kind by state, for editions from `since` on. Every state is a key."""

    def active_workers(self, *, now: datetime) -> Collection[tuple[str, str, str]]:
        """Return (platform, workspace, owner) of every live lease, each once.

        A worker that crashed is among them until its lease ends.
        """

    def watermark(self, subscription: Subscription, before: date) -> int | None:
        """Return the watermark of the last digest before a date, or None where there is none.

        Editions that were given up do not count: what they did not show is considered again.
        """

    def previous_editions(self, editions: Sequence[tuple[Subscription, date]]) -> Sequence[PreviousEdition]:
        """Return the history before each of these editions, in the order of the argument."""

    def shown_papers(self, windows: Sequence[tuple[Subscription, int, int]]) -> Sequence[frozenset[str]]:
        """Return the ids of papers that each channel has already been shown, in any digest.

        A window is (subscription, after, up to); it selects the papers whose `known_seq` lies in it. Results
        come in the order of the argument.
        """
