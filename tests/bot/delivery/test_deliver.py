"""Deliver: every page once, whatever dies, fails or stays silent on the way."""

import asyncio
import itertools
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import sleep
from typing import Any

import pytest

from bot.chat.message import Message
from bot.chat.port import Outcome, Page, PostError
from bot.delivery.deliver import UnknownPolicy
from bot.delivery.failure_notices import FailureNotifier
from bot.delivery.worker import deliver_due_editions
from digests.errors import StoreError
from digests.ports import Store
from digests.ports.outbox import DeliveryState, Outbox, PageState
from digests.subscription import Channel, DigestStyle, Subscription
from tests.bot.delivery.contexts import a_context
from tests.builders import NOW, a_paper, a_review, a_store, a_subscription
from tests.fakes.platform import KilledError, MemoryPlatform, PostedPages

pytestmark = pytest.mark.usefixtures("over_both")

LEASE = timedelta(minutes=5)
CHANNEL = a_subscription().channel


@dataclass(slots=True)
class World:
    """A store, a board and a clock, which outlive any process."""

    store: Store = field(default_factory=a_store)
    board: PostedPages = field(default_factory=PostedPages)
    now: datetime = NOW
    slept: list[float] = field(default_factory=list)

    def bring(self, *names: str) -> None:
        self.store.library.add([(a_paper(name), a_review()) for name in names], now=self.now)
        self.store.library.record_import(now=self.now)

    def subscribe(self, *channels: Subscription) -> None:
        self.store.subscriptions.sync_from_settings(channels, now=self.now - timedelta(minutes=1))

    def tick(self, platform: MemoryPlatform | None = None, **options: Any) -> None:
        """One tick of a process of its own."""
        platform = platform or MemoryPlatform(self.board)
        owner = f"process {next(_numbers)}"
        defaults = {"store": self.store, "jitter": lambda: 0.0, "sleep": self._sleep, "lease": LEASE}
        context = a_context(
            platforms={"console": platform}, owner=owner, clock=lambda: self.now, **{**defaults, **options}
        )
        asyncio.run(deliver_due_editions(context))

    def tell_owners(self, platform: MemoryPlatform) -> None:
        notifier = FailureNotifier(
            self.store.failure_notices, {"console": platform}, lambda: self.now, timedelta(seconds=30)
        )
        asyncio.run(notifier.send_due_notices())

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def history(self) -> Any:
        (subscription,) = self.store.subscriptions.list_active()
        return self.store.delivery_reports.history(subscription, 9)


_numbers = itertools.count(1)


def a_world(papers: int = 3, **wish: Any) -> World:
    world = World()
    world.bring(*(f"2401.0000{n}" for n in range(papers)))
    world.subscribe(a_subscription(**wish))
    return world


def test_a_digest_is_posted_at_its_hour_once_however_often_the_clock_ticks() -> None:
    world = a_world()
    world.now -= timedelta(seconds=1)
    world.tick()
    assert world.board.pages == []
    world.now += timedelta(seconds=1)
    for _ in range(3):
        world.tick()
    assert len(world.board.papers_in(CHANNEL)) == 3
    assert len(world.board.pages) == 4


def test_the_next_day_shows_only_what_is_new() -> None:
    world = a_world()
    world.tick()
    world.now += timedelta(hours=12)
    world.bring("2402.00009")
    world.now += timedelta(hours=12)
    world.tick()
    assert world.board.papers_in(CHANNEL)[3:] == ["2402.00009"]


def test_cards_in_a_thread_follow_the_first_page() -> None:
    world = a_world(style=DigestStyle.THREAD)
    platform = MemoryPlatform(world.board)
    world.tick(platform)
    first = f"receipt {world.board.keys_in(CHANNEL)[0]}"
    assert platform.threads == [None, first, first, first]


def raising(at: int, error: BaseException) -> Callable[[], None]:
    calls = itertools.count(1)

    def fault() -> None:
        if next(calls) == at:
            raise error

    return fault


