"""The only way out for digests: claim, plan, post page by page, confirm. A restart neither repeats nor loses."""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from bot.platforms import CANNOT_ASK, Outcome, Page, Platform, PostError
from bot.present import digest_message
from digests.build import Habits, build
from digests.errors import PaperroundError
from digests.model import Channel, Digest, Heartbeat, Subscription
from digests.ports import Claim, LeaseLostError, PageState, PlannedPage, Store
from digests.schedule import ends_at

_T = TypeVar("_T")
log = logging.getLogger(__name__)

KEY_LENGTH = 25
"""Characters of a page's key: Discord takes no longer nonce."""

FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)
"""Waits between tries double from the first to the longest."""

EARLIEST = timedelta(days=1)
"""An edition's date is a local one: nothing of it is posted longer before its midnight in UTC."""


class OnUnknown(StrEnum):
    """What to do with a page of which nobody can say whether it was posted."""

    SKIP = "skip"
    RESEND = "resend"


@dataclass(frozen=True, slots=True)
class Desk:
    """All that a delivery needs. `owner` names this process in the ledger, `clock` gives instants in UTC."""

    store: Store
    platforms: Mapping[str, Platform]
    habits: Habits
    owner: str
    clock: Callable[[], datetime]
    on_unknown: OnUnknown = OnUnknown.SKIP
    lease: timedelta = timedelta(minutes=5)
    attempts: int = 6
    time_out: timedelta = timedelta(seconds=30)


async def deliver(subscription: Subscription, edition: date, *, desk: Desk) -> None:
    """Bring one edition to one channel, or leave it in the ledger with the reason and the next try."""
    claim = await asyncio.to_thread(
        desk.store.deliveries.claim,
        subscription,
        edition,
        owner=desk.owner,
        now=desk.clock(),
        lease=desk.lease,
    )
    if claim is None:
        return
    try:
        platform = _platform(claim, desk)
        if planned := await _planned_claim(claim, platform, desk):
            await _post_pages(planned, platform, desk)
            await asyncio.to_thread(_finish, planned, desk)
    except LeaseLostError as lost:
        log.warning("left to another process: %s", lost)
    except PostError as error:
        await _put_off(claim, str(error), desk, for_good=error.outcome in (Outcome.REFUSED, Outcome.GONE))
        if error.outcome is Outcome.GONE:
            await asyncio.to_thread(desk.store.subscriptions.stop, subscription.channel, str(error))
    except PaperroundError as error:
        await _put_off(claim, str(error), desk)
    except Exception as error:
        log.exception("delivering %s to %s failed", edition, subscription.channel)
        await _put_off(claim, f"{type(error).__name__}: {error}", desk)


def _platform(claim: Claim, desk: Desk) -> Platform:
    platform = desk.platforms.get(claim.subscription.channel.platform)
    if platform is None:
        known = ", ".join(desk.platforms)
        name = claim.subscription.channel.platform
        raise PostError(f"The platform {name!r} is not set up here; these are: {known}.", Outcome.NOT_POSTED)
    return platform


async def _planned_claim(claim: Claim, platform: Platform, desk: Desk) -> Claim | None:
    """The claim with its pages; None where a quiet day stays one."""
    if claim.quiet_until:
        return await asyncio.to_thread(_look_again, claim, claim.quiet_until, platform, desk)
    return claim if claim.pages else await asyncio.to_thread(_plan, claim, platform, desk)


def _plan(claim: Claim, platform: Platform, desk: Desk) -> Claim:
    """Build and render the digest, and write its pages down before the first one goes out."""
    subscription = claim.subscription
    digest = build(subscription, claim.edition, store=desk.store, habits=desk.habits, now=desk.clock())
    unsaid = digest.nothing and digest.heartbeat is Heartbeat.OFF
    pages = [] if unsaid else _pages(digest, claim, platform)
    return desk.store.deliveries.plan(
        claim, pages, considered_to=digest.considered_to, nothing=digest.nothing
    )


def _look_again(claim: Claim, until: datetime, platform: Platform, desk: Desk) -> Claim | None:
    """Papers came in after the channel had heard of nothing: their digest takes that message's place, if there is one."""
    now, ledger = desk.clock(), desk.store.deliveries
    digest = build(claim.subscription, claim.edition, store=desk.store, habits=desk.habits, now=now)
    if digest.nothing or now >= until:
        ledger.quiet(claim, looked_to=digest.considered_to, until=until, now=now)
        return None
    pages = _pages(replace(digest, came_late=bool(claim.pages)), claim, platform)
    return ledger.plan_anew(claim, pages, considered_to=digest.considered_to)


def _pages(digest: Digest, claim: Claim, platform: Platform) -> list[PlannedPage]:
    pages = platform.render(digest_message(digest), claim.subscription.wish.style)
    channel = claim.subscription.channel
    return [_planned(channel, claim.edition, number, page) for number, page in enumerate(pages)]


