"""What the domain needs from outside, as contracts. All instants are UTC; every method may raise StoreError.

Methods are synchronous and short; an async caller runs them in a worker thread.
"""

from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from digests.model import (
    Candidate,
    Channel,
    EmptyReason,
    HealthReport,
    Mark,
    MarkSource,
    Paper,
    PaperUpdate,
    Post,
    PostedState,
    QueuedPaper,
    Review,
    ReviewDepth,
    ScoredPaper,
    Subscription,
    SubscriptionChange,
    Trouble,
    Verdict,
)


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """What an import changed: papers never seen, papers with a new review or new facts, and the rest."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0

    def __add__(self, other: "ImportCounts") -> "ImportCounts":
        return ImportCounts(
            self.new + other.new, self.changed + other.changed, self.unchanged + other.unchanged
        )


class Library(Protocol):
    """Papers with every review they ever had; the newest one counts."""

    def add(
        self, records: Sequence[tuple[Paper, Review]], *, now: datetime, announce: bool = True
    ) -> ImportCounts:
        """Put papers and reviews in, all or none. The same paper again changes nothing.

        Papers that are no `news` are found by who looks for them, and lie in no digest's window until they are reviewed.

        A review that is not older than the one known replaces it, which makes the paper known anew, at `now`;
        `NOT_REVIEWED` replaces nothing. Of the facts, those of the newest version stay, and those of a known version
        over those of none; empty ones replace nothing, and other spaces are no change. The last upvotes count.
        """

    def update_known(self, papers: Sequence[Paper], *, now: datetime) -> ImportCounts:
        """Merge facts into papers that are known, by the rules of `add`; unknown ones are left alone and not counted."""

    def record_import(self, *, now: datetime) -> None:
        """Papers came in at `now`, be it none that was new: the source is alive."""

    def last_import(self) -> datetime | None:
        """When papers last came in."""

    def get(self, ids: Iterable[str]) -> Mapping[str, ScoredPaper]:
        """The papers among these ids that are known."""

    def add_request(self, paper: str, *, now: datetime) -> None:
        """A person asked for this paper, known or not; the same again changes nothing."""

    def requested_unreviewed(self, limit: int) -> Sequence[ScoredPaper]:
        """Known papers without a review that people asked for, longest waiting first: they are to be reviewed soon."""

    def requested_unknown(self, limit: int) -> Sequence[str]:
        """Ids that people asked for and that are not known, longest waiting first: they are to be fetched."""

    def drop_requests(self, papers: Iterable[str]) -> None:
        """Forget that these were asked for: they are not to be had."""

    def reviews_of(self, paper: str) -> Sequence[Review]:
        """Every review of a paper, newest first."""

    def candidates(self, after_seq: int, to_seq: int, *, with_text: bool) -> Sequence[Candidate]:
        """What became known with a number over `after` and up to `to`, in no order; `text` is empty without `texts`."""

    def sequence_at(self, instant: datetime) -> int:
        """The highest number of what was known at an instant; 0 when nothing was."""

    def ids_with_prefix(self, prefix: str, limit: int) -> Sequence[str]:
        """Ids that begin so, highest first."""

    def changes_after(self, after_seq: int, limit: int) -> Sequence[tuple[int, ScoredPaper]]:
        """Papers whose last change has a number over `after`, in the order of their numbers; at most `most` of them."""

    def latest_sequence(self) -> int:
        """The highest number any change has, 0 when there was none.

        Whoever sees a number sees every lower one: what is written down as considered can never turn up behind it.
        """


class Subscriptions(Protocol):
    """The channels and their wishes."""

    def sync_from_settings(self, subscriptions: Sequence[Subscription], *, now: datetime) -> None:
        """Make those of the settings file be exactly these; a channel that is no longer among them gets no digest.

        A channel whose schedule is as before keeps its next edition; one that was stopped starts again, one that
        was paused stays so. Channels that people subscribed are left alone.
        """

    def list_active(self) -> Sequence[Subscription]:
        """Every channel that gets digests, in the order of their numbers."""

    def find(self, channel: Channel) -> Subscription | None:
        """The subscription of a channel, running or not; an empty workspace matches any."""

    def change(
        self, channel: Channel, after: Subscription | None, *, by: str, now: datetime
    ) -> SubscriptionChange | None:
        """Make the channel's subscription as `after` (None: none any more), and remember what it was and who did it.

        Its id, `stopped` and `from_settings` are not taken from `after`; a change clears `stopped`. The first `owner`
        stays while the subscription lives. None when nothing would change. When the schedule changed, no date gets a
        second edition, and one that was awaited and whose new hour has passed is due at once; a channel that runs again
        gets the first after `now`.
        Raises InputError for one `from_settings`, unless only `paused_by` differs.
        """

    def undo(self, change_id: int, *, by: str, now: datetime) -> SubscriptionChange | None:
        """Make it again as it was before that change; None when it is not as that change left it, or no such change."""

    def stop(self, channel: Channel, reason: str) -> bool:
        """No more digests for this channel until it is changed or started again; whether it was running."""

    def start(self, channel: Channel, *, now: datetime) -> bool:
        """Digests come again after `stop`; whether it had been stopped."""

    def recompute_next_due(self, *, now: datetime) -> int:
        """Put every next edition where the zones of this process and the clock of `now` have it; how many moved.

        For a start, which may bring new zones, and for a clock that was set back.
        """


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
class FailureNotice:
    """An edition that was given up, of which its owner does not know yet. `delivery` is the store's number of it.

    Of a `subscription` that cannot be read there is only the channel, the owner, and why it is stopped.
    """

    delivery_id: int
    subscription: Subscription
    edition: date
    reason: str


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


class Marks(Protocol):
    """Which messages show papers, and who wants which of them discussed. One voice a person and paper."""

    def find_post(self, channel: Channel, message_id: str) -> Post | None:
        """The message, when it shows papers: a page of a digest, or one that was `shared`. An empty workspace
        on either side matches any."""

    def find_posts(self, channel: Channel, paper: str, limit: int) -> Sequence[Post]:
        """The messages of a channel that show a paper, newest first."""

    def recent_posts(self, platform: str, since: datetime, limit: int) -> Sequence[Post]:
        """The messages on a platform posted since then, newest first."""

    def record_shared_post(self, post: Post, *, now: datetime) -> None:
        """A message outside any digest that shows papers; the same again changes nothing."""

    def set_mark(self, mark: Mark, is_on: bool) -> bool:
        """Make or take back a mark; whether that changed anything. What is older than the last word is ignored."""

    def has_mark(self, mark: Mark) -> bool:
        """Whether this person marked this paper in this way on this message."""

    def people_by_paper(self, post: Post, source: MarkSource) -> Mapping[str, frozenset[str]]:
        """Who marked which paper of a message in this way; papers without a mark are left out."""

    def replace_marks(
        self, post: Post, people: Mapping[str, frozenset[str]], source: MarkSource, *, as_of: datetime
    ) -> bool:
        """The truth at an instant: who marked which paper of a message in this way; whether anything changed.

        Words younger than that instant stay.
        """

    def mark_counts(self, channel: Channel, papers: Sequence[str]) -> Mapping[str, int]:
        """How many people of a channel want each of these papers discussed; 0 is left out."""

    def discussion_queue(
        self, channel: Channel | None, *, since: datetime, limit: int
    ) -> Sequence[QueuedPaper]:
        """What is to be discussed, most wanted first, then longest wanted: of one channel, or of all.

        Marks from before `since`, and those from before the paper was last `discussed`, do not count.
        """

    def papers_marked_by(
        self, platform: str, workspace: str, person: str, *, since: datetime, limit: int
    ) -> Sequence[QueuedPaper]:
        """The papers that a person marked, newest mark first, with everybody's voices."""

    def finish_discussion(self, paper: str, channel: Channel | None, *, now: datetime) -> None:
        """Take a paper off a channel's queue, or off everybody's; a later mark brings it back."""


