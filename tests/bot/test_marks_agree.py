"""Random histories of marks on two platforms: the card, the queue and the store agree with a small model."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.chat.port import Platform, PostUpdate
from bot.conversation.answers import Answers
from bot.conversation.marks import MarkEmojis, MarkHandler
from digests.build import DigestPolicy
from digests.errors import InputError
from digests.model import Account, Post
from digests.ports import Store
from digests.ports.marks import QueueScope
from digests.ports.queue_groups import QueueGroup
from digests.subscription import Channel
from tests.builders import NOW, a_paper, a_review, a_store, find_nothing

CHANNELS = (Channel("slack", "C1", "T1"), Channel("discord", "33", "9"))
GROUP = QueueGroup("both", (QueueScope("slack", "T1"), QueueScope("discord", "9", "33")))
PAPERS = ("p1", "p2")
PEOPLE = 50
LINKED = ((0, 25), (1, 26), (2, 27))
"""Pairs of people, of Slack and of Discord, who are one person each."""


class Event(NamedTuple):
    """A reaction that a person added to a paper's card, or took away, at an instant of the platform."""

    person: int
    paper: str
    is_added: bool
    at: datetime


class Step(NamedTuple):
    """One step of a history. `fate` is what becomes of the event of a reaction."""

    kind: str
    person: int
    paper: str
    fate: str


steps = st.builds(
    Step,
    st.sampled_from(["react", "react", "react", "tap", "tap", "deliver", "reconcile"]),
    st.one_of(st.sampled_from(LINKED[0]), st.integers(0, PEOPLE - 1)),  # Two act often, on one paper too.
    st.sampled_from(PAPERS),
    st.sampled_from(["in time", "twice", "late", "late", "lost"]),
)


def side_of(person: int) -> int:
    """Return the number of the person's platform: the first half of the people is on Slack."""
    return person * 2 // PEOPLE


@dataclass
class Model:
    """The marks by the rules in words: what is known of the reactions, and the marks by a button."""

    known: dict[tuple[int, str], tuple[datetime, bool]] = field(default_factory=dict)
    buttons: dict[tuple[int, str], datetime] = field(default_factory=dict)

    def take_reaction(self, event: Event) -> None:
        key = event.person, event.paper
        at, is_on = self.known.get(key, (datetime.min.replace(tzinfo=NOW.tzinfo), False))
        if (event.at, not event.is_added) >= (at, not is_on):
            self.known[key] = event.at, event.is_added
        self._replace_button(key, event.at)

    def take_truth(self, person: int, paper: str, is_on: bool, at: datetime) -> None:
        key = person, paper
        if self.known.get(key, (at, False))[1] is not is_on:
            self.known[key] = at, is_on
            if is_on:
                self._replace_button(key, at)

    def tap(self, person: int, paper: str, at: datetime) -> bool:
        """Return False for a person who has to take the reaction away."""
        key = person, paper
        if self.known.get(key, (at, False))[1]:
            return False
        if self.buttons.pop(key, None) is None:
            self.buttons[key] = at
        return True

    def _replace_button(self, key: tuple[int, str], at: datetime) -> None:
        if key in self.buttons and self.buttons[key] <= at:
            del self.buttons[key]

    def list_people(self, paper: str) -> set[int]:
        return {
            person
            for person in range(PEOPLE)
            if self.known.get((person, paper), (NOW, False))[1] or (person, paper) in self.buttons
        }


@dataclass
class FakePlatform:
    """A platform that shows the last number of marks on each card."""

    name: str
    shown: dict[str, int] = field(default_factory=dict)

    async def refresh(self, post: Post, update: PostUpdate) -> None:
        self.shown[post.message_id] = update.mark_counts.get(post.papers[0], 0)


