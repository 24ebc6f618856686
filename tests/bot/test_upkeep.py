"""Posts that stay true: a line under the card, seldom, and with the voices."""

import asyncio
from datetime import date, timedelta

import pytest

from bot.deliver import Desk
from bot.pace import Limits, Pace
from bot.platforms import Facts, Outcome, PostError
from bot.present import news_line
from bot.upkeep import TRIES, mend
from digests.build import Habits
from digests.model import NOT_REVIEWED, Channel, Mark, MarkedBy, News
from tests.bot.test_deliver import CHANNEL, World, a_world, raising
from tests.builders import NOW, a_paper, a_review
from tests.fakes.platform import BoardPlatform, KilledError

HOUR, KEEP = timedelta(hours=1), timedelta(days=14)
PAPER = "2401.00000"


def a_posted_world() -> World:
    """Three papers were posted, each on a card."""
    world = a_world()
    world.tick()
    world.store.upkeep.notice(since=NOW - KEEP, now=NOW)
    return world


def mended(world: World, platform: BoardPlatform | None = None) -> list[tuple[str, Facts]]:
    """What one look shows on messages."""
    platform = platform or BoardPlatform(world.board)
    desk = Desk(world.store, {"console": platform}, Habits(), "a", lambda: world.now)
    asyncio.run(mend(desk, KEEP, asyncio.Event()))
    return platform.refreshed


def revise(world: World, version: int = 2) -> None:
    paper = a_paper(PAPER, version=version, updated=date(2026, 11, 24))
    world.store.papers.add([(paper, a_review(7.5 + version))], now=world.now)


def test_what_changes_while_a_digest_waits_for_its_turn_is_told_on_its_card() -> None:
    world = a_world()
    world.store.upkeep.notice(since=NOW - KEEP, now=NOW)

    class Slow(Pace):
        async def turn(self, channel: Channel) -> None:
            revise(world)  # The digest is made, and not written down yet.

    world.tick(paces={"console": Slow(Limits())})
    ((_, facts),) = mended(world)
    assert facts.news == {PAPER: "Update: reviewed anew: 9.5, was 7.5"}


@pytest.mark.parametrize(
    ("news", "said"),
    [
        (News(), ""),
        (News(version=3, updated=date(2026, 11, 24)), "Update: v3 since 24 November 2026"),
        (News(version=3), "Update: now v3"),
        (News(reviewed=True, score=8.1, was_reviewed=True, was_score=7.4), "Update: reviewed anew: 8.1, was 7.4"),
        (News(reviewed=True, score=8.1, was_reviewed=True, was_score=8.1), "Update: reviewed anew: 8.1 again"),
        (News(reviewed=True, score=8.1), "Update: reviewed since: 8.1"),
        (News(reviewed=True, was_reviewed=True), "Update: reviewed anew"),
        (
            News(version=3, withdrawn=date(2026, 11, 25), reviewed=True, score=8.1),
            "Update: withdrawn by its authors on 25 November 2026 · reviewed since: 8.1",
        ),
    ],
)  # fmt: skip
def test_the_line_says_what_came_since(news: News, said: str) -> None:
    assert news_line(news) == said


def test_news_of_a_paper_is_shown_on_its_message_alone_and_once() -> None:
    world = a_posted_world()
    assert mended(world) == []
    world.store.papers.add([(a_paper(PAPER), a_review(9.0))], now=world.now)
    ((message, shown),) = mended(world)
    assert world.store.marks.posts(CHANNEL, PAPER, 1)[0].message == message
    assert shown.news == {PAPER: "Update: reviewed anew: 9.0, was 7.5"}
    assert mended(world) == []


def test_an_edit_for_news_shows_the_voices_too() -> None:
    world = a_posted_world()
    mark = Mark(CHANNEL, "", PAPER, "ada", MarkedBy.BUTTON, NOW)
    world.store.marks.set(mark, True)
    world.store.papers.add([(a_paper(PAPER, version=1, withdrawn=date(2026, 11, 24)), NOT_REVIEWED)], now=NOW)
    ((_, shown),) = mended(world)
    assert shown.voices == {PAPER: 1}
    assert "withdrawn by its authors" in shown.news[PAPER]


def test_a_change_that_readers_do_not_see_edits_nothing() -> None:
    world = a_posted_world()
    world.store.papers.add([(a_paper(PAPER, authors=("Ada",)), NOT_REVIEWED)], now=world.now)
    assert mended(world) == []


def test_within_the_hour_changes_gather_for_one_edit() -> None:
    world = a_posted_world()
    revise(world, 1)
    assert len(mended(world)) == 1
    world.now += HOUR / 2
    world.store.papers.add([(a_paper(PAPER), a_review(9.9))], now=world.now)
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
    dying = BoardPlatform(world.board)
    setattr(dying, side, raising(1, KilledError()))
    with pytest.raises(BaseExceptionGroup):
        mended(world, dying)
    assert mended(world) == []
    world.now += HOUR
    assert len(mended(world)) == 1


def test_an_edit_that_did_not_go_out_is_tried_again_and_one_of_a_deleted_message_is_not() -> None:
    world = a_posted_world()
    revise(world, 1)
    busy = BoardPlatform(world.board, before_edit=raising(1, PostError("429", Outcome.NOT_POSTED)))
    assert mended(world, busy) == []
    world.now += timedelta(minutes=1)
    deleted = BoardPlatform(world.board, before_edit=raising(1, PostError("deleted", Outcome.REFUSED)))
    assert mended(world, deleted) == []
    world.now += 2 * HOUR
    revise(world, 3)
    assert mended(world) == []


def test_a_message_that_nobody_foresaw_is_one_message_and_the_others_are_kept_true() -> None:
    world = a_posted_world()
    papers = [f"2401.0000{n}" for n in range(3)]
    new = [(a_paper(paper, version=2, updated=date(2026, 11, 24)), a_review(9.0)) for paper in papers]
    world.store.papers.add(new, now=world.now)
    assert len(mended(world, BoardPlatform(world.board, before_edit=raising(1, KeyError("blocks"))))) == 2
    assert mended(world) == []
    world.now += HOUR
    assert len(mended(world)) == 1


def test_each_edit_has_a_turn_of_its_platform() -> None:
    world = a_posted_world()
    for paper in ("2401.00000", "2401.00001"):
        world.store.papers.add([(a_paper(paper), a_review(9.0))], now=world.now)
    slept = list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    pace = Pace(Limits(channel=1), now=lambda: sum(slept), sleep=sleep)
    platform = BoardPlatform(world.board)
    desk = Desk(world.store, {"console": platform}, Habits(), "a", lambda: world.now, paces={"console": pace})
    asyncio.run(mend(desk, KEEP, asyncio.Event()))
    assert len(platform.refreshed) == 2
    assert slept == [1.0]


def test_tries_come_to_an_end() -> None:
    world = a_posted_world()
    revise(world, 1)
    tried = 0

    def down() -> None:
        nonlocal tried
        tried += 1
        raise PostError("503", Outcome.UNKNOWN)

    for _ in range(TRIES + 5):
        mended(world, BoardPlatform(world.board, before_edit=down))
        world.now += HOUR
    assert tried == TRIES