def killed_platform(board: PostedPages, side: str, page: int) -> MemoryPlatform:
    dies = raising(page, KilledError())
    return (
        MemoryPlatform(board, before_post=dies)
        if side == "before"
        else MemoryPlatform(board, after_post=dies)
    )


@pytest.mark.parametrize("page", [1, 2, 3, 4])
@pytest.mark.parametrize("side", ["before", "after"])
def test_a_process_that_is_killed_around_any_post_leaves_each_page_posted_once(side: str, page: int) -> None:
    world = a_world()
    with pytest.raises(BaseExceptionGroup):
        world.tick(killed_platform(world.board, side, page))
    world.tick()
    assert len(world.board.pages) == page - (side == "before")
    world.now += LEASE
    world.tick()
    world.tick()
    keys = world.board.keys_in(CHANNEL)
    assert len(keys) == len(set(keys)) == 4
    assert world.board.papers_in(CHANNEL) == sorted(world.board.papers_in(CHANNEL))


class KilledLedger:
    """The ledger of a process that dies at its n-th call, before or after the call took effect."""

    def __init__(self, ledger: Outbox, at: int, *, after: bool) -> None:
        self._ledger = ledger
        self._left = at
        self._after = after

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._ledger, name)

        def call(*arguments: Any, **named: Any) -> Any:
            self._left -= 1
            if self._left < 0:
                raise KilledError
            if self._left == 0 and not self._after:
                raise KilledError
            result = method(*arguments, **named)
            if self._left == 0:
                raise KilledError
            return result

        return call


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 11))
def test_a_process_that_is_killed_around_any_word_in_the_ledger_leaves_each_page_posted_once(
    at: int, after: bool
) -> None:
    world = a_world()
    ledger: Any = KilledLedger(world.store.outbox, at, after=after)
    dying = replace(world.store, outbox=ledger)
    with pytest.raises((KilledError, BaseExceptionGroup)):
        world.tick(store=dying)
    world.now += LEASE
    world.tick()
    world.tick()
    keys = world.board.keys_in(CHANNEL)
    assert len(keys) == len(set(keys)) == 4
    assert [delivery.state for delivery in world.history()] == [DeliveryState.POSTED]


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

    ledger: Any = KilledAfterTheFirstWrite()
    with pytest.raises((KilledError, BaseExceptionGroup)):
        world.tick(store=replace(world.store, outbox=ledger))
    (delivery,) = world.history()
    assert [page.state for page in delivery.pages] == [PageState.POSTING, *[PageState.PLANNED] * 3]
    assert world.board.pages == []


@pytest.mark.parametrize(
    ("on_unknown", "posted", "states"),
    [
        (UnknownPolicy.SKIP, 3, {PageState.POSTED, PageState.SKIPPED}),
        (UnknownPolicy.RESEND, 4, {PageState.POSTED}),
    ],
)
def test_a_channel_that_cannot_be_asked_is_decided_by_the_setting(
    on_unknown: UnknownPolicy, posted: int, states: set[PageState]
) -> None:
    world = a_world()
    with pytest.raises(BaseExceptionGroup):
        world.tick(MemoryPlatform(world.board, before_post=raising(2, KilledError())))
    world.now += LEASE
    world.tick(MemoryPlatform(world.board, can_ask=False), on_unknown=on_unknown)
    assert len(world.board.pages) == posted
    (delivery,) = world.history()
    assert {page.state for page in delivery.pages} == states


def test_a_post_that_did_not_go_out_is_tried_again_after_a_while() -> None:
    world = a_world()
    world.tick(MemoryPlatform(world.board, before_post=raising(2, PostError("429", Outcome.NOT_POSTED))))
    (delivery,) = world.history()
    assert (delivery.state, delivery.reason) == (DeliveryState.RETRYING, "429")
    world.now += timedelta(minutes=1)
    world.tick()
    assert len(set(world.board.keys_in(CHANNEL))) == len(world.board.pages) == 4


def test_a_post_of_unknown_fate_is_looked_for_before_it_is_posted_again() -> None:
    world = a_world()
    world.tick(MemoryPlatform(world.board, after_post=raising(2, PostError("dropped", Outcome.UNKNOWN))))
    world.now += timedelta(minutes=1)
    world.tick()
    assert len(set(world.board.keys_in(CHANNEL))) == len(world.board.pages) == 4


