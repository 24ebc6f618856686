"""Delivery: every page is posted once, whatever crashes, fails or does not answer."""

import asyncio
import itertools
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from time import sleep
from typing import Any

import pytest

from bot.chat.attempt import current_attempt
from bot.chat.port import CANNOT_ASK, Outcome, Page, PostError
from bot.delivery.context import UnknownPolicy
from bot.delivery.deliver import MAX_LOST_ANSWERS, deliver_claim
from bot.delivery.rate_limit import RateLimiter, RateLimits
from digests.errors import StoreError
from digests.model import ReviewTexts
from digests.ports.outbox import Claim, DeliveryKind, DeliveryState, PageState
from digests.subscription import Channel, DigestStyle, Schedule, Subscription
from digests.translation import digest_texts, list_texts
from tests.bot.delivery.contexts import (
    CHANNEL,
    LEASE,
    World,
    a_context,
    a_platform_that_loses,
    a_world,
    fail_at,
)
from tests.builders import NOW, a_review, a_subscription
from tests.fakes.platform import KilledError, MemoryPlatform, PostedPages, do_nothing
from tests.outbox import find_shown_papers


def test_a_digest_is_posted_once_when_it_is_due() -> None:
    world = a_world()
    world.now -= timedelta(seconds=1)
    world.tick()
    assert world.posted_pages.pages == []
    world.now += timedelta(seconds=1)
    for _ in range(3):
        world.tick()
    assert len(world.posted_pages.papers_in(CHANNEL)) == 3
    assert len(world.posted_pages.pages) == 4


def test_a_channel_reads_the_translation_into_its_language_and_the_others_the_original() -> None:
    world = World()
    world.add_papers("2401.00000")
    world.subscribe(a_subscription("english"), a_subscription("german", language="de"))
    source = digest_texts(list_texts(a_review()))
    german = ReviewTexts("Es geht.", ("Nur A ist geprüft",))
    world.store.translations.save("2401.00000", "de", source, german, now=world.now)
    world.tick()
    pages = [(channel, str(page.payload)) for channel, _, page in world.posted_pages.pages]
    told = {channel for channel, payload in pages if "Es geht." in payload and "Nur A" in payload}
    assert told == {str(Channel("console", "german"))}
    assert {channel for channel, payload in pages if a_review().tldr in payload} == {
        str(Channel("console", "english"))
    }


def test_the_next_edition_considers_only_the_papers_since_the_last_one() -> None:
    world = a_world()
    world.tick()
    world.now += timedelta(hours=12)
    world.add_papers("2402.00009")
    world.now += timedelta(hours=12)
    world.tick()
    (card,) = world.posted_pages.papers_in(CHANNEL)[3:]
    assert card == "2402.00009"
    assert "· 1 paper" in str(world.posted_pages.pages[4][2].payload)


def test_cards_in_a_thread_follow_the_first_page() -> None:
    world = a_world(style=DigestStyle.THREAD)
    platform = MemoryPlatform(world.posted_pages)
    world.tick(platform)
    first = f"receipt {world.posted_pages.keys_in(CHANNEL)[0]}"
    assert platform.threads == [None, first, first, first]


def a_killed_platform(posted_pages: PostedPages, side: str, page: int) -> MemoryPlatform:
    dies = fail_at(page, KilledError())
    return (
        MemoryPlatform(posted_pages, before_post=dies)
        if side == "before"
        else MemoryPlatform(posted_pages, after_post=dies)
    )


@pytest.mark.parametrize("page", [1, 2, 4])
@pytest.mark.parametrize("side", ["before", "after"])
def test_a_worker_killed_around_any_post_leaves_each_page_posted_once(side: str, page: int) -> None:
    world = a_world()
    with pytest.raises(BaseExceptionGroup):
        world.tick(a_killed_platform(world.posted_pages, side, page))
    world.tick()
    assert len(world.posted_pages.pages) == page - (side == "before")
    world.now += LEASE
    world.tick()
    world.tick()
    keys = world.posted_pages.keys_in(CHANNEL)
    assert len(keys) == len(set(keys)) == 4
    assert world.posted_pages.papers_in(CHANNEL) == sorted(world.posted_pages.papers_in(CHANNEL))


