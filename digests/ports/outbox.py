"""The outbox: every delivery and its pages are stored before they are sent."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from digests.model import EmptyReason, PostedState
from digests.subscription import Subscription


class DeliveryKind(StrEnum):
    """Subject of a delivery. A channel has at most one delivery of each kind for an edition."""

    DIGEST = "digest"
    RECAP = "recap"
    """Summary of several editions. Nothing sends one yet."""


class DeliveryState(StrEnum):
    """State of one delivery."""

    CLAIMED = "claimed"
    """Leased; no page has been sent under this lease."""
    POSTING = "posting"
    """Leased; pages are being sent."""
    POSTED = "posted"
    EMPTY = "empty"
    """Finished without picks. Papers that arrive before `late_until` make it due again."""
    RETRYING = "retrying"
    """Not leased; due again at `next_try_at`."""
    UNKNOWN = "unknown"
    """Not leased; a page may have arrived. The channel is reconciled at `next_try_at`."""
    FAILED = "failed"
    """Given up. The reason is stored."""


class PageState(StrEnum):
    """State of one page of a delivery."""

    PLANNED = "planned"
    POSTING = "posting"
    """Being sent. After a crash only the channel knows whether it arrived."""
    POSTED = "posted"
    CHANGING = "changing"
    """Posted, and to be edited into the new plan. Edits are idempotent, so they are retried freely."""
    SKIPPED = "skipped"
    """Arrival cannot be determined, and the settings forbid a possible duplicate."""


POSSIBLY_POSTED = (PageState.POSTING, PageState.POSTED, PageState.SKIPPED)
"""States of a page that is, or may be, in its channel."""


@dataclass(frozen=True, slots=True)
class PlannedPage:
    """One message of a digest, as its platform's API takes it.

    `idempotency_key` never changes; the platform carries it, so the page can be found again. `receipt` is the
    platform's id of the posted message. `posted_states` gives, by paper id, the facts that the page states of
    a paper; it may name papers of other pages.
    """

    number: int
    idempotency_key: str
    payload: Mapping[str, Any]
    papers: tuple[str, ...]
    in_thread: bool
    state: PageState = PageState.PLANNED
    receipt: str | None = None
    posted_states: Mapping[str, PostedState] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's right to deliver one edition to one channel until `lease_until`.

    `id` is the key of the delivery. `owner` and `attempts` together are the fencing token: an update under an
    older claim changes no row. `attempts` counts this one. `failures` counts failed attempts and crashes
    since a page was last confirmed. `crashes` counts the crashes in a row since an attempt last ended
    otherwise.

    `pages` is empty until a plan is saved, and stays empty for a digest without pages. `empty_reason` is set
    for a planned digest without picks. `late_until` is set once that has been finished: until then, late
    papers make a digest of it. `due_at` is the time the edition was due. `first_missed` is the first of the
    editions directly before it that were never posted.
    """

    id: int
    subscription: Subscription
    edition: date
    owner: str
    lease_until: datetime
    attempts: int
    pages: tuple[PlannedPage, ...] = ()
    empty_reason: EmptyReason | None = None
    late_until: datetime | None = None
    failures: int = 0
    due_at: datetime | None = None
    first_missed: date | None = None
    crashes: int = 0
    kind: DeliveryKind = DeliveryKind.DIGEST


@dataclass(frozen=True, slots=True)
class PlanSaved:
    """Store the claim's pages, its empty reason and its watermark, and count its papers as shown."""

    claim: Claim
    watermark: int


@dataclass(frozen=True, slots=True)
class PageSending:
    """Mark a page as being sent, and renew the lease."""

    claim: Claim
    page_number: int
    now: datetime
    lease: timedelta


@dataclass(frozen=True, slots=True)
class FirstPageSending:
    """Store a plan and mark its first page as being sent, in one transaction."""

    claim: Claim
    watermark: int
    now: datetime
    lease: timedelta


@dataclass(frozen=True, slots=True)
class PageSent:
    """Confirm a page by its receipt, or mark it `SKIPPED` without one.

    The last page finishes the delivery.
    """

    claim: Claim
    page_number: int
    receipt: str | None
    now: datetime
    is_last: bool = False


OutboxWrite = PlanSaved | FirstPageSending | PageSending | PageSent
"""One step of a delivery in progress, as `Outbox.apply` takes it."""


MAX_CLOCK_SKEW = timedelta(days=1)
"""A stored timestamp further ahead than this comes from a clock that was wrong and has been set back."""


POISON_AFTER = 2
"""Crashes in a row after which a delivery is quarantined: it may be the reason for them."""


