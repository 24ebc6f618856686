"""The weekly recap: after the first digest of a week, once, also after a crash at any step."""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from threading import Event
from typing import Any

import pytest

from bot.chat.port import Outcome, PostError
from bot.delivery.context import QueuePolicy
from bot.delivery.operator_notices import OperatorNotices
from bot.present.recap_picture import draw_week
from digests.model import AttachedFile, Mark, MarkSource, QueueOutcome
from digests.ports.marks import QueueScope
from digests.ports.outbox import DeliveryKind, DeliveryState
from digests.subscription import Schedule
from tests.bot.delivery.contexts import CHANNEL, KilledOutbox, World, a_world
from tests.builders import NOW, a_paper, a_review, a_subscription
from tests.fakes.platform import KilledError, MemoryPlatform

MONDAY = datetime(2026, 11, 30, 9, tzinfo=UTC)
MINUTE, WEEK = timedelta(minutes=1), timedelta(weeks=1)
SHOWN = "2401.00000"
WANTED_ELSEWHERE = "2305.18290"


@pytest.fixture(autouse=True)
def quick_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every recap a picture that takes no time; those that are about drawing take the real one."""
    monkeypatch.setattr("bot.delivery.recap.draw_week", lambda week: b"\x89PNG")


def a_week(*, marked: tuple[str, ...] = (SHOWN,), schedule: Schedule | None = None) -> World:
    """Build a world whose channel has recaps, on the Tuesday of a week with one digest of three papers."""
    world = a_world()
    subscription = replace(a_subscription(recap=True), schedule=schedule or Schedule())
    world.subscribe(subscription)
    world.tick()
    for paper in marked:
        mark_paper(world, paper)
    return world


def mark_paper(world: World, paper: str, person: str = "A") -> None:
    world.store.marks.set_mark(Mark(CHANNEL, "", paper, person, MarkSource.BUTTON, world.now), True)


def go_to(world: World, instant: datetime, **options: Any) -> None:
    world.now = instant
    world.tick(queue_policy=QueuePolicy(has_workspace_queue=False), **options)


def run_days(world: World, until: datetime) -> None:
    """Tick at the hour of the digest of each day, and again a minute later."""
    while world.now < until:
        for instant in (world.now + timedelta(days=1), world.now + timedelta(days=1, minutes=1)):
            world.tick() if instant == world.now else go_to(world, instant)
        world.now -= MINUTE


def read_recaps(world: World) -> list[str]:
    """Return the text of each posted recap, in the order of posting."""
    pages = (page.payload["blocks"] for _, _, page in world.posted_pages.pages)
    texts = ("\n".join(map(_read_block, blocks)) for blocks in pages)
    return [text for text in texts if text.startswith("The week here")]


def _read_block(block: dict[str, Any]) -> str:
    return " ".join(filter(None, (block.get("label"), block.get("text"))))


def test_a_recap_tells_of_the_week_before() -> None:
    world = a_week(marked=(SHOWN, WANTED_ELSEWHERE))
    world.store.library.add([(a_paper(WANTED_ELSEWHERE, title="DPO"), a_review(9.0))], now=world.now)
    mark_paper(world, WANTED_ELSEWHERE, "B")
    scope = QueueScope("console", "", CHANNEL.channel)
    world.store.queue_decisions.decide(
        "2401.00001", scope, QueueOutcome.DISCUSSED, by="Ada", by_id="x", now=NOW + MINUTE
    )
    run_days(world, MONDAY)
    (recap,) = read_recaps(world)
    assert recap.splitlines() == [
        "The week here: Mon 23 Nov to Sun 29 Nov",
        "Shown 4 papers in 2 digests",
        "Wanted • “DPO” (2305.18290) · 9.0/10 · marked by 2 people",
        "• “Paper 2401.00000” (2401.00000) · 7.5/10 · marked by 1 person",
        "Discussed “Paper 2401.00001” (2401.00001) · 7.5/10",
        "Scores not enough marks to compare yet (2 of 5).",
    ]


def test_a_recap_says_what_people_here_made_of_a_discussed_paper() -> None:
    world = a_week()
    scope, now = QueueScope("console", "", CHANNEL.channel), NOW + MINUTE
    world.store.queue_decisions.decide(SHOWN, scope, QueueOutcome.DISCUSSED, by="Ada", by_id="x", now=now)
    for person, is_worth_it in (("A", True), ("B", False), ("C", True)):
        world.store.discussions.set_worth_it(scope, SHOWN, person, is_worth_it, now=now)
    elsewhere = QueueScope("console", "", "another")
    world.store.discussions.set_worth_it(elsewhere, SHOWN, "D", True, now=now)
    run_days(world, MONDAY)
    (recap,) = read_recaps(world)
    assert "Discussed “Paper 2401.00000” (2401.00000) · 7.5/10 · worth it 2 of 3" in recap.splitlines()


def test_a_recap_names_the_most_wanted_paper_that_no_digest_showed() -> None:
    world = a_week()
    run_days(world, MONDAY - timedelta(days=3))
    world.store.library.add([(a_paper(WANTED_ELSEWHERE, title="DPO"), a_review(1.0))], now=world.now)
    world.subscribe(a_subscription(recap=True, min_score=8.0))
    mark_paper(world, WANTED_ELSEWHERE)
    run_days(world, MONDAY)
    (recap,) = read_recaps(world)
    assert "Missed “DPO” (2305.18290) · 1.0/10 · 1 wants to discuss it. No digest here showed it." in recap


def test_a_held_paper_is_not_named() -> None:
    world = a_week(marked=(SHOWN, "2401.00001"))
    world.store.moderation.hold(SHOWN, "suspect", now=NOW)
    run_days(world, MONDAY)
    (recap,) = read_recaps(world)
    assert "2401.00001" in recap
    assert SHOWN not in recap


def test_a_quiet_week_has_no_recap() -> None:
    world = a_week(marked=())
    run_days(world, MONDAY + WEEK)
    assert read_recaps(world) == []
    (subscription,) = world.store.subscriptions.list_active()
    recaps = world.store.delivery_reports.history(subscription, 9, kind=DeliveryKind.RECAP)
    assert [each.state for each in recaps] == [DeliveryState.POSTED] * 2


def test_a_digest_without_the_setting_has_no_recap() -> None:
    world = a_week()
    world.subscribe(a_subscription())
    run_days(world, MONDAY + WEEK)
    assert read_recaps(world) == []


def test_a_recap_that_is_turned_on_begins_with_the_next_week() -> None:
    world = a_week()
    world.subscribe(a_subscription())
    run_days(world, MONDAY)
    mark_paper(world, SHOWN)
    go_to(world, MONDAY + MINUTE)
    world.subscribe(a_subscription(recap=True))
    run_days(world, MONDAY + timedelta(days=4))
    assert read_recaps(world) == []
    run_days(world, MONDAY + WEEK)
    assert len(read_recaps(world)) == 1


def test_a_recap_waits_for_the_digest_of_its_hour() -> None:
    world = a_week()
    world.now = MONDAY - timedelta(days=1)
    world.add_papers("2411.00001")
    go_to(world, MONDAY, platform=MemoryPlatform(world.posted_pages, before_post=refuse_posts()))
    assert read_recaps(world) == []
    go_to(world, MONDAY + 2 * MINUTE)
    go_to(world, MONDAY + 3 * MINUTE)
    assert len(read_recaps(world)) == 1
    text = [str(page.payload) for _, _, page in world.posted_pages.pages]
    assert "The week here" in text[-1]
    assert any("2411.00001" in each for each in text[:-1])


def refuse_posts() -> Callable[[], None]:
    def refuse() -> None:
        raise PostError("Slack is out.", Outcome.NOT_POSTED)

    return refuse


def test_a_changed_schedule_gives_a_week_no_second_recap() -> None:
    world = a_week()
    run_days(world, MONDAY)
    mark_paper(world, SHOWN)
    world.subscribe(a_subscription())  # Turned off and on again, it forgets when the next one was due.
    later = replace(a_subscription(recap=True), schedule=Schedule(days=frozenset({2, 3})))
    world.subscribe(later)
    run_days(world, MONDAY + timedelta(days=4))
    assert len(read_recaps(world)) == 1
    mark_paper(world, SHOWN, "B")
    run_days(world, MONDAY + timedelta(days=10))
    assert len(read_recaps(world)) == 2


@pytest.mark.parametrize(
    ("start", "hour"),
    [(datetime(2026, 3, 24, 12, tzinfo=UTC), 2), (datetime(2026, 10, 20, 12, tzinfo=UTC), 2)],
)
def test_a_recap_comes_once_on_the_night_in_which_the_clocks_change(start: datetime, hour: int) -> None:
    world = World(now=start)
    world.add_papers(SHOWN)
    schedule = Schedule(time(hour, 30), frozenset({6}), "Europe/Berlin")
    world.subscribe(replace(a_subscription(recap=True), schedule=schedule))
    world.tick()
    mark_paper(world, SHOWN)
    for _ in range(7 * 24 * 2):
        go_to(world, world.now + timedelta(minutes=30))
    assert len(read_recaps(world)) == 1


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 6))
def test_a_recap_comes_once_whatever_call_of_the_outbox_its_worker_dies_at(at: int, after: bool) -> None:
    world = a_week()
    killed: Any = KilledOutbox(world.store.outbox, at, after=after)
    expect_one_recap(world, store=replace(world.store, outbox=killed))


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 4))
def test_a_recap_comes_once_if_its_worker_dies_while_it_is_built(at: int, after: bool) -> None:
    world = a_week()
    killed: Any = KilledOutbox(world.store.recaps, at, after=after)  # type: ignore[arg-type]
    expect_one_recap(world, store=replace(world.store, recaps=killed))


def test_a_recap_comes_once_if_its_worker_dies_after_it_was_sent() -> None:
    world = a_week()
    expect_one_recap(world, platform=MemoryPlatform(world.posted_pages, after_post=die))


def test_a_recap_has_the_picture_of_its_week_with_words_for_those_who_do_not_see_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("matplotlib", reason="Matplotlib is not installed: the extra plot")
    monkeypatch.setattr("bot.delivery.recap.draw_week", draw_week)
    world = a_week()
    run_days(world, MONDAY)
    (picture,) = list_pictures(world)
    assert picture.content.startswith(b"\x89PNG")
    assert picture.alt_text.startswith("Scores of the papers shown here, by day. Tue 24 Nov: 3 papers, 7.5.")
    assert "Wanted by people here: “Paper 2401.00000” 7.5." in picture.alt_text


def test_a_recap_goes_out_without_a_picture_where_matplotlib_is_not_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.delivery.recap.draw_week", draw_week)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    world = a_week()
    run_days(world, MONDAY)
    assert len(read_recaps(world)) == 1
    assert list_pictures(world) == []


def test_a_recap_goes_out_without_a_picture_that_cannot_be_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.delivery.recap.draw_week", draw_week)
    monkeypatch.setattr("bot.present.recap_picture.draw_weeks", lambda *_: 1 / 0)
    world = a_week()
    run_days(world, MONDAY)
    assert len(read_recaps(world)) == 1
    assert list_pictures(world) == []


def test_a_recap_does_not_wait_for_a_picture_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    is_over = Event()
    monkeypatch.setattr("bot.delivery.recap.DRAWING_SECONDS", 0.01)
    monkeypatch.setattr("bot.delivery.recap.draw_week", lambda week: is_over.wait(60) and b"\x89PNG")
    world = a_week()
    try:
        run_days(world, MONDAY)
        assert len(read_recaps(world)) == 1
        assert list_pictures(world) == []
    finally:
        is_over.set()


def test_an_upload_that_fails_does_not_keep_a_recap_from_going_out_and_its_owner_is_told_once() -> None:
    def refuse() -> None:
        raise PostError("The scope files:write is missing.", Outcome.NOT_POSTED)

    expect_recaps_without_pictures(
        lambda world: MemoryPlatform(world.posted_pages, before_upload=refuse),
        "The scope files:write is missing.",
    )


def test_a_picture_that_is_refused_with_its_page_is_left_out() -> None:
    expect_recaps_without_pictures(
        lambda world: MemoryPlatform(world.posted_pages, takes_files=False), "No files here."
    )


def expect_recaps_without_pictures(build: Callable[[World], MemoryPlatform], reason: str) -> None:
    """Let two recaps go out over platforms that take no picture, and expect one notice with the reason."""
    world = a_week()
    world.subscribe(replace(a_subscription(recap=True), owner_id="boss"))
    told = []
    for monday in (MONDAY, MONDAY + WEEK):
        run_days(world, monday - timedelta(days=1))
        for minutes in range(3):
            platform = build(world)
            notices = OperatorNotices(world.store.notes, MINUTE)
            go_to(world, monday + minutes * MINUTE, platform=platform, operator_notices=notices)
            told += platform.direct_messages
        world.add_papers("2412.00001")
        mark_paper(world, "2412.00001")
    assert len(read_recaps(world)) == 2
    assert list_pictures(world) == []
    about_recaps = [(person, each.summary) for person, each in told if "recap" in each.summary]
    assert about_recaps == [("boss", f"A weekly recap in console was posted without its picture. {reason}")]


def test_a_recap_comes_once_with_its_picture_if_its_worker_dies_after_the_upload() -> None:
    world = a_week()
    expect_one_recap(world, platform=MemoryPlatform(world.posted_pages, before_post=die))
    assert len(list_pictures(world)) == 1


def test_the_picture_is_posted_with_a_page_whose_answer_was_lost() -> None:

    def lose() -> None:
        raise PostError("dropped", Outcome.UNKNOWN)

    world = a_week()
    expect_one_recap(world, platform=MemoryPlatform(world.posted_pages, before_post=lose))
    assert len(list_pictures(world)) == 1


def list_pictures(world: World) -> list[AttachedFile]:
    return [page.file for _, _, page in world.posted_pages.pages if page.file]


def die() -> None:
    raise KilledError


def expect_one_recap(world: World, **options: Any) -> None:
    """Run a Monday on which a worker dies over the recap, and another takes over after its lease."""
    go_to(world, MONDAY)
    try:
        go_to(world, MONDAY + MINUTE, **options)
    except* KilledError:
        pass
    for minutes in (10, 20, 60 * 24 * 3):
        go_to(world, MONDAY + minutes * MINUTE)
    assert len(read_recaps(world)) == 1
