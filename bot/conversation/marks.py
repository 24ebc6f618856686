"""What people want to discuss: marks on posted papers become a queue, most wanted first."""

import asyncio
import contextlib
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.chat.port import Platform
from bot.present.post_update import load_post_update
from digests.errors import InputError
from digests.ids import parse_paper_id
from digests.model import Mark, MarkSource, Post
from digests.ports import Store
from digests.subscription import Channel

log = logging.getLogger(__name__)

DEBOUNCE_SECONDS = 1.5
"""Seconds that further marks on a message are waited for, so that many of them become one edit."""

MAX_POSTS_PER_PAPER = 3
"""Messages of a channel whose number is kept true for a paper: the newest ones."""

RECONCILE_WINDOW = timedelta(days=2)
MAX_RECONCILED_POSTS = 40
"""After a gap so many posts of the last two days are asked for their reactions; Slack grants 50 questions a minute."""

MAX_WORDS = 200
"""Words of a person's message in which a paper is looked for."""

AMBIGUOUS_MESSAGE = "This message shows several papers: tap the Discuss button of the one you mean."
AMBIGUOUS_REACTION = (
    "This message shows several papers: react with 1️⃣, 2️⃣ … or tap a Discuss button to say which."
)


@dataclass(frozen=True, slots=True)
class MarkEmojis:
    """The emojis that mark a paper, as a platform names them; `keycaps` are those of 1 to 10, in order."""

    mark: str
    keycaps: tuple[str, ...]

    def may_be_mark(self, emoji: str) -> bool:
        """Whether such a reaction can be about a paper at all."""
        return emoji == self.mark or emoji in self.keycaps

    def find_paper(self, post: Post, emoji: str) -> str | None:
        """The paper that a reaction on a message means: the mark where there is one paper, else its keycap."""
        if emoji == self.mark:
            return post.papers[0] if len(post.papers) == 1 else None
        if emoji not in self.keycaps:
            return None
        place = self.keycaps.index(emoji) + 1 - post.first_number
        return post.papers[place] if len(post.papers) > 1 and 0 <= place < len(post.papers) else None


def describe_tap(is_marked: bool, digest_command: str) -> str:
    """What a person is told who tapped a Discuss button; `on` when that made a mark."""
    outcome = "Marked for discussion. Tap again to take it back;" if is_marked else "Your mark is taken back;"
    return f"{outcome} {digest_command} queue shows the list."


def describe_menu_choice(is_marked: bool, digest_command: str) -> str:
    """What a person is told who chose “Mark for discussion” in a message's menu."""
    if is_marked:
        return f"Marked for discussion; {digest_command} queue shows the list."
    return "You had marked it; your mark is taken back."


@dataclass(slots=True)
class RefreshDebouncer:
    """Keeps the numbers on posted messages true: one edit for a burst of marks, and the newest number wins.

    `show` writes the present number onto a message; a failure of it is logged, and the next mark tries again.
    """

    refresh_post: Callable[[Post], Awaitable[None]]
    delay_seconds: float = DEBOUNCE_SECONDS
    _flush_event: asyncio.Event = field(default_factory=asyncio.Event)
    _pending_tasks: dict[tuple[str, str], asyncio.Task[None]] = field(default_factory=dict)

    def schedule_refresh(self, post: Post) -> None:
        """The marks on this message are no longer what it shows. Call it within a running loop."""
        key = (str(post.channel), post.message_id)
        if key not in self._pending_tasks:
            self._pending_tasks[key] = asyncio.create_task(self._refresh_after_delay(key, post))

    async def _refresh_after_delay(self, key: tuple[str, str], post: Post) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._flush_event.wait(), self.delay_seconds)
        del self._pending_tasks[key]  # From here on a mark asks for an edit of its own.
        try:
            await self.refresh_post(post)
        except Exception as error:
            log.warning("%s: the number of marks could not be shown: %s", post.channel, error)

    async def flush_pending(self) -> None:
        """Show what is still waiting, at once."""
        self._flush_event.set()
        await asyncio.gather(*self._pending_tasks.values(), return_exceptions=True)


