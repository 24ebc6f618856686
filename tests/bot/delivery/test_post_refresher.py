"""Post edits: updates and marks are added to posted messages, at most once an hour."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta

import pytest

from bot.chat.port import Outcome, PostError, PostUpdate
from bot.delivery.post_refresher import MAX_ATTEMPTS, PostRefresher
from bot.delivery.rate_limit import RateLimiter, RateLimits
from bot.present.card import format_update_line
from digests.model import NOT_REVIEWED, HoldState, Mark, MarkSource, PaperUpdate
from digests.ports.review_reports import ReviewPart, ReviewReport
from digests.subscription import Channel
from tests.bot.delivery.contexts import CHANNEL, World, a_world, fail_at
from tests.builders import NOW, a_paper, a_review
from tests.fakes.platform import KilledError, MemoryPlatform

HOUR, KEEP = timedelta(hours=1), timedelta(days=14)
PAPER = "2401.00000"


def a_posted_world() -> World:
    """Build a world with three posted papers, one card each."""
    world = a_world()
    world.tick()
    world.store.post_edits.enqueue(since=NOW - KEEP, now=NOW)
    return world


def a_refresher(world: World, platform: MemoryPlatform) -> PostRefresher:
    return PostRefresher(
        world.store, {"console": platform}, lambda: world.now, timedelta(seconds=30), max_age=KEEP
    )


def refresh_posts(world: World, platform: MemoryPlatform | None = None) -> list[tuple[str, PostUpdate]]:
    """Run the refresher once and return its edits."""
    platform = platform or MemoryPlatform(world.posted_pages)
    refresher = a_refresher(world, platform)
    asyncio.run(refresher.refresh_due_posts(asyncio.Event()))
    return platform.refreshes


def revise_paper(world: World, version: int = 2) -> None:
    paper = a_paper(PAPER, version=version, updated=date(2026, 11, 24))
    world.store.library.add([(paper, a_review(7.5 + version))], now=world.now)


def test_a_change_while_a_digest_waits_for_its_slot_is_added_to_its_card() -> None:
    world = a_world()
    world.store.post_edits.enqueue(since=NOW - KEEP, now=NOW)

    class Slow(RateLimiter):
        async def acquire(self, channel: Channel) -> None:
            revise_paper(world)  # The digest is rendered, and not in the outbox yet.

    world.tick(rate_limiters={"console": Slow(RateLimits())})
    ((_, update),) = refresh_posts(world)
    assert update.update_lines == {PAPER: "Update: new review: 9.5 (was 7.5)"}


def doubt_review(world: World) -> None:
    """Let a decider ask for a re-review of the first paper."""
    store, review_number = world.store, world.store.library.get([PAPER])[PAPER].review_number
    report = ReviewReport("slack", "T1", "UADA", PAPER, ReviewPart.SCORE, "Too high.", world.now)
    store.review_reports.save(report, per_day=9)
    (saved,) = store.review_reports.list_of_paper(PAPER, "slack", "T1", 9)
    assert store.re_reviews.ask(
        saved.id, review_number=review_number,
        limitations=["Only English is tested.", "The loss is not ablated."],
        by="Eve", by_id="slack:T1:UEVE", now=world.now,
    )  # fmt: skip


def test_every_card_of_a_paper_says_what_a_re_review_changed_also_after_a_kill() -> None:
    world = a_posted_world()
    doubt_review(world)
    assert refresh_posts(world) == [], "nothing has changed yet"
    world.now += HOUR
    again = a_review(6.4, reviewed_at=world.now)
    world.store.library.add([(a_paper(PAPER), again)], now=world.now)  # Killed before the task was finished.
    platform = MemoryPlatform(world.posted_pages, before_edit=fail_at(1, KilledError()))
    with pytest.raises(BaseExceptionGroup):
        refresh_posts(world, platform)
    world.now += HOUR
    world.store.re_reviews.finish(PAPER, began_at=world.now, now=world.now)
    ((_, update),) = refresh_posts(world)
    line = "Update: reviewed again on 24 November 2026: 6.4 (was 7.5), limitation 2 withdrawn"
    assert update.update_lines == {PAPER: line}
    world.now += HOUR
    assert refresh_posts(world) == []


@pytest.mark.parametrize(
    ("update", "line"),
    [
        (PaperUpdate(), ""),
        (PaperUpdate(version=3, updated=date(2026, 11, 24)), "Update: v3 since 24 November 2026"),
        (PaperUpdate(version=3), "Update: now v3"),
        (
            PaperUpdate(has_new_review=True, score=8.1, had_review=True, previous_score=7.4),
            "Update: new review: 8.1 (was 7.4)",
        ),
        (
            PaperUpdate(has_new_review=True, score=8.1, had_review=True, previous_score=8.1),
            "Update: new review: 8.1 again",
        ),
        (PaperUpdate(has_new_review=True, score=8.1), "Update: reviewed since: 8.1"),
        (PaperUpdate(has_new_review=True, had_review=True), "Update: new review"),
        (
            PaperUpdate(version=3, withdrawn=date(2026, 11, 25), has_new_review=True, score=8.1),
            "Update: withdrawn by its authors on 25 November 2026 · reviewed since: 8.1",
        ),
        (PaperUpdate(version=3, hold_state=HoldState.HELD), "Update: on hold · now v3"),
        (PaperUpdate(hold_state=HoldState.REJECTED), "Update: rejected"),
    ],
)  # fmt: skip
def test_an_update_line_names_the_change(update: PaperUpdate, line: str) -> None:
    assert format_update_line(update) == line


def test_an_update_edits_the_message_of_its_paper_once() -> None:
    world = a_posted_world()
    assert refresh_posts(world) == []
    world.store.library.add([(a_paper(PAPER), a_review(9.0))], now=world.now)
    ((message, shown),) = refresh_posts(world)
    assert world.store.posts.find_with_paper(CHANNEL, PAPER, 1)[0].message_id == message
    assert shown.update_lines == {PAPER: "Update: new review: 9.0 (was 7.5)"}
    assert refresh_posts(world) == []


def test_an_edit_for_an_update_keeps_the_marks() -> None:
    world = a_posted_world()
    mark = Mark(CHANNEL, "", PAPER, "ada", MarkSource.BUTTON, NOW)
    world.store.marks.set_mark(mark, True)
    world.store.library.add(
        [(a_paper(PAPER, version=1, withdrawn=date(2026, 11, 24)), NOT_REVIEWED)], now=NOW
    )
    ((_, shown),) = refresh_posts(world)
    assert shown.mark_counts == {PAPER: 1}
    assert "withdrawn by its authors" in shown.update_lines[PAPER]


def test_an_invisible_change_edits_nothing() -> None:
    world = a_posted_world()
    world.store.library.add([(a_paper(PAPER, authors=("Ada",)), NOT_REVIEWED)], now=world.now)
    assert refresh_posts(world) == []


def test_changes_within_an_hour_share_one_edit() -> None:
    world = a_posted_world()
    revise_paper(world, 1)
    assert len(refresh_posts(world)) == 1
    world.now += HOUR / 2
    world.store.library.add([(a_paper(PAPER), a_review(9.9))], now=world.now)
    assert refresh_posts(world) == []
    world.now += HOUR / 2
    assert len(refresh_posts(world)) == 1


def test_posts_older_than_the_setting_are_not_edited() -> None:
    world = a_posted_world()
    world.now += KEEP + HOUR
    revise_paper(world)
    assert refresh_posts(world) == []


@pytest.mark.parametrize("side", ["before_edit", "after_edit"])
def test_an_edit_whose_worker_is_killed_is_made_an_hour_later(side: str) -> None:
    world = a_posted_world()
    revise_paper(world, 1)
    dying = MemoryPlatform(world.posted_pages)
    setattr(dying, side, fail_at(1, KilledError()))
    with pytest.raises(BaseExceptionGroup):
        refresh_posts(world, dying)
    assert refresh_posts(world) == []
    world.now += HOUR
    assert len(refresh_posts(world)) == 1


def test_an_edit_that_was_not_made_is_retried_and_one_of_a_deleted_message_is_not() -> None:
    world = a_posted_world()
    revise_paper(world, 1)
    limited = MemoryPlatform(world.posted_pages, before_edit=fail_at(1, PostError("429", Outcome.NOT_POSTED)))
    assert refresh_posts(world, limited) == []
    world.now += timedelta(minutes=1)
    deleted = MemoryPlatform(
        world.posted_pages, before_edit=fail_at(1, PostError("deleted", Outcome.REFUSED))
    )
    assert refresh_posts(world, deleted) == []
    world.now += 2 * HOUR
    revise_paper(world, 3)
    assert refresh_posts(world) == []


def test_an_edit_that_may_have_been_made_is_made_again_an_hour_later() -> None:
    world = a_posted_world()
    revise_paper(world, 1)
    lost = PostError("dropped", Outcome.UNKNOWN)
    refresh_posts(world, MemoryPlatform(world.posted_pages, after_edit=fail_at(1, lost)))
    world.now += HOUR / 2
    assert refresh_posts(world) == []
    world.now += HOUR / 2
    assert len(refresh_posts(world)) == 1


def test_an_unexpected_failure_of_one_edit_affects_no_other() -> None:
    world = a_posted_world()
    papers = [f"2401.0000{n}" for n in range(3)]
    new = [(a_paper(paper, version=2, updated=date(2026, 11, 24)), a_review(9.0)) for paper in papers]
    world.store.library.add(new, now=world.now)
    assert (
        len(
            refresh_posts(
                world, MemoryPlatform(world.posted_pages, before_edit=fail_at(1, KeyError("blocks")))
            )
        )
        == 2
    )
    assert refresh_posts(world) == []
    world.now += HOUR
    assert len(refresh_posts(world)) == 1


def test_edits_wait_for_an_idle_rate_limiter() -> None:
    world = a_posted_world()
    for paper in ("2401.00000", "2401.00001"):
        world.store.library.add([(a_paper(paper), a_review(9.0))], now=world.now)
    slept, digest_slots = list[float](), list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 1:
            await limiter.acquire(CHANNEL)  # A digest comes while the second edit waits.
            digest_slots.append(sum(slept))

    limiter = RateLimiter(RateLimits(channel=1), now=lambda: sum(slept), sleep=sleep)
    platform = MemoryPlatform(world.posted_pages)
    refresher = replace(a_refresher(world, platform), rate_limiters={"console": limiter})
    asyncio.run(refresher.refresh_due_posts(asyncio.Event()))
    assert len(platform.refreshes) == 2
    assert (slept, digest_slots) == ([1.0, 1.0], [1.0])


def test_due_edits_beyond_one_batch_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.delivery.post_refresher.BATCH_SIZE", 1)
    world = a_posted_world()
    for paper in ("2401.00000", "2401.00001"):
        world.store.library.add([(a_paper(paper), a_review(9.0))], now=world.now)
    assert len(refresh_posts(world)) == 2


def test_an_edit_is_given_up_after_its_attempts() -> None:
    world = a_posted_world()
    revise_paper(world, 1)
    tried = 0

    def fail_edit() -> None:
        nonlocal tried
        tried += 1
        raise PostError("503", Outcome.UNKNOWN)

    for _ in range(MAX_ATTEMPTS + 5):
        refresh_posts(world, MemoryPlatform(world.posted_pages, before_edit=fail_edit))
        world.now += HOUR
    assert tried == MAX_ATTEMPTS
