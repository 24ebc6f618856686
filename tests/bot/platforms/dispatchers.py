"""Dispatchers over a platform in memory, and people who use them."""

import asyncio

from bot.chat.message import Message
from bot.conversation.answers import Answers
from bot.conversation.context import Person
from bot.conversation.marks import MarkEmojis
from bot.conversation.reports import ReportFields
from bot.platforms.interaction import InteractionDispatcher
from digests.build import DigestPolicy
from digests.ports import Store
from digests.subscription import Channel
from tests.builders import NOW, a_paper, a_review, a_store, find_nothing
from tests.fakes.platform import MemoryPlatform

ADA = Person("UADA", "Ada", is_admin=True)

CHANNEL = Channel("slack", "C1", "T1")


async def fetch_ada() -> Person:
    return ADA


async def refuse_to_fetch() -> Person:
    raise AssertionError("the platform was asked for a person")


async def ignore_answer(message: Message, *, replace: bool = False) -> None:
    """Stand for a person who reads nothing."""


def a_dispatcher(
    store: Store, platform: MemoryPlatform, deciders: frozenset[str] = frozenset()
) -> InteractionDispatcher:
    answers = Answers(store, find_nothing, DigestPolicy(), lambda: NOW, deciders=deciders)
    return InteractionDispatcher(answers, platform, MarkEmojis("🔖", ()), lambda: NOW, confirms_undo=False)


def save_report(
    dispatcher: InteractionDispatcher,
    *,
    interaction: str = "i1",
    channel: Channel = CHANNEL,
    person: Person = ADA,
) -> Message:
    async def fetch_person() -> Person:
        return person

    async def run() -> Message:
        fields = ReportFields(a_paper().id, "score", "wrong", "Too high.")
        answer = await dispatcher.save_report(fields, channel, person.id, interaction, fetch_person)
        await dispatcher.drain_tasks()
        return answer

    return asyncio.run(run())


def a_dispatcher_with_deciders(platform: MemoryPlatform) -> InteractionDispatcher:
    store = a_store()
    store.library.add([(a_paper(), a_review())], now=NOW)
    deciders = frozenset({"slack:T1:UEVE", "slack:T1:UCID", "slack:T2:UOTHER"})
    return a_dispatcher(store, platform, deciders)