def test_a_platform_that_does_not_answer_is_given_up_in_time() -> None:
    world = a_world()

    class Silent(MemoryPlatform):
        async def post(self, *arguments: Any, **named: Any) -> str:
            await asyncio.sleep(60)
            return ""

    # Long enough for the ledger on a busy machine: the same time-out spans its writing.
    world.tick(Silent(world.board), timeout=timedelta(seconds=1))
    (delivery,) = world.history()
    assert "No answer" in delivery.reason


def test_a_refused_post_fails_for_good_with_its_reason() -> None:
    world = a_world()
    world.tick(
        MemoryPlatform(world.board, before_post=raising(1, PostError("channel is gone", Outcome.REFUSED)))
    )
    world.now += timedelta(minutes=10)
    world.tick()
    (delivery,) = world.history()
    assert (delivery.state, delivery.reason) == (DeliveryState.FAILED, "channel is gone")
    assert world.board.pages == []


def down() -> None:
    raise PostError("Slack is out.", Outcome.NOT_POSTED)


def test_a_digest_that_cannot_be_posted_comes_when_the_platform_is_back_that_day() -> None:
    world = a_world()
    for _ in range(12):
        world.tick(MemoryPlatform(world.board, before_post=down))
        world.now += timedelta(hours=1)
    assert world.board.pages == []
    world.tick()
    assert len(world.board.papers_in(CHANNEL)) == 3


def test_waits_between_tries_double_up_to_a_quarter_of_an_hour_with_jitter() -> None:
    world = a_world()
    waits = list[float]()
    for _ in range(6):
        world.tick(MemoryPlatform(world.board, before_post=down), jitter=lambda: 1.0)
        again = world.history()[0].next_try_at
        assert again
        waits.append((again - world.now) / timedelta(minutes=1))
        world.now = again
    assert waits == [1.25, 2.5, 5, 10, 18.75, 18.75]


def test_tries_come_to_an_end_with_the_day_and_the_next_edition_says_so() -> None:
    world = a_world()
    while world.now < NOW + timedelta(hours=14):
        world.tick(MemoryPlatform(world.board, before_post=down), min_attempts=3)
        (delivery,) = world.history()
        assert delivery.state is DeliveryState.RETRYING
        world.now += timedelta(minutes=20)
    world.now = NOW + timedelta(hours=14, minutes=59)
    world.tick(MemoryPlatform(world.board, before_post=down), min_attempts=3)
    assert world.history()[0].state is DeliveryState.FAILED
    world.now = NOW + timedelta(days=1)
    world.tick()
    assert len(world.board.papers_in(CHANNEL)) == 3
    told = world.board.pages[0][2].payload["blocks"][1]["text"]
    assert told == "The one of Tuesday 24 November never came; this one chooses from its papers too."


def test_an_edition_whose_day_is_over_is_tried_a_few_times_all_the_same() -> None:
    world = a_world()
    with pytest.raises(BaseExceptionGroup):
        world.tick(killed_platform(world.board, "after", 2))
    world.now += timedelta(days=1, hours=2)
    for tries in range(3):
        assert world.history()[0].state is not DeliveryState.FAILED, tries
        world.tick(MemoryPlatform(world.board, before_post=down), min_attempts=4)
        world.now += timedelta(minutes=20)
    world.tick()
    world.tick()
    assert world.board.papers_in(CHANNEL) == ["2401.00000", "2401.00001", "2401.00002"]


def test_one_channel_that_fails_does_not_take_the_others_down() -> None:
    world = a_world()
    others = [a_subscription(name) for name in "ab"]
    poison = [a_subscription("bad domain", domains=("nowhere",)), Subscription(Channel("fax", "x"))]
    world.subscribe(poison[0], others[0], poison[1], others[1])
    world.tick()
    assert all(len(world.board.keys_in(one.channel)) == 4 for one in others)
    reasons = [
        world.store.delivery_reports.history(one, 1)[0].reason
        for one in world.store.subscriptions.list_active()
        if one.channel in (poison[0].channel, poison[1].channel)
    ]
    assert "Unknown domain 'nowhere'" in reasons[0]
    assert "'fax' is not set up" in reasons[1]