@dataclass(slots=True)
class MarkHandler:
    """The marks that people of one platform make, and the numbers on its messages that follow them."""

    store: Store
    platform: Platform
    emojis: MarkEmojis
    clock: Callable[[], datetime]
    debouncer: RefreshDebouncer = field(init=False)

    def __post_init__(self) -> None:
        self.debouncer = RefreshDebouncer(self._refresh_post)

    async def toggle_mark(self, channel: Channel, paper: str, person: str) -> bool:
        """A tap: one mark a person and channel, wherever it was tapped; whether it is made now, or taken back."""
        is_marked = await asyncio.to_thread(self._toggle_stored_mark, channel, paper, person)
        await self.schedule_paper_refresh(channel, paper)
        return is_marked

    def _toggle_stored_mark(self, channel: Channel, paper: str, person: str) -> bool:
        mark = Mark(channel, "", paper, person, MarkSource.BUTTON, self.clock())
        is_marked = not self.store.marks.has_mark(mark)
        self.store.marks.set_mark(mark, is_marked)
        return is_marked

    async def apply_reaction(
        self, channel: Channel, message: str, emoji: str, person: str, *, is_added: bool, at: datetime
    ) -> bool:
        """A reaction came or went; False when it is the mark on a message of several papers, so that nobody can say
        which one is meant."""
        post = await asyncio.to_thread(self.store.marks.find_post, channel, message)
        if not post:
            return True
        paper = self.emojis.find_paper(post, emoji)
        if not paper:
            return not (is_added and emoji == self.emojis.mark and len(post.papers) > 1)
        mark = Mark(channel, message, paper, person, MarkSource.REACTION, at)
        if await asyncio.to_thread(self.store.marks.set_mark, mark, is_added):
            await self.schedule_paper_refresh(channel, paper)
        return True

    async def find_paper_in_message(self, channel: Channel, message: str, text: str) -> str:
        """The paper of a post of ours, or the one that a person's message links to. Raises InputError."""
        return await asyncio.to_thread(self._find_paper_in_message, channel, message, text)

    def _find_paper_in_message(self, channel: Channel, message: str, text: str) -> str:
        post = self.store.marks.find_post(channel, message)
        if post and len(post.papers) == 1:
            return post.papers[0]
        if post and post.papers:
            raise InputError(AMBIGUOUS_MESSAGE)
        for word in re.findall(r"[^\s<>|]+", text)[:MAX_WORDS]:
            named = parse_paper_id(word)
            if named and named.id in self.store.library.get([named.id]):
                return named.id
        raise InputError("There is no paper in this message that Paperround knows.")

    async def schedule_paper_refresh(self, channel: Channel, paper: str) -> None:
        """The marks for a paper are no longer what its messages show."""
        posts = await asyncio.to_thread(self.store.marks.find_posts, channel, paper, MAX_POSTS_PER_PAPER)
        for post in posts:
            self.debouncer.schedule_refresh(post)

    async def _refresh_post(self, post: Post) -> None:
        if post.payload:
            await self.platform.refresh(post, await asyncio.to_thread(load_post_update, post, self.store))

    async def reconcile_recent_posts(
        self, fetch_reactions: Callable[[Post], Awaitable[Mapping[str, frozenset[str]] | None]]
    ) -> None:
        """After a gap the reactions on the newest posts are asked for: what was missed is mended, in both directions.

        `people` gives who reacted with which emoji, or None where that is known to be as the store has it.
        """
        marks, since = self.store.marks, self.clock() - RECONCILE_WINDOW
        for post in await asyncio.to_thread(
            marks.recent_posts, self.platform.name, since, MAX_RECONCILED_POSTS
        ):
            await self.reconcile_post(post, fetch_reactions)

    async def reconcile_post(
        self, post: Post, fetch_reactions: Callable[[Post], Awaitable[Mapping[str, frozenset[str]] | None]]
    ) -> None:
        """The same for one message; a failure is a line in the log."""
        at = self.clock()
        try:
            reactions = await fetch_reactions(post)
        except Exception as error:
            log.warning("%s: the reactions could not be read: %s", post.channel, error)
            return
        if reactions is not None:
            await self._replace_reactions(post, reactions, at)

    async def _replace_reactions(
        self, post: Post, reactions: Mapping[str, frozenset[str]], at: datetime
    ) -> None:
        people: dict[str, frozenset[str]] = {}
        for emoji, persons in reactions.items():
            if paper := self.emojis.find_paper(post, emoji):
                people[paper] = people.get(paper, frozenset()) | persons
        if await asyncio.to_thread(
            self.store.marks.replace_marks, post, people, MarkSource.REACTION, as_of=at
        ):
            self.debouncer.schedule_refresh(post)
