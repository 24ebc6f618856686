"""The outbox: every delivery and its pages are stored before they are sent."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from digests.model import AttachedFile, EmptyReason, PostedState
from digests.subscription import Subscription


class DeliveryKind(StrEnum):
    """Subject of a delivery. A channel has at most one delivery of each kind for an edition."""

    DIGEST = "digest"
    RECAP = "recap"
    """Summary of a week. Its edition is that of the digest after which it is posted."""
    POLL = "poll"
    """The papers that a meeting may discuss, to vote on. Its edition is the day on which it is posted."""
    AGENDA = "agenda"
    """The paper of a meeting, and who leads it."""
    REMINDER = "reminder"
    """A line on the day before a meeting, to those whom it concerns."""
    EVENT = "event"
    """A meeting in the platform's own calendar. Its edition is the day of the poll."""


MEETING_KINDS = frozenset({DeliveryKind.POLL, DeliveryKind.AGENDA, DeliveryKind.REMINDER, DeliveryKind.EVENT})
"""Kinds of the posts of a meeting, which begin at its hours and follow its changes."""


class DeliveryState(StrEnum):
    """State of one delivery. `POSTED` and `FAILED` are final, unless a failed delivery is reopened."""

    CLAIMED = "claimed"
    """Leased; no page was sent under this lease. A lease that has ended means that the worker crashed."""
    POSTING = "posting"
    """Leased; pages are being sent. A lease that has ended means that the worker crashed."""
    POSTED = "posted"
    """Every page was sent; each is confirmed or skipped."""
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
    """Stored, and certainly not in the channel."""
    POSTING = "posting"
    """Being sent, or sent with an unknown outcome: it may or may not be in the channel."""
    POSTED = "posted"
    """Confirmed by a receipt."""
    CHANGING = "changing"
    """Posted, and to be edited into the new plan. Edits are idempotent, so they are retried freely."""
    SKIPPED = "skipped"
    """Arrival cannot be determined, and the settings forbid a possible duplicate."""


POSSIBLY_POSTED = (PageState.POSTING, PageState.POSTED, PageState.SKIPPED)
"""States of a page that is, or may be, in its channel."""


@dataclass(frozen=True, slots=True)
class PlannedPage:
    """One message of a delivery, as its platform's API takes it in `payload`.

    `number` counts from 0, in the order of posting. `idempotency_key` never changes; the platform stores it
    with the message, so the page can be found again. `papers` are the ids of the papers that it shows.
    `in_thread` posts it as an answer to the first page. `receipt` is the platform's id of the posted message,
    None before. `posted_states` gives, by paper id, the facts that the page states of a paper; it may name
    papers of other pages. `file` comes with the message; the outbox forgets it once the page is confirmed.
    """

    number: int
    idempotency_key: str
    payload: Mapping[str, Any]
    papers: tuple[str, ...]
    in_thread: bool
    state: PageState = PageState.PLANNED
    receipt: str | None = None
    posted_states: Mapping[str, PostedState] = field(default_factory=dict)
    file: AttachedFile | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's right to deliver one edition to one channel until `lease_until`.

    `id` is the key of the delivery. `owner` names the worker. `owner` and `attempts` together are the fencing
    token: an update under an older claim changes no row. `attempts` counts claims of the delivery, this one
    included. `failures` counts failed attempts and crashes since a page was last confirmed. `crashes` counts
    crashes in a row, since a page was last confirmed or an attempt failed without a crash.

    `pages` is empty until a plan is saved, and stays empty for a digest without pages. `empty_reason` is set
    for a planned digest without picks. `late_until` is set once such a digest has been finished: until then,
    late papers turn it into a digest with picks. `due_at` is the time at which the edition was due.
    `first_missed` is the first of the editions directly before it that were never posted, None if there are
    none.
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
    """Store a claim's pages, its empty reason and its watermark.

    A digest's papers count as shown from then on. A claim that already has stored pages must not be saved
    again.
    """

    claim: Claim
    watermark: int


@dataclass(frozen=True, slots=True)
class PageSending:
    """Mark a page as being sent, before the request, and renew the lease until `now` plus `lease`."""

    claim: Claim
    page_number: int
    now: datetime
    lease: timedelta


@dataclass(frozen=True, slots=True)
class FirstPageSending:
    """`PlanSaved` and `PageSending` of the plan's first page in one step, to save a transaction.

    The plan has at least one page.
    """

    claim: Claim
    watermark: int
    now: datetime
    lease: timedelta


@dataclass(frozen=True, slots=True)
class PageSent:
    """Confirm a page as posted, by its receipt, or mark it as skipped if `receipt` is None.

    Resets the counts of failures and crashes. A posted page that shows papers is recorded as a post, so that
    its marks can be counted. With `is_last`, the delivery is finished as posted.
    """

    claim: Claim
    page_number: int
    receipt: str | None
    now: datetime
    is_last: bool = False


OutboxWrite = PlanSaved | FirstPageSending | PageSending | PageSent
"""One step of a delivery in progress, for `Outbox.apply`."""


MAX_CLOCK_SKEW = timedelta(days=1)
"""Largest plausible lead of a stored timestamp. A larger one comes from a clock that was wrong."""


POISON_AFTER = 2
"""Crashes in a row that a delivery may cause; with one more it is quarantined, as the likely reason."""


IMPORT_DEBOUNCE = timedelta(minutes=15)
"""Age from which late papers count for an empty digest: by then the import that brought them has ended."""


class LeaseLostError(Exception):
    """Stale fencing token: another worker holds the delivery, or it was finished or given up meanwhile.

    Nothing was written. Stop the delivery, and send and write nothing more for it.
    """


