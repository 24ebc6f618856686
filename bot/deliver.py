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

from bot.pace import Pace
from bot.platforms import CANNOT_ASK, Outcome, Page, Platform, PostError, Unknown
from bot.platforms.tries import in_time
from bot.present import digest_message
from bot.together import Together
from digests.build import Came, Habits, Window, build, windows
from digests.errors import InputError, PaperroundError
from digests.model import Channel, Heartbeat, Nothing, Said, Subscription
from digests.ports import (
    Begins,
    Claim,
    Deliveries,
    GoesOut,
    Landed,
    LeaseLostError,
    PageState,
    Plan,
    PlannedPage,
    Store,
    Word,
)
from digests.schedule import ends_at

log = logging.getLogger(__name__)

KEY_LENGTH = 25
"""Characters of a page's key: Discord takes no longer nonce."""

FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(minutes=15)
"""Waits between tries double from the first to the longest, and chance adds up to a quarter."""

FEWEST_DEATHS = 2
"""A process may die once for reasons of its own."""

EARLIEST = timedelta(days=1)
"""An edition's date is a local one: nothing of it is posted longer before its midnight in UTC."""


class OnUnknown(StrEnum):
    """What to do with a page of which nobody can say whether it was posted."""

    SKIP = "skip"
    RESEND = "resend"


@dataclass(frozen=True, slots=True)
class Desk:
    """All that a delivery needs. `owner` names this process in the ledger, `clock` gives instants in UTC.

    What fails is tried again until its local day ends, and at least `attempts` times in a row without a page landing between
    them; what ends its process as often is given up. `settle` is how long a
    channel's history may lag behind its posts. `at_once` deliveries are under way, `at_once_a_workspace` of one workspace.
    """

    store: Store
    platforms: Mapping[str, Platform]
    habits: Habits
    owner: str
    clock: Callable[[], datetime]
    on_unknown: OnUnknown = OnUnknown.SKIP
    lease: timedelta = timedelta(minutes=5)
    attempts: int = 6
    time_out: timedelta = timedelta(seconds=30)
    merge_missed: bool = True
    settle: timedelta = timedelta()
    paces: Mapping[str, Pace] = field(default_factory=dict)
    at_once: int = 100
    at_once_a_workspace: int = 8
    chance: Callable[[], float] = random.random
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    rendered: "Rendered" = field(default_factory=lambda: Rendered())
    together: Together = field(default_factory=Together)

    @property
    def looking(self) -> timedelta:
        """How long one look for a page may take: of a long history, or a forum with many posts, it is many requests.

        Two looks, the wait between them and the post that may follow are within one lease.
        """
        return max(self.time_out, (self.lease - self.settle - 2 * self.time_out) / 2)


async def deliver_edition(subscription: Subscription, edition: date, *, desk: Desk) -> bool:
    """One edition of one channel, outside its hour; False when it was posted before, is under way, or was given up in the
    middle."""
    claim = await asyncio.to_thread(
        desk.store.deliveries.claim,
        subscription,
        edition,
        owner=desk.owner,
        now=desk.clock(),
        lease=desk.lease,
        again=True,
    )
    if claim is not None:
        await deliver(claim, desk=desk)
    return claim is not None


async def deliver(claim: Claim, *, desk: Desk) -> None:
    """Bring one edition to one channel, or leave it in the ledger with the reason and the next try."""
    channel, edition, landed = claim.subscription.channel, claim.edition, list[str | None]()
    try:
        platform = _platform(claim, desk)
        if claim.deaths >= max(desk.attempts, FEWEST_DEATHS):
            raise PostError(_LEFT.format(claim.deaths), Outcome.REFUSED)
        with desk.together.one_more():
            if plan := await _plan(claim, platform, desk):
                await _post_pages(plan, platform, desk, landed)
                await _finish(plan.claim, desk)
    except LeaseLostError as lost:
        log.warning("left to another process: %s", lost)
    except PostError as error:
        if error.outcome in (Outcome.GONE, Outcome.REFUSED):
            await _fail(claim, str(error), desk, stop=error.outcome is Outcome.GONE)
        else:
            await _put_off(claim if not landed else replace(claim, failures=0), str(error), desk)
    except InputError as error:  # Its wish is at fault, tomorrow as today.
        await _fail(claim, str(error), desk, stop=True)
    except PaperroundError as error:
        await _put_off(claim if not landed else replace(claim, failures=0), str(error), desk)
    except Exception as error:
        log.exception("delivering %s to %s failed", edition, channel)
        await _put_off(
            claim if not landed else replace(claim, failures=0), f"{type(error).__name__}: {error}", desk
        )


