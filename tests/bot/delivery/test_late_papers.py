"""Late papers: an empty digest becomes one with picks in the same message, once, despite crashes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.chat.port import Outcome, Page, PostError
from digests.build import DigestPolicy
from digests.model import EmptyReason, Heartbeat, Trouble
from digests.ports.outbox import IMPORT_DEBOUNCE, DeliveryState
from digests.subscription import Channel, DigestStyle, Schedule
from tests.bot.delivery.contexts import CHANNEL, LEASE, KilledOutbox, World, fail_at
from tests.builders import NOW, a_subscription
from tests.fakes.platform import KilledError, MemoryPlatform

HOUR = timedelta(hours=1)


def an_empty_day(*, tick: bool = True, **preferences: Any) -> World:
    """Build a world with a channel whose digest at nine was empty because arXiv is down."""
    world = World()
    world.store.health.report("arxiv", Trouble.OUTAGE, now=NOW - HOUR)
    world.store.sources.record_import(now=NOW - timedelta(days=1))
    world.subscribe(a_subscription(**preferences))
    if tick:
        world.tick()
    return world


def import_late_papers(world: World, after: timedelta = HOUR) -> None:
    """Import papers and let the debounce pass."""
    world.now += after
    world.add_papers("2401.00001", "2401.00002")
    world.now += IMPORT_DEBOUNCE


def list_headings(world: World) -> list[str]:
    """Return the headings of the posted pages, in order."""
    blocks = [block for _, _, page in world.posted_pages.pages for block in page.payload["blocks"]]
    return [block["text"] for block in blocks if block["kind"] == "Heading"]


def read_state(world: World) -> tuple[DeliveryState, EmptyReason | None]:
    (delivery,) = world.history()
    return delivery.state, delivery.empty_reason


@pytest.mark.parametrize(
    ("style", "messages"), [(DigestStyle.CARDS, 3), (DigestStyle.THREAD, 3), (DigestStyle.COMPACT, 1)]
)
def test_late_papers_turn_the_empty_message_into_a_digest(style: DigestStyle, messages: int) -> None:
    world = an_empty_day(style=style)
    assert list_headings(world) == ["Tue 24 Nov · a source does not answer"]
    assert read_state(world) == (DeliveryState.EMPTY, EmptyReason.OUTAGE)
    import_late_papers(world)
    platform = MemoryPlatform(world.posted_pages)
    world.tick(platform)
    assert list_headings(world) == ["Tue 24 Nov · 2 papers"]
    assert len(set(world.posted_pages.keys_in(CHANNEL))) == len(world.posted_pages.pages) == messages
    first = f"receipt {world.posted_pages.keys_in(CHANNEL)[0]}"
    assert platform.threads == ([first] * 2 if style is DigestStyle.THREAD else [None] * (messages - 1))
    assert world.posted_pages.papers_in(CHANNEL) == ["2401.00001", "2401.00002"]
    assert read_state(world) == (DeliveryState.POSTED, None)


def test_late_papers_reopen_an_empty_digest_once_and_are_not_shown_again() -> None:
    world = an_empty_day()
    import_late_papers(world)
    world.tick()
    world.add_papers("2401.00003")
    for _ in range(3):
        world.now += IMPORT_DEBOUNCE
        world.tick()
    assert world.posted_pages.papers_in(CHANNEL) == ["2401.00001", "2401.00002"]
    world.now = NOW + timedelta(days=1)
    world.tick()
    assert world.posted_pages.papers_in(CHANNEL)[2:] == ["2401.00003"]


def an_empty_day_in_tokyo() -> World:
    """Build a world with an empty digest of 18:00 in Tokyo, which is nine hours ahead of UTC."""
    world = an_empty_day(tick=False)
    tokyo = replace(a_subscription(), schedule=Schedule(NOW.time().replace(18), time_zone="Asia/Tokyo"))
    world.subscribe(tokyo)
    world.tick()
    return world


def test_papers_after_local_midnight_belong_to_the_next_edition() -> None:
    world = an_empty_day_in_tokyo()
    import_late_papers(world, timedelta(hours=5, minutes=50))  # 23:50 in Tokyo; the debounce ends at 00:05.
    world.tick()
    assert read_state(world)[0] is DeliveryState.EMPTY
    assert world.posted_pages.papers_in(CHANNEL) == []
    world.now = NOW + timedelta(days=1)
    world.tick()
    assert world.posted_pages.papers_in(CHANNEL) == ["2401.00001", "2401.00002"]


def test_a_worker_that_takes_a_reopened_digest_over_after_local_midnight_leaves_it_empty() -> None:
    world = an_empty_day_in_tokyo()
    import_late_papers(world, timedelta(hours=5, minutes=41))  # The debounce ends at 23:56 in Tokyo.
    outbox: Any = KilledOutbox(world.store.outbox, 1, after=True)
    with pytest.raises((KilledError, BaseExceptionGroup)):
        world.tick(store=replace(world.store, outbox=outbox))
    world.now += LEASE
    world.tick()
    assert read_state(world)[0] is DeliveryState.EMPTY
    assert world.posted_pages.papers_in(CHANNEL) == []


def test_unwanted_late_papers_leave_the_message_and_are_counted_in_the_next_edition() -> None:
    world = an_empty_day(min_score=9.0)
    import_late_papers(world)
    world.tick()
    assert list_headings(world) == ["Tue 24 Nov · a source does not answer"]
    assert read_state(world)[0] is DeliveryState.EMPTY
    later = world.now + IMPORT_DEBOUNCE
    assert not world.store.outbox.claim_due(owner="x", now=later, lease=HOUR, limit=9)
    world.now = NOW + timedelta(days=1)
    world.tick()
    assert list_headings(world)[1] == "Wed 25 Nov · nothing over the threshold"
    later = world.now + IMPORT_DEBOUNCE
    assert not world.store.outbox.claim_due(owner="x", now=later, lease=HOUR, limit=9)


def test_with_the_heartbeat_off_an_empty_digest_posts_nothing_and_late_papers_still_reopen_it() -> None:
    world = an_empty_day(tick=False)
    heartbeat_off = DigestPolicy(heartbeat=Heartbeat.OFF)
    world.tick(digest_policy=heartbeat_off)
    assert world.posted_pages.pages == []
    assert read_state(world) == (DeliveryState.EMPTY, EmptyReason.OUTAGE)
    import_late_papers(world)
    world.tick(digest_policy=heartbeat_off)
    assert world.posted_pages.papers_in(CHANNEL) == ["2401.00001", "2401.00002"]
    footer = world.posted_pages.pages[-1][2].payload["blocks"][-1]["text"]
    assert "came in after" not in footer  # No message announced an empty digest.


def is_recovered(world: World) -> bool:
    """Return True if the digest was posted whole; assert that no page was posted twice."""
    keys = world.posted_pages.keys_in(CHANNEL)
    assert len(keys) == len(set(keys)) == 3
    assert list_headings(world) == ["Tue 24 Nov · 2 papers"]
    return read_state(world) == (DeliveryState.POSTED, None)


class ForumPlatform(MemoryPlatform):
    """A platform whose channels take no message without papers."""

    async def fit_pages(self, channel: Channel, pages: Sequence[Page]) -> Sequence[Page]:
        return [page for page in pages if page.papers]


def test_an_empty_day_posts_nothing_to_a_forum_and_late_papers_still_come() -> None:
    world = an_empty_day(tick=False)
    platform = ForumPlatform(world.posted_pages)
    world.tick(platform)
    assert world.posted_pages.pages == []
    assert read_state(world) == (DeliveryState.EMPTY, EmptyReason.OUTAGE)
    (status,) = world.store.delivery_reports.channel_statuses()
    assert (status.state, status.reason) == (DeliveryState.EMPTY, EmptyReason.OUTAGE)
    import_late_papers(world)
    world.tick(platform)
    assert world.posted_pages.papers_in(CHANNEL) == ["2401.00001", "2401.00002"]
    assert [page.number for page in world.history()[0].pages] == [0, 1]
    assert read_state(world) == (DeliveryState.POSTED, None)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 9))
def test_a_worker_killed_around_any_outbox_write_leaves_the_digest_whole(at: int, after: bool) -> None:
    world = an_empty_day()
    import_late_papers(world)
    outbox: Any = KilledOutbox(world.store.outbox, at, after=after)
    with pytest.raises((KilledError, BaseExceptionGroup)):
        world.tick(store=replace(world.store, outbox=outbox))
    world.now += LEASE
    world.tick()
    world.tick()
    assert is_recovered(world)


@pytest.mark.parametrize("side", ["before_post", "after_post", "before_edit", "after_edit"])
@pytest.mark.parametrize("page", [1, 2])
def test_a_worker_killed_around_the_edit_or_any_post_leaves_the_digest_whole(side: str, page: int) -> None:
    world = an_empty_day()
    import_late_papers(world)
    dying = MemoryPlatform(world.posted_pages, **{side: fail_at(page, KilledError())})  # type: ignore[arg-type]
    if page == 1 or "edit" not in side:  # Only one page is edited.
        with pytest.raises(BaseExceptionGroup):
            world.tick(dying)
    world.now += LEASE
    world.tick()
    assert is_recovered(world)


@pytest.mark.parametrize("outcome", [Outcome.NOT_POSTED, Outcome.UNKNOWN])
def test_a_failed_edit_is_retried(outcome: Outcome) -> None:
    world = an_empty_day()
    import_late_papers(world)
    world.tick(MemoryPlatform(world.posted_pages, after_edit=fail_at(1, PostError("429", outcome))))
    assert read_state(world)[0] is DeliveryState.RETRYING
    world.now += timedelta(minutes=1)
    world.tick()
    assert is_recovered(world)


def test_a_deleted_message_is_posted_again() -> None:
    world = an_empty_day()
    import_late_papers(world)
    world.posted_pages.pages.clear()
    world.tick(MemoryPlatform(world.posted_pages, before_edit=fail_at(1, PostError("gone", Outcome.REFUSED))))
    assert is_recovered(world)
