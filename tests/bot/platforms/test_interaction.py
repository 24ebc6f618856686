"""The dispatcher that every chat platform shares, over a platform in memory."""

import asyncio
from dataclasses import replace

import pytest

from bot.conversation.answers import Answers
from bot.conversation.marks import MarkEmojis
from bot.platforms.interaction import InteractionDispatcher
from digests.build import DigestPolicy
from digests.model import NOT_REVIEWED, Post
from digests.ports import Store
from tests.builders import NOW, a_paper, a_store, a_subscription, save_subscription
from tests.fakes.platform import MemoryPlatform, PostedPages


@pytest.fixture
def platform() -> MemoryPlatform:
    return MemoryPlatform(PostedPages())


def a_dispatcher(store: Store, platform: MemoryPlatform) -> InteractionDispatcher:
    answers = Answers(store, lambda words, limit: (), DigestPolicy(), lambda: NOW)
    return InteractionDispatcher(answers, platform, MarkEmojis("🔖", ()), lambda: NOW, confirms_undo=False)


def test_the_owner_of_a_digest_that_has_stopped_is_notified_once(platform: MemoryPlatform) -> None:
    store = a_store()
    subscription = save_subscription(store, replace(a_subscription(), owner_id="UADA"))
    dispatcher = a_dispatcher(store, platform)
    for _ in range(2):
        asyncio.run(dispatcher.stop_subscriptions([subscription], "the channel was deleted."))
    ((person, message),) = platform.direct_messages
    assert (person, message.summary) == (
        "UADA",
        "The digest that you set up has stopped: the channel was deleted.",
    )


def test_a_mark_count_that_is_pending_at_the_end_is_shown(platform: MemoryPlatform) -> None:
    store = a_store()
    store.library.add([(a_paper(), NOT_REVIEWED)], now=NOW)
    channel, paper = a_subscription().channel, a_paper().id
    store.posts.record_shared(Post(channel, "1.0", (paper,), {"text": "x"}), now=NOW)
    dispatcher = a_dispatcher(store, platform)

    async def run() -> None:
        await dispatcher.mark_handler.toggle_mark(channel, paper, "UADA")
        await dispatcher.drain_tasks()

    asyncio.run(run())
    ((message, update),) = platform.refreshes
    assert (message, update.mark_counts) == ("1.0", {paper: 1})