@pytest.mark.parametrize(("side", "page"), [("before", 2), ("after", 1)])
def test_a_resumed_thread_continues_under_its_first_page(side: str, page: int) -> None:
    world = a_world(style=DigestStyle.THREAD)
    with pytest.raises(BaseExceptionGroup):
        world.tick(a_killed_platform(world.posted_pages, side, page))
    world.now += LEASE
    platform = MemoryPlatform(world.posted_pages)
    world.tick(platform)
    assert platform.threads == [f"receipt {world.posted_pages.keys_in(CHANNEL)[0]}"] * 3


def test_the_plan_and_the_first_page_are_written_in_one_transaction() -> None:
    world = a_world()

    class KilledAfterTheFirstWrite:
        def __getattr__(self, name: str) -> Any:
            method = getattr(world.store.outbox, name)

            def call(*arguments: Any, **named: Any) -> Any:
                result = method(*arguments, **named)
                if name == "apply":
                    raise KilledError
                return result

            return call

    outbox: Any = KilledAfterTheFirstWrite()
    with pytest.raises((KilledError, BaseExceptionGroup)):
        world.tick(store=replace(world.store, outbox=outbox))
    (delivery,) = world.history()
    assert [page.state for page in delivery.pages] == [PageState.POSTING, *[PageState.PLANNED] * 3]
    assert world.posted_pages.pages == []


@pytest.mark.parametrize(
    ("on_unknown", "posted", "states"),
    [
        (UnknownPolicy.SKIP, 3, {PageState.POSTED, PageState.SKIPPED}),
        (UnknownPolicy.RESEND, 4, {PageState.POSTED}),
    ],
)
def test_the_unknown_policy_decides_where_a_channel_has_no_history(
    on_unknown: UnknownPolicy, posted: int, states: set[PageState]
) -> None:
    world = a_world()
    with pytest.raises(BaseExceptionGroup):
        world.tick(MemoryPlatform(world.posted_pages, before_post=fail_at(2, KilledError())))
    world.now += LEASE
    world.tick(MemoryPlatform(world.posted_pages, can_ask=False), on_unknown=on_unknown)
    assert len(world.posted_pages.pages) == posted
    (delivery,) = world.history()
    assert {page.state for page in delivery.pages} == states


@pytest.mark.parametrize(
    ("on_unknown", "papers"), [(UnknownPolicy.SKIP, {"2401.00000"}), (UnknownPolicy.RESEND, set())]
)
def test_the_unknown_policy_decides_if_a_page_in_doubt_counts_as_shown(
    on_unknown: UnknownPolicy, papers: set[str]
) -> None:
    world = a_world()
    world.tick(a_platform_that_loses(world.posted_pages, 2))

    class Gone(MemoryPlatform):
        async def find(self, channel: Channel, *, key: str, since: datetime) -> Any:
            raise PostError("The channel was archived.", Outcome.GONE)

    world.now += timedelta(minutes=1)
    world.tick(Gone(world.posted_pages), on_unknown=on_unknown)
    (subscription,) = world.store.subscriptions.list_active()
    assert world.history()[0].state is DeliveryState.FAILED
    assert find_shown_papers(world.store, subscription, 0, 9) == papers


def test_a_page_posted_before_its_edition_begins_in_utc_is_searched_for() -> None:
    world, posted_at = a_world(), datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
    tokyo = Schedule(time(0, 30), time_zone="Asia/Tokyo")
    world.subscribe(replace(a_subscription(), schedule=tokyo))
    world.now = posted_at
    world.tick(a_platform_that_loses(world.posted_pages, 2))
    searched_since = list[datetime]()

    class Watched(MemoryPlatform):
        async def find(self, channel: Channel, *, key: str, since: datetime) -> Any:
            searched_since.append(since)
            return await super().find(channel, key=key, since=since)

    world.now += timedelta(minutes=1)
    world.tick(Watched(world.posted_pages))
    assert len(world.posted_pages.pages) == 4
    assert max(searched_since) < posted_at


