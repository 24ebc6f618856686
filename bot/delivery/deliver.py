"""The only way out for digests: claim, plan, post page by page, confirm. A restart neither repeats nor loses."""

import asyncio
import hashlib
import logging
import random
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import partial
from time import monotonic

from bot.chat.attempt import with_deadline
from bot.chat.port import CANNOT_ASK, NoHistory, Outcome, Page, Platform, PostError
from bot.delivery.batching import Batcher
from bot.delivery.rate_limit import RateLimiter
from bot.present.digest import present_digest
from digests.build import DigestPolicy, build
from digests.empty import Lateness
from digests.errors import InputError, PaperroundError
from digests.model import EmptyReason, Heartbeat, PostedState
from digests.ports import Store
from digests.ports.outbox import (
    Claim,
    FirstPageSending,
    LeaseLostError,
    Outbox,
    OutboxWrite,
    PageSending,
    PageSent,
    PageState,
    PlannedPage,
    PlanSaved,
)
from digests.schedule import edition_ends_at
from digests.subscription import Channel, Subscription
from digests.window import Window, compute_windows

log = logging.getLogger(__name__)

KEY_LENGTH = 25
"""Characters of a page's key: Discord takes no longer nonce."""

FIRST_BACKOFF = timedelta(minutes=1)
MAX_BACKOFF = timedelta(minutes=15)
"""Waits between tries double from the first to the longest, and chance adds up to a quarter."""

MIN_CRASHES = 2
"""A process may die once for reasons of its own."""

TIME_ZONE_MARGIN = timedelta(days=1)
"""An edition's date is a local one: nothing of it is posted longer before its midnight in UTC."""


class UnknownPolicy(StrEnum):
    """What to do with a page of which nobody can say whether it was posted."""

    SKIP = "skip"
    RESEND = "resend"


@dataclass(frozen=True, slots=True)
class DeliveryContext:
    """All that a delivery needs. `owner` names this process in the ledger, `clock` gives instants in UTC.

    What fails is tried again until its local day ends, and at least `attempts` times in a row without a page landing between
    them; what ends its process as often is given up. `settle` is how long a
    channel's history may lag behind its posts. `at_once` deliveries are under way, `concurrency_per_workspace` of one workspace.
    """

    store: Store
    platforms: Mapping[str, Platform]
    digest_policy: DigestPolicy
    owner: str
    clock: Callable[[], datetime]
    on_unknown: UnknownPolicy = UnknownPolicy.SKIP
    lease: timedelta = timedelta(minutes=5)
    min_attempts: int = 6
    timeout: timedelta = timedelta(seconds=30)
    merge_missed: bool = True
    history_lag: timedelta = timedelta()
    rate_limiters: Mapping[str, RateLimiter] = field(default_factory=dict)
    concurrency: int = 100
    concurrency_per_workspace: int = 8
    jitter: Callable[[], float] = random.random
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    render_cache: "RenderCache" = field(default_factory=lambda: RenderCache())
    batcher: Batcher = field(default_factory=Batcher)

    @property
    def find_timeout(self) -> timedelta:
        """How long one look for a page may take: of a long history, or a forum with many posts, it is many requests.

        Two looks, the wait between them and the post that may follow are within one lease.
        """
        return max(self.timeout, (self.lease - self.history_lag - 2 * self.timeout) / 2)


async def deliver_edition(subscription: Subscription, edition: date, *, context: DeliveryContext) -> bool:
    """One edition of one channel, outside its hour; False when it was posted before, is under way, or was given up in the
    middle."""
    claim = await asyncio.to_thread(
        context.store.outbox.claim,
        subscription,
        edition,
        owner=context.owner,
        now=context.clock(),
        lease=context.lease,
        retry_failed=True,
    )
    if claim is not None:
        await deliver_claim(claim, context=context)
    return claim is not None


