"""What people want to discuss: marks on posted papers become a queue, most wanted first."""

import asyncio
import contextlib
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.facts import facts
from bot.message import Action, Button, Heading, Message, Offer, Text
from bot.platforms import Platform
from digests.errors import InputError
from digests.ids import names_paper
from digests.model import Channel, Mark, MarkedBy, Post, Queued
from digests.ports import Store
from digests.text import clip, plain

log = logging.getLogger(__name__)

QUEUE_LENGTH = 10
"""Papers of the queue that are shown: more than any meeting discusses."""

BURST = 1.5
"""Seconds that further marks on a message are waited for, so that many of them become one edit."""

POSTS_OF_A_PAPER = 3
"""Messages of a channel whose number is kept true for a paper: the newest ones."""

LOOK_BACK = timedelta(days=2)
CAUGHT_UP = 40
"""After a gap so many posts of the last two days are asked for their reactions; Slack grants 50 questions a minute."""

MOST_WORDS = 200
"""Words of a person's message in which a paper is looked for."""

SEVERAL_PAPERS = "This message shows several papers: tap the Discuss button of the one you mean."
SAY_WHICH = "This message shows several papers: react with 1️⃣, 2️⃣ … or tap a Discuss button to say which."


@dataclass(frozen=True, slots=True)
class Emojis:
    """The emojis that mark a paper, as a platform names them; `keycaps` are those of 1 to 10, in order."""

    mark: str
    keycaps: tuple[str, ...]

    def mean_a_mark(self, emoji: str) -> bool:
        """Whether such a reaction can be about a paper at all."""
        return emoji == self.mark or emoji in self.keycaps

    def paper_of(self, post: Post, emoji: str) -> str | None:
        """The paper that a reaction on a message means: the mark where there is one paper, else its keycap."""
        if emoji == self.mark:
            return post.papers[0] if len(post.papers) == 1 else None
        if emoji not in self.keycaps:
            return None
        place = self.keycaps.index(emoji) + 1 - post.first_number
        return post.papers[place] if len(post.papers) > 1 and 0 <= place < len(post.papers) else None


def tapped_sentence(on: bool, digest_command: str) -> str:
    """What a person is told who tapped a Discuss button; `on` when that made a mark."""
    said = "Marked for discussion. Tap again to take it back;" if on else "Your mark is taken back;"
    return f"{said} {digest_command} queue shows the list."


def chosen_sentence(on: bool, digest_command: str) -> str:
    """What a person is told who chose “Mark for discussion” in a message's menu."""
    if on:
        return f"Marked for discussion; {digest_command} queue shows the list."
    return "You had marked it; your mark is taken back."


def queue_message(queue: Sequence[Queued], titles: Mapping[str, str], *, whose: str = "") -> Message:
    """The queue as a list, with a button that takes a paper off; `titles` are by paper id, `whose` names the channel."""
    heading = f"To discuss{f' in {whose}' if whose else ''}"
    if not queue:
        return Message(
            "Nothing to discuss yet",
            (
                Heading("Nothing to discuss yet"),
                Text("React with 🔖 to a paper, or tap its Discuss button, and it comes onto this list."),
            ),
        )
    offers = tuple(
        Offer(
            f"{place}. {clip(plain(titles.get(one.paper, one.paper)), 100)} · {voices(one.voices)}",
            Button(Action.DISCUSSED, "Done", one.paper),
        )
        for place, one in enumerate(queue, start=1)
    )
    return Message(f"{len(queue)} to discuss", (Heading(heading), *offers))


def voices(count: int) -> str:
    """1 voice, 2 voices."""
    return f"{count:,} {'voice' if count == 1 else 'voices'}"


@dataclass(slots=True)
class Counts:
    """Keeps the numbers on posted messages true: one edit for a burst of marks, and the newest number wins.

    `show` writes the present number onto a message; a failure of it is logged, and the next mark tries again.
    """

    show: Callable[[Post], Awaitable[None]]
    burst: float = BURST
    _hurry: asyncio.Event = field(default_factory=asyncio.Event)
    _waiting: dict[tuple[str, str], asyncio.Task[None]] = field(default_factory=dict)

    def changed(self, post: Post) -> None:
        """The marks on this message are no longer what it shows. Call it within a running loop."""
        key = (str(post.channel), post.message)
        if key not in self._waiting:
            self._waiting[key] = asyncio.create_task(self._soon(key, post))

    async def _soon(self, key: tuple[str, str], post: Post) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), self.burst)
        del self._waiting[key]  # From here on a mark asks for an edit of its own.
        try:
            await self.show(post)
        except Exception as error:
            log.warning("%s: the number of voices could not be shown: %s", post.channel, error)

    async def finish(self) -> None:
        """Show what is still waiting, at once."""
        self._hurry.set()
        await asyncio.gather(*self._waiting.values(), return_exceptions=True)