def _finish(claim: Claim, desk: Desk) -> None:
    """What is written down of a delivery whose every page has landed."""
    subscription, now = claim.subscription, desk.clock()
    if claim.nothing:
        until = ends_at(subscription.schedule, claim.edition)
        looked_to = desk.store.deliveries.considered_to(subscription, claim.edition + timedelta(days=1))
        desk.store.deliveries.quiet(claim, looked_to=looked_to or 0, until=until, now=now)
        log.info("%s, %s: nothing to read (%s)", subscription.channel, claim.edition, claim.nothing)
    else:
        desk.store.deliveries.finish(claim, now=now)
        log.info("delivered %s to %s, %d pages", claim.edition, subscription.channel, len(claim.pages))


def _planned(channel: Channel, edition: date, number: int, page: Page) -> PlannedPage:
    name = f"{channel} {edition.isoformat()} {number}"
    key = hashlib.sha256(name.encode()).hexdigest()[:KEY_LENGTH]
    return PlannedPage(number, key, page.payload, page.papers, page.in_thread)


async def _post_pages(claim: Claim, platform: Platform, desk: Desk) -> None:
    """One after the other, from where the last try stopped: the order in the channel is the order of the digest."""
    thread: str | None = None
    for page in claim.pages:
        receipt = await _landed(claim, page, platform, desk, thread)
        thread = receipt if page.number == 0 else thread


async def _landed(
    claim: Claim, page: PlannedPage, platform: Platform, desk: Desk, thread: str | None
) -> str | None:
    """The receipt of a page, posted now unless it already was; None for one that is given up."""
    match page.state:
        case PageState.POSTED | PageState.SKIPPED:
            return page.receipt
        case PageState.PLANNED:
            return await _post(claim, page, platform, desk, thread)
        case PageState.POSTING:
            return await _reconcile(claim, page, platform, desk, thread)
        case PageState.CHANGING:
            return await _edit(claim, page, platform, desk, thread)


async def _post(
    claim: Claim, page: PlannedPage, platform: Platform, desk: Desk, thread: str | None
) -> str | None:
    ledger, channel = desk.store.deliveries, claim.subscription.channel
    await asyncio.to_thread(ledger.posting, claim, page.number, now=desk.clock(), lease=desk.lease)
    try:
        receipt = await _in_time(
            platform.post(channel, _as_page(page), key=page.key, thread=thread if page.in_thread else None),
            desk,
        )
    except PostError as error:
        if error.outcome is not Outcome.UNKNOWN:
            await asyncio.to_thread(ledger.not_posted, claim, page.number)
        raise
    await asyncio.to_thread(ledger.posted, claim, page.number, receipt, now=desk.clock())
    return receipt


async def _edit(
    claim: Claim, page: PlannedPage, platform: Platform, desk: Desk, thread: str | None
) -> str | None:
    """A posted page is made what it now is to say; where the message is not there any more, it is posted anew."""
    ledger, channel, receipt = desk.store.deliveries, claim.subscription.channel, page.receipt or ""
    try:
        await _in_time(platform.edit(channel, receipt, _as_page(page)), desk)
    except PostError as error:
        if error.outcome is not Outcome.REFUSED:
            raise
        await asyncio.to_thread(ledger.not_posted, claim, page.number)
        return await _post(claim, page, platform, desk, thread)
    await asyncio.to_thread(ledger.posted, claim, page.number, receipt, now=desk.clock())
    return receipt


async def _in_time(posting: Coroutine[Any, Any, _T], desk: Desk) -> _T:
    try:
        async with asyncio.timeout(desk.time_out.total_seconds()):
            return await posting
    except TimeoutError:
        seconds = desk.time_out.total_seconds()
        raise PostError(
            f"No answer within {seconds:g} seconds; it may have arrived.", Outcome.UNKNOWN
        ) from None


async def _reconcile(
    claim: Claim, page: PlannedPage, platform: Platform, desk: Desk, thread: str | None
) -> str | None:
    """A page that was on its way when its process died: the channel knows, or else the setting decides."""
    ledger, channel = desk.store.deliveries, claim.subscription.channel
    since = datetime.combine(claim.edition, time(), UTC) - EARLIEST
    found = await platform.find(channel, key=page.key, since=since)
    if found is None or (found is CANNOT_ASK and desk.on_unknown is OnUnknown.RESEND):
        return await _post(claim, page, platform, desk, thread)
    receipt = None if found is CANNOT_ASK else found
    if receipt is None:
        log.warning("%s, %s: page %d may be missing; not sent again", channel, claim.edition, page.number + 1)
    await asyncio.to_thread(ledger.posted, claim, page.number, receipt, now=desk.clock())
    return receipt


def _as_page(planned: PlannedPage) -> Page:
    return Page(planned.payload, planned.papers, planned.in_thread)


async def _put_off(claim: Claim, reason: str, desk: Desk, *, for_good: bool = False) -> None:
    """Write down why it failed, and when it is tried again, if it is."""
    ledger = desk.store.deliveries
    wait = min(FIRST_WAIT * 2 ** (claim.attempts - 1), LONGEST_WAIT)
    for_good = for_good or claim.attempts >= desk.attempts
    log.error(
        "%s, %s: %s%s", claim.subscription.channel, claim.edition, reason, " Given up." if for_good else ""
    )
    try:
        if for_good:
            await asyncio.to_thread(ledger.fail, claim, reason)
        else:
            await asyncio.to_thread(ledger.wait, claim, reason, until=desk.clock() + wait)
    except (LeaseLostError, PaperroundError) as error:
        log.warning("the reason could not be written down: %s", error)