async def deliver_claim(claim: Claim, *, context: DeliveryContext) -> None:
    """Bring one edition to one channel, or leave it in the ledger with the reason and the next try."""
    channel, edition, receipts = claim.subscription.channel, claim.edition, list[str | None]()
    try:
        platform = _find_platform(claim, context)
        if claim.crashes >= max(context.min_attempts, MIN_CRASHES):
            raise PostError(_POISON_REASON.format(claim.crashes), Outcome.REFUSED)
        with context.batcher.track_delivery():
            if planned := await _plan_pages(claim, platform, context):
                await _deliver_pages(planned, platform, context, receipts)
                await _finish_delivery(planned.claim, context)
    except LeaseLostError as lost:
        log.warning("left to another process: %s", lost)
    except PostError as error:
        if error.outcome in (Outcome.GONE, Outcome.REFUSED):
            await _fail_delivery(claim, str(error), context, stop=error.outcome is Outcome.GONE)
        else:
            await _reschedule_delivery(
                claim if not receipts else replace(claim, failures=0), str(error), context
            )
    except InputError as error:  # Its wish is at fault, tomorrow as today.
        await _fail_delivery(claim, str(error), context, stop=True)
    except PaperroundError as error:
        await _reschedule_delivery(claim if not receipts else replace(claim, failures=0), str(error), context)
    except Exception as error:
        log.exception("delivering %s to %s failed", edition, channel)
        await _reschedule_delivery(
            claim if not receipts else replace(claim, failures=0), f"{type(error).__name__}: {error}", context
        )


_POISON_REASON = "Its worker crashed over it {} times in a row."


def _find_platform(claim: Claim, context: DeliveryContext) -> Platform:
    platform = context.platforms.get(claim.subscription.channel.platform)
    if platform is None:
        known = ", ".join(context.platforms)
        name = claim.subscription.channel.platform
        raise PostError(f"The platform {name!r} is not set up here; these are: {known}.", Outcome.NOT_POSTED)
    return platform


_FINISHED_STATES = (PageState.POSTED, PageState.SKIPPED)
"""Nothing is left to do about such a page."""


@dataclass(frozen=True, slots=True)
class PlannedDelivery:
    """A claim with its pages. `considered_to` belongs to a plan that is still to be written down: with its first page."""

    claim: Claim
    watermark: int | None = None


async def _plan_pages(claim: Claim, platform: Platform, context: DeliveryContext) -> PlannedDelivery | None:
    """Build and render the digest, unless that was done before; None where a quiet day stays one."""
    if claim.late_until:
        replanned = await asyncio.to_thread(_replan_empty, claim, claim.late_until, platform, context)
        return PlannedDelivery(replanned) if replanned else None
    if claim.pages:
        return PlannedDelivery(claim)
    rendered = await context.batcher.submit(
        "make", (claim, platform), partial(_render_one, context), partial(_render_many, context)
    )
    planned = replace(claim, pages=_to_planned_pages(rendered, claim), empty_reason=rendered.empty_reason)
    if planned.pages:
        return PlannedDelivery(planned, rendered.watermark)
    await _apply_write(PlanSaved(planned, rendered.watermark), context)
    return PlannedDelivery(planned)


def _render_one(context: DeliveryContext, request: tuple[Claim, Platform]) -> "RenderedDigest":
    claim, platform = request
    return context.render_cache.get_digest(claim, platform, context)


def _render_many(
    context: DeliveryContext, requests: Sequence[tuple[Claim, Platform]]
) -> "Sequence[RenderedDigest]":
    return context.render_cache.get_digests(requests, context)


def _replan_empty(
    claim: Claim, late_until: datetime, platform: Platform, context: DeliveryContext
) -> Claim | None:
    """Papers came in after the channel had heard of nothing: their digest takes that message's place, if there is one."""
    now, outbox = context.clock(), context.store.outbox
    rendered = context.render_cache.get_digest(claim, platform, context)
    if rendered.empty_reason or now >= late_until:
        outbox.finish_empty(claim, late_watermark=rendered.watermark, late_until=late_until, now=now)
        return None
    pages = _to_planned_pages(rendered, claim)
    return outbox.replace_plan(claim, pages, watermark=rendered.watermark)


def _to_planned_pages(rendered: "RenderedDigest", claim: Claim) -> tuple[PlannedPage, ...]:
    name = f"{claim.subscription.channel} {claim.edition.isoformat()}"
    return tuple(
        _to_planned_page(page, name, number, rendered.posted_states)
        for number, page in enumerate(rendered.pages)
    )


async def _finish_delivery(claim: Claim, context: DeliveryContext) -> None:
    """Every page has landed. What is still to be written down then is written down here."""
    channel = claim.subscription.channel
    if claim.empty_reason:
        await asyncio.to_thread(_finish_empty, claim, context)
        log.info("%s, %s: nothing to read (%s)", channel, claim.edition, claim.empty_reason)
        return
    if all(page.state in _FINISHED_STATES for page in claim.pages):  # Nothing was left to be posted.
        await asyncio.to_thread(context.store.outbox.finish, claim)
    log.info("delivered %s to %s, %d pages", claim.edition, channel, len(claim.pages))