class Events(Protocol):
    """What platforms told us, so that the same told twice is done once."""

    def record_once(self, event_id: str, *, now: datetime) -> bool:
        """Whether this event was never told before; remembered for two days."""


class Health(Protocol):
    """How the sources and the reviewer are: what a digest and `paperround status` say of them."""

    def report(
        self,
        subject: str,
        trouble: Trouble | None,
        *,
        detail: str = "",
        waiting_count: int = 0,
        now: datetime,
    ) -> None:
        """How a source (its name) or the reviewer (`REVIEWER`) is now; call it after every try, also when it is well.

        The same trouble again keeps the instant since when it lasts. `detail` is one sentence, without secrets.
        """

    def latest_reports(self) -> Sequence[HealthReport]:
        """The last report of every subject, in the order of their names."""

    def troubles(self, since: datetime) -> Sequence[HealthReport]:
        """Those in trouble that were heard of since an instant: who fell silent longer ago speaks of nothing now."""


@dataclass(frozen=True, slots=True)
class SourceState:
    """How far a source has come. `position` is in the source's own words, empty before its first fetch.

    `failure` is the sentence of the last try, empty when that went well; there is no next one before `next_try_at`.
    """

    position: str = ""
    last_try: datetime | None = None
    last_success: datetime | None = None
    failure: str = ""
    next_try_at: datetime | None = None


