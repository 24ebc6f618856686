"""Marks: which paper a reaction means, and one edit for a burst of them."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from bot.chat.port import Outcome, Platform, PostError, PostUpdate
from bot.conversation import marks
from bot.conversation.context import ConversationContext
from bot.conversation.marks import MarkEmojis, MarkHandler, RefreshDebouncer
from bot.conversation.queue import QueueAnswers
from bot.platforms.slack.listeners.marks import KEYCAP_NAMES
from bot.present.queue import QueueEntry, QueuePage, present_queue
from digests.build import DigestPolicy
from digests.errors import InputError
from digests.model import Mark, MarkSource, Post, QueuedPaper
from digests.ports import Store
from digests.subscription import Channel
from tests.builders import NOW, a_paper, a_review, a_scored_paper, a_store, find_nothing

SLACK = MarkEmojis("bookmark", KEYCAP_NAMES)


def a_queue(store: Store) -> QueueAnswers:
    return QueueAnswers(ConversationContext(store, find_nothing, DigestPolicy(), lambda: NOW))


def a_post(*papers: str, first: int = 1) -> Post:
    return Post(Channel("slack", "C1"), "1.0", papers, {}, first)


@pytest.mark.parametrize(
    ("post", "emoji", "paper"),
    [
        (a_post("a"), "bookmark", "a"),
        (a_post("a"), "one", None),
        (a_post("a"), "eyes", None),
        (a_post("a", "b"), "bookmark", None),
        (a_post("a", "b"), "two", "b"),
        (a_post("a", "b"), "three", None),
        (a_post("f", "g", first=6), "seven", "g"),
        (a_post("f", "g", first=6), "one", None),
        (a_post(*"abcdefghij"), "keycap_ten", "j"),
        (a_post(), "bookmark", None),
    ],
)
def test_a_reaction_marks_the_only_paper_or_the_paper_of_its_keycap(
    post: Post, emoji: str, paper: str | None
) -> None:
    assert SLACK.find_paper(post, emoji) == paper


def test_a_burst_of_marks_is_one_edit_and_a_failed_one_is_tried_with_the_next() -> None:
    shown: list[str] = []

    async def show(post: Post) -> None:
        shown.append(post.message_id)
        if len(shown) == 1:
            raise OSError("away")

    async def run() -> None:
        counts = RefreshDebouncer(show, delay_seconds=0.01)
        for _ in range(50):
            counts.schedule_refresh(a_post("a"))
        await asyncio.sleep(0.05)
        assert shown == ["1.0"]
        counts.schedule_refresh(a_post("a"))
        await counts.flush_pending()
        assert shown == ["1.0", "1.0"]

    asyncio.run(run())


class HangingPlatform:
    """A platform whose refreshes never end."""

    name = "slack"

    async def refresh(self, post: Post, update: PostUpdate) -> None:
        await asyncio.Event().wait()


def test_a_refresh_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks, "REFRESH_TIMEOUT", timedelta(milliseconds=10))
    handler = MarkHandler(a_queue(a_store()), cast(Platform, HangingPlatform()), SLACK, lambda: NOW)
    post = replace(a_post("a"), payload={"text": "A paper", "blocks": []})

    async def refresh() -> None:
        with pytest.raises(PostError):
            await handler.debouncer.refresh_post(post)

    asyncio.run(refresh())


def test_a_mark_during_an_edit_makes_one_more() -> None:
    shown: list[str] = []

    async def run() -> None:
        async def show(post: Post) -> None:
            shown.append(post.message_id)
            if len(shown) == 1:
                counts.schedule_refresh(post)

        counts = RefreshDebouncer(show, delay_seconds=0)
        counts.schedule_refresh(a_post("a"))
        for _ in range(2):
            await counts.flush_pending()

    asyncio.run(run())
    assert shown == ["1.0", "1.0"]


def test_a_post_is_refreshed_by_one_edit_at_a_time() -> None:
    marked, shown = [1], list[int]()

    async def run() -> None:
        began, may_end = asyncio.Event(), asyncio.Event()

        async def show(post: Post) -> None:
            count = marked[-1]
            began.set()
            if count == 1:
                await may_end.wait()
            shown.append(count)

        counts = RefreshDebouncer(show, delay_seconds=0)
        counts.schedule_refresh(a_post("a"))
        await began.wait()
        marked.append(2)
        counts.schedule_refresh(a_post("a"))
        for _ in range(9):
            await asyncio.sleep(0)
        may_end.set()
        await counts.flush_pending()

    asyncio.run(run())
    assert shown == [1, 2]


def test_the_queue_says_how_to_fill_it_when_it_is_empty() -> None:
    assert "Discuss" in str(present_queue(QueuePage((), 0, 0, 8), {}))
    page = QueuePage([QueueEntry(QueuedPaper("a", 2, NOW))], 0, 1, 8)
    assert "1. A paper · 2 want to discuss since Tue 24 Nov" in str(
        present_queue(page, {"a": a_scored_paper("a", title="A paper")})
    )


@pytest.mark.parametrize("value", ["2401.99999", "", "x" * 92, "<!channel>"])
def test_a_button_marks_only_a_paper_of_the_library(value: str) -> None:
    store, channel = a_store(), Channel("slack", "C1", "T1")
    store.library.add([(a_paper("2401.00001"), a_review())], now=NOW)
    handler = MarkHandler(a_queue(store), cast(Platform, HangingPlatform()), SLACK, lambda: NOW)
    with pytest.raises(InputError, match="not here any more"):
        asyncio.run(handler.toggle_mark(channel, value, "UADA"))
    assert store.marks.mark_counts(channel, [value]) == {}
    assert asyncio.run(handler.toggle_mark(channel, "2401.00001", "UADA"))


def test_a_deleted_card_takes_no_mark_away() -> None:
    store, channel = a_store(), Channel("slack", "C1", "T1")
    post = Post(channel, "1.0", ("a",), {"text": "x"})
    handler = MarkHandler(a_queue(store), cast(Platform, HangingPlatform()), SLACK, lambda: NOW)

    async def fetch_reactions(_: Post) -> dict[str, frozenset[str]]:
        raise PostError("message_not_found", Outcome.GONE)

    store.marks.set_mark(Mark(channel, "1.0", "a", "UADA", MarkSource.REACTION, NOW), True)
    asyncio.run(handler.reconcile_post(post, fetch_reactions))
    assert store.marks.mark_counts(channel, ["a"]) == {"a": 1}