def _finish_empty(claim: Claim, context: DeliveryContext) -> None:
    subscription, store = claim.subscription, context.store
    late_watermark = store.delivery_reports.watermark(subscription, claim.edition + timedelta(days=1))
    late_until = edition_ends_at(subscription.schedule, claim.edition)
    store.outbox.finish_empty(
        claim, late_watermark=late_watermark or 0, late_until=late_until, now=context.clock()
    )


async def _apply_write(write: OutboxWrite, context: DeliveryContext) -> None:
    """One word into the ledger; it is there for good when this returns."""
    outbox = context.store.outbox
    kind = type(write).__name__  # Each kind by itself: half as many statements for the same words.
    await context.batcher.submit(kind, write, partial(_apply_one, outbox), partial(_apply_many, outbox))


def _apply_one(outbox: Outbox, write: OutboxWrite) -> None:
    outbox.apply([write])


def _apply_many(outbox: Outbox, writes: Sequence[OutboxWrite]) -> Sequence[None]:
    outbox.apply(writes)
    return [None] * len(writes)


@dataclass(frozen=True, slots=True)
class RenderedDigest:
    """A digest in the form that a platform takes, and the number of the newest change it considered.

    `said` is what it says of its papers. No pages where there is `nothing` to read and the settings say not to tell.
    """

    pages: tuple[Page, ...]
    watermark: int
    empty_reason: EmptyReason | None
    posted_states: Mapping[str, PostedState]


MAX_CACHED_DIGESTS = 64
"""Digests that are kept for the channels that want the same."""


@dataclass(slots=True)
class RenderCache:
    """Digests of this minute, so that channels which wish the same, and had the same, share one.

    The key holds all that a digest depends on: platform, wish, schedule, edition, hour, what was missed, and whether the
    channel was told that there is nothing; the window of changes and the papers in it that were shown; the last change of any paper; and the minute, for what is true at an
    instant (whether sources are well).
    """

    _digests: OrderedDict[Hashable, RenderedDigest] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get_digest(self, claim: Claim, platform: Platform, context: DeliveryContext) -> RenderedDigest:
        """The digest of a claim on its platform, made now unless the same was made before."""
        return self.get_digests([(claim, platform)], context)[0]

    def get_digests(
        self, requests: Sequence[tuple[Claim, Platform]], context: DeliveryContext
    ) -> list[RenderedDigest]:
        """The same for many, in their order."""
        store, now = context.store, context.clock()
        last_change = store.library.latest_sequence()  # First: what changes from here on makes them anew.
        editions = [
            (claim.subscription, claim.edition, _lateness_of(claim, context)) for claim, _ in requests
        ]
        edition_windows = compute_windows(
            editions, store=store, first_lookback=context.digest_policy.first_lookback, now=now
        )
        minute = now.replace(second=0, microsecond=0)
        return [
            self._get_or_render(claim, platform, context, window, now, (last_change, minute))
            for (claim, platform), window in zip(requests, edition_windows, strict=True)
        ]

    def _get_or_render(
        self,
        claim: Claim,
        platform: Platform,
        context: DeliveryContext,
        window: Window,
        now: datetime,
        freshness: Hashable,
    ) -> RenderedDigest:
        subscription, lateness = claim.subscription, _lateness_of(claim, context)
        has_empty_notice = bool(claim.late_until and claim.pages)
        key = (
            platform.name,
            subscription.preferences,
            subscription.schedule,
            claim.edition,
            lateness,
            has_empty_notice,
            window,
            freshness,
        )
        with self._lock:  # Two threads that want the same make it once.
            rendered = self._digests.get(key)
            if rendered is None:
                # Of the view in the key: the channel itself may have been shown more since, by whoever took it over.
                rendered = self._digests[key] = _render_digest(
                    claim, lateness, has_empty_notice, platform, context, window, now
                )
            self._digests.move_to_end(key)
            while len(self._digests) > MAX_CACHED_DIGESTS:
                self._digests.popitem(last=False)
        return rendered


def _lateness_of(claim: Claim, context: DeliveryContext) -> Lateness:
    return Lateness(None if claim.late_until else claim.due_at, claim.first_missed, context.merge_missed)