@dataclass
class World:
    """Two platforms over one store, with their own truth about reactions, and events under way."""

    store: Store
    now: datetime = NOW
    model: Model = field(default_factory=Model)
    truth: dict[tuple[int, str], bool] = field(default_factory=dict)
    late: list[Event] = field(default_factory=list)
    platforms: list[FakePlatform] = field(default_factory=list)
    handlers: list[MarkHandler] = field(default_factory=list)

    def __post_init__(self) -> None:
        for paper in PAPERS:
            self.store.library.add([(a_paper(paper), a_review())], now=NOW)
            for channel in CHANNELS:
                self.store.posts.record_shared(self.find_post(channel, paper), now=NOW)
        for member in GROUP.members:
            self.store.queue_consents.agree(GROUP, member, by="", by_id="", now=NOW)
        for pair in LINKED:
            first, second = (Account(*self.place_of(person), name_of(person)) for person in pair)
            self.store.account_links.offer(first, str(pair), now=NOW, expires_at=NOW + timedelta(minutes=1))
            for account in (second, first):
                self.store.account_links.enter(account, str(pair), now=NOW)
        self.queue = Answers(
            self.store, find_nothing, DigestPolicy(), lambda: self.now, queue_groups=(GROUP,)
        ).queue
        for channel in CHANNELS:
            platform = FakePlatform(channel.platform)
            handler = MarkHandler(
                self.queue, cast(Platform, platform), MarkEmojis("🔖", ()), lambda: self.now
            )
            handler.debouncer.delay_seconds = 0
            self.platforms.append(platform)
            self.handlers.append(handler)

    def place_of(self, person: int) -> tuple[str, str]:
        channel = CHANNELS[side_of(person)]
        return channel.platform, channel.workspace

    def find_post(self, channel: Channel, paper: str) -> Post:
        return Post(channel, f"{paper}.{channel.platform}", (paper,), {"text": paper})

    async def take(self, step: Step, random: Random) -> None:
        self.now += timedelta(seconds=1)
        match step.kind:
            case "react":
                await self.react(step)
            case "tap":
                await self.tap(step)
            case "deliver":
                await self.deliver_late(random)
            case _:
                await self.reconcile(side_of(step.person), step.paper)

    async def react(self, step: Step) -> None:
        key = step.person, step.paper
        self.truth[key] = not self.truth.get(key, False)
        event = Event(*key, self.truth[key], self.now)
        match step.fate:
            case "late":
                self.late.append(event)
            case "in time" | "twice":
                for _ in range(2 if step.fate == "twice" else 1):
                    await self.deliver(event)

    async def deliver(self, event: Event) -> None:
        side = side_of(event.person)
        if side:  # Discord gives an event no instant: that of its arrival counts.
            event = event._replace(at=self.now)
        self.model.take_reaction(event)
        message = self.find_post(CHANNELS[side], event.paper).message_id
        await self.handlers[side].apply_reaction(
            CHANNELS[side], message, "🔖", name_of(event.person), is_added=event.is_added, at=event.at
        )

    async def deliver_late(self, random: Random) -> None:
        """Deliver what is under way: in any order on Slack, in its own order on Discord's connection."""
        random.shuffle(self.late)
        self.late.sort(key=lambda event: event.at if side_of(event.person) else NOW)
        while self.late:
            self.now += timedelta(seconds=1)
            await self.deliver(self.late.pop(0))

    async def tap(self, step: Step) -> None:
        channel = CHANNELS[side_of(step.person)]
        is_taken = self.model.tap(step.person, step.paper, self.now)
        try:
            await self.handlers[side_of(step.person)].toggle_mark(channel, step.paper, name_of(step.person))
            assert is_taken
        except InputError:
            assert not is_taken

    async def reconcile(self, side: int, paper: str) -> None:
        people = [person for person in range(PEOPLE) if side_of(person) == side]
        for person in people:
            self.model.take_truth(person, paper, self.truth.get((person, paper), False), self.now)
        reacting = frozenset(name_of(person) for person in people if self.truth.get((person, paper)))

        async def fetch_reactions(_: Post) -> Mapping[str, frozenset[str]]:
            return {"🔖": reacting}

        await self.handlers[side].reconcile_post(self.find_post(CHANNELS[side], paper), fetch_reactions)

    async def settle(self, random: Random) -> None:
        """Deliver and reconcile everything, and let the cards be refreshed."""
        await self.deliver_late(random)
        self.now += timedelta(seconds=1)
        for side in range(len(CHANNELS)):
            for paper in PAPERS:
                await self.reconcile(side, paper)
        for handler in self.handlers:
            await handler.debouncer.flush_pending()


def name_of(person: int) -> str:
    return f"U{person}" if side_of(person) == 0 else str(person)


def count_on_cards(world: World) -> dict[str, Any]:
    return {
        f"{paper} {channel.platform}": platform.shown.get(f"{paper}.{channel.platform}", 0)
        for channel, platform in zip(CHANNELS, world.platforms, strict=True)
        for paper in PAPERS
    }


@given(st.lists(steps, max_size=40), st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_card_queue_and_store_agree_in_the_end(history: list[Step], random: Random) -> None:
    world = World(a_store())

    async def play() -> None:
        for step in history:
            await world.take(step, random)
        await world.settle(random)

    asyncio.run(play())
    marked = {paper: world.model.list_people(paper) for paper in PAPERS}
    for (person, paper), is_on in world.truth.items():
        assert not is_on or person in marked[paper], "a reaction that people see is a mark"
    for side, channel in enumerate(CHANNELS):
        of_side = {paper: sum(side_of(person) == side for person in marked[paper]) for paper in PAPERS}
        stored = world.store.marks.mark_counts(channel, PAPERS)
        assert {paper: stored.get(paper, 0) for paper in PAPERS} == of_side
    identities = {second: first for first, second in LINKED}
    expected = {
        paper: len({identities.get(each, each) for each in people}) for paper, people in marked.items()
    }
    assert count_on_cards(world) == {
        f"{paper} {channel.platform}": expected[paper] for channel in CHANNELS for paper in PAPERS
    }, "the card counts the people of the whole queue, who count once"
    for channel in CHANNELS:
        queue = world.store.marks.discussion_queue(
            world.queue.choose_scope(channel), since=NOW - timedelta(days=1), now=world.now, limit=9
        )
        assert {each.paper: each.mark_count for each in queue} == {
            paper: count for paper, count in expected.items() if count
        }
