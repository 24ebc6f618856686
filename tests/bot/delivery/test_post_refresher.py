"""Posts that stay true: a line under the card, seldom, and with the voices."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.chat.port import Outcome, PostError, PostUpdate
from bot.delivery.post_refresher import MAX_ATTEMPTS, PostRefresher
from bot.delivery.rate_limit import RateLimiter, RateLimits
from bot.present.card import format_update_line
from digests.model import NOT_REVIEWED, Mark, MarkSource, PaperUpdate
from digests.subscription import Channel
from tests.bot.delivery.test_deliver import CHANNEL, World, a_world, raising
from tests.builders import NOW, a_paper, a_review
from tests.fakes.platform import KilledError, MemoryPlatform

HOUR, KEEP = timedelta(hours=1), timedelta(days=14)
PAPER = "2401.00000"


def a_posted_world() -> World:
    """Three papers were posted, each on a card."""
    world = a_world()
    world.tick()
    world.store.post_edits.enqueue(since=NOW - KEEP, now=NOW)
    return world


def a_refresher(world: World, platform: MemoryPlatform) -> PostRefresher:
    return PostRefresher(
        world.store, {"console": platform}, lambda: world.now, timedelta(seconds=30), max_age=KEEP
    )


def mended(world: World, platform: MemoryPlatform | None = None) -> list[tuple[str, PostUpdate]]:
    """What one look shows on messages."""
    platform = platform or MemoryPlatform(world.board)
    refresher = a_refresher(world, platform)
    asyncio.run(refresher.refresh_due_posts(asyncio.Event()))
    return platform.refreshes


def revise(world: World, version: int = 2) -> None:
    paper = a_paper(PAPER, version=version, updated=date(2026, 11, 24))
    world.store.library.add([(paper, a_review(7.5 + version))], now=world.now)


def test_what_changes_while_a_digest_waits_for_its_turn_is_told_on_its_card() -> None:
    world = a_world()
    world.store.post_edits.enqueue(since=NOW - KEEP, now=NOW)

    class Slow(RateLimiter):
        async def acquire(self, channel: Channel) -> None:
            revise(world)  # The digest is made, and not written down yet.

    world.tick(rate_limiters={"console": Slow(RateLimits())})
    ((_, facts),) = mended(world)
    assert facts.update_lines == {PAPER: "Update: reviewed anew: 9.5, was 7.5"}


@pytest.mark.parametrize(
    ("news", "said"),
    [
        (PaperUpdate(), ""),
        (PaperUpdate(version=3, updated=date(2026, 11, 24)), "Update: v3 since 24 November 2026"),
        (PaperUpdate(version=3), "Update: now v3"),
        (PaperUpdate(has_new_review=True, score=8.1, had_review=True, previous_score=7.4), "Update: reviewed anew: 8.1, was 7.4"),
        (PaperUpdate(has_new_review=True, score=8.1, had_review=True, previous_score=8.1), "Update: reviewed anew: 8.1 again"),
        (PaperUpdate(has_new_review=True, score=8.1), "Update: reviewed since: 8.1"),
        (PaperUpdate(has_new_review=True, had_review=True), "Update: reviewed anew"),
        (
            PaperUpdate(version=3, withdrawn=date(2026, 11, 25), has_new_review=True, score=8.1),
            "Update: withdrawn by its authors on 25 November 2026 · reviewed since: 8.1",
        ),
    ],
)  # fmt: skip
def test_the_line_says_what_came_since(news: PaperUpdate, said: str) -> None:
    assert format_update_line(news) == said


def test_news_of_a_paper_is_shown_on_its_message_alone_and_once() -> None:
    world = a_posted_world()
    assert mended(world) == []
    world.store.library.add([(a_paper(PAPER), a_review(9.0))], now=world.now)
    ((message, shown),) = mended(world)
    assert world.store.marks.find_posts(CHANNEL, PAPER, 1)[0].message_id == message
    assert shown.update_lines == {PAPER: "Update: reviewed anew: 9.0, was 7.5"}
    assert mended(world) == []


def test_an_edit_for_news_shows_the_voices_too() -> None:
    world = a_posted_world()
    mark = Mark(CHANNEL, "", PAPER, "ada", MarkSource.BUTTON, NOW)
    world.store.marks.set_mark(mark, True)
    world.store.library.add(
        [(a_paper(PAPER, version=1, withdrawn=date(2026, 11, 24)), NOT_REVIEWED)], now=NOW
    )
    ((_, shown),) = mended(world)
    assert shown.mark_counts == {PAPER: 1}
    assert "withdrawn by its authors" in shown.update_lines[PAPER]


def test_a_change_that_readers_do_not_see_edits_nothing() -> None:
    world = a_posted_world()
    world.store.library.add([(a_paper(PAPER, authors=("Ada",)), NOT_REVIEWED)], now=world.now)
    assert mended(world) == []


def test_within_the_hour_changes_gather_for_one_edit() -> None:
    world = a_posted_world()
    revise(world, 1)
    assert len(mended(world)) == 1
    world.now += HOUR / 2
    world.store.library.add([(a_paper(PAPER), a_review(9.9))], now=world.now)
    assert mended(world) == []
    world.now += HOUR / 2
    assert len(mended(world)) == 1


def test_messages_older_than_the_setting_are_left_alone() -> None:
    world = a_posted_world()
    world.now += KEEP + HOUR
    revise(world)
    assert mended(world) == []


@pytest.mark.parametrize("side", ["before_edit", "after_edit"])
def test_a_process_that_is_killed_around_an_edit_leaves_it_to_the_next_an_hour_later(side: str) -> None:
    world = a_posted_world()
    revise(world, 1)
    dying = MemoryPlatform(world.board)
    setattr(dying, side, raising(1, KilledError()))
    with pytest.raises(BaseExceptionGroup):
        mended(world, dying)
    assert mended(world) == []
    world.now += HOUR
    assert len(mended(world)) == 1


def test_an_edit_that_did_not_go_out_is_tried_again_and_one_of_a_deleted_message_is_not() -> None:
    world = a_posted_world()
    revise(world, 1)
    busy = MemoryPlatform(world.board, before_edit=raising(1, PostError("429", Outcome.NOT_POSTED)))
    assert mended(world, busy) == []
    world.now += timedelta(minutes=1)
    deleted = MemoryPlatform(world.board, before_edit=raising(1, PostError("deleted", Outcome.REFUSED)))
    assert mended(world, deleted) == []
    world.now += 2 * HOUR
    revise(world, 3)
    assert mended(world) == []


def test_a_message_that_nobody_foresaw_is_one_message_and_the_others_are_kept_true() -> None:
    world = a_posted_world()
    papers = [f"2401.0000{n}" for n in range(3)]
    new = [(a_paper(paper, version=2, updated=date(2026, 11, 24)), a_review(9.0)) for paper in papers]
    world.store.library.add(new, now=world.now)
    assert len(mended(world, MemoryPlatform(world.board, before_edit=raising(1, KeyError("blocks"))))) == 2
    assert mended(world) == []
    world.now += HOUR
    assert len(mended(world)) == 1


def test_each_edit_has_a_turn_of_its_platform() -> None:
    world = a_posted_world()
    for paper in ("2401.00000", "2401.00001"):
        world.store.library.add([(a_paper(paper), a_review(9.0))], now=world.now)
    slept = list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    pace = RateLimiter(RateLimits(channel=1), now=lambda: sum(slept), sleep=sleep)
    platform = MemoryPlatform(world.board)
    refresher = replace(a_refresher(world, platform), rate_limiters={"console": pace})
    asyncio.run(refresher.refresh_due_posts(asyncio.Event()))
    assert len(platform.refreshes) == 2
    assert slept == [1.0]


def test_tries_come_to_an_end() -> None:
    world = a_posted_world()
    revise(world, 1)
    tried = 0

    def down() -> None:
        nonlocal tried
        tried += 1
        raise PostError("503", Outcome.UNKNOWN)

    for _ in range(MAX_ATTEMPTS + 5):
        mended(world, MemoryPlatform(world.board, before_edit=down))
        world.now += HOUR
    assert tried == MAX_ATTEMPTS
