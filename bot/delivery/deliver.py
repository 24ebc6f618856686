"""Delivery of one edition to one channel: claim, plan, post page by page, confirm.

Every page is stored in the outbox before it is sent and confirmed afterwards. After a crash the next worker
therefore knows the pages to skip, to send, and to reconcile with the channel.
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from time import monotonic
from typing import assert_never

from bot.chat.attempt import SendAttempt, current_attempt, with_deadline
from bot.chat.port import (
    CANNOT_ASK,
    CalendarPlatform,
    FileRefusedError,
    NoHistory,
    Outcome,
    Page,
    PagePoster,
    Platform,
    PostError,
)
from bot.delivery.context import DeliveryContext, UnknownPolicy
from bot.delivery.mark_counts import show_mark_counts
from bot.delivery.meetings import MeetingPost, build_meeting_post
from bot.delivery.rate_limit import RateLimiter
from bot.delivery.recap import add_picture, build_recap
from bot.delivery.render_cache import RenderedDigest, RenderRequest
from bot.log_fields import add_log_fields
from bot.present.digest import describe_missing_page, describe_missing_picture
from bot.present.wording import format_count
from bot.storage import run_background
from digests.errors import InputError, PaperroundError
from digests.model import Post
from digests.ports.outbox import (
    MEETING_KINDS,
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
from digests.subscription import DigestStyle, Subscription

log = logging.getLogger(__name__)

KEY_LENGTH = 25
"""Characters of a page's idempotency key: the longest nonce that Discord takes."""

FIRST_BACKOFF = timedelta(minutes=1)
MAX_BACKOFF = timedelta(minutes=15)
"""The wait between attempts doubles from `FIRST_BACKOFF` to `MAX_BACKOFF`; jitter adds up to a quarter."""

BUILDABLE_KINDS = frozenset({DeliveryKind.DIGEST, DeliveryKind.RECAP}) | MEETING_KINDS
"""Kinds of which pages can be planned here. Others wait in the outbox for a version that can."""

MIN_CRASHES = 2
"""Least number of crashes in a row after which a delivery is given up: one may have another cause."""

TIME_ZONE_MARGIN = timedelta(days=1)
"""Lead of a search for a page over its edition's midnight in UTC, because an edition's date is local."""

EARLY_LOOK_WAIT_SECONDS = 3.0
"""Longest wait for a history request of the first look for a page in doubt. Without one it is left out."""

SLOT_SHARE = 0.75
"""Share of a search's time for which it may wait for its history request."""

MAX_LOST_ANSWERS = 2
"""Posts of one page under one claim whose answers may be lost. After them the delivery is retried later."""

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
    posted the page. `_post_page` leaves the page in `POSTING`, and `_reconcile_page` searches the channel for
    its key, under the same claim. A page that is found is confirmed; one that the last search does not find
    is posted again; `DeliveryPolicy.on_unknown` decides where the channel cannot be searched. If the search
    fails, the delivery is rescheduled; `Claimer` in `digests/store/outbox/claims.py` leases it again when its
    retry is due, and the page is reconciled then. A crash in the middle of a page leaves the same page state,
    and `Claimer` leases the delivery when the lease has ended, as that of a dead worker does at once.

    Giving up: `_abandon_delivery` does it through `abandon_claimed` in `digests/store/outbox/abandon.py`. The
    cases are a page that the platform refuses, a channel that is gone, invalid preferences (InputError), too
    many crashes (`_EditionRun.deliver`), and a failure too late in the day (`_reschedule_delivery`). A
    channel that is gone and invalid preferences also stop the subscription. The module docstring of
    abandon.py lists the cases in which the store itself gives an edition up.
    """
    channel, edition = claim.subscription.channel, claim.edition.isoformat()
    with add_log_fields(channel, edition=edition, attempt=claim.attempts):
        await _deliver_claim(claim, context)


async def _deliver_claim(claim: Claim, context: DeliveryContext) -> None:
    run = _EditionRun(claim, context)
    try:
        await run.deliver()
    except LeaseLostError as lost:
        log.warning("left to another worker: %s", lost)
    except PostError as error:
        if error.is_access_lost:
            await _record_lost_access(claim, str(error), context)
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


async def _record_lost_access(claim: Claim, reason: str, context: DeliveryContext) -> None:
    """Record for the operator that the workspace does not accept our token. Errors are logged."""
    channel = claim.subscription.channel
    record = context.store.alerts.record_lost_access
    try:
        await run_background(record, channel.platform, channel.workspace, reason, now=context.clock())
    except PaperroundError as error:
        log.warning("%s: the lost access was not recorded: %s", channel, error)


class _HistoryLimitError(PostError):
    """A search that the channel's workspace may not make now."""


