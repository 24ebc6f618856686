"""Sentences for the operator: to the deciders or the owner, each once, and never into a channel."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import timedelta

from bot.chat.message import Message
from bot.chat.port import Outcome, PostError
from bot.delivery.operator_notices import OperatorNotices
from digests.subscription import Channel
from tests.bot.delivery.contexts import World, a_world, fail_at
from tests.builders import NOW, a_subscription
from tests.fakes.platform import MemoryPlatform

DAY = timedelta(days=1)


def tick(world: World, platform: MemoryPlatform, deciders: Collection[str] = ()) -> None:
    """Run one tick of a new process with these deciders."""
    notices = OperatorNotices(world.store.notes, timedelta(seconds=30), deciders)
    world.tick(platform, operator_notices=notices)


def a_world_without_papers(owner: str = "UADA", channels: int = 1) -> World:
    world = World()
    world.subscribe(
        *(
            replace(a_subscription(), channel=Channel("console", f"c{n}", "w"), owner_id=owner)
            for n in range(channels)
        )
    )
    return world


def test_the_owner_learns_once_that_nothing_was_imported_and_the_channel_never() -> None:
    world = a_world_without_papers()
    platform = MemoryPlatform(world.posted_pages)
    for _ in range(3):  # Each day another process.
        tick(world, platform)
        world.now += DAY
    ((person, message),) = platform.direct_messages
    assert person == "UADA"
    assert "paperround import FILE" in message.summary
    assert "import FILE" not in str(world.posted_pages.pages)


def test_the_owner_of_several_digests_is_told_once() -> None:
    world = a_world_without_papers(channels=3)
    platform = MemoryPlatform(world.posted_pages)
    tick(world, platform)
    assert [person for person, _ in platform.direct_messages] == ["UADA"]


def test_deciders_are_told_in_place_of_the_owners_each_once() -> None:
    world = a_world_without_papers(channels=3)
    platform = MemoryPlatform(world.posted_pages)
    for _ in range(2):
        tick(world, platform, ["console:w:UBOB", "console:w:UEVE", "slack:T1:UFAR"])
        world.now += DAY
    assert [person for person, _ in platform.direct_messages] == ["UBOB", "UEVE"]


def test_a_second_silence_of_the_sources_is_told_again() -> None:
    world = a_world_without_papers()
    platform = MemoryPlatform(world.posted_pages)
    world.add_papers("2401.00001")
    for days in (0, 9, 1, 0, 9, 1):  # Papers come, then none for nine days, and again.
        world.now += days * DAY
        if days == 0:
            world.add_papers(f"2401.0000{world.now.day % 10}")
        tick(world, platform)
    first, second = [message.summary for _, message in platform.direct_messages]
    assert "No papers have come in since" in first
    assert "No papers have come in since" in second
    assert first != second


def test_a_page_that_may_be_missing_is_told_to_the_owner() -> None:
    world = a_world()
    world.subscribe(replace(a_subscription(), owner_id="UADA"))
    lost = fail_at(2, PostError("Lost.", Outcome.UNKNOWN))
    platform = MemoryPlatform(world.posted_pages, before_post=lost, can_ask=False)
    tick(world, platform)
    ((person, message),) = platform.direct_messages
    assert person == "UADA"
    assert "may be missing" in message.summary


@dataclass(slots=True)
class KeptNotes:
    """Notes in memory, all of which a test can see."""

    texts: dict[str, str] = field(default_factory=dict)

    def read(self, name: str) -> str:
        return self.texts.get(name, "")

    def write(self, name: str, text: str) -> None:
        self.texts[name] = text


def test_missing_pages_of_many_days_leave_one_note_of_a_digest_and_nothing_of_its_channel() -> None:
    world, notes = World(), KeptNotes()
    world.subscribe(replace(a_subscription(), owner_id="UADA"))
    summaries = set()
    for day in range(3):
        world.add_papers(f"2401.0000{day}")
        lost = fail_at(1, PostError("Lost.", Outcome.UNKNOWN))
        platform = MemoryPlatform(world.posted_pages, before_post=lost, can_ask=False)
        world.tick(platform, operator_notices=OperatorNotices(notes, timedelta(seconds=30)))
        summaries |= {message.summary for _, message in platform.direct_messages}
        world.now += DAY
    assert len(summaries) == 3
    assert len(notes.texts) == 1
    assert a_subscription().channel.channel not in str(notes.texts)


def test_notices_wait_for_no_other_ones() -> None:
    class WaitingPlatform(MemoryPlatform):
        """Takes no direct message before three are on their way."""

        async def send_direct_message(self, channel: Channel, person: str, message: Message) -> None:
            arrived.add(person)
            if len(arrived) == 3:
                all_arrived.set()
            await all_arrived.wait()
            self.direct_messages.append((person, message))

    async def send_notices() -> None:
        notices = OperatorNotices(KeptNotes(), timedelta(seconds=10))
        platforms = {"console": platform}
        async with asyncio.TaskGroup() as group:
            for number in range(3):
                subscription = replace(a_subscription(), id=number, owner_id=f"U{number}")
                group.create_task(notices.send_notice("kind", "A sentence.", subscription, platforms))

    arrived, all_arrived = set[str](), asyncio.Event()
    platform = WaitingPlatform(World().posted_pages)
    asyncio.run(send_notices())
    assert sorted(person for person, _ in platform.direct_messages) == ["U0", "U1", "U2"]


def test_a_notice_that_is_refused_delays_no_digest() -> None:
    class ClosedPlatform(MemoryPlatform):
        async def send_direct_message(self, channel: Channel, person: str, message: Message) -> None:
            raise PostError("This person takes no direct messages.", Outcome.REFUSED)

    world = a_world_without_papers()
    tick(world, ClosedPlatform(world.posted_pages))
    assert len(world.posted_pages.pages) == 1
    assert world.now == NOW


def test_the_operators_channel_is_told_in_place_of_people_once() -> None:
    world = a_world_without_papers(channels=3)
    platform = MemoryPlatform(world.posted_pages)
    operators = Channel("console", "operators", "w")
    for _ in range(2):
        notices = OperatorNotices(world.store.notes, timedelta(seconds=30), ["console:w:UBOB"], operators)
        world.tick(platform, operator_notices=notices)
        world.now += DAY
    told = [page for name, _, page in world.posted_pages.pages if name == str(operators)]
    assert len(told) == 1
    assert "paperround import FILE" in str(told[0].payload)
    assert platform.direct_messages == []
