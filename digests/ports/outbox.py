"""The outbox: deliveries and their pages, written down before they are sent."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from digests.model import EmptyReason, PostedState
from digests.ports.failure_notices import FailureNotice
from digests.subscription import Channel, Subscription


class DeliveryState(StrEnum):
    """Where the delivery of one edition stands."""

    CLAIMED = "claimed"
    POSTING = "posting"
    """Its pages are going out."""
    POSTED = "posted"
    EMPTY = "empty"
    """There was nothing to read, and the channel was told, unless the settings say not to.

    Papers that come in later that day make it a digest: it is then claimed anew, once it has something to look at."""
    RETRYING = "retrying"
    """It failed, and is tried again at its hour."""
    UNKNOWN = "unknown"
    """Whether a page arrived is not known; the channel is asked at its hour."""
    FAILED = "failed"
    """It failed for good; the reason is kept."""


class PageState(StrEnum):
    """Where one page of a delivery stands."""

    PLANNED = "planned"
    POSTING = "posting"
    """On its way: after a crash only the channel knows whether it arrived."""
    POSTED = "posted"
    CHANGING = "changing"
    """Posted, and to be edited into what is planned now: as often as it takes, since an edit can be repeated."""
    SKIPPED = "skipped"
    """Nobody can know whether it arrived, and the settings say not to risk a repeat."""


POSSIBLY_POSTED = (PageState.POSTING, PageState.POSTED, PageState.SKIPPED)
"""It stands in its channel, or may."""


@dataclass(frozen=True, slots=True)
class PlannedPage:
    """One message of a digest as it will be posted. `key` names it for good; `receipt` says where it landed.

    `said` is what it says of its papers, by their ids, perhaps of others too.
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
    """The right to deliver one edition to one channel until `lease_until`. `id` is the store's number of the delivery.

    `pages` is empty until they are planned, and again where a digest has none. `attempts` counts this one, `failures`
    those since a page last landed that failed, or that were left in the middle by a process that died; the last `deaths`
    of them all were. It was to come at `due_at`; `first_missed` is the first of the editions
    before it that were never begun, None where none was missed. `nothing` is the kind of a planned digest without picks.
    Where the channel has heard of that, `quiet_until` is the end of the time in which papers that came in late make it a
    digest.
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


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """What became of one edition, for people to read."""

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
        """Whether some of it stands in the channel, or may, and more is to come."""
        is_over = self.state in (DeliveryState.POSTED, DeliveryState.EMPTY, DeliveryState.FAILED)
        return not is_over and any(page.state in POSSIBLY_POSTED for page in self.pages)


@dataclass(frozen=True, slots=True)
class PlanSaved:
    """The claim's pages, that their papers are shown, what kind of nothing they say, and the number considered up to."""

    claim: Claim
    watermark: int


@dataclass(frozen=True, slots=True)
class PageSending:
    """This page goes out now; the lease starts anew."""

    claim: Claim
    page_number: int
    now: datetime
    lease: timedelta


@dataclass(frozen=True, slots=True)
class FirstPageSending:
    """A plan, and that its first page goes out now, in one step."""

    claim: Claim
    watermark: int
    now: datetime
    lease: timedelta


@dataclass(frozen=True, slots=True)
class PageSent:
    """This page has landed; without a receipt it is given up as `SKIPPED`. After the `last` page the delivery is done."""

    claim: Claim
    page_number: int
    receipt: str | None
    now: datetime
    is_last: bool = False


OutboxWrite = PlanSaved | FirstPageSending | PageSending | PageSent
"""A line in the ledger about a claim that is under way."""


@dataclass(frozen=True, slots=True)
class PreviousEdition:
    """What came before an edition: the number that the last one considered up to that was not given up, and the hour of
    the first one, given up or not; None where there was none."""

    watermark: int | None
    first_due_at: datetime | None


MAX_CLOCK_SKEW = timedelta(days=1)
"""Nothing waits for an hour that is further ahead: it was written by a clock that was, and has been set back since."""


POISON_AFTER = 2
"""Deaths of its process after which a delivery that is left in the middle once more may be the reason for them."""