@dataclass(slots=True)
class _EditionRun:
    """One attempt to deliver a claimed edition: the state machine of its pages.

    A page goes from `PLANNED` over `POSTING` to `POSTED`. A page in `POSTING` may have arrived when its
    worker crashed, or when the answer was lost. `_reconcile_page` searches the channel for it, and then it is
    confirmed, posted again, or `SKIPPED`. A page in `CHANGING` is posted, and is edited into its new content.
    `deliver_claim` handles the errors, and describes the whole way.
    """

    claim: Claim
    context: DeliveryContext
    unsaved_watermark: int | None = None
    """Watermark of a plan that is not in the outbox yet; it is stored with the first page."""
    thread: str | None = None
    """Receipt of the first page, the root of the digest's thread."""
    lost_answers: Counter[int] = field(default_factory=Counter)
    """Lost answers in this run, by page number."""
    ready_pages: dict[int, Page] = field(default_factory=dict)
    """Pages by number whose files were uploaded in this run, or given up."""
    file_errors: dict[int, str] = field(default_factory=dict)
    """Reasons, by page number, for which files were given up in this run."""
    has_progress: bool = False
    """True once this run has finished a page. Earlier failures then no longer count."""
    remedy: str = ""
    """Sentence for the operator, if this run built an empty digest that the set-up explains."""
    sent_posts: list[Post] = field(default_factory=list)
    """Pages with papers that this run has posted or edited, as posts."""

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
                await show_mark_counts(self.sent_posts, self._find_platform(), self.context)

    def _find_platform(self) -> Platform:
        """Return the channel's platform. Raises PostError with NOT_POSTED if it is not set up here."""
        name, platforms = self.claim.subscription.channel.platform, self.context.platforms
        if platform := platforms.get(name):
            return platform
        known = ", ".join(platforms)
        raise PostError(f"The platform {name!r} is not set up here; these are: {known}.", Outcome.NOT_POSTED)

    def _find_poster(self) -> PagePoster:
        """Return what posts the pages of this delivery: the platform, or its calendar for an event."""
        platform = self._find_platform()
        if self.claim.kind is DeliveryKind.EVENT and isinstance(platform, CalendarPlatform):
            return platform.events
        return platform

    # The plan.

    async def _plan_pages(self) -> bool:
        """Make `claim.pages` the pages of this edition.

        A new plan with pages is stored later, with its first page; a plan without pages is stored at once.
        Returns False when nothing is left to do: an edition that was finished as empty stays empty, or this
        one waits for the reviewer.
        """
        match self.claim.kind:
            case DeliveryKind.DIGEST:
                return await self._plan_digest()
            case DeliveryKind.RECAP:
                return await self._plan_recap()
            case DeliveryKind.POLL | DeliveryKind.AGENDA | DeliveryKind.REMINDER | DeliveryKind.EVENT:
                return await self._plan_meeting_post()
            case _:
                assert_never(self.claim.kind)

    async def _plan_digest(self) -> bool:
        claim, context = self.claim, self.context
        request = RenderRequest(claim, self._find_platform(), context.policy.merge_missed)
        if claim.late_until:
            return await self._replan_empty(request, claim.late_until)
        if claim.pages:
            return True
        rendered = await context.batcher.submit(
            "render", request, partial(_render_one, context), partial(_render_many, context)
        )
        self.remedy = rendered.remedy
        if rendered.may_get_scores and await self._wait_for_reviews():
            return False
        await self._store_plan(rendered, await self._plan_rendered_pages(rendered))
        return True

    async def _store_plan(self, rendered: RenderedDigest, pages: tuple[PlannedPage, ...]) -> None:
        """Make the pages the plan of the claim. A plan with pages is stored later, with its first page."""
        self.claim = planned = replace(self.claim, pages=pages, empty_reason=rendered.empty_reason)
        if planned.pages:
            self.unsaved_watermark = rendered.watermark
        else:
            await self._write_outbox(PlanSaved(planned, rendered.watermark))

    async def _plan_meeting_post(self) -> bool:
        """Plan a post of a meeting, or the edit of one that was posted. Returns True.

        The pages of an attempt that did not finish are posted first, as they are: the next change, or the
        next look at the meeting, brings them up to date. Raises PostError, StoreError and LeaseLostError.
        """
        claim, context = self.claim, self.context
        if any(page.state not in _FINISHED_STATES for page in claim.pages):
            return True
        post = await run_background(build_meeting_post, claim, context)
        if post.message is None and post.event is None:  # It stays as it is.
            pages = claim.pages
            rendered = RenderedDigest((), post.revision, None, {})
        else:
            rendered = RenderedDigest(
                tuple(self._render_meeting_post(post)), post.revision, None, post.posted_states
            )
            pages = await self._plan_rendered_pages(rendered)
        if claim.pages:
            self.claim = await run_background(
                partial(context.store.outbox.replace_plan, claim, pages, watermark=post.revision)
            )
        else:
            await self._store_plan(rendered, pages)
        return True

    def _render_meeting_post(self, post: MeetingPost) -> Sequence[Page]:
        """Render a post of a meeting. An event has no page on a platform without a calendar."""
        platform = self._find_platform()
        if post.event:
            calendar = platform.events if isinstance(platform, CalendarPlatform) else None
            return (calendar.render_event(post.event),) if calendar else ()
        return platform.render(post.message, post.style) if post.message else ()

    async def _plan_recap(self) -> bool:
        """Plan a recap, without a page for a quiet week. Returns True. Raises PostError and StoreError."""
        if self.claim.pages:
            return True
        recap = await run_background(build_recap, self.claim, self.context)
        message = await add_picture(recap) if recap else None
        pages = self._find_platform().render(message, DigestStyle.COMPACT) if message else ()
        rendered = RenderedDigest(tuple(pages), 0, None, {})
        await self._store_plan(rendered, await self._plan_rendered_pages(rendered))
        return True

    async def _replan_empty(self, request: RenderRequest, late_until: datetime) -> bool:
        """Plan the late papers of a digest that was finished as empty. Returns False if it stays empty.

        It does if it still has no picks, or if `late_until` has passed. It is then finished again with the
        new watermark. Raises LeaseLostError.
        """
        claim, context = self.claim, self.context
        now, outbox = context.clock(), context.store.outbox
        rendered = await run_background(_render_one, context, request)
        if rendered.empty_reason or now >= late_until:
            watermark = rendered.watermark
            await run_background(
                partial(outbox.finish_empty, claim, late_watermark=watermark, late_until=late_until, now=now)
            )
            return False
        pages = await self._plan_rendered_pages(rendered)
        self.claim = await run_background(
            partial(outbox.replace_plan, claim, pages, watermark=rendered.watermark)
        )
        return True

    async def _plan_rendered_pages(self, rendered: RenderedDigest) -> tuple[PlannedPage, ...]:
        """Return the pages of a digest as the channel takes them, each with its key. Raises PostError."""
        if not rendered.pages:
            return ()
        fitting = self._find_poster().fit_pages(self.claim.subscription.channel, rendered.pages)
        pages = await with_deadline(fitting, self.context.policy.timeout)
        return _number_pages(pages, rendered, self.claim)

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
            await self._report_missing_file(page)
            if page.number == 0:
                self.thread = receipt
            if page.state not in _FINISHED_STATES:
                self.has_progress = True
                if receipt and page.papers:
                    channel = self.claim.subscription.channel
                    self.sent_posts.append(Post(channel, receipt, page.papers, page.payload))

    async def _deliver_page(self, page: PlannedPage) -> str | None:
        """Post, reconcile or edit a page by its state. Returns its receipt; None for a skipped page.

        A page that was posted or skipped before is left alone. Raises PostError and LeaseLostError.
        """
        match page.state:
            case PageState.POSTED | PageState.SKIPPED:
                return page.receipt
            case PageState.PLANNED:
                is_after_restoration = _had_begun(self.claim, self.context.restored_at)
                return await (
                    self._post_unless_found(page) if is_after_restoration else self._post_page(page)
                )
            case PageState.POSTING:
                return await self._reconcile_page(page)
            case PageState.CHANGING:
                return await self._edit_page(page)

    async def _post_unless_found(self, page: PlannedPage) -> str | None:
        """Post a page of an edition that the store may have posted before it was restored from a backup.

        A page that the channel has is edited into the new plan, which may show other papers, and confirmed.
        Where the channel cannot be searched, `on_unknown` decides, unless the edition was due later than the
        restoration. Returns the receipt, None for a page that is skipped. Raises PostError, LeaseLostError
        and StoreError.
        """
        context, claim = self.context, self.claim
        await self._mark_sending(page, context.clock())  # A crash leaves the page in doubt.
        wait = SLOT_SHARE * context.policy.find_timeout.total_seconds()
        found = await self._find_page(page, wait)
        was_due = claim.due_at is None or (context.restored_at or claim.due_at) >= claim.due_at
        if found is CANNOT_ASK and was_due and context.policy.on_unknown is UnknownPolicy.SKIP:
            await self._skip_page(page)
            return None
        if found is None or found is CANNOT_ASK:
            return await self._post_page(page)
        await self._acquire_rate_limit()
        ready_page = await self._upload_file(page)
        editing = self._find_poster().edit(
            claim.subscription.channel, found, ready_page, key=page.idempotency_key
        )
        try:
            await with_deadline(editing, context.policy.timeout)
        except PostError as error:
            if error.outcome is not Outcome.REFUSED:
                raise
            log.warning("%s, %s: %s", claim.subscription.channel, claim.edition, error)
        await self._confirm_page(page, found)
        return found

    async def _skip_page(self, page: PlannedPage) -> None:
        """Mark a page in doubt as skipped, and tell the operator. Raises LeaseLostError."""
        await self._confirm_page(page, None)
        subscription, edition = self.claim.subscription, self.claim.edition
        channel = subscription.channel
        log.warning("%s, %s: page %d may be missing; not sent again", channel, edition, page.number + 1)
        # A kind for each digest, not for each edition: the store keeps something of every kind.
        kind = f"missing page of digest {subscription.id}"
        await self._tell_operator(kind, describe_missing_page(channel, edition))

    async def _post_page(self, page: PlannedPage) -> str | None:
        """Store that the page is being sent, which fences off every other worker; post it and confirm it.

        Uploads its file and waits for the rate limiter first. Returns the receipt, None for a page that is
        skipped. One time-out, shorter than the lease, covers both steps: a process that was stopped or asleep
        between them and wakes after its lease has no time left and sends nothing. A page whose answer is lost
        stays `POSTING` and is reconciled, unless its answers were lost too often; then, and for any other
        outcome, PostError is raised. After another outcome it is `PLANNED` again. Raises LeaseLostError if
        another worker has the delivery, and StoreError; a page that was posted by then stays `POSTING`.
        """
        context, timeout = self.context, self.context.policy.timeout
        ready_page = await self._upload_file(page)
        await self._acquire_rate_limit()
        started_at, monotonic_start = context.clock(), monotonic()
        await self._mark_sending(page, started_at)
        elapsed = max(context.clock() - started_at, timedelta(seconds=monotonic() - monotonic_start))
        if elapsed >= timeout:
            await self._reset_page(page)
            raise PostError("The outbox took too long to be written.", Outcome.NOT_POSTED)
        posting = self._find_poster().post(
            self.claim.subscription.channel,
            ready_page,
            key=page.idempotency_key,
            thread=self.thread if page.in_thread else None,
        )
        try:
            receipt = await with_deadline(posting, timeout - elapsed)
        except FileRefusedError as error:
            await self._reset_page(page)
            self._give_file_up(page, error)
            return await self._post_page(page)
        except PostError as error:
            if error.outcome is not Outcome.UNKNOWN:
                await self._reset_page(page)
                raise
            self.lost_answers[page.number] += 1
            if self.lost_answers[page.number] > MAX_LOST_ANSWERS:
                raise
            log.info("%s, %s: %s", self.claim.subscription.channel, self.claim.edition, error)
            return await self._reconcile_page(page)
        await self._confirm_page(page, receipt)
        return receipt

    async def _upload_file(self, page: PlannedPage) -> Page:
        """Return the page as it is to be posted, with its file uploaded; without the file if that fails.

        Never raises PostError: no page waits for its file.
        """
        if page.file and page.number not in self.ready_pages:
            poster, channel = self._find_poster(), self.claim.subscription.channel
            uploading = poster.upload_file(channel, _to_page(page))
            try:
                self.ready_pages[page.number] = await with_deadline(uploading, self.context.policy.timeout)
            except PostError as error:
                self._give_file_up(page, error)
        return self.ready_pages.get(page.number) or _to_page(page)

    def _give_file_up(self, page: PlannedPage, error: PostError) -> None:
        """Let the page go out without its file."""
        self.ready_pages[page.number] = replace(_to_page(page), file=None)
        self.file_errors[page.number] = str(error)

    async def _report_missing_file(self, page: PlannedPage) -> None:
        """Tell the operator if the page went out without its file."""
        error = self.file_errors.pop(page.number, "")
        if not error:
            return
        channel = self.claim.subscription.channel
        log.warning("%s, %s: posted without its picture: %s", channel, self.claim.edition, error)
        # A kind for each workspace: a missing right concerns all its channels.
        kind = f"missing picture in {channel.platform}:{channel.workspace}"
        await self._tell_operator(kind, describe_missing_picture(channel, error))

    async def _mark_sending(self, page: PlannedPage, now: datetime) -> None:
        """Store that the page is being sent, with its plan unless that is stored, in one transaction.

        Renews the lease. Raises LeaseLostError.
        """
        lease = self.context.policy.lease
        if self.unsaved_watermark is None or page.number != 0:
            await self._write_outbox(PageSending(self.claim, page.number, now, lease))
        else:
            await self._write_outbox(FirstPageSending(self.claim, self.unsaved_watermark, now, lease))
            self.unsaved_watermark = None

    async def _edit_page(self, page: PlannedPage) -> str | None:
        """Edit a posted page into its new content, confirm it, and return its receipt.

        A page whose edit is refused, such as because its message was deleted, is posted again. Raises
        PostError; after another failure of the edit the page stays `CHANGING`.
        """
        receipt = page.receipt or ""
        await self._acquire_rate_limit()
        editing = self._find_poster().edit(
            self.claim.subscription.channel, receipt, _to_page(page), key=page.idempotency_key
        )
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

        A page that is found is confirmed. One whose absence is certain is posted again. Where the channel
        cannot be searched, `on_unknown` decides: the page is posted again, or skipped with a warning in the
        log. The pages after it wait, since their order in the channel is that of the digest. Raises
        PostError.
        """
        policy = self.context.policy
        found = await self._locate_page(page)
        if found is None or (found is CANNOT_ASK and policy.on_unknown is UnknownPolicy.RESEND):
            return await self._post_page(page)
        if found is CANNOT_ASK:
            await self._skip_page(page)
            return None
        await self._confirm_page(page, found)
        return found

    async def _locate_page(self, page: PlannedPage) -> str | NoHistory | None:
        """Search the channel for a page, soon and once more after `proof_wait`. Returns its receipt.

        Only a receipt counts of what the first search returns. Returns None only if it is certain that the
        page was not posted, and CANNOT_ASK if the channel cannot be searched. Raises PostError.
        """
        policy = self.context.policy
        await self.context.sleep(policy.history_lag.total_seconds())
        found = await self._look_early(page)
        # A message may be missing from the history for a while, and Discord shows an empty history also where
        # it may not be read. And the request of another worker that lost its claim may still be in progress;
        # after one time-out it cannot be.
        if found is None or found is CANNOT_ASK:
            await self.context.sleep(policy.proof_wait.total_seconds())
            found = await self._find_page(page, SLOT_SHARE * policy.find_timeout.total_seconds())
        return found

    async def _look_early(self, page: PlannedPage) -> str | NoHistory | None:
        """Search the channel for a page, unless no history request is left for it now.

        Only a receipt says something about the page. Raises PostError.
        """
        try:
            return await self._find_page(page, EARLY_LOOK_WAIT_SECONDS)
        except _HistoryLimitError:
            return None

    async def _find_page(self, page: PlannedPage, max_wait: float) -> str | NoHistory | None:
        """Search the channel for a page by its idempotency key, and return its receipt.

        Waits for a history request first, at most `max_wait` seconds. Returns None if the channel does not
        have the page, and CANNOT_ASK if the channel cannot be searched. Raises PostError, never with REFUSED:
        a refusal concerns the search and not the page. It is a `_HistoryLimitError` if the channel may not be
        searched now.
        """
        channel, limiter = self.claim.subscription.channel, self._find_rate_limiter()
        ends_at = monotonic() + self.context.policy.find_timeout.total_seconds()
        if limiter and not await limiter.acquire_history(channel, max_wait=max_wait):
            raise _HistoryLimitError("The channel's history may not be asked again yet.", Outcome.NOT_POSTED)
        attempt: SendAttempt | None = None

        async def search() -> str | NoHistory | None:
            nonlocal attempt
            if attempt := current_attempt():
                attempt.max_wait = max_wait
            since = datetime.combine(self.claim.edition, time(), UTC) - TIME_ZONE_MARGIN
            return await self._find_poster().find(channel, key=page.idempotency_key, since=since)

        try:
            return await with_deadline(search(), timedelta(seconds=ends_at - monotonic()))
        except PostError as error:
            if error.outcome is Outcome.NOT_POSTED and attempt and attempt.demanded_wait:
                raise _HistoryLimitError(str(error), Outcome.NOT_POSTED) from error
            if error.outcome is not Outcome.REFUSED:
                raise
            # The search is refused, not the page: it is retried later.
            raise PostError(str(error), Outcome.NOT_POSTED) from error
        finally:
            if limiter and attempt and attempt.demanded_wait:
                limiter.restrict_history(channel, attempt.demanded_wait)

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
        if limiter := self._find_rate_limiter():
            await limiter.acquire(self.claim.subscription.channel)

    def _find_rate_limiter(self) -> RateLimiter | None:
        return self.context.rate_limiters.get(self._find_platform().name)

    # The end.

    async def _finish_delivery(self) -> None:
        """Finish the delivery and release the lease: as empty if it has an empty reason, else as posted.

        Writes nothing if the confirmation of the last page has finished it.
        """
        claim, channel = self.claim, self.claim.subscription.channel
        if claim.empty_reason:
            await run_background(self._finish_empty)
            log.info("%s, %s: nothing to read (%s)", channel, claim.edition, claim.empty_reason)
            if self.remedy:
                log.warning("%s: %s", channel, self.remedy)
                await self._tell_operator(str(claim.empty_reason), self.remedy)
            return
        if not claim.pages or claim.pages[-1].state in _FINISHED_STATES:
            await run_background(self.context.store.outbox.finish, claim)
        if self.has_progress or not claim.pages:  # Else every page was as it is.
            log.info("delivered %s to %s, %s", claim.edition, channel, format_count(len(claim.pages), "page"))

    async def _tell_operator(self, kind: str, sentence: str) -> None:
        if notices := self.context.operator_notices:
            await notices.send_notice(kind, sentence, self.claim.subscription, self.context.platforms)

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


def _had_begun(claim: Claim, restored_at: datetime | None) -> bool:
    """Return True if the day of a claim's edition had begun when the store was restored from a backup."""
    if restored_at is None:
        return False
    return restored_at >= edition_ends_at(claim.subscription.schedule, claim.edition - timedelta(days=1))


def _number_pages(pages: Sequence[Page], rendered: RenderedDigest, claim: Claim) -> tuple[PlannedPage, ...]:
    name = _name_delivery(claim)
    return tuple(
        PlannedPage(
            number,
            _compute_key(name, number),
            page.payload,
            page.papers,
            page.in_thread,
            posted_states=rendered.posted_states,
            file=page.file,
        )
        for number, page in enumerate(pages)
    )


def _name_delivery(claim: Claim) -> str:
    """Return a name that no other delivery has, from which the keys of its pages are computed.

    A digest is named by its id: a name can pass from one digest to another on the day of an edition.
    """
    subscription = claim.subscription
    return f"{subscription.channel} {claim.edition.isoformat()} {claim.kind} {subscription.id}"


def _compute_key(delivery_name: str, page_number: int) -> str:
    """Compute a page's idempotency key. It is stored with the page, and posted messages carry it."""
    return hashlib.sha256(f"{delivery_name} {page_number}".encode()).hexdigest()[:KEY_LENGTH]


def _to_page(planned: PlannedPage) -> Page:
    return Page(planned.payload, planned.papers, planned.in_thread, planned.file)


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