class Outbox(Protocol):
    """The transactional outbox: one row for each channel, edition and kind, and one for each page.

    A restart neither repeats nor loses a page, because each page is stored before it is sent and confirmed
    afterwards. Every method that takes a claim or a write checks the fencing token, and raises LeaseLostError
    when that is stale. A lease that has ended but was not taken over is still valid.
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
        """Lease one edition until `now` plus `lease`; a first claim also inserts its delivery.

        Returns None when the delivery is posted, failed or leased, when its retry is not due yet, when it is
        empty and has no late papers, and when it cannot be read and is therefore given up. The edition itself
        need not be due. `retry_failed` reopens a failed delivery of which nothing was posted. `owner` names
        the worker. Of concurrent callers one gets the claim.

        Returns None, too, when a digest is blocked: an older edition of its channel is leased or partly
        posted. Other unfinished older editions are superseded: they are given up, and their papers are
        considered again. The subscription's next edition moves past this one and past `now` in the same
        transaction, unless it is later already, or earlier and not due yet. A delivery of another kind
        blocks, supersedes and advances nothing, and nothing blocks or supersedes it.
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
        kinds: Collection[DeliveryKind] = (DeliveryKind.DIGEST,),
    ) -> Sequence[Claim]:
        """Lease up to `limit` deliveries of running subscriptions until `now` plus `lease`.

        Unfinished deliveries come first: those whose retry is due or whose worker crashed, fewest crashes and
        failures first, and empty digests with late papers. Then come newly due digests, longest overdue
        first. Of several editions of a channel that are due, the newest is claimed and supersedes the older
        ones, as in `claim`; a channel never has two digests in progress. Posts of meetings begin at their own
        hours, and are due again after a change of their meeting. A recap begins once the first digest of its
        week is finished. Deliveries of other kinds are only retried
        here. None of these waits for a digest. Only deliveries of `kinds` are leased: a caller names those
        that it can build, and others wait for a version that can.

        A delivery whose worker crashed more than `POISON_AFTER` times in a row is quarantined: it is leased
        alone, when nothing else is due, and only to a worker that holds no other lease. At most
        `limit_per_workspace` deliveries of one workspace are leased by one call; None sets no limit.
        `excluding` names workspaces to pass over, as (platform, workspace). A result shorter than `limit`
        means that nothing else of these kinds is due, except in those workspaces and in quarantine.

        Concurrent callers never receive the same delivery and never block each other. A subscription that
        cannot be read is stopped, and a delivery that cannot be read is given up, each with a reason and a
        failure notice; others are not affected.
        """

    def apply(self, writes: Sequence[OutboxWrite]) -> None:
        """Apply the steps of many deliveries in one transaction; each claim may occur in one step only.

        Raises LeaseLostError, and writes nothing, when any of the claims is lost.
        """

    def replace_plan(self, claim: Claim, pages: Sequence[PlannedPage], *, watermark: int) -> Claim:
        """Replace the plan of a delivery, such as of an empty digest; return the claim with the new pages.

        A new page gets the key of the page in its place. If that was posted, it becomes `CHANGING` and keeps
        the receipt: the message is to be edited, unless its content is the same. One that was skipped stays
        so. The others are to be posted. The papers count as shown, and the watermark is replaced. The
        delivery is no longer empty and takes no further late papers. Raises LeaseLostError.
        """

    def reset_page(self, claim: Claim, page_number: int) -> None:
        """Return a page to `PLANNED`, when it is certain that it was not posted. Keeps the lease.

        Raises LeaseLostError.
        """

    def finish(self, claim: Claim) -> None:
        """Finish a delivery as posted and release the lease. The caller has no page left to send.

        Its failures and crashes are reset. Raises LeaseLostError.
        """

    def finish_empty(self, claim: Claim, *, late_watermark: int, late_until: datetime, now: datetime) -> None:
        """Finish a digest without picks and release the lease; late papers reopen it until `late_until`.

        `claim_due` leases it again once a paper with a sequence number over `late_watermark` has been known
        for `IMPORT_DEBOUNCE`, but not before `now` plus `IMPORT_DEBOUNCE`. A repeated call replaces both
        limits. Raises LeaseLostError.
        """

    def reschedule(
        self, claim: Claim, reason: str, *, next_try_at: datetime, is_failure: bool = True
    ) -> None:
        """Release the lease with a reason, a sentence; the delivery is due again at `next_try_at`.

        Its state becomes `UNKNOWN` if a page is `POSTING` and may have arrived, else `RETRYING`. A failure
        counts in `failures` and ends a row of crashes. `is_failure` is False for a delivery that was not
        attempted: both counts stay. Raises LeaseLostError.
        """

    def abandon(
        self,
        claim: Claim,
        reason: str,
        *,
        now: datetime,
        stop_subscription: bool = False,
        unknown_is_lost: bool = False,
    ) -> None:
        """Give a delivery up for good and queue a failure notice for the subscription's owner, if it has one.

        The delivery loses its watermark, so the next digest considers its papers again: those on pages that
        were never sent no longer count as shown, and with `unknown_is_lost` neither do those on pages that
        may have arrived. `stop_subscription` also stops the channel's digests, for `reason`, until a person
        starts or changes them; an earlier stop reason stays. Raises LeaseLostError.
        """

    def repair_future_timestamps(self, *, now: datetime, lease: timedelta) -> None:
        """Reset stored instants that are more than `MAX_CLOCK_SKEW` after `now`.

        They come from a clock that was wrong. Call it at start-up and after the clock was set back. Leases
        then end at `now` plus `lease`. Retries, failure notices, post edits and queued reviews are due now. A
        future edition of which nothing was posted loses its plan, and is due at its own time.
        """