_LEFT = "Its process died over it {} times in a row."


def _platform(claim: Claim, desk: Desk) -> Platform:
    platform = desk.platforms.get(claim.subscription.channel.platform)
    if platform is None:
        known = ", ".join(desk.platforms)
        name = claim.subscription.channel.platform
        raise PostError(f"The platform {name!r} is not set up here; these are: {known}.", Outcome.NOT_POSTED)
    return platform


_DONE = (PageState.POSTED, PageState.SKIPPED)
"""Nothing is left to do about such a page."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A claim with its pages. `considered_to` belongs to a plan that is still to be written down: with its first page."""

    claim: Claim
    considered_to: int | None = None


async def _plan(claim: Claim, platform: Platform, desk: Desk) -> Planned | None:
    """Build and render the digest, unless that was done before; None where a quiet day stays one."""
    if claim.quiet_until:
        again = await asyncio.to_thread(_look_again, claim, claim.quiet_until, platform, desk)
        return Planned(again) if again else None
    if claim.pages:
        return Planned(claim)
    made = await desk.together.do("make", (claim, platform), partial(_make, desk), partial(_make_all, desk))
    planned = replace(claim, pages=_planned_pages(made, claim), nothing=made.nothing)
    if planned.pages:
        return Planned(planned, made.considered_to)
    await _write_down(Plan(planned, made.considered_to), desk)
    return Planned(planned)


def _make(desk: Desk, asked: tuple[Claim, Platform]) -> "Made":
    claim, platform = asked
    return desk.rendered.get(claim, platform, desk)


def _make_all(desk: Desk, asked: Sequence[tuple[Claim, Platform]]) -> "Sequence[Made]":
    return desk.rendered.all(asked, desk)


def _look_again(claim: Claim, until: datetime, platform: Platform, desk: Desk) -> Claim | None:
    """Papers came in after the channel had heard of nothing: their digest takes that message's place, if there is one."""
    now, ledger = desk.clock(), desk.store.deliveries
    made = desk.rendered.get(claim, platform, desk)
    if made.nothing or now >= until:
        ledger.quiet(claim, looked_to=made.considered_to, until=until, now=now)
        return None
    pages = _planned_pages(made, claim)
    return ledger.plan_anew(claim, pages, considered_to=made.considered_to)


def _planned_pages(made: "Made", claim: Claim) -> tuple[PlannedPage, ...]:
    name = f"{claim.subscription.channel} {claim.edition.isoformat()}"
    return tuple(_planned(page, name, number, made.said) for number, page in enumerate(made.pages))


async def _finish(claim: Claim, desk: Desk) -> None:
    """Every page has landed. What is still to be written down then is written down here."""
    channel = claim.subscription.channel
    if claim.nothing:
        await asyncio.to_thread(_finish_quietly, claim, desk)
        log.info("%s, %s: nothing to read (%s)", channel, claim.edition, claim.nothing)
        return
    if all(page.state in _DONE for page in claim.pages):  # Nothing was left to be posted.
        await asyncio.to_thread(desk.store.deliveries.finish, claim)
    log.info("delivered %s to %s, %d pages", claim.edition, channel, len(claim.pages))