def test_a_page_whose_answer_was_lost_is_found_and_the_digest_goes_on() -> None:
    world, waits = a_world(), list[float]()

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    platform = a_platform_that_loses(world.posted_pages, 2, before_find=do_nothing)
    world.tick(platform, sleep=sleep, history_lag=timedelta(seconds=2))
    (delivery,) = world.history()
    assert (delivery.state, delivery.attempts) == (DeliveryState.POSTED, 1)
    assert len(set(world.posted_pages.keys_in(CHANNEL))) == len(world.posted_pages.pages) == 4
    assert waits == [2]


def test_a_new_main_digest_is_posted_beside_the_pages_of_the_one_that_was_renamed_that_day() -> None:
    world = a_world()
    world.subscribe()

    def change(name: str, new_name: str) -> None:
        wanted = replace(a_subscription(), name=new_name)
        minute_before = world.now - timedelta(minutes=1)
        assert world.store.subscriptions.change(CHANNEL, wanted, by="Ada", now=minute_before, name=name)

    change("", "")
    world.tick()
    change("", "papers")
    change("", "")
    world.now += timedelta(hours=1)
    world.add_papers("2402.00001")
    # The request is lost before it arrives: no page is in the channel, and any that is found is another's.
    world.tick(MemoryPlatform(world.posted_pages, before_post=fail_at(1, PostError("lost", Outcome.UNKNOWN))))
    assert world.posted_pages.papers_in(CHANNEL)[3:] == ["2402.00001"]
    assert len(world.posted_pages.pages) == 6


def test_a_page_that_never_arrived_is_posted_again_in_its_place() -> None:
    world, waits = a_world(), list[float]()

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    lost = PostError("dropped", Outcome.UNKNOWN)
    world.tick(
        MemoryPlatform(world.posted_pages, before_post=fail_at(2, lost)),
        sleep=sleep,
        history_lag=timedelta(seconds=2),
    )
    (delivery,) = world.history()
    assert (delivery.state, delivery.attempts) == (DeliveryState.POSTED, 1)
    assert world.posted_pages.papers_in(CHANNEL) == ["2401.00000", "2401.00001", "2401.00002"]
    assert waits == [2, 60]


def test_a_page_that_the_history_shows_late_is_not_posted_again() -> None:
    world, searches = a_world(), itertools.count(1)

    class Lagging(MemoryPlatform):
        async def find(self, channel: Channel, *, key: str, since: datetime) -> Any:
            return None if next(searches) == 1 else await super().find(channel, key=key, since=since)

    world.tick(
        Lagging(world.posted_pages, after_post=fail_at(2, PostError("dropped", Outcome.UNKNOWN))),
    )
    assert [report.state for report in world.history()] == [DeliveryState.POSTED]
    assert len(set(world.posted_pages.keys_in(CHANNEL))) == len(world.posted_pages.pages) == 4


def test_a_history_that_cannot_be_asked_at_first_loses_no_page() -> None:
    """Discord shows an empty history to an app without the right to read it, and for a moment to others."""
    world, searches = a_world(), itertools.count(1)

    class EmptyAtFirst(MemoryPlatform):
        async def find(self, channel: Channel, *, key: str, since: datetime) -> Any:
            return CANNOT_ASK if next(searches) == 1 else await super().find(channel, key=key, since=since)

    lost = PostError("dropped", Outcome.UNKNOWN)
    world.tick(EmptyAtFirst(world.posted_pages, before_post=fail_at(2, lost)))
    assert {page.state for page in world.history()[0].pages} == {PageState.POSTED}
    assert world.posted_pages.papers_in(CHANNEL) == ["2401.00000", "2401.00001", "2401.00002"]


def test_a_page_whose_answers_are_lost_too_often_is_retried_later() -> None:
    world, posts = a_world(), list[int]()

    def lose() -> None:
        posts.append(1)
        raise PostError("dropped", Outcome.UNKNOWN)

    world.tick(MemoryPlatform(world.posted_pages, before_post=lose))
    assert [report.state for report in world.history()] == [DeliveryState.UNKNOWN]
    assert len(posts) == MAX_LOST_ANSWERS + 1
    world.now += timedelta(minutes=2)
    world.tick()
    assert len(set(world.posted_pages.keys_in(CHANNEL))) == len(world.posted_pages.pages) == 4