IMPORT_DEBOUNCE = timedelta(minutes=15)
"""Papers that have been known for so long are looked at after a quiet day: the import that brought them is over."""


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """How a channel stands: what comes next, and what became of the last edition, for people to read.

    `unreadable` says what is wrong with its row, which then has no subscription. `unknown` pages may or may not have
    arrived; `posted` ones have. While a process is at the edition its lease ends at `lease_until`.
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


class LeaseLostError(Exception):
    """Another process has taken the delivery over: stop, and leave it to that one."""


class Outbox(Protocol):
    """The ledger: one row an edition and channel, one a page. It is what makes a restart neither repeat nor lose.

    Every method that takes a claim raises LeaseLostError when the claim is no longer its owner's.
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
    ) -> Claim | None:
        """Take an edition; None when it is done, failed for good, waiting for its hour, another's, or has to wait for one.

        It waits for an older edition of its channel of which something went out, or which a process is at. Older ones of
        which nothing went out are given up for it: what is on them is considered again. One that failed for good with
        nothing in its channel is begun anew where it is asked for `again`. In the same step the subscription's next edition
        is moved past this one and past `now`, unless that is a later one which is due.
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
        """Take up to `most` editions that are unfinished or due, those left unfinished first, then longest overdue.

        What was left in the middle more often than `SUSPECT` times in a row is taken when there is nothing else, by an owner that is
        at nothing else, one at a time: it may be what ends its process, and no other must be given up with it.
        An edition that is due is the newest whose hour has come; it waits for others, and others are given up for it, as by
        `claim`: no channel has two under way. Fewer than `most`: there are no more just now, but in workspaces of which
        `most_a_workspace` were taken. Of several processes that ask at once each gets others, and none waits for
        another. Nothing is taken of the workspaces in `but_not`, as (platform, workspace). A subscription that cannot be
        read is stopped, and a delivery given up, with the reason, and the others never notice.
        """

    def active_workers(self, *, now: datetime) -> Collection[tuple[str, str, str]]:
        """Who is at deliveries just now, or died over them less than a lease ago: (platform, workspace, owner), each once."""

    def watermark(self, subscription: Subscription, before: date) -> int | None:
        """The number up to which the last edition before that date considered papers; None when there was none.

        Editions that failed for good do not count: what they did not show is considered again.
        """

    def previous_editions(self, editions: Sequence[tuple[Subscription, date]]) -> Sequence[PreviousEdition]:
        """What came before each of these editions, in their order."""

    def shown_papers(self, windows: Sequence[tuple[Subscription, int, int]]) -> Sequence[frozenset[str]]:
        """For each channel with its window of numbers, in their order: the ids of papers known in that window which the
        channel already had, in any edition."""

    def replace_plan(self, claim: Claim, pages: Sequence[PlannedPage], *, watermark: int) -> Claim:
        """Papers came in after all: plan their digest in the place of what was posted. Once, since it is quiet no more.

        A page of the same number that was posted is `CHANGING`, with its receipt; the others are to be posted.
        """

    def reset_page(self, claim: Claim, page_number: int) -> None:
        """This page is known not to have gone out."""

    def finish(self, claim: Claim) -> None:
        """Every page has landed."""

    def apply(self, writes: Sequence[OutboxWrite]) -> None:
        """Write down what these say, of many claims in one transaction: when one of them is lost, nothing is written.
        One word a claim."""

    def finish_empty(self, claim: Claim, *, late_watermark: int, late_until: datetime, now: datetime) -> None:
        """There is nothing to read, and whoever has to hear of it has. Until then it is unfinished again as soon as
        papers with a number over `looked_to` have been known for `SETTLED`; the first time not before that either."""

    def reschedule(
        self, claim: Claim, reason: str, *, next_try_at: datetime, is_failure: bool = True
    ) -> None:
        """Give the claim back; the next try is not before `until`. It is `UNKNOWN` while a page may have arrived.

        It counts as a failure unless its turn only did not come.
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
        """Give up for good. Papers on pages that never went out count as not shown, and where the `unknown_is_lost` so do
        those on pages of which nobody knows.

        Its owner, where it has one, is to be told. With `stop` no further edition comes until a person mends that.
        """

    def due_failure_notices(
        self, *, now: datetime, retry_after: timedelta, limit: int
    ) -> Sequence[FailureNotice]:
        """What owners are to be told now; nobody else is given it, and it is given once more after `again`."""

    def acknowledge(self, notice: FailureNotice, *, retry_at: datetime | None = None) -> None:
        """Its owner has heard, or never will, and is not told of this edition any more; or is to be told at that instant."""

    def repair_future_timestamps(self, *, now: datetime, lease: timedelta) -> None:
        """What a clock that was ahead by more than `FURTHEST` wrote holds nothing up: leases end after `lease`, what waits for
        an hour waits no more. An edition of a day to come, of which nothing went out, waits for that day, and is planned anew.

        For a start, and for a clock that was set back.
        """

    def history(self, subscription: Subscription, limit: int) -> Sequence[DeliveryReport]:
        """The newest deliveries of a channel, newest first; without those of their pages that cannot be read."""

    def channel_statuses(self) -> Sequence[ChannelStatus]:
        """How every channel stands that gets digests, in the order of their numbers; those that cannot be read too."""

    def count_by_state(self, since: date) -> Mapping[DeliveryState, int]:
        """How many deliveries of the editions from that date on are in each state."""