def test_two_processes_that_tick_at_once_post_each_page_once() -> None:
    world = a_world()

    async def both() -> None:
        desks = [
            a_context(
                world.store,
                {"console": MemoryPlatform(world.board)},
                owner=f"p{n}",
                clock=lambda: world.now,
                lease=LEASE,
            )
            for n in range(2)
        ]
        await asyncio.gather(*(deliver_due_editions(desk) for desk in desks))

    asyncio.run(both())
    assert len(set(world.board.keys_in(CHANNEL))) == len(world.board.pages) == 4


def test_a_quiet_day_is_posted_and_says_so() -> None:
    world = a_world(papers=0)
    world.store.library.record_import(now=NOW)
    world.tick()
    ((_, _, page),) = world.board.pages
    assert "a quiet day" in page.payload["blocks"][0]["text"]


def test_after_days_of_silence_only_the_newest_edition_is_sent() -> None:
    world = a_world()
    world.now += timedelta(days=2)
    world.tick()
    assert [delivery.edition for delivery in world.history()] == [world.now.date()]
    assert len(world.board.papers_in(CHANNEL)) == 3


def test_a_store_that_fails_for_a_moment_loses_nothing(caplog: pytest.LogCaptureFixture) -> None:
    world = a_world()

    class Locked:
        def __getattr__(self, name: str) -> Any:
            raise StoreError("The store is locked.")

    locked: Any = Locked()
    world.tick(store=replace(world.store, library=locked))
    assert world.history()[0].state is DeliveryState.RETRYING
    world.now += timedelta(minutes=1)
    world.tick()
    assert len(world.board.pages) == 4


MISSED_TWO_DAYS = [
    (
        True,
        ["2401.00000", "2401.00001", "2401.00002", "2402.00001", "2402.00002"],
        "chooses from their papers too",
    ),
    (False, ["2402.00002"], "4 papers of that time were passed over"),
]


@pytest.mark.parametrize(("merge", "papers", "words"), MISSED_TWO_DAYS)
def test_an_edition_after_missed_ones_says_so_and_what_became_of_their_papers(
    merge: bool, papers: list[str], words: str
) -> None:
    world = a_world(top=9)
    for name in ("2402.00001", "2402.00002"):
        world.now += timedelta(hours=23)
        world.bring(name)
    world.now = NOW + timedelta(days=2, hours=1)
    world.tick(merge_missed=merge)
    assert world.board.papers_in(CHANNEL) == papers
    late = world.board.pages[0][2].payload["blocks"][1]["text"]
    assert "This digest comes late: it was due on Thursday 26 November at 09:00." in late
    assert "Those of Tuesday 24 November and Wednesday 25 November never came" in late
    assert words in late


def test_an_edition_that_comes_at_its_hour_says_nothing_of_it() -> None:
    world = a_world()
    world.now += timedelta(minutes=5)
    world.tick()
    assert "late" not in str(world.board.pages[0][2].payload)


def test_an_edition_that_failed_for_good_leaves_its_papers_to_the_next() -> None:
    world = a_world()
    refused = PostError("too long", Outcome.REFUSED)
    world.tick(MemoryPlatform(world.board, before_post=raising(3, refused)))
    assert world.board.papers_in(CHANNEL) == ["2401.00000"]
    world.now += timedelta(days=1)
    world.tick()
    assert world.board.papers_in(CHANNEL) == ["2401.00000", "2401.00001", "2401.00002"]


