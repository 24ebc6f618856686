"""Delivery of one edition to one channel: claim, plan, post page by page, confirm.

Every page is stored in the outbox before it is sent and confirmed afterwards. After a crash the next worker
therefore knows the pages to skip, to send, and to reconcile with the channel.
"""

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from time import monotonic
from typing import assert_never

from bot.chat.attempt import with_deadline
from bot.chat.port import CANNOT_ASK, NoHistory, Outcome, Page, Platform, PostError
from bot.delivery.context import DeliveryContext, UnknownPolicy
from bot.delivery.render_cache import RenderedDigest, RenderRequest
from bot.present.wording import format_count
from bot.storage import run_background
from digests.errors import InputError, PaperroundError
from digests.model import EmptyReason
from digests.ports.outbox import (
    Claim,
    DeliveryKind,
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
from digests.subscription import Subscription

log = logging.getLogger(__name__)

KEY_LENGTH = 25
"""Characters of a page's idempotency key: the longest nonce that Discord takes."""

FIRST_BACKOFF = timedelta(minutes=1)
MAX_BACKOFF = timedelta(minutes=15)
"""The wait between attempts doubles from `FIRST_BACKOFF` to `MAX_BACKOFF`; jitter adds up to a quarter."""

BUILDABLE_KINDS = frozenset({DeliveryKind.DIGEST})
"""Kinds of which pages can be planned here. Others wait in the outbox for a version that can."""

MIN_CRASHES = 2
"""Least number of crashes in a row after which a delivery is given up: one may have another cause."""

TIME_ZONE_MARGIN = timedelta(days=1)
"""Lead of a search for a page over its edition's midnight in UTC, because an edition's date is local."""

REVIEW_POLL = timedelta(minutes=5)
"""Interval in which a digest without scores looks for reviews."""

_FINISHED_STATES = (PageState.POSTED, PageState.SKIPPED)

_POISON_REASON = "Its worker crashed over it {} times in a row."


async def deliver_edition(subscription: Subscription, edition: date, *, context: DeliveryContext) -> bool:
    """Deliver one edition to one channel now, whatever its schedule. A failed edition is tried again.

    Returns True when an attempt was made, also when it failed. Returns False when the outbox leased nothing:
    the edition is finished or leased, its retry is not due yet, an older edition blocks it, it cannot be
    read, or it was given up after a part of it was posted. Raises StoreError if the outbox cannot be asked.
    """
    claim = await run_background(
        context.store.outbox.claim,
        subscription,
        edition,
        owner=context.owner,
        now=context.clock(),
        lease=context.policy.lease,
        retry_failed=True,
    )
    if claim is not None:
        at_once = replace(context.policy, review_wait=timedelta())  # A person waits.
        await deliver_claim(claim, context=replace(context, policy=at_once))
    return claim is not None


async def deliver_claim(claim: Claim, *, context: DeliveryContext) -> None:
    """Deliver a claimed edition. A failure is stored and logged, and not raised.

    A failure that may pass goes to `_reschedule_delivery`, which stores its reason and the time of the next
    attempt: a PostError with NOT_POSTED or UNKNOWN, an error of the store, an unforeseen exception. After a
    LeaseLostError nothing is written: another worker has the delivery.

    A lost answer: `_mark_sending` has stored the page as `POSTING` before its request. `with_deadline` in
    `bot/chat/attempt.py` and the platform's client raise PostError with UNKNOWN if the request may have
    posted the page. `_post_page` then leaves the page in `POSTING`, and the delivery is rescheduled. When its
    retry is due, `Claimer` in `digests/store/outbox/claims.py` leases it again. `_reconcile_page` finds the
    page in `POSTING` and searches the channel for its key. A page that is found is confirmed; one that two
    searches do not find is posted again; `DeliveryPolicy.on_unknown` decides where the channel cannot be
    searched. A crash in the middle of a page leaves the same page state, and `Claimer` leases the delivery
    when the lease has ended.

    Giving up: `_abandon_delivery` does it through `abandon_claimed` in `digests/store/outbox/abandon.py`. The
    cases are a page that the platform refuses, a channel that is gone, invalid preferences (InputError), too
    many crashes (`_EditionRun.deliver`), and a failure too late in the day (`_reschedule_delivery`). A
    channel that is gone and invalid preferences also stop the subscription. The module docstring of
    abandon.py lists the cases in which the store itself gives an edition up.
    """
    run = _EditionRun(claim, context)
    try:
        await run.deliver()
    except LeaseLostError as lost:
        log.warning("left to another worker: %s", lost)
    except PostError as error:
        if error.outcome in (Outcome.GONE, Outcome.REFUSED):
            await _abandon_delivery(claim, str(error), context, stop=error.outcome is Outcome.GONE)
        else:
            await _reschedule_delivery(claim, str(error), context, had_progress=run.has_progress)
    except InputError as error:  # The preferences are invalid, and will be tomorrow.
        await _abandon_delivery(claim, str(error), context, stop=True)
    except PaperroundError as error:
        await _reschedule_delivery(claim, str(error), context, had_progress=run.has_progress)
    except Exception as error:
        log.exception("delivering %s to %s failed", claim.edition, claim.subscription.channel)
        reason = f"{type(error).__name__}: {error}"
        await _reschedule_delivery(claim, reason, context, had_progress=run.has_progress)


_REMEDIES = {
    EmptyReason.NO_PAPERS: "no papers were imported yet: “paperround import FILE” brings some in, or name "
    "sources in the settings.",
    EmptyReason.STALE: "no papers come in any more: look at the sources, or at the import.",
}
"""Sentences for the operator about empty editions, which are logged and not posted to the channel."""


@dataclass(slots=True)
class _EditionRun:
    """One attempt to deliver a claimed edition: the state machine of its pages.

    A page goes from `PLANNED` over `POSTING` to `POSTED`. A page found in `POSTING` may have arrived: its
    worker crashed, or the answer was lost. `_reconcile_page` searches the channel for it, and then it is
    confirmed, posted again, or `SKIPPED`. A page in `CHANGING` is posted, and is edited into its new content.
    `deliver_claim` handles the errors, and describes the whole way.
    """

    claim: Claim
    context: DeliveryContext
    unsaved_watermark: int | None = None
    """Watermark of a plan that is not in the outbox yet; it is stored with the first page."""
    thread: str | None = None
    """Receipt of the first page, the root of the digest's thread."""
    has_progress: bool = False
    """True once this run has finished a page. Earlier failures then no longer count."""

    async def deliver(self) -> None:
        """Plan the edition unless an earlier run did, post its pages in order, and finish the delivery.

        Raises PostError with NOT_POSTED if the platform is not set up, and with REFUSED if the delivery has
        crashed too many workers; nothing is sent then. Raises PostError if a page fails, LeaseLostError if
        another worker has taken over, InputError for invalid preferences, and StoreError.
        """
        self._find_platform()
        if self.claim.crashes >= max(self.context.policy.min_attempts, MIN_CRASHES):
            raise PostError(_POISON_REASON.format(self.claim.crashes), Outcome.REFUSED)
        with self.context.batcher.track_delivery():
            if await self._plan_pages():
                await self._deliver_pages()
                await self._finish_delivery()

    def _find_platform(self) -> Platform:
        """Return the channel's platform. Raises PostError with NOT_POSTED if it is not set up here."""
        name, platforms = self.claim.subscription.channel.platform, self.context.platforms
        if platform := platforms.get(name):
            return platform
        known = ", ".join(platforms)
        raise PostError(f"The platform {name!r} is not set up here; these are: {known}.", Outcome.NOT_POSTED)

    # The plan.

    async def _plan_pages(self) -> bool:
        """Make `claim.pages` the pages of this edition.

        A new plan with pages is stored later, with its first page; a plan without pages is stored at once.
        Returns False when nothing is left to do: an edition that was finished as empty stays empty, or this
        one waits for the reviewer. Raises PostError with NOT_POSTED for a kind that is not built here.
        """
        match self.claim.kind:
            case DeliveryKind.DIGEST:
                return await self._plan_digest()
            case DeliveryKind.RECAP:
                raise PostError("This version of Paperround builds no recaps.", Outcome.NOT_POSTED)
            case _:
                assert_never(self.claim.kind)

    async def _plan_digest(self) -> bool:
        claim, context = self.claim, self.context
        request = RenderRequest(claim, self._find_platform(), context.policy.merge_missed)
        if claim.late_until:
            replanned = await run_background(_replan_empty, request, claim.late_until, context)
            self.claim = replanned or claim
            return replanned is not None
        if claim.pages:
            return True
        rendered = await context.batcher.submit(
            "render", request, partial(_render_one, context), partial(_render_many, context)
        )
        if rendered.may_get_scores and await self._wait_for_reviews():
            return False
        self.claim = planned = replace(
            claim, pages=_plan_rendered_pages(rendered, claim), empty_reason=rendered.empty_reason
        )
        if planned.pages:
            self.unsaved_watermark = rendered.watermark
        else:
            await self._write_outbox(PlanSaved(planned, rendered.watermark))
        return True

    async def _wait_for_reviews(self) -> bool:
        """Put the delivery off for `REVIEW_POLL`, so that the reviewer can score its papers.

        Returns False without an effect if `review_wait` is over, or would be over on another day. Raises
        LeaseLostError.
        """
        claim, now = self.claim, self.context.clock()
        if claim.due_at is None or not self.context.policy.review_wait:
            return False
        wait_until = min(
            claim.due_at + self.context.policy.review_wait,
            edition_ends_at(claim.subscription.schedule, claim.edition) - REVIEW_POLL,
        )
        if now >= wait_until:
            return False
        next_try_at = min(now + REVIEW_POLL, wait_until)
        reason = "No paper has a score yet: it waits for the reviewer."
        await run_background(
            partial(
                self.context.store.outbox.reschedule, claim, reason, next_try_at=next_try_at, is_failure=False
            )
        )
        return True

    # The pages.

    async def _deliver_pages(self) -> None:
        """Deliver the pages one after the other: their order in the channel is the order of the digest.

        The first error ends it; the pages after it are not sent.
        """
        for page in self.claim.pages:
            receipt = await self._deliver_page(page)
            if page.number == 0:
                self.thread = receipt
            if page.state not in _FINISHED_STATES:
                self.has_progress = True

    async def _deliver_page(self, page: PlannedPage) -> str | None:
        """Post, reconcile or edit a page by its state. Returns its receipt; None for a skipped page.

        A page that was posted or skipped before is left alone. Raises PostError and LeaseLostError.
        """
        match page.state:
            case PageState.POSTED | PageState.SKIPPED:
                return page.receipt
            case PageState.PLANNED:
                return await self._post_page(page)
            case PageState.POSTING:
                return await self._reconcile_page(page)
            case PageState.CHANGING:
                return await self._edit_page(page)

    async def _post_page(self, page: PlannedPage) -> str:
        """Store that the page is being sent, which fences off every other worker; post it and confirm it.

        Waits for the rate limiter first. Returns the receipt. One time-out, shorter than the lease, covers
        both steps: a process that was stopped or asleep between them and wakes after its lease has no time
        left and sends nothing. Raises PostError. With UNKNOWN the page stays `POSTING` and will be
        reconciled; with every other outcome it is `PLANNED` again. Raises LeaseLostError if another worker
        has the delivery, and StoreError; a page that was posted by then stays `POSTING`.
        """
        context, timeout = self.context, self.context.policy.timeout
        await self._acquire_rate_limit()
        started_at, monotonic_start = context.clock(), monotonic()
        await self._mark_sending(page, started_at)
        elapsed = max(context.clock() - started_at, timedelta(seconds=monotonic() - monotonic_start))
        if elapsed >= timeout:
            await self._reset_page(page)
            raise PostError("The outbox took too long to be written.", Outcome.NOT_POSTED)
        posting = self._find_platform().post(
            self.claim.subscription.channel,
            _to_page(page),
            key=page.idempotency_key,
            thread=self.thread if page.in_thread else None,
        )
        try:
            receipt = await with_deadline(posting, timeout - elapsed)
        except PostError as error:
            if error.outcome is not Outcome.UNKNOWN:
                await self._reset_page(page)
            raise
        await self._confirm_page(page, receipt)
        return receipt

    async def _mark_sending(self, page: PlannedPage, now: datetime) -> None:
        """Store that the page is being sent, with its plan unless that is stored, in one transaction.

        Renews the lease. Raises LeaseLostError.
        """
        lease = self.context.policy.lease
        if self.unsaved_watermark is None or page.number != 0:
            await self._write_outbox(PageSending(self.claim, page.number, now, lease))
        else:
            await self._write_outbox(FirstPageSending(self.claim, self.unsaved_watermark, now, lease))

    async def _edit_page(self, page: PlannedPage) -> str | None:
        """Edit a posted page into its new content, confirm it, and return its receipt.

        A page whose edit is refused, such as because its message was deleted, is posted again. Raises
        PostError; after another failure of the edit the page stays `CHANGING`.
        """
        receipt = page.receipt or ""
        await self._acquire_rate_limit()
        editing = self._find_platform().edit(self.claim.subscription.channel, receipt, _to_page(page))
        try:
            await with_deadline(editing, self.context.policy.timeout)
        except PostError as error:
            if error.outcome is not Outcome.REFUSED:
                raise
            await self._reset_page(page)
            return await self._post_page(page)
        await self._confirm_page(page, receipt)
        return receipt

    async def _reconcile_page(self, page: PlannedPage) -> str | None:
        """Search the channel for a page that may have arrived. Returns its receipt; None for a skipped page.

        A page that is found is confirmed. One that two searches do not find is posted again; between them it
        waits until no request of an earlier worker can be in progress. Where the channel cannot be searched,
        `on_unknown` decides: the page is posted again, or skipped with a warning in the log. Raises
        PostError.
        """
        policy = self.context.policy
        found = await self._find_page(page)
        # A message that was just posted may be missing from the history. And where clocks jump or differ, the
        # request of another worker may still be in progress although its lease is over; after one time-out it
        # cannot be.
        if found is None:
            await self.context.sleep((policy.history_lag + policy.timeout).total_seconds())
            found = await self._find_page(page)
        if found is None or (found is CANNOT_ASK and policy.on_unknown is UnknownPolicy.RESEND):
            return await self._post_page(page)
        receipt = None if found is CANNOT_ASK else found
        if receipt is None:
            channel, edition = self.claim.subscription.channel, self.claim.edition
            log.warning("%s, %s: page %d may be missing; not sent again", channel, edition, page.number + 1)
        await self._confirm_page(page, receipt)
        return receipt

    async def _find_page(self, page: PlannedPage) -> str | NoHistory | None:
        """Search the channel for a page by its idempotency key, and return its receipt.

        Returns None if the channel does not have it, and CANNOT_ASK if the channel cannot be searched. Raises
        PostError, never with REFUSED: a refusal concerns the search and not the page.
        """
        since = datetime.combine(self.claim.edition, time(), UTC) - TIME_ZONE_MARGIN
        search = self._find_platform().find(
            self.claim.subscription.channel, key=page.idempotency_key, since=since
        )
        try:
            return await with_deadline(search, self.context.policy.find_timeout)
        except PostError as error:
            if error.outcome is not Outcome.REFUSED:
                raise
            # The search is refused, not the page: it is retried later.
            raise PostError(str(error), Outcome.NOT_POSTED) from error

    async def _confirm_page(self, page: PlannedPage, receipt: str | None) -> None:
        """Store a page's receipt; None marks the page as skipped. Raises LeaseLostError.

        The last page of a digest with picks finishes the delivery in the same write.
        """
        is_last = self.claim.empty_reason is None and page is self.claim.pages[-1]
        now = self.context.clock()
        await self._write_outbox(PageSent(self.claim, page.number, receipt, now, is_last))

    async def _reset_page(self, page: PlannedPage) -> None:
        await run_background(self.context.store.outbox.reset_page, self.claim, page.number)

    async def _acquire_rate_limit(self) -> None:
        if limiter := self.context.rate_limiters.get(self._find_platform().name):
            await limiter.acquire(self.claim.subscription.channel)

    # The end.

    async def _finish_delivery(self) -> None:
        """Finish the delivery and release the lease: as empty if it has an empty reason, else as posted.

        Writes nothing if the confirmation of the last page has finished it.
        """
        claim, channel = self.claim, self.claim.subscription.channel
        if claim.empty_reason:
            await run_background(self._finish_empty)
            log.info("%s, %s: nothing to read (%s)", channel, claim.edition, claim.empty_reason)
            if remedy := _REMEDIES.get(claim.empty_reason):
                log.warning("%s: %s", channel, remedy)
            return
        if all(page.state in _FINISHED_STATES for page in claim.pages):
            await run_background(self.context.store.outbox.finish, claim)
        log.info("delivered %s to %s, %s", claim.edition, channel, format_count(len(claim.pages), "page"))

    def _finish_empty(self) -> None:
        claim, store = self.claim, self.context.store
        watermark = store.delivery_reports.watermark(claim.subscription, claim.edition + timedelta(days=1))
        store.outbox.finish_empty(
            claim,
            late_watermark=watermark or 0,
            late_until=edition_ends_at(claim.subscription.schedule, claim.edition),
            now=self.context.clock(),
        )

    async def _write_outbox(self, write: OutboxWrite) -> None:
        """Apply one write to the outbox; it is durable on return. Raises LeaseLostError and StoreError.

        Writes of one type may share a transaction.
        """
        outbox = self.context.store.outbox
        # One batch a type of write: that halves the statements.
        await self.context.batcher.submit(
            type(write).__name__, write, partial(_apply_one, outbox), partial(_apply_many, outbox)
        )


def _replan_empty(request: RenderRequest, late_until: datetime, context: DeliveryContext) -> Claim | None:
    """Return a claim with a new plan that shows the late papers; None when the digest stays empty.

    A digest stays empty if it still has no picks, or if `late_until` has passed. It is then finished again
    with the new watermark. Raises LeaseLostError. Blocks.
    """
    claim, now, outbox = request.claim, context.clock(), context.store.outbox
    rendered = _render_one(context, request)
    if rendered.empty_reason or now >= late_until:
        outbox.finish_empty(claim, late_watermark=rendered.watermark, late_until=late_until, now=now)
        return None
    return outbox.replace_plan(claim, _plan_rendered_pages(rendered, claim), watermark=rendered.watermark)


def _render_one(context: DeliveryContext, request: RenderRequest) -> RenderedDigest:
    return _render_many(context, [request])[0]


def _render_many(context: DeliveryContext, requests: Sequence[RenderRequest]) -> list[RenderedDigest]:
    return context.render_cache.get_digests(
        requests,
        store=context.store,
        policy=context.digest_policy,
        now=context.clock(),
        find_likeness=context.find_likeness,
    )


def _apply_one(outbox: Outbox, write: OutboxWrite) -> None:
    outbox.apply([write])


def _apply_many(outbox: Outbox, writes: Sequence[OutboxWrite]) -> Sequence[None]:
    outbox.apply(writes)
    return [None] * len(writes)


def _plan_rendered_pages(rendered: RenderedDigest, claim: Claim) -> tuple[PlannedPage, ...]:
    name = _name_delivery(claim)
    return tuple(
        PlannedPage(
            number,
            _compute_key(name, number),
            page.payload,
            page.papers,
            page.in_thread,
            posted_states=rendered.posted_states,
        )
        for number, page in enumerate(rendered.pages)
    )


def _name_delivery(claim: Claim) -> str:
    """Return a name that no other delivery has, from which the keys of its pages are computed.

    That of a channel's main digest is the channel and the edition alone, because posted messages carry keys
    made of it.
    """
    name = f"{claim.subscription.full_name} {claim.edition.isoformat()}"
    return name if claim.kind is DeliveryKind.DIGEST else f"{name} {claim.kind}"


def _compute_key(delivery_name: str, page_number: int) -> str:
    """Compute a page's idempotency key. It must never change: posted messages carry it."""
    return hashlib.sha256(f"{delivery_name} {page_number}".encode()).hexdigest()[:KEY_LENGTH]


def _to_page(planned: PlannedPage) -> Page:
    return Page(planned.payload, planned.papers, planned.in_thread)


async def _reschedule_delivery(
    claim: Claim, reason: str, context: DeliveryContext, *, had_progress: bool
) -> None:
    """Store a failure and the time of the next attempt.

    Gives the edition up when its local day will be over by then and `min_attempts` have failed in a row.
    `had_progress` starts the count of failures again from 0. An error of the store is only logged.
    """
    if had_progress:
        claim = replace(claim, failures=0)
    retry_at = context.clock() + _compute_backoff(claim.failures, context.jitter())
    is_day_over = retry_at >= edition_ends_at(claim.subscription.schedule, claim.edition)
    if is_day_over and claim.failures + 1 >= context.policy.min_attempts:
        await _abandon_delivery(claim, reason, context)
        return
    log.warning("%s, %s: %s", claim.subscription.channel, claim.edition, reason)
    await _try_write(partial(context.store.outbox.reschedule, claim, reason, next_try_at=retry_at))


async def _abandon_delivery(
    claim: Claim, reason: str, context: DeliveryContext, *, stop: bool = False
) -> None:
    """Give the edition up for good: log and store the reason, and queue a failure notice.

    Its papers that nobody saw are considered again by the next digest; under `UnknownPolicy.RESEND` those on
    pages that may have arrived count as unseen. `stop` also stops the subscription. An error of the store is
    only logged.
    """
    log.error("%s, %s: %s Given up.", claim.subscription.channel, claim.edition, reason)
    abandon = partial(
        context.store.outbox.abandon, claim, reason, now=context.clock(), stop_subscription=stop
    )
    await _try_write(partial(abandon, unknown_is_lost=context.policy.on_unknown is UnknownPolicy.RESEND))


async def _try_write(write: Callable[[], None]) -> None:
    """Call `write` in a background thread. An error is logged and not raised.

    The delivery then keeps its state, and is leased again after its lease ends.
    """
    try:
        await run_background(write)
    except (LeaseLostError, PaperroundError) as error:
        log.warning("the outbox was not updated: %s", error)
    except Exception:
        log.exception("the outbox was not updated")


def _compute_backoff(failures: int, jitter: float) -> timedelta:
    """Compute the wait before the next attempt, after `failures` earlier failures in a row.

    It doubles from `FIRST_BACKOFF` to `MAX_BACKOFF`. `jitter`, from 0 to 1, adds up to a quarter, so that
    deliveries that failed together are spread.
    """
    backoff: timedelta = min(FIRST_BACKOFF * 2 ** min(failures, 9), MAX_BACKOFF)
    return backoff * (1 + jitter / 4)
