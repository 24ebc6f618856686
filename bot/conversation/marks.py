"""Marks on posted papers: reactions and buttons become stored marks, and posts show their current count."""

import asyncio
import contextlib
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.chat.port import Platform
from bot.present.post_update import load_post_update
from bot.storage import run_background, run_interactive
from digests.errors import InputError
from digests.ids import parse_paper_id
from digests.model import Mark, MarkSource, Post
from digests.ports import Store
from digests.subscription import Channel

log = logging.getLogger(__name__)

DEBOUNCE_SECONDS = 1.5
"""Seconds to wait for further marks on a message, so that a burst becomes one edit."""

MAX_POSTS_PER_PAPER = 3
"""Messages of a channel whose count is refreshed for a paper: the newest ones."""

RECONCILE_WINDOW = timedelta(days=2)
MAX_RECONCILED_POSTS = 40
"""Posts of the last two days that are reconciled after a gap. Slack allows 50 such requests a minute."""

MAX_WORDS = 200
"""Words of a message that are searched for a paper."""

AMBIGUOUS_MESSAGE = "This message shows several papers: tap the Discuss button of the one you mean."
AMBIGUOUS_REACTION = (
    "This message shows several papers: react with 1️⃣, 2️⃣ … or tap a Discuss button to say which."
)


@dataclass(frozen=True, slots=True)
class MarkEmojis:
    """Emojis that mark a paper, as a platform names them; `keycaps` are 1 to 10, in order."""

    mark: str
    keycaps: tuple[str, ...]

    def may_be_mark(self, emoji: str) -> bool:
        """Return whether a reaction with this emoji can be about a paper."""
        return emoji == self.mark or emoji in self.keycaps

    def find_paper(self, post: Post, emoji: str) -> str | None:
        """Return the paper that a reaction means: the mark for a single paper, else the keycap's."""
        if emoji == self.mark:
            return post.papers[0] if len(post.papers) == 1 else None
        if emoji not in self.keycaps:
            return None
        place = self.keycaps.index(emoji) + 1 - post.first_number
        return post.papers[place] if len(post.papers) > 1 and 0 <= place < len(post.papers) else None


def describe_tap(is_marked: bool, digest_command: str) -> str:
    """Answer a person who tapped a Discuss button."""
    outcome = "Marked for discussion. Tap again to take it back;" if is_marked else "Your mark is taken back;"
    return f"{outcome} {digest_command} queue shows the list."


def describe_menu_choice(is_marked: bool, digest_command: str) -> str:
    """Answer a person who chose “Mark for discussion” in a message's menu."""
    if is_marked:
        return f"Marked for discussion; {digest_command} queue shows the list."
    return "You had marked it; your mark is taken back."


@dataclass(slots=True)
class RefreshDebouncer:
    """Refreshes mark counts on posts: one edit for a burst of marks, with the newest counts.

    A failed refresh is logged; the next mark tries again.
    """

    refresh_post: Callable[[Post], Awaitable[None]]
    delay_seconds: float = DEBOUNCE_SECONDS
    _flush_event: asyncio.Event = field(default_factory=asyncio.Event)
    _pending_tasks: dict[tuple[str, str], asyncio.Task[None]] = field(default_factory=dict)

    def schedule_refresh(self, post: Post) -> None:
        """Schedule one edit of a post whose marks changed. Call it within a running loop."""
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
        """Run all pending refreshes now, and wait for them."""
        self._flush_event.set()
        await asyncio.gather(*self._pending_tasks.values(), return_exceptions=True)


@dataclass(slots=True)
class MarkHandler:
    """Stores the marks of one platform's people, and refreshes the counts on its posts."""

    store: Store
    platform: Platform
    emojis: MarkEmojis
    clock: Callable[[], datetime]
    debouncer: RefreshDebouncer = field(init=False)

    def __post_init__(self) -> None:
        self.debouncer = RefreshDebouncer(self._refresh_post)

    async def toggle_mark(self, channel: Channel, paper: str, person: str) -> bool:
        """Toggle a person's mark for a paper in a channel. Returns whether it is marked now."""
        is_marked = await run_interactive(self._toggle_stored_mark, channel, paper, person)
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
        """Store an added or removed reaction.

        Returns False if it is the mark on a message of several papers, so the person has to say which one.
        """
        post = await run_interactive(self.store.posts.find, channel, message)
        if not post:
            return True
        paper = self.emojis.find_paper(post, emoji)
        if not paper:
            return not (is_added and emoji == self.emojis.mark and len(post.papers) > 1)
        mark = Mark(channel, message, paper, person, MarkSource.REACTION, at)
        if await run_interactive(self.store.marks.set_mark, mark, is_added):
            await self.schedule_paper_refresh(channel, paper)
        return True

    async def find_paper_in_message(self, channel: Channel, message: str, text: str) -> str:
        """Return the paper of our post, or the paper that a person's message links to. Raises InputError."""
        return await run_interactive(self._find_paper_in_message, channel, message, text)

    def _find_paper_in_message(self, channel: Channel, message: str, text: str) -> str:
        post = self.store.posts.find(channel, message)
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
        """Schedule a refresh of the newest posts that show a paper."""
        posts = await run_interactive(self.store.posts.find_with_paper, channel, paper, MAX_POSTS_PER_PAPER)
        for post in posts:
            self.debouncer.schedule_refresh(post)

    async def _refresh_post(self, post: Post) -> None:
        if post.payload:
            await self.platform.refresh(post, await run_background(load_post_update, post, self.store))

    async def reconcile_recent_posts(
        self, fetch_reactions: Callable[[Post], Awaitable[Mapping[str, frozenset[str]] | None]]
    ) -> None:
        """Reconcile the stored marks of recent posts with their reactions after a gap, in both directions.

        `fetch_reactions` returns the people by emoji, or None if the stored marks are known to be current.
        """
        posts, since = self.store.posts, self.clock() - RECONCILE_WINDOW
        for post in await run_background(posts.list_recent, self.platform.name, since, MAX_RECONCILED_POSTS):
            await self.reconcile_post(post, fetch_reactions)

    async def reconcile_post(
        self, post: Post, fetch_reactions: Callable[[Post], Awaitable[Mapping[str, frozenset[str]] | None]]
    ) -> None:
        """Reconcile one post. A failure is logged."""
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
        if await run_background(self.store.marks.replace_marks, post, people, MarkSource.REACTION, as_of=at):
            self.debouncer.schedule_refresh(post)