def _render_digest(
    claim: Claim,
    lateness: Lateness,
    has_empty_notice: bool,
    platform: Platform,
    context: DeliveryContext,
    window: Window,
    now: datetime,
) -> RenderedDigest:
    subscription = claim.subscription
    digest = build(
        subscription,
        claim.edition,
        store=context.store,
        policy=context.digest_policy,
        now=now,
        lateness=lateness,
        window=window,
    )
    is_silent = digest.empty_reason and digest.heartbeat is Heartbeat.OFF
    message = present_digest(replace(digest, is_follow_up=has_empty_notice))
    pages = () if is_silent else tuple(platform.render(message, subscription.preferences.style))
    posted_states = {pick.scored_paper.paper.id: pick.scored_paper.posted_state for pick in digest.picks}
    return RenderedDigest(pages, digest.watermark, digest.empty_reason, posted_states)


def _to_planned_page(
    page: Page, digest_name: str, number: int, posted_states: Mapping[str, PostedState]
) -> PlannedPage:
    key = hashlib.sha256(f"{digest_name} {number}".encode()).hexdigest()[:KEY_LENGTH]
    return PlannedPage(number, key, page.payload, page.papers, page.in_thread, posted_states=posted_states)


async def _deliver_pages(
    planned: PlannedDelivery, platform: Platform, context: DeliveryContext, receipts: list[str | None]
) -> None:
    """One after the other, from where the last try stopped: the order in the channel is the order of the digest.

    `landed` gets the receipts of those that are posted now.
    """
    claim, thread = planned.claim, None
    for page in claim.pages:
        watermark = planned.watermark if page.number == 0 else None
        receipt = await _deliver_page(claim, page, platform, context, thread, watermark)
        thread = receipt if page.number == 0 else thread
        if page.state not in _FINISHED_STATES:
            receipts.append(receipt)


async def _deliver_page(
    claim: Claim,
    page: PlannedPage,
    platform: Platform,
    context: DeliveryContext,
    thread: str | None,
    watermark: int | None,
) -> str | None:
    """The receipt of a page, posted now unless it already was; None for one that is given up."""
    match page.state:
        case PageState.POSTED | PageState.SKIPPED:
            return page.receipt
        case PageState.PLANNED:
            return await _post_page(claim, page, platform, context, thread, watermark)
        case PageState.POSTING:
            return await _reconcile_page(claim, page, platform, context, thread)
        case PageState.CHANGING:
            return await _edit_page(claim, page, platform, context, thread)


async def _post_page(
    claim: Claim,
    page: PlannedPage,
    platform: Platform,
    context: DeliveryContext,
    thread: str | None,
    watermark: int | None = None,
) -> str | None:
    """Write down that the page goes out, which fences off every other process, and post it in what time is left.

    `considered_to` is given where the plan is to be written down with it.

    One time-out, shorter than the lease, spans both: a process that was stopped or asleep in between and goes on after
    its lease has no time left, and does not reach the wire.
    """
    outbox, channel = context.store.outbox, claim.subscription.channel
    await _wait_for_rate_limit(channel, platform, context)
    started_at, monotonic_start = context.clock(), monotonic()
    if watermark is None:
        await _apply_write(PageSending(claim, page.number, started_at, context.lease), context)
    else:
        await _apply_write(FirstPageSending(claim, watermark, started_at, context.lease), context)
    remaining = context.timeout - max(
        context.clock() - started_at, timedelta(seconds=monotonic() - monotonic_start)
    )
    if remaining <= timedelta():
        await asyncio.to_thread(outbox.reset_page, claim, page.number)
        raise PostError("The outbox took too long to be written.", Outcome.NOT_POSTED)
    try:
        posting = platform.post(
            channel, _to_page(page), key=page.idempotency_key, thread=thread if page.in_thread else None
        )
        receipt = await with_deadline(posting, remaining)
    except PostError as error:
        if error.outcome is not Outcome.UNKNOWN:
            await asyncio.to_thread(outbox.reset_page, claim, page.number)
        raise
    await _confirm_page(claim, page, receipt, context)
    return receipt


async def _confirm_page(
    claim: Claim, page: PlannedPage, receipt: str | None, context: DeliveryContext
) -> None:
    """With the last page of a digest the delivery is done."""
    is_last = claim.empty_reason is None and page is claim.pages[-1]
    await _apply_write(PageSent(claim, page.number, receipt, context.clock(), is_last), context)


async def _wait_for_rate_limit(channel: Channel, platform: Platform, context: DeliveryContext) -> None:
    if limiter := context.rate_limiters.get(platform.name):
        await limiter.acquire(channel)


