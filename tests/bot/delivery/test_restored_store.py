"""Delivery over a store that was restored from a backup: nothing is lost, and nothing is posted again."""

import asyncio
import threading
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.chat.port import Outcome, PostError
from bot.delivery.context import UnknownPolicy, fetch_restoration
from bot.delivery.deliver import deliver_edition
from digests.ports.notes import RESTORED_NOTE
from digests.ports.outbox import DeliveryState, PageState
from digests.store import open_store
from digests.store.backup import back_up_store, restore_store
from digests.subscription import DigestStyle
from tests.bot.delivery.contexts import CHANNEL, LEASE, World, a_context, fail_at
from tests.builders import NOW, a_store, a_subscription
from tests.fakes.platform import KilledError, MemoryPlatform, PostedPages

RESTORED_AT = NOW + timedelta(minutes=10)


def a_filled_world(file: Path, **preferences: Any) -> World:
    """Build a world over a store in a file, with one channel whose digest of three papers is due."""
    world = World(open_store(f"sqlite:///{file}"))
    world.add_papers(*(f"2401.0000{n}" for n in range(3)))
    world.subscribe(a_subscription(**preferences))
    return world


def restore(world: World, file: Path, backup: Path) -> None:
    world.store.close()
    restore_store(f"sqlite:///{file}", backup, now=RESTORED_AT)
    world.store = open_store(f"sqlite:///{file}")
    world.now = RESTORED_AT


def tick(world: World, platform: MemoryPlatform | None = None, **options: Any) -> None:
    restored_at = fetch_restoration(a_context(world.store, {})).restored_at
    world.tick(platform, restored_at=restored_at, **options)


@pytest.mark.parametrize("style", [DigestStyle.CARDS, DigestStyle.THREAD])
def test_a_digest_that_was_posted_after_the_backup_is_found_and_not_posted_again(
    tmp_path: Path, style: DigestStyle
) -> None:
    file, backup = tmp_path / "a.db", tmp_path / "a.backup"
    world = a_filled_world(file, style=style)
    back_up_store(f"sqlite:///{file}", backup)
    tick(world)
    posted = world.posted_pages.keys_in(CHANNEL)
    restore(world, file, backup)
    tick(world)
    assert world.posted_pages.keys_in(CHANNEL) == posted
    (delivery,) = world.history()
    assert delivery.state is DeliveryState.POSTED
    assert [page.receipt for page in delivery.pages] == [f"receipt {key}" for key in posted]
    world.now += timedelta(days=1)
    world.add_papers("2401.00009")
    tick(world)
    assert world.posted_pages.papers_in(CHANNEL)[-1] == "2401.00009"
    world.store.close()


@pytest.mark.parametrize("page", [1, 2, 4])
def test_a_backup_made_in_the_middle_of_a_digest_is_continued_behind_what_the_channel_has(
    tmp_path: Path, page: int
) -> None:
    file, backup = tmp_path / "a.db", tmp_path / "a.backup"
    world = a_filled_world(file)

    def save() -> None:
        with suppress(Exception):
            back_up_store(f"sqlite:///{file}", backup)

    posts = iter(range(1, 99))
    tick(
        world, MemoryPlatform(world.posted_pages, before_post=lambda: save() if next(posts) == page else None)
    )
    restore(world, file, backup)
    world.now += LEASE
    tick(world)
    keys = world.posted_pages.keys_in(CHANNEL)
    assert len(keys) == len(set(keys)) == 4
    assert world.history()[0].state is DeliveryState.POSTED
    world.store.close()


def test_a_message_with_other_papers_is_edited_into_the_new_plan(tmp_path: Path) -> None:
    file, backup = tmp_path / "a.db", tmp_path / "a.backup"
    world = a_filled_world(file)
    back_up_store(f"sqlite:///{file}", backup)
    tick(world)
    restore(world, file, backup)
    world.add_papers("2401.00007")
    tick(world)
    shown = [paper for page in world.history()[0].pages for paper in page.papers]
    assert world.posted_pages.papers_in(CHANNEL) == shown
    keys = world.posted_pages.keys_in(CHANNEL)
    assert len(keys) == len(set(keys))
    world.store.close()


def a_restored_world() -> World:
    """Build a world whose store was restored, in memory: its due digest may have been posted before."""
    world = World(a_store())
    world.add_papers("2401.00000")
    world.subscribe(a_subscription())
    world.store.notes.write(RESTORED_NOTE, RESTORED_AT.isoformat())
    world.now = RESTORED_AT
    return world