def a_limiter_without_history(waits: list[float]) -> dict[str, RateLimiter]:
    """Build rate limiters whose one history request of this minute is used up."""

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    limiter = RateLimiter(RateLimits(history=1), now=lambda: 0.0, sleep=sleep)
    assert asyncio.run(limiter.acquire_history(CHANNEL, max_wait=0))
    return {"console": limiter}


def test_a_page_in_doubt_waits_for_a_history_request_of_its_workspace() -> None:
    world, waits, searches = a_world(), list[float](), list[int]()
    platform = a_platform_that_loses(world.posted_pages, 2, before_find=lambda: searches.append(1))
    world.tick(platform, rate_limiters=a_limiter_without_history(waits))
    assert [report.state for report in world.history()] == [DeliveryState.POSTED]
    assert (len(searches), waits) == (1, [60])
    assert len(world.posted_pages.pages) == 4


def test_a_refused_history_request_counts_as_no_look() -> None:
    world, searches = a_world(), list[int]()
    limiter = RateLimiter(RateLimits(history=40), sleep=_return_at_once)

    def refuse_first() -> None:
        searches.append(1)
        attempt = current_attempt()
        assert attempt
        if len(searches) == 1:
            attempt.demanded_wait = 50
            raise PostError("Slack asks to wait.", Outcome.NOT_POSTED)

    platform = a_platform_that_loses(world.posted_pages, 2, before_find=refuse_first)
    world.tick(platform, rate_limiters={"console": limiter})
    assert [report.state for report in world.history()] == [DeliveryState.POSTED]
    assert len(searches) == 2
    assert not asyncio.run(limiter.acquire_history(CHANNEL, max_wait=90))


async def _return_at_once(seconds: float) -> None:
    """Sleep of a limiter whose waits a test does not look at."""


def test_an_ambiguous_post_is_reconciled_before_it_is_retried() -> None:
    world = a_world()
    world.tick(a_platform_that_loses(world.posted_pages, 2))
    world.now += timedelta(minutes=1)
    world.tick()
    assert len(set(world.posted_pages.keys_in(CHANNEL))) == len(world.posted_pages.pages) == 4


def test_a_post_without_an_answer_ends_with_the_timeout() -> None:
    world = a_world()

    class Silent(MemoryPlatform):
        async def post(self, *arguments: Any, **named: Any) -> str:
            await asyncio.sleep(60)
            return ""

    # Long enough for the outbox on a busy machine: the timeout also covers its write.
    world.tick(Silent(world.posted_pages), timeout=timedelta(seconds=1))
    (delivery,) = world.history()
    assert "No answer" in delivery.reason


def test_a_refused_post_fails_for_good_with_its_reason() -> None:
    world = a_world()
    world.tick(
        MemoryPlatform(
            world.posted_pages, before_post=fail_at(1, PostError("channel is gone", Outcome.REFUSED))
        )
    )
    world.now += timedelta(minutes=10)
    world.tick()
    (delivery,) = world.history()
    assert (delivery.state, delivery.reason) == (DeliveryState.FAILED, "channel is gone")
    assert world.posted_pages.pages == []


def fail_post() -> None:
    raise PostError("Slack is out.", Outcome.NOT_POSTED)


def test_a_failed_digest_is_retried_until_its_day_ends() -> None:
    world = a_world()
    for _ in range(12):
        world.tick(MemoryPlatform(world.posted_pages, before_post=fail_post))
        world.now += timedelta(hours=1)
    assert world.posted_pages.pages == []
    world.tick()
    assert len(world.posted_pages.papers_in(CHANNEL)) == 3


def test_the_backoff_doubles_up_to_a_quarter_of_an_hour_with_jitter() -> None:
    world = a_world()
    waits = list[float]()
    for _ in range(6):
        world.tick(MemoryPlatform(world.posted_pages, before_post=fail_post), jitter=lambda: 1.0)
        next_try_at = world.history()[0].next_try_at
        assert next_try_at
        waits.append((next_try_at - world.now) / timedelta(minutes=1))
        world.now = next_try_at
    assert waits == [1.25, 2.5, 5, 10, 18.75, 18.75]