def test_an_edition_that_was_cut_off_for_days_is_finished_before_the_newest() -> None:
    world = a_world()
    with pytest.raises(BaseExceptionGroup):
        world.tick(killed_platform(world.board, "after", 2))
    world.now += timedelta(days=1)
    world.bring("2402.00001")
    world.now += timedelta(days=1)
    world.tick()
    assert world.board.papers_in(CHANNEL) == ["2401.00000", "2401.00001", "2401.00002", "2402.00001"]
    assert len(world.board.keys_in(CHANNEL)) == len(set(world.board.keys_in(CHANNEL)))
    assert [one.state for one in world.history()] == [DeliveryState.POSTED] * 2


def test_a_page_that_another_process_may_be_posting_still_is_waited_for_before_it_is_sent_again() -> None:
    """Its lease is over by the clock, and its request is not: the clock has jumped."""
    world = a_world()
    with pytest.raises(BaseExceptionGroup):
        world.tick(killed_platform(world.board, "before", 2))
    late = MemoryPlatform(world.board)
    (subscription,) = world.store.subscriptions.list_active()
    page = world.history()[0].pages[1]

    async def arrives(seconds: float) -> None:
        assert seconds == 30
        await late.post(
            subscription.channel, Page(page.payload, page.papers), key=page.idempotency_key, thread=None
        )

    world.now += timedelta(days=2)
    world.tick(sleep=arrives, timeout=timedelta(seconds=30))
    keys = world.board.keys_in(CHANNEL)
    assert len(keys) == len(set(keys))
    assert world.board.papers_in(CHANNEL) == ["2401.00000", "2401.00001", "2401.00002"]


def test_tries_that_bring_pages_on_do_not_count_towards_the_end() -> None:
    world = a_world(papers=5)
    for page in range(1, 7):
        lost = PostError("dropped", Outcome.UNKNOWN)
        world.tick(MemoryPlatform(world.board, after_post=raising(1, lost)), min_attempts=2)
        assert len(world.board.pages) == page
        world.now += timedelta(minutes=2)
    world.tick()
    assert [one.state for one in world.history()] == [DeliveryState.POSTED]


def test_an_edition_that_ends_its_process_each_time_is_given_up_and_takes_no_other_down() -> None:
    """The others are under way beside it whenever it does so."""
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
            world.tick(Deadly(world.board), min_attempts=4)
        world.now += LEASE
    assert all(len(world.board.keys_in(one.channel)) == 4 for one in others)
    given_up, *done = [
        world.store.delivery_reports.history(one, 9)[0] for one in world.store.subscriptions.list_active()
    ]
    assert (given_up.state, given_up.attempts) == (DeliveryState.FAILED, 5)
    assert given_up.reason == "Its worker crashed over it 4 times in a row."
    assert {one.state for one in done} == {DeliveryState.POSTED}


def test_who_subscribed_a_channel_is_told_when_it_is_gone_and_no_more_is_tried() -> None:
    world = a_world()
    world.subscribe(replace(a_subscription(), owner_id="UADA"), a_subscription("well"))
    gone = MemoryPlatform(
        world.board, before_post=raising(1, PostError("The channel was archived.", Outcome.GONE))
    )
    world.tick(gone, concurrency=1)
    world.tell_owners(gone)
    ((person, message),) = gone.direct_messages
    assert (person, message.summary) == (
        "UADA",
        "The digest of Tuesday 24 November could not be posted: The channel was archived.",
    )
    assert [bool(each.stop_reason) for each in world.store.subscriptions.list_active()] == [True, False]
    world.now += timedelta(days=1)
    world.tick(gone)
    world.tell_owners(gone)
    assert len(gone.direct_messages) == 1


def test_an_owner_who_cannot_be_reached_is_told_when_the_platform_is_back() -> None:
    world = a_world()
    world.subscribe(replace(a_subscription(), owner_id="UADA"))
    refused = PostError("Slack refused it.", Outcome.REFUSED)
    world.tick(MemoryPlatform(world.board, before_post=raising(1, refused)))

    class Deaf(MemoryPlatform):
        async def send_direct_message(self, channel: Channel, person: str, message: Message) -> None:
            raise KeyError("what nobody foresaw")

    world.tell_owners(Deaf(world.board))
    back = MemoryPlatform(world.board)
    world.now += timedelta(hours=1)
    world.tell_owners(back)
    world.now += timedelta(hours=1)
    world.tell_owners(back)
    assert [person for person, _ in back.direct_messages] == ["UADA"]


