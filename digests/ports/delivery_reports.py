"""Read-only views of the outbox: the state of deliveries and channels, and the input of the next digest."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from digests.model import EmptyReason
from digests.ports.outbox import POSSIBLY_POSTED, DeliveryKind, DeliveryState, PlannedPage
from digests.subscription import Channel, Subscription, format_full_name


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """The state of one delivery, for people to read.

    `state` is `FAILED` if the stored one cannot be read; `reason` then says so. `next_try_at` is set only
    while the delivery waits for a retry or for late papers.
    """

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
    """The next edition of a channel's digest and the state of its newest one, for people to read.

    `name` is that of the digest, `key` that of its subscription in the store. `subscription` is None if the
    stored row cannot be read; `read_error` then gives the reason. `edition` and the fields up to
    `lease_until` describe the newest edition, and are empty before the first one. `posted_pages` counts
    confirmed pages. `unknown_pages` counts pages that may or may not have arrived, without a page that is
    being sent now. `lease_until` is the end of a worker's lease; one in the past means that the worker
    crashed.
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
    name: str = ""
    key: int = 0

    @property
    def full_name(self) -> str:
        """The full name of the digest: the channel, and its name if it has one."""
        return format_full_name(self.channel, self.name)


@dataclass(frozen=True, slots=True)
class PreviousEdition:
    """Summary of a channel's digests before one edition.

    `watermark` is the highest watermark among them, None if there is none. A digest that was given up has no
    watermark. `first_due_at` is the earliest due time among them, given up or not; None if there are none.
    """

    watermark: int | None
    first_due_at: datetime | None


class DeliveryReports(Protocol):
    """Queries about deliveries. None of them takes a lease or changes a row."""

    def history(
        self, subscription: Subscription, limit: int, *, kind: DeliveryKind = DeliveryKind.DIGEST
    ) -> Sequence[DeliveryReport]:
        """Return up to `limit` deliveries of one kind to a channel, newest edition first.

        Deliveries in every state are included. Pages that cannot be read are left out. Empty for a channel
        without any.
        """

    def channel_statuses(self) -> Sequence[ChannelStatus]:
        """Return the status of every subscription that was not removed, in the order of their ids.

        Paused, stopped and unreadable subscriptions are included.
        """

    def count_by_state(self, since: date) -> Mapping[DeliveryState, int]:
        """Count the deliveries of all kinds by state, for editions on `since` or later.

        Every state is a key, with 0 for none.
        """

    def active_workers(self, *, now: datetime) -> Collection[tuple[str, str, str]]:
        """Return (platform, workspace, owner) of every lease that ends after `now`, each once.

        `owner` names the worker. A worker that crashed is among them until its lease ends.
        """

    def find_digest_name(self, channel: Channel, key: str) -> str | None:
        """Return the present name of the digest whose page has an idempotency key, None if none has it."""

    def find_renamed_digest(
        self, channel: Channel, name: str, edition: date, watermark: int
    ) -> Subscription | None:
        """Return the digest of a channel that showed an edition up to a watermark under a name.

        It may have another name since. If there are several, the one that has the name now is returned. None
        if there is none, also because it was removed.
        """

    def watermark(self, subscription: Subscription, before: date) -> int | None:
        """Return the highest watermark of a channel's digests before a date, None if none has one.

        A digest that was given up has none, so the next digest considers its papers again.
        """

    def previous_editions(self, editions: Sequence[tuple[Subscription, date]]) -> Sequence[PreviousEdition]:
        """Return the summary of the digests before each edition, in the order of the argument.

        Both fields are None for a channel without earlier digests.
        """

    def shown_papers(self, windows: Sequence[tuple[Subscription, int, int]]) -> Sequence[frozenset[str]]:
        """Return, for each window, the ids of the papers in it that its channel has been shown.

        All digests of the channel count, also removed ones; for a subscription with `repeat`, its own alone.
        A window is (subscription, after, up to): the papers that became known with a sequence number over
        `after` and up to the last, which is included. A paper counts from the moment a digest's plan with it
        is saved, and no longer if that digest is given up before its page is sent. Results come in the order
        of the argument.
        """