def test_a_failing_digest_is_given_up_when_its_day_ends_and_the_next_one_says_so() -> None:
    world = a_world()
    while world.now < NOW + timedelta(hours=14):
        world.tick(MemoryPlatform(world.posted_pages, before_post=fail_post), min_attempts=3)
        (delivery,) = world.history()
        assert delivery.state is DeliveryState.RETRYING
        world.now += timedelta(minutes=20)
    world.now = NOW + timedelta(hours=14, minutes=59)
    world.tick(MemoryPlatform(world.posted_pages, before_post=fail_post), min_attempts=3)
    assert world.history()[0].state is DeliveryState.FAILED
    world.now = NOW + timedelta(days=1)
    world.tick()
    assert len(world.posted_pages.papers_in(CHANNEL)) == 3
    notice = world.posted_pages.pages[0][2].payload["blocks"][1]["text"]
    assert notice == "The one of Tuesday 24 November never came; this one chooses from its papers too."


def test_an_edition_of_a_past_day_still_gets_the_minimum_of_attempts() -> None:
    world = a_world()
    with pytest.raises(BaseExceptionGroup):
        world.tick(a_killed_platform(world.posted_pages, "after", 2))
    world.now += timedelta(days=1, hours=2)
    for tries in range(3):
        assert world.history()[0].state is not DeliveryState.FAILED, tries
        world.tick(MemoryPlatform(world.posted_pages, before_post=fail_post), min_attempts=4)
        world.now += timedelta(minutes=20)
    world.tick()
    world.tick()
    assert world.posted_pages.papers_in(CHANNEL) == ["2401.00000", "2401.00001", "2401.00002"]


def test_pages_of_an_earlier_attempt_are_no_progress() -> None:
    world = a_world()
    out = PostError("Slack is out.", Outcome.NOT_POSTED)
    world.tick(MemoryPlatform(world.posted_pages, before_post=fail_at(2, out)))
    world.now += timedelta(days=1)
    for _ in range(4):
        assert world.history()[0].state is DeliveryState.RETRYING
        world.tick(MemoryPlatform(world.posted_pages, before_post=fail_post), min_attempts=4)
        world.now += timedelta(minutes=20)
    assert world.history()[-1].state is DeliveryState.FAILED


def test_a_failing_channel_does_not_affect_others() -> None:
    world = a_world()
    others = [a_subscription(name) for name in "ab"]
    failing = [a_subscription("bad domain", domains=("nowhere",)), Subscription(Channel("fax", "x"))]
    world.subscribe(failing[0], others[0], failing[1], others[1])
    world.tick()
    assert all(len(world.posted_pages.keys_in(subscription.channel)) == 4 for subscription in others)
    reasons = [
        world.store.delivery_reports.history(subscription, 1)[0].reason
        for subscription in world.store.subscriptions.list_active()
        if subscription.channel in (failing[0].channel, failing[1].channel)
    ]
    assert "Unknown domain 'nowhere'" in reasons[0]
    assert "'fax' is not set up" in reasons[1]
    stopped = [found.channel for found in world.store.subscriptions.list_active() if found.stop_reason]
    assert stopped == [failing[0].channel]


def test_a_short_failure_of_the_store_loses_no_digest(caplog: pytest.LogCaptureFixture) -> None:
    world = a_world()

    class Locked:
        def __getattr__(self, name: str) -> Any:
            raise StoreError("The store is locked.")

    locked: Any = Locked()
    world.tick(store=replace(world.store, library=locked))
    assert world.history()[0].state is DeliveryState.RETRYING
    world.now += timedelta(minutes=1)
    world.tick()
    assert len(world.posted_pages.pages) == 4


MISSED_TWO_DAYS = [
    (
        True,
        ["2401.00000", "2401.00001", "2401.00002", "2402.00001", "2402.00002"],
        "chooses from their papers too",
    ),
    (False, ["2402.00002"], "4 papers of that time were passed over"),
]