IMPORT_DEBOUNCE = timedelta(minutes=15)
"""Age at which late papers count for an empty digest: by then the import that brought them has ended."""


class LeaseLostError(Exception):
    """The fencing token is stale: another worker holds the delivery. Stop, and write nothing more for it."""


class Outbox(Protocol):
    """The transactional outbox: one row for each channel, edition and kind, and one for each page.

    A restart neither repeats nor loses a page, because each page is stored before it is sent and confirmed
    afterwards. Every method that takes a claim checks its fencing token and raises LeaseLostError when that
    is stale.
    """

    def claim(
        self,
        subscription: Subscription,
        edition: date,
        *,
        owner: str,
        now: datetime,
        lease: timedelta,
        retry_failed: bool = False,
        kind: DeliveryKind = DeliveryKind.DIGEST,
    ) -> Claim | None:
        """Lease one edition, or return None when it is finished, failed, not due, leased, or blocked.

        An older edition of the channel blocks it while that is leased or partly posted. Other unfinished
        older editions are superseded: they are given up, and their papers are considered again.
        `retry_failed` reopens a failed edition of which nothing was posted. The subscription's next edition
        moves past this one and past `now` in the same transaction, unless a later edition is already due.

        All of that holds among digests. A delivery of another kind blocks, supersedes and advances nothing,
        and nothing blocks or supersedes it.
        """

    def claim_due(
        self,
        *,
        owner: str,
        now: datetime,
        lease: timedelta,
        limit: int,
        limit_per_workspace: int | None = None,
        excluding: Collection[tuple[str, str]] = (),
    ) -> Sequence[Claim]:
        """Lease up to `limit` deliveries: retries first, then newly due editions, longest overdue first.

        A channel never has two digests in progress; of several that are due, the newest is claimed and
        supersedes the older ones, as in `claim`. A delivery whose worker crashed `POISON_AFTER` times in a
        row is quarantined: it is leased alone, and only to an idle worker. A result shorter than `limit`
        means that nothing else is due, except in workspaces that reached `limit_per_workspace`. `excluding`
        names workspaces to pass over, as (platform, workspace). Deliveries of other kinds are only retried
        here, and never wait for a digest.

        Concurrent callers never receive the same delivery and never block each other. A subscription that
        cannot be read is stopped, and a delivery that cannot be read is given up, each with its reason;
        others are not affected.
        """

    def apply(self, writes: Sequence[OutboxWrite]) -> None:
        """Apply the steps of many deliveries in one transaction, at most one step for each claim.

        Nothing is written when any of the claims is lost.
        """

    def replace_plan(self, claim: Claim, pages: Sequence[PlannedPage], *, watermark: int) -> Claim:
        """Replace the plan of an empty digest by one with late papers, and return the claim with it.

        A page whose number was already posted becomes `CHANGING` and keeps its receipt; the others are to be
        posted. The delivery is no longer empty, so this happens at most once.
        """

    def reset_page(self, claim: Claim, page_number: int) -> None:
        """Return a page to `PLANNED`, because it is certain that it was not posted."""

    def finish(self, claim: Claim) -> None:
        """Mark a delivery as posted when no page is left to be sent."""

    def finish_empty(self, claim: Claim, *, late_watermark: int, late_until: datetime, now: datetime) -> None:
        """Finish a digest without picks; late papers reopen it until `late_until`.

        It is due again once a paper with a sequence number over `late_watermark` has been known for
        `IMPORT_DEBOUNCE`, and not earlier than `now` plus that.
        """

    def reschedule(
        self, claim: Claim, reason: str, *, next_try_at: datetime, is_failure: bool = True
    ) -> None:
        """Release the lease; the delivery is due again at `next_try_at`.

        Its state is `UNKNOWN` while a page may have arrived, else `RETRYING`. `is_failure` is False when the
        delivery only had no turn; it then counts as no failure.
        """

    def fail(
        self,
        claim: Claim,
        reason: str,
        *,
        now: datetime,
        stop_subscription: bool = False,
        unknown_is_lost: bool = False,
    ) -> None:
        """Give a delivery up and queue a failure notice for its owner, if it has one.

        Papers on pages that were never sent no longer count as shown; with `unknown_is_lost` neither do those
        on pages that may have arrived. `stop_subscription` also stops the channel's digests until a person
        starts them again.
        """

    def repair_future_timestamps(self, *, now: datetime, lease: timedelta) -> None:
        """Reset what a clock more than `MAX_CLOCK_SKEW` ahead has stored. For start-up, and after a clock set
        back.

        Leases end within `lease`, and retries are due now. A future edition of which nothing was posted loses
        its plan and is due at its own time.
        """