def _finish_quietly(claim: Claim, desk: Desk) -> None:
    subscription, ledger = claim.subscription, desk.store.deliveries
    looked_to = ledger.considered_to(subscription, claim.edition + timedelta(days=1))
    until = ends_at(subscription.schedule, claim.edition)
    ledger.quiet(claim, looked_to=looked_to or 0, until=until, now=desk.clock())


async def _write_down(word: Word, desk: Desk) -> None:
    """One word into the ledger; it is there for good when this returns."""
    ledger = desk.store.deliveries
    kind = type(word).__name__  # Each kind by itself: half as many statements for the same words.
    await desk.together.do(kind, word, partial(_write_one, ledger), partial(_write_many, ledger))


def _write_one(ledger: Deliveries, word: Word) -> None:
    ledger.write([word])


def _write_many(ledger: Deliveries, words: Sequence[Word]) -> Sequence[None]:
    ledger.write(words)
    return [None] * len(words)


@dataclass(frozen=True, slots=True)
class Made:
    """A digest in the form that a platform takes, and the number of the newest change it considered.

    `said` is what it says of its papers. No pages where there is `nothing` to read and the settings say not to tell.
    """

    pages: tuple[Page, ...]
    considered_to: int
    nothing: Nothing | None
    said: Mapping[str, Said]


MOST_RENDERED = 64
"""Digests that are kept for the channels that want the same."""


@dataclass(slots=True)
class Rendered:
    """Digests of this minute, so that channels which wish the same, and had the same, share one.

    The key holds all that a digest depends on: platform, wish, schedule, edition, hour, what was missed, and whether the
    channel was told that there is nothing; the window of changes and the papers in it that were shown; the last change of any paper; and the minute, for what is true at an
    instant (whether sources are well).
    """

    _kept: OrderedDict[Hashable, Made] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, claim: Claim, platform: Platform, desk: Desk) -> Made:
        """The digest of a claim on its platform, made now unless the same was made before."""
        return self.all([(claim, platform)], desk)[0]

    def all(self, asked: Sequence[tuple[Claim, Platform]], desk: Desk) -> list[Made]:
        """The same for many, in their order."""
        store, now = desk.store, desk.clock()
        last = store.papers.last_change()  # First: what changes from here on makes them anew.
        editions = [(claim.subscription, claim.edition, _came(claim, desk)) for claim, _ in asked]
        views = windows(editions, store=store, habits=desk.habits, now=now)
        minute = now.replace(second=0, microsecond=0)
        return [
            self._made(claim, platform, desk, view, now, (last, minute))
            for (claim, platform), view in zip(asked, views, strict=True)
        ]

    def _made(
        self, claim: Claim, platform: Platform, desk: Desk, view: Window, now: datetime, seen: Hashable
    ) -> Made:
        one, came = claim.subscription, _came(claim, desk)
        told_before = bool(claim.quiet_until and claim.pages)
        key = (platform.name, one.wish, one.schedule, claim.edition, came, told_before, view, seen)
        with self._lock:  # Two threads that want the same make it once.
            made = self._kept.get(key)
            if made is None:
                # Of the view in the key: the channel itself may have been shown more since, by whoever took it over.
                made = self._kept[key] = _made(claim, came, told_before, platform, desk, view, now)
            self._kept.move_to_end(key)
            while len(self._kept) > MOST_RENDERED:
                self._kept.popitem(last=False)
        return made


def _came(claim: Claim, desk: Desk) -> Came:
    return Came(None if claim.quiet_until else claim.due_at, claim.first_missed, desk.merge_missed)


def _made(
    claim: Claim, came: Came, told_before: bool, platform: Platform, desk: Desk, view: Window, now: datetime
) -> Made:
    one = claim.subscription
    digest = build(one, claim.edition, store=desk.store, habits=desk.habits, now=now, came=came, view=view)
    unsaid = digest.nothing and digest.heartbeat is Heartbeat.OFF
    message = digest_message(replace(digest, came_late=told_before))
    pages = () if unsaid else tuple(platform.render(message, one.wish.style))
    said = {pick.scored.paper.id: pick.scored.said for pick in digest.picks}
    return Made(pages, digest.considered_to, digest.nothing, said)