@pytest.mark.parametrize(("merge", "papers", "sentence"), MISSED_TWO_DAYS)
def test_an_edition_names_the_missed_ones_before_it_and_their_papers(
    merge: bool, papers: list[str], sentence: str
) -> None:
    world = a_world(top=9)
    for name in ("2402.00001", "2402.00002"):
        world.now += timedelta(hours=23)
        world.add_papers(name)
    world.now = NOW + timedelta(days=2, hours=1)
    world.tick(merge_missed=merge)
    assert world.posted_pages.papers_in(CHANNEL) == papers
    notice = world.posted_pages.pages[0][2].payload["blocks"][1]["text"]
    assert "This digest comes late: it was due on Thursday 26 November at 09:00." in notice
    assert "Those of Tuesday 24 November and Wednesday 25 November never came" in notice
    assert sentence in notice


def test_reconciling_waits_for_the_request_of_another_worker_before_a_resend() -> None:
    """A clock jump ends the lease while the request of the first worker is still in progress."""
    world = a_world()
    with pytest.raises(BaseExceptionGroup):
        world.tick(a_killed_platform(world.posted_pages, "before", 2))
    first_worker = MemoryPlatform(world.posted_pages)
    (subscription,) = world.store.subscriptions.list_active()
    page = world.history()[0].pages[1]

    waits = list[float]()

    async def receive_late_request(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 1:
            return
        await first_worker.post(
            subscription.channel, Page(page.payload, page.papers), key=page.idempotency_key, thread=None
        )

    world.now += timedelta(days=2)
    lag, timeout = timedelta(seconds=2), timedelta(seconds=30)
    world.tick(
        sleep=receive_late_request, timeout=timeout, history_lag=lag, absence_wait=timedelta(seconds=1)
    )
    assert waits == [2, 32]
    keys = world.posted_pages.keys_in(CHANNEL)
    assert len(keys) == len(set(keys))
    assert world.posted_pages.papers_in(CHANNEL) == ["2401.00000", "2401.00001", "2401.00002"]


def test_attempts_with_progress_do_not_count_as_failures() -> None:
    world = a_world(papers=5)
    for page in range(1, 7):
        world.tick(a_platform_that_loses(world.posted_pages, 1), min_attempts=2)
        assert len(world.posted_pages.pages) == page
        world.now += timedelta(minutes=2)
    world.tick()
    assert [report.state for report in world.history()] == [DeliveryState.POSTED]


def test_a_poison_delivery_is_given_up_and_affects_no_other() -> None:
    """The other deliveries are in progress whenever the poison delivery kills its worker."""
    world = a_world()
    others = [a_subscription(name) for name in "abc"]
    world.subscribe(a_subscription(), *others)

    class Deadly(MemoryPlatform):
        async def post(self, channel: Channel, *arguments: Any, **named: Any) -> str:
            if channel == CHANNEL:
                raise KilledError
            return await super().post(channel, *arguments, **named)

    for _ in range(12):
        with suppress(KilledError, BaseExceptionGroup):
            world.tick(Deadly(world.posted_pages), min_attempts=4)
        world.now += LEASE
    assert all(len(world.posted_pages.keys_in(subscription.channel)) == 4 for subscription in others)
    failed, *delivered = [
        world.store.delivery_reports.history(subscription, 9)[0]
        for subscription in world.store.subscriptions.list_active()
    ]
    assert (failed.state, failed.attempts) == (DeliveryState.FAILED, 5)
    assert failed.reason == "Its worker crashed over it 4 times in a row."
    assert {report.state for report in delivered} == {DeliveryState.POSTED}


def claim_recap(world: World) -> Claim:
    (subscription,) = world.store.subscriptions.list_active()
    claim = world.store.outbox.claim(
        subscription, NOW.date(), owner="r", now=world.now, lease=LEASE, kind=DeliveryKind.RECAP
    )
    assert claim
    return claim


def test_the_recap_of_a_quiet_week_posts_no_digest() -> None:
    world = a_world()
    context = a_context(
        world.store, {"console": MemoryPlatform(world.posted_pages)}, owner="r", clock=lambda: world.now
    )
    asyncio.run(deliver_claim(claim_recap(world), context=context))
    assert world.posted_pages.pages == []
    (subscription,) = world.store.subscriptions.list_active()
    (recap,) = world.store.delivery_reports.history(subscription, 9, kind=DeliveryKind.RECAP)
    assert (recap.state, recap.pages) == (DeliveryState.POSTED, ())


def test_a_worker_stopped_past_its_lease_does_not_post_when_it_resumes() -> None:
    """The clock jumps between the outbox write and the request, as in a stopped and resumed worker."""
    world = a_world()

    class Stopped:
        def __getattr__(self, name: str) -> Any:
            method = getattr(world.store.outbox, name)

            def call(*arguments: Any, **named: Any) -> Any:
                result = method(*arguments, **named)
                if name == "apply" and world.now == NOW:  # The write that marks the first page as being sent.
                    world.now += 2 * LEASE
                    world.tick()  # Another worker takes the delivery over and posts all pages.
                return result

            return call

    stopped: Any = Stopped()
    world.tick(store=replace(world.store, outbox=stopped))
    assert world.now == NOW + 2 * LEASE
    keys = world.posted_pages.keys_in(CHANNEL)
    assert len(keys) == len(set(keys)) == 4


def test_a_page_is_not_posted_after_a_slow_write_even_if_the_wall_clock_stood_still() -> None:
    """The wall clock is set back by the duration of the write."""
    world = a_world()

    class Slow:
        def __getattr__(self, name: str) -> Any:
            if name == "apply":
                sleep(0.1)
            return getattr(world.store.outbox, name)

    slow: Any = Slow()
    world.tick(store=replace(world.store, outbox=slow), timeout=timedelta(seconds=0.1))
    (delivery,) = world.history()
    assert (delivery.state, delivery.pages[0].state) == (DeliveryState.RETRYING, PageState.PLANNED)
    assert world.posted_pages.pages == []


def test_a_page_missing_from_a_lagging_history_is_searched_twice() -> None:
    world = a_world()
    world.tick(a_platform_that_loses(world.posted_pages, 2))
    searches = itertools.count(1)

    class Lagging(MemoryPlatform):
        async def find(self, channel: Channel, *, key: str, since: datetime) -> Any:
            return None if next(searches) == 1 else await super().find(channel, key=key, since=since)

    world.now += timedelta(minutes=1)
    assert [report.state for report in world.history()] == [DeliveryState.UNKNOWN]
    world.tick(Lagging(world.posted_pages), history_lag=timedelta(milliseconds=1))
    assert len(set(world.posted_pages.keys_in(CHANNEL))) == len(world.posted_pages.pages) == 4


def test_a_refused_search_gives_up_no_edition() -> None:
    world = a_world()
    world.tick(a_platform_that_loses(world.posted_pages, 2))

    class Unsearchable(MemoryPlatform):
        async def find(self, channel: Channel, *, key: str, since: datetime) -> Any:
            raise PostError("Slack refused the search.", Outcome.REFUSED)

    world.now += timedelta(minutes=1)
    world.tick(Unsearchable(world.posted_pages))
    assert [report.state for report in world.history()] == [DeliveryState.UNKNOWN]
    world.now += timedelta(minutes=5)
    world.tick()
    assert len(set(world.posted_pages.keys_in(CHANNEL))) == len(world.posted_pages.pages) == 4


def test_a_search_may_outlast_one_request_but_not_the_lease() -> None:
    world = a_world()
    world.tick(a_platform_that_loses(world.posted_pages, 2))

    class Long(MemoryPlatform):
        async def find(self, channel: Channel, *, key: str, since: datetime) -> Any:
            await asyncio.sleep(1.2)
            return await super().find(channel, key=key, since=since)

    class Endless(MemoryPlatform):
        async def find(self, channel: Channel, *, key: str, since: datetime) -> Any:
            await asyncio.sleep(60)

    world.now += timedelta(minutes=1)
    short_timeout = timedelta(seconds=0.1)
    world.tick(Endless(world.posted_pages), timeout=short_timeout, history_lag=LEASE - timedelta(seconds=1))
    (delivery,) = world.history()
    assert (delivery.state, "No answer within" in delivery.reason) == (DeliveryState.UNKNOWN, True)
    world.now += timedelta(minutes=5)
    world.tick(Long(world.posted_pages), timeout=timedelta(seconds=1))
    assert [report.state for report in world.history()] == [DeliveryState.POSTED]
    assert len(set(world.posted_pages.keys_in(CHANNEL))) == len(world.posted_pages.pages) == 4