async def _edit_page(
    claim: Claim, page: PlannedPage, platform: Platform, context: DeliveryContext, thread: str | None
) -> str | None:
    """A posted page is made what it now is to say; where the message is not there any more, it is posted anew."""
    outbox, channel, receipt = context.store.outbox, claim.subscription.channel, page.receipt or ""
    await _wait_for_rate_limit(channel, platform, context)
    try:
        await with_deadline(platform.edit(channel, receipt, _to_page(page)), context.timeout)
    except PostError as error:
        if error.outcome is not Outcome.REFUSED:
            raise
        await asyncio.to_thread(outbox.reset_page, claim, page.number)
        return await _post_page(claim, page, platform, context, thread)
    await _confirm_page(claim, page, receipt, context)
    return receipt


async def _reconcile_page(
    claim: Claim, page: PlannedPage, platform: Platform, context: DeliveryContext, thread: str | None
) -> str | None:
    """A page that was on its way when its process died: the channel knows, or else the setting decides."""
    channel = claim.subscription.channel
    found = await _find_page(claim, page, platform, context)
    # What was just posted may not be in the history yet. And where a clock jumped, or those of two machines differ, the
    # request is still under way although its lease, or the wait after it, is over: no longer once a time-out has passed.
    if found is None:
        await context.sleep((context.history_lag + context.timeout).total_seconds())
        found = await _find_page(claim, page, platform, context)
    if found is None or (found is CANNOT_ASK and context.on_unknown is UnknownPolicy.RESEND):
        return await _post_page(claim, page, platform, context, thread)
    receipt = None if found is CANNOT_ASK else found
    if receipt is None:
        log.warning("%s, %s: page %d may be missing; not sent again", channel, claim.edition, page.number + 1)
    await _confirm_page(claim, page, receipt, context)
    return receipt


async def _find_page(
    claim: Claim, page: PlannedPage, platform: Platform, context: DeliveryContext
) -> str | NoHistory | None:
    since = datetime.combine(claim.edition, time(), UTC) - TIME_ZONE_MARGIN
    search = platform.find(claim.subscription.channel, key=page.idempotency_key, since=since)
    try:
        return await with_deadline(search, context.find_timeout)
    except PostError as error:
        if error.outcome is not Outcome.REFUSED:
            raise
        # The question is refused, not the page: it is asked again later.
        raise PostError(str(error), Outcome.NOT_POSTED) from error


def _to_page(planned: PlannedPage) -> Page:
    return Page(planned.payload, planned.papers, planned.in_thread)


async def _reschedule_delivery(claim: Claim, reason: str, context: DeliveryContext) -> None:
    """Write down why it failed, and when it is tried again, if it is."""
    retry_at = context.clock() + _compute_backoff(claim.failures, context)
    is_day_over = retry_at >= edition_ends_at(claim.subscription.schedule, claim.edition)
    if is_day_over and claim.failures + 1 >= context.min_attempts:
        await _fail_delivery(claim, reason, context)
        return
    log.warning("%s, %s: %s", claim.subscription.channel, claim.edition, reason)
    await _try_write(lambda: context.store.outbox.reschedule(claim, reason, next_try_at=retry_at))


async def _fail_delivery(claim: Claim, reason: str, context: DeliveryContext, *, stop: bool = False) -> None:
    """Give the edition up. Who subscribed the channel is to hear of it; whoever runs Paperround reads it in the log and by
    `paperround status`. With `stop` no further edition comes until a person mends that."""
    log.error("%s, %s: %s Given up.", claim.subscription.channel, claim.edition, reason)
    fail = partial(context.store.outbox.fail, claim, reason, now=context.clock(), stop_subscription=stop)
    await _try_write(partial(fail, unknown_is_lost=context.on_unknown is UnknownPolicy.RESEND))


async def _try_write(write: Callable[[], None]) -> None:
    """Where it cannot be written down, the lease runs out and another try finds out the same."""
    try:
        await asyncio.to_thread(write)
    except (LeaseLostError, PaperroundError) as error:
        log.warning("not written down: %s", error)
    except Exception:
        log.exception("not written down")


def _compute_backoff(failures: int, context: DeliveryContext) -> timedelta:
    """Longer each time, and up to a quarter more by chance, so that what failed together does not come back together."""
    backoff: timedelta = min(FIRST_BACKOFF * 2 ** min(failures, 9), MAX_BACKOFF)
    return backoff * (1 + context.jitter() / 4)