def _planned(page: Page, digest: str, number: int, said: Mapping[str, Said]) -> PlannedPage:
    key = hashlib.sha256(f"{digest} {number}".encode()).hexdigest()[:KEY_LENGTH]
    return PlannedPage(number, key, page.payload, page.papers, page.in_thread, said=said)


async def _post_pages(planned: Planned, platform: Platform, desk: Desk, landed: list[str | None]) -> None:
    """One after the other, from where the last try stopped: the order in the channel is the order of the digest.

    `landed` gets the receipts of those that are posted now.
    """
    claim, thread = planned.claim, None
    for page in claim.pages:
        considered_to = planned.considered_to if page.number == 0 else None
        receipt = await _landed(claim, page, platform, desk, thread, considered_to)
        thread = receipt if page.number == 0 else thread
        if page.state not in _DONE:
            landed.append(receipt)


async def _landed(
    claim: Claim,
    page: PlannedPage,
    platform: Platform,
    desk: Desk,
    thread: str | None,
    considered_to: int | None,
) -> str | None:
    """The receipt of a page, posted now unless it already was; None for one that is given up."""
    match page.state:
        case PageState.POSTED | PageState.SKIPPED:
            return page.receipt
        case PageState.PLANNED:
            return await _post(claim, page, platform, desk, thread, considered_to)
        case PageState.POSTING:
            return await _reconcile(claim, page, platform, desk, thread)
        case PageState.CHANGING:
            return await _edit(claim, page, platform, desk, thread)


async def _post(
    claim: Claim,
    page: PlannedPage,
    platform: Platform,
    desk: Desk,
    thread: str | None,
    considered_to: int | None = None,
) -> str | None:
    """Write down that the page goes out, which fences off every other process, and post it in what time is left.

    `considered_to` is given where the plan is to be written down with it.

    One time-out, shorter than the lease, spans both: a process that was stopped or asleep in between and goes on after
    its lease has no time left, and does not reach the wire.
    """
    ledger, channel = desk.store.deliveries, claim.subscription.channel
    await _turn(channel, platform, desk)
    began, started = desk.clock(), monotonic()
    if considered_to is None:
        await _write_down(GoesOut(claim, page.number, began, desk.lease), desk)
    else:
        await _write_down(Begins(claim, considered_to, began, desk.lease), desk)
    left = desk.time_out - max(desk.clock() - began, timedelta(seconds=monotonic() - started))
    if left <= timedelta():
        await asyncio.to_thread(ledger.not_posted, claim, page.number)
        raise PostError("The ledger took too long to be written.", Outcome.NOT_POSTED)
    try:
        posting = platform.post(
            channel, _as_page(page), key=page.key, thread=thread if page.in_thread else None
        )
        receipt = await in_time(posting, left)
    except PostError as error:
        if error.outcome is not Outcome.UNKNOWN:
            await asyncio.to_thread(ledger.not_posted, claim, page.number)
        raise
    await _write_landed(claim, page, receipt, desk)
    return receipt


async def _write_landed(claim: Claim, page: PlannedPage, receipt: str | None, desk: Desk) -> None:
    """With the last page of a digest the delivery is done."""
    last = claim.nothing is None and page is claim.pages[-1]
    await _write_down(Landed(claim, page.number, receipt, desk.clock(), last), desk)


async def _turn(channel: Channel, platform: Platform, desk: Desk) -> None:
    if pace := desk.paces.get(platform.name):
        await pace.turn(channel)