def test_where_the_channel_cannot_be_searched_the_settings_decide() -> None:
    world = a_restored_world()
    tick(world, MemoryPlatform(world.posted_pages, can_ask=False))
    assert world.posted_pages.pages == []
    assert {page.state for page in world.history()[0].pages} == {PageState.SKIPPED}
    world = a_restored_world()
    tick(world, MemoryPlatform(world.posted_pages, can_ask=False), on_unknown=UnknownPolicy.RESEND)
    assert world.posted_pages.papers_in(CHANNEL) == ["2401.00000"]


def test_an_edition_that_was_due_later_is_posted_where_the_channel_cannot_be_searched() -> None:
    world = a_restored_world()
    world.store.notes.write(RESTORED_NOTE, (NOW - timedelta(minutes=1)).isoformat())
    tick(world, MemoryPlatform(world.posted_pages, can_ask=False))
    assert world.posted_pages.papers_in(CHANNEL) == ["2401.00000"]


def test_a_digest_posted_by_hand_before_its_hour_is_found_after_a_restoration() -> None:
    posted_pages = PostedPages()

    def post_by_hand(restored_at: datetime | None) -> None:
        world = World(a_store(), posted_pages)
        world.add_papers("2401.00000")
        world.subscribe(a_subscription())
        (subscription,) = world.store.subscriptions.list_active()
        platform = MemoryPlatform(posted_pages)
        early = NOW - timedelta(minutes=30)
        context = a_context(world.store, {"console": platform}, clock=lambda: early, restored_at=restored_at)
        asyncio.run(deliver_edition(subscription, NOW.date(), context=context))

    post_by_hand(None)
    before = posted_pages.keys_in(CHANNEL)
    post_by_hand(NOW - timedelta(minutes=30))
    assert posted_pages.keys_in(CHANNEL) == before != []


def test_a_page_that_cannot_be_edited_counts_as_posted() -> None:
    posted_pages = PostedPages()
    for restored_at in (None, RESTORED_AT):
        world = World(a_store(), posted_pages)
        world.add_papers("2401.00000")
        world.subscribe(a_subscription())
        platform = MemoryPlatform(
            posted_pages, before_edit=fail_at(1, PostError("no right", Outcome.REFUSED))
        )
        world.tick(platform, restored_at=restored_at)
    assert len(posted_pages.pages) == 2
    assert world.history()[0].state is DeliveryState.POSTED


def test_a_worker_killed_during_the_search_leaves_each_page_posted_once() -> None:
    world = a_restored_world()
    with pytest.raises(BaseExceptionGroup):
        tick(world, MemoryPlatform(world.posted_pages, before_find=fail_at(1, KilledError())))
    world.now += LEASE
    tick(world)
    assert len(world.posted_pages.pages) == 2


def test_later_editions_are_not_looked_for() -> None:
    world = a_restored_world()
    world.now += timedelta(days=1)
    world.store.notes.write(RESTORED_NOTE, (NOW - timedelta(days=2)).isoformat())
    tick(world, MemoryPlatform(world.posted_pages, before_find=fail_at(1, AssertionError("searched"))))
    assert world.posted_pages.papers_in(CHANNEL) == ["2401.00000"]


def test_an_unreadable_note_counts_as_a_restoration_now() -> None:
    store = a_store()
    store.notes.write(RESTORED_NOTE, "yesterday")
    assert fetch_restoration(a_context(store, {})).restored_at == NOW


def test_a_backup_under_load_loses_and_repeats_nothing(tmp_path: Path) -> None:
    """Back up while the digests of many channels are claimed and posted, and restore in the end."""
    file, backup = tmp_path / "a.db", tmp_path / "a.backup"
    world = World(open_store(f"sqlite:///{file}"))
    world.add_papers("2401.00000", "2401.00001")
    channels = [a_subscription(f"channel {number}") for number in range(40)]
    world.subscribe(*channels)
    is_half_done = threading.Event()
    posts = iter(range(1, 1000))

    def note_post() -> None:
        if next(posts) == 30:
            is_half_done.set()

    def back_up() -> None:
        is_half_done.wait()
        back_up_store(f"sqlite:///{file}", backup)

    saving = threading.Thread(target=back_up)
    saving.start()
    tick(world, MemoryPlatform(world.posted_pages, after_post=note_post))
    is_half_done.set()
    saving.join()
    restore(world, file, backup)
    world.now += LEASE
    for _ in range(3):
        tick(world)
    for subscription in channels:
        keys = world.posted_pages.keys_in(subscription.channel)
        assert len(keys) == len(set(keys)) == 3, subscription.channel
    assert all(
        world.store.delivery_reports.history(each, 9)[0].state is DeliveryState.POSTED
        for each in world.store.subscriptions.list_active()
    )
    world.store.close()