class Sources(Protocol):
    """How far each source has come, and whose turn it is to ask a server that wants to be asked by one at a time."""

    def load_state(self, source: str) -> SourceState:
        """What was kept last; a fresh one for a source that was never fetched."""

    def save_state(self, source: str, state: SourceState) -> None:
        """Replace what is known of a source."""

    def take_turn(self, server: str, owner: str, *, now: datetime, lease: timedelta) -> datetime | None:
        """None: the turn is the owner's until it is ended or the lease runs out; else when it is free at the latest.

        Holds between processes: no two have a server's turn at the same time.
        """

    def end_turn(self, server: str, owner: str, *, free_at: datetime) -> None:
        """The turn is over, the next is not before `free_at`; nothing where it is not the owner's any more."""


@dataclass(frozen=True, slots=True)
class PostEdit:
    """A posted message that may say what is not true any more. `said` is what its last edit told of its papers.

    `id` is the store's number of the message, `noticed` that of the change it was noticed by; `tries` counts this one.
    """

    id: int
    post: Post
    last_text: str
    noticed_seq: int
    attempts: int


class PostEdits(Protocol):
    """Which posted messages have to be edited, because something changed of the papers in them; each rarely, none twice
    at the same time, and after a crash again."""

    def enqueue(self, *, since: datetime, now: datetime) -> bool:
        """Go through a stretch of the changes after those it went through before; whether there are more.

        The messages posted since then that show a changed paper are to be edited. What changed before the first call of
        all is passed over.
        """

    def claim(self, *, now: datetime, interval: timedelta, limit: int) -> Sequence[PostEdit]:
        """Messages whose edit is due, those due longest first. They are nobody else's, and due again after `every`
        unless one of the next three is called. One whose payload cannot be read stays as it is."""

    def complete(self, edit: PostEdit, text: str, *, now: datetime, interval: timedelta) -> None:
        """It says this now; it is not edited again before `every` has passed."""

    def unchanged(self, edit: PostEdit, *, now: datetime) -> None:
        """Nothing changed that a reader would see, and it was not edited."""

    def reschedule(self, edit: PostEdit, due_at: datetime | None) -> None:
        """It could not be edited; it is due again then, or never (None)."""

    def paper_updates(self, post: Post) -> Mapping[str, PaperUpdate]:
        """What came since it was posted, by the ids of its papers; those without news are left out."""


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


class Notes(Protocol):
    """What has to be remembered from one run to the next, by name."""

    def read(self, name: str) -> str:
        """What was written under this name; empty when nothing was."""

    def write(self, name: str, text: str) -> None:
        """Remember this in place of what was there."""


@dataclass(frozen=True, slots=True)
class ReviewTask:
    """A paper that our own reviewer has to read. `reason` says why the last try failed; `given_up` is not tried again."""

    paper: str
    review_depth: ReviewDepth
    priority: float
    queued_at: datetime
    attempts: int = 0
    reason: str = ""
    next_try_at: datetime | None = None
    is_abandoned: bool = False


@dataclass(frozen=True, slots=True)
class Spending:
    """Tokens, and money in millionths of whatever the prices are in."""

    tokens: int = 0
    millionths: int = 0

    def __add__(self, other: "Spending") -> "Spending":
        return Spending(self.tokens + other.tokens, self.millionths + other.millionths)


@dataclass(frozen=True, slots=True)
class BudgetLimit:
    """The most that a day may cost; None: no limit."""

    tokens: int | None = None
    millionths: int | None = None

    def allows(self, spending: Spending) -> bool:
        """Whether it is under both limits."""
        if self.tokens is not None and spending.tokens > self.tokens:
            return False
        return self.millionths is None or spending.millionths <= self.millionths


@dataclass(frozen=True, slots=True)
class HeldPaper:
    """A paper that a person decides about, and the sentence that says why."""

    scored_paper: ScoredPaper
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class ModerationDecision:
    """What a person decided about a held paper."""

    is_released: bool
    by: str
    at: datetime