async def _edit(
    claim: Claim, page: PlannedPage, platform: Platform, desk: Desk, thread: str | None
) -> str | None:
    """A posted page is made what it now is to say; where the message is not there any more, it is posted anew."""
    ledger, channel, receipt = desk.store.deliveries, claim.subscription.channel, page.receipt or ""
    await _turn(channel, platform, desk)
    try:
        await in_time(platform.edit(channel, receipt, _as_page(page)), desk.time_out)
    except PostError as error:
        if error.outcome is not Outcome.REFUSED:
            raise
        await asyncio.to_thread(ledger.not_posted, claim, page.number)
        return await _post(claim, page, platform, desk, thread)
    await _write_landed(claim, page, receipt, desk)
    return receipt


async def _reconcile(
    claim: Claim, page: PlannedPage, platform: Platform, desk: Desk, thread: str | None
) -> str | None:
    """A page that was on its way when its process died: the channel knows, or else the setting decides."""
    channel = claim.subscription.channel
    found = await _found(claim, page, platform, desk)
    # What was just posted may not be in the history yet. And where a clock jumped, or those of two machines differ, the
    # request is still under way although its lease, or the wait after it, is over: no longer once a time-out has passed.
    if found is None:
        await desk.sleep((desk.settle + desk.time_out).total_seconds())
        found = await _found(claim, page, platform, desk)
    if found is None or (found is CANNOT_ASK and desk.on_unknown is OnUnknown.RESEND):
        return await _post(claim, page, platform, desk, thread)
    receipt = None if found is CANNOT_ASK else found
    if receipt is None:
        log.warning("%s, %s: page %d may be missing; not sent again", channel, claim.edition, page.number + 1)
    await _write_landed(claim, page, receipt, desk)
    return receipt


async def _found(claim: Claim, page: PlannedPage, platform: Platform, desk: Desk) -> str | Unknown | None:
    since = datetime.combine(claim.edition, time(), UTC) - EARLIEST
    finding = platform.find(claim.subscription.channel, key=page.key, since=since)
    try:
        return await in_time(finding, desk.looking)
    except PostError as error:
        if error.outcome is not Outcome.REFUSED:
            raise
        # The question is refused, not the page: it is asked again later.
        raise PostError(str(error), Outcome.NOT_POSTED) from error


def _as_page(planned: PlannedPage) -> Page:
    return Page(planned.payload, planned.papers, planned.in_thread)


async def _put_off(claim: Claim, reason: str, desk: Desk) -> None:
    """Write down why it failed, and when it is tried again, if it is."""
    until = desk.clock() + _wait(claim.failures, desk)
    day_is_over = until >= ends_at(claim.subscription.schedule, claim.edition)
    if day_is_over and claim.failures + 1 >= desk.attempts:
        await _fail(claim, reason, desk)
        return
    log.warning("%s, %s: %s", claim.subscription.channel, claim.edition, reason)
    await _write(lambda: desk.store.deliveries.wait(claim, reason, until=until))


async def _fail(claim: Claim, reason: str, desk: Desk, *, stop: bool = False) -> None:
    """Give the edition up. Who subscribed the channel is to hear of it; whoever runs Paperround reads it in the log and by
    `paperround status`. With `stop` no further edition comes until a person mends that."""
    log.error("%s, %s: %s Given up.", claim.subscription.channel, claim.edition, reason)
    fail = partial(desk.store.deliveries.fail, claim, reason, now=desk.clock(), stop=stop)
    await _write(partial(fail, unknown_is_lost=desk.on_unknown is OnUnknown.RESEND))


async def _write(writing: Callable[[], None]) -> None:
    """Where it cannot be written down, the lease runs out and another try finds out the same."""
    try:
        await asyncio.to_thread(writing)
    except (LeaseLostError, PaperroundError) as error:
        log.warning("not written down: %s", error)
    except Exception:
        log.exception("not written down")


def _wait(failures: int, desk: Desk) -> timedelta:
    """Longer each time, and up to a quarter more by chance, so that what failed together does not come back together."""
    wait: timedelta = min(FIRST_WAIT * 2 ** min(failures, 9), LONGEST_WAIT)
    return wait * (1 + desk.chance() / 4)