@dataclass(slots=True)
class Discussion:
    """The marks that people of one platform make, and the numbers on its messages that follow them."""

    store: Store
    platform: Platform
    emojis: Emojis
    clock: Callable[[], datetime]
    counts: Counts = field(init=False)

    def __post_init__(self) -> None:
        self.counts = Counts(self._show)

    async def toggle(self, channel: Channel, paper: str, person: str) -> bool:
        """A tap: one mark a person and channel, wherever it was tapped; whether it is made now, or taken back."""
        on = await asyncio.to_thread(self._toggle, channel, paper, person)
        await self.changed(channel, paper)
        return on

    def _toggle(self, channel: Channel, paper: str, person: str) -> bool:
        mark = Mark(channel, "", paper, person, MarkedBy.BUTTON, self.clock())
        on = not self.store.marks.is_set(mark)
        self.store.marks.set(mark, on)
        return on

    async def reacted(
        self, channel: Channel, message: str, emoji: str, person: str, *, on: bool, at: datetime
    ) -> bool:
        """A reaction came or went; False when it is the mark on a message of several papers, so that nobody can say
        which one is meant."""
        post = await asyncio.to_thread(self.store.marks.post, channel, message)
        if not post:
            return True
        paper = self.emojis.paper_of(post, emoji)
        if not paper:
            return not (on and emoji == self.emojis.mark and len(post.papers) > 1)
        mark = Mark(channel, message, paper, person, MarkedBy.REACTION, at)
        if await asyncio.to_thread(self.store.marks.set, mark, on):
            await self.changed(channel, paper)
        return True

    async def paper_in(self, channel: Channel, message: str, text: str) -> str:
        """The paper of a post of ours, or the one that a person's message links to. Raises InputError."""
        return await asyncio.to_thread(self._paper_in, channel, message, text)

    def _paper_in(self, channel: Channel, message: str, text: str) -> str:
        post = self.store.marks.post(channel, message)
        if post and len(post.papers) == 1:
            return post.papers[0]
        if post and post.papers:
            raise InputError(SEVERAL_PAPERS)
        for word in re.findall(r"[^\s<>|]+", text)[:MOST_WORDS]:
            named = names_paper(word)
            if named and named.id in self.store.papers.get([named.id]):
                return named.id
        raise InputError("There is no paper in this message that Paperround knows.")

    async def changed(self, channel: Channel, paper: str) -> None:
        """The voices for a paper are no longer what its messages show."""
        posts = await asyncio.to_thread(self.store.marks.posts, channel, paper, POSTS_OF_A_PAPER)
        for post in posts:
            self.counts.changed(post)

    async def _show(self, post: Post) -> None:
        if post.payload:
            await self.platform.refresh(post, await asyncio.to_thread(facts, post, self.store))

    async def catch_up(
        self, people: Callable[[Post], Awaitable[Mapping[str, frozenset[str]] | None]]
    ) -> None:
        """After a gap the reactions on the newest posts are asked for: what was missed is mended, in both directions.

        `people` gives who reacted with which emoji, or None where that is known to be as the store has it.
        """
        marks, since = self.store.marks, self.clock() - LOOK_BACK
        for post in await asyncio.to_thread(marks.recent, self.platform.name, since, CAUGHT_UP):
            await self.mend(post, people)

    async def mend(
        self, post: Post, people: Callable[[Post], Awaitable[Mapping[str, frozenset[str]] | None]]
    ) -> None:
        """The same for one message; a failure is a line in the log."""
        at = self.clock()
        try:
            reacted = await people(post)
        except Exception as error:
            log.warning("%s: the reactions could not be read: %s", post.channel, error)
            return
        if reacted is not None:
            await self._replace(post, reacted, at)

    async def _replace(self, post: Post, reacted: Mapping[str, frozenset[str]], at: datetime) -> None:
        people: dict[str, frozenset[str]] = {}
        for emoji, persons in reacted.items():
            if paper := self.emojis.paper_of(post, emoji):
                people[paper] = people.get(paper, frozenset()) | persons
        if await asyncio.to_thread(self.store.marks.replace, post, people, MarkedBy.REACTION, at=at):
            self.counts.changed(post)