def test_a_failure_notice_that_may_have_arrived_is_not_sent_again_for_a_day() -> None:
    world = a_world()
    world.subscribe(replace(a_subscription(), owner_id="UADA"))
    refused = PostError("Slack refused it.", Outcome.REFUSED)
    world.tick(MemoryPlatform(world.board, before_post=raising(1, refused)))

    class Lossy(MemoryPlatform):
        async def send_direct_message(self, channel: Channel, person: str, message: Message) -> None:
            self.direct_messages.append((person, message))
            raise PostError("dropped", Outcome.UNKNOWN)

    lossy = Lossy(world.board)
    for hours, told in ((0, 1), (1, 1), (24, 2)):
        world.now += timedelta(hours=hours)
        world.tell_owners(lossy)
        assert len(lossy.direct_messages) == told


def test_a_process_that_was_stopped_past_its_lease_does_not_post_when_it_goes_on() -> None:
    """The clock jumps between the fence and the wire, as for a process that is stopped there and continued."""
    world = a_world()

    class Stopped:
        def __getattr__(self, name: str) -> Any:
            method = getattr(world.store.outbox, name)

            def call(*arguments: Any, **named: Any) -> Any:
                result = method(*arguments, **named)
                if name == "apply" and world.now == NOW:  # Its first word: that the first page goes out.
                    world.now += 2 * LEASE
                    world.tick()  # Another process takes it over, and posts all of it.
                return result

            return call

    stopped: Any = Stopped()
    world.tick(store=replace(world.store, outbox=stopped))
    assert world.now == NOW + 2 * LEASE
    keys = world.board.keys_in(CHANNEL)
    assert len(keys) == len(set(keys)) == 4


def test_a_page_is_not_posted_when_the_outbox_took_too_long_while_the_clock_stood() -> None:
    """The wall clock is set back by as much as the writing took."""
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
    assert world.board.pages == []


def test_a_page_that_the_history_does_not_show_at_once_is_asked_for_again() -> None:
    world = a_world()
    world.tick(MemoryPlatform(world.board, after_post=raising(2, PostError("dropped", Outcome.UNKNOWN))))
    asked = itertools.count(1)

    class Lagging(MemoryPlatform):
        async def find(self, channel: Channel, *, key: str, since: datetime) -> Any:
            return None if next(asked) == 1 else await super().find(channel, key=key, since=since)

    world.now += timedelta(minutes=1)
    assert [one.state for one in world.history()] == [DeliveryState.UNKNOWN]
    world.tick(Lagging(world.board), history_lag=timedelta(milliseconds=1))
    assert len(set(world.board.keys_in(CHANNEL))) == len(world.board.pages) == 4


def test_a_look_that_takes_many_requests_may_take_longer_than_one_of_them_but_not_longer_than_the_lease() -> (
    None
):
    world = a_world()
    world.tick(MemoryPlatform(world.board, after_post=raising(2, PostError("dropped", Outcome.UNKNOWN))))

    class Long(MemoryPlatform):
        async def find(self, channel: Channel, *, key: str, since: datetime) -> Any:
            await asyncio.sleep(1.2)
            return await super().find(channel, key=key, since=since)

    class Endless(MemoryPlatform):
        async def find(self, channel: Channel, *, key: str, since: datetime) -> Any:
            await asyncio.sleep(60)

    world.now += timedelta(minutes=1)
    soon = timedelta(seconds=0.1)
    world.tick(Endless(world.board), timeout=soon, history_lag=LEASE - timedelta(seconds=1))
    (delivery,) = world.history()
    assert (delivery.state, "No answer within" in delivery.reason) == (DeliveryState.UNKNOWN, True)
    world.now += timedelta(minutes=5)
    world.tick(Long(world.board), timeout=timedelta(seconds=1))
    assert [one.state for one in world.history()] == [DeliveryState.POSTED]
    assert len(set(world.board.keys_in(CHANNEL))) == len(world.board.pages) == 4