class Reviewing(Protocol):
    """The books of our own reviewer: what waits, what a day has cost, what was compared, and what is held for a person."""

    def enqueue(self, priorities: Mapping[str, float], review_depth: ReviewDepth, *, now: datetime) -> None:
        """These papers wait, the highest promise first. What waits already gets its promise anew.

        `Stage.FULL` lifts a paper that waits for its score; the other way round nothing changes.
        """

    def next(self, review_depth: ReviewDepth, limit: int, *, now: datetime) -> Sequence[ReviewTask]:
        """What can be read now: neither given up nor waiting for its next try. By promise, then the newest first."""

    def complete(self, paper: str) -> None:
        """It waits no more."""

    def fail(self, paper: str, reason: str, *, next_try_at: datetime | None, counts_as_attempt: bool) -> None:
        """A try failed; None: it is given up. One that does not count is not the paper's fault."""

    def requeue_failed(self) -> None:
        """What was given up waits again, as if it had never failed: the model or the rubric is another one."""

    def expire(self, review_depth: ReviewDepth, *, queued_before: datetime, below_priority: float) -> None:
        """What has waited for this stage since before then, with a promise below this, waits no more."""

    def count_waiting(self) -> Mapping[ReviewDepth, int]:
        """How many wait for each stage, those with a later next try among them."""

    def recent_failures(self, limit: int) -> Sequence[ReviewTask]:
        """Those whose last try failed, the newest first."""

    def scored_since(self, scale: str, since: datetime) -> Sequence[str]:
        """The papers known since an instant whose newest review is a `Stage.SCORE` of this scale."""

    def reserve(self, day: date, estimate: Spending, limit: BudgetLimit) -> bool:
        """Count this as spent, unless the day's ceiling would be passed; whether it was.

        Holds between processes. What is never settled (the process died) stays counted: it may have been paid.
        """

    def settle(self, day: date, reserved: Spending, spent: Spending, *, is_full_review: bool = False) -> None:
        """What was reserved on that day has cost this in the end."""

    def spending_on(self, day: date) -> Spending:
        """What a day has cost, with what is reserved."""

    def count_full_reviews(self, day: date) -> int:
        """How many full reviews were settled for a day."""

    def verdicts(self, scale: str, paper_versions: Collection[str]) -> Mapping[tuple[str, str], Verdict]:
        """What was found of these papers on a scale, by the pair as it was shown. The names are those of `keep_compared`."""

    def save_verdict(self, scale: str, first: str, second: str, verdict: Verdict, *, now: datetime) -> None:
        """What was found of two papers, as they were shown. A name stands for one version of a paper."""

    def save_ranking(self, day: date, papers: Sequence[str]) -> None:
        """The order of a day's best, in place of the one before; it holds while their newest reviews are what they are."""

    def hold(self, paper: str, reason: str, *, now: datetime) -> None:
        """Keep it out of digests until a person decides; one that was decided stays so."""

    def list_held(self) -> Sequence[HeldPaper]:
        """What waits for a decision, longest first."""

    def release(self, paper: str, *, by: str, now: datetime) -> bool:
        """It may be posted: known anew, at `now`. Whether it was held."""

    def reject(self, paper: str, *, by: str, now: datetime) -> bool:
        """It is never posted. Whether it was held."""

    def find_decision(self, paper: str) -> ModerationDecision | None:
        """What was decided about a paper that was held; None for one that still is, or never was."""


@dataclass(frozen=True, slots=True)
class Store:
    """The books of the house, over one database. `close` gives its connections back."""

    library: Library
    subscriptions: Subscriptions
    outbox: Outbox
    marks: Marks
    events: Events
    sources: Sources
    health: Health
    notes: Notes
    post_edits: PostEdits
    reviewing: Reviewing
    leadership: Leadership
    close: Callable[[], None]


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that could not be used: `line` counts from 1; `field` is empty when the whole record is at fault."""

    source: str
    line: int
    field: str
    reason: str

    def __str__(self) -> str:
        return f"{self.source}, line {self.line}: {self.field + ': ' if self.field else ''}{self.reason}"


ProgressCallback = Callable[[int, int | None], None]
"""Is told how much of a source was read so far, and the size of all where it is known."""


@dataclass(frozen=True, slots=True)
class SourceBatch:
    """Some of what a source gives. Once all of it is stored the source has come to `position`, in its own words.

    `records` are papers to know; `touched` renew what is known of a paper and are no news. `remark` is for people, part
    of a sentence. A `stale` source answers with what it had before. `news` is as in `Papers.add`.
    """

    position: str
    records: Sequence[tuple[Paper, Review]] = ()
    updated_papers: Sequence[Paper] = ()
    bad_records: Sequence[BadRecord] = ()
    remark: str = ""
    is_stale: bool = False
    announce: bool = True


class Source(Protocol):
    """Where papers come from, again and again. `name` is its own among all sources, for people and for the store."""

    @property
    def name(self) -> str: ...

    def fetch(
        self, position: str, *, now: datetime, since: date | None, progress: ProgressCallback
    ) -> AsyncGenerator[SourceBatch, None]:
        """What there is beyond a position (empty: the first fetch), in batches that are stored one after the other.

        A position may be given again after a crash: nothing is lost by it, and what comes twice is the same. It never
        moves beyond what could not be had. `since` asks for everything from that day on, known or not, where the
        source can tell days. Raises SourceError or InputError, after the batches that could be had.
        """

    def next_fetch_at(self, state: SourceState, now: datetime) -> datetime | None:
        """When to fetch next, be it in the past; None for a source that is done. Pure: it asks nobody."""
