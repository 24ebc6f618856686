"""Marks on posted papers: reactions and buttons become stored marks, and posts show the current counts."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.chat.attempt import with_deadline
from bot.chat.port import Platform
from bot.conversation.queue import QueueAnswers
from bot.present.post_update import load_post_update
from bot.present.wording import clean_text
from bot.storage import run_background, run_interactive
from digests.errors import InputError
from digests.ids import find_paper_ids
from digests.model import Mark, MarkSource, Post
from digests.ports import Store
from digests.ports.queue_groups import find_group
from digests.subscription import Channel
from digests.text import clip_text

log = logging.getLogger(__name__)

DEBOUNCE_SECONDS = 1.5
"""Seconds to wait for further marks on a post, so that a burst of marks makes one edit."""

REFRESH_TIMEOUT = timedelta(seconds=30)
"""Longest time that one refresh may take."""

MAX_POSTS_PER_PAPER = 3
"""Posts of a channel that are refreshed after a mark of a paper: the newest that show it."""

MAX_SHARED_POSTS = 10
"""Posts of all channels of a shared queue that are refreshed after a mark of a paper: the newest."""

RECONCILE_WINDOW = timedelta(days=2)
"""Age of the posts that are reconciled after a lost connection."""
MAX_RECONCILED_POSTS = 40
"""Largest number of posts that are reconciled at a time. Slack allows 50 such requests a minute."""

TITLE_CHARACTERS = 80
"""Characters of a paper's title in an answer."""

DELAY_SECONDS = 30.0
"""Seconds until reactions are read from their message that were too many to be applied one by one."""
MAX_DELAYED_MESSAGES = 200
"""Messages whose reactions wait to be read. One more is left as it is until its next reaction."""

AMBIGUOUS_MESSAGE = "This message shows several papers: tap the Discuss button of the one you mean."
AMBIGUOUS_REACTION = (
    "This message shows several papers: react with 1️⃣, 2️⃣ … or tap a Discuss button to say which."
)


@dataclass(frozen=True, slots=True)
class MarkEmojis:
    """Emojis whose reactions mark a paper, by the platform's names.

    `keycaps` are those of 1 to 10, in order.
    """

    mark: str
    keycaps: tuple[str, ...]

    def may_be_mark(self, emoji: str) -> bool:
        """Return True if a reaction with this emoji can mark a paper: the mark emoji, or a keycap."""
        return emoji == self.mark or emoji in self.keycaps

    def find_paper(self, post: Post, emoji: str) -> str | None:
        """Return the id of the paper that a reaction to a post means, or None if it means none.

        On a post of one paper the mark emoji means it, and a keycap nothing. On a post of several a keycap
        means the paper with its number, and the mark emoji nothing.
        """
        if emoji == self.mark:
            return post.papers[0] if len(post.papers) == 1 else None
        if emoji not in self.keycaps:
            return None
        place = self.keycaps.index(emoji) + 1 - post.first_number
        return post.papers[place] if len(post.papers) > 1 and 0 <= place < len(post.papers) else None


def describe_tap(is_marked: bool, digest_command: str) -> str:
    """Return the sentence for a person who tapped a Discuss button. `is_marked` is the state after it."""
    outcome = "Marked for discussion. Tap again to take it back;" if is_marked else "Your mark is taken back;"
    return f"{outcome} {digest_command} queue shows the list."


def describe_menu_choice(title: str, is_marked: bool, digest_command: str) -> str:
    """Return the sentence for a person who marked a paper by its id, or in a message's menu.

    `title` is the paper's. `is_marked` is the state after it: False if it took the person's mark back.
    """
    name = clip_text(clean_text(title), TITLE_CHARACTERS)
    if is_marked:
        return f"Marked for discussion: “{name}”; {digest_command} queue shows the list."
    return f"You had marked “{name}”; your mark is taken back."


@dataclass(slots=True)
class RefreshDebouncer:
    """Refreshes posts after marks: one edit for a burst of marks, `delay_seconds` after the first of them.

    A post is refreshed by one edit at a time, so that none shows an older number than one before it. A failed
    refresh is logged and not repeated; the next mark refreshes the post again.
    """

    refresh_post: Callable[[Post], Awaitable[None]]
    delay_seconds: float = DEBOUNCE_SECONDS
    _flush_event: asyncio.Event = field(default_factory=asyncio.Event)
    _pending_tasks: dict[tuple[str, str], asyncio.Task[None]] = field(default_factory=dict)
    _running_tasks: dict[tuple[str, str], asyncio.Task[None]] = field(default_factory=dict)

    def schedule_refresh(self, post: Post) -> None:
        """Schedule the refresh of a post, unless one is pending. Call it within a running event loop.

        Returns at once.
        """
        key = (str(post.channel), post.message_id)
        if key not in self._pending_tasks:
            self._pending_tasks[key] = asyncio.create_task(self._refresh_after_delay(key, post))

    async def _refresh_after_delay(self, key: tuple[str, str], post: Post) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._flush_event.wait(), self.delay_seconds)
        while running := self._running_tasks.get(key):
            await asyncio.wait({running})
        # A mark from now on may not be in this edit, so it schedules its own.
        self._running_tasks[key] = self._pending_tasks.pop(key)
        try:
            await self.refresh_post(post)
        except Exception as error:
            log.warning("%s: the mark counts could not be refreshed: %s", post.channel, error)
        finally:
            del self._running_tasks[key]

    async def flush_pending(self) -> None:
        """Run all pending refreshes now, and wait for them and the running ones. Later ones have no delay."""
        self._flush_event.set()
        unfinished = (*self._pending_tasks.values(), *self._running_tasks.values())
        await asyncio.gather(*unfinished, return_exceptions=True)


@dataclass(slots=True)
class DelayedReconciler:
    """Reconciles messages `DELAY_SECONDS` after a flood of reactions: each once, one after the other."""

    _waiting: dict[tuple[str, str], Callable[[], Awaitable[None]]] = field(default_factory=dict)
    _task: asyncio.Task[None] | None = None

    def schedule(self, channel: str, message: str, reconcile: Callable[[], Awaitable[None]]) -> None:
        """Schedule `reconcile` for a message, unless it waits already. Call it within a running event loop.

        Returns at once. The error of a call is logged, and the next one follows.
        """
        if len(self._waiting) < MAX_DELAYED_MESSAGES:
            self._waiting.setdefault((channel, message), reconcile)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._reconcile_all())

    async def _reconcile_all(self) -> None:
        while self._waiting:
            await asyncio.sleep(DELAY_SECONDS)
            due, self._waiting = self._waiting, {}
            for reconcile in due.values():
                try:
                    await reconcile()
                except Exception as error:
                    log.warning("the reactions to a message could not be read: %s", error)

    def cancel(self) -> None:
        """Forget what waits. The next connection reconciles the newest posts."""
        if self._task:
            self._task.cancel()


@dataclass(slots=True)
class MarkHandler:
    """Stores the marks of one platform's people, and refreshes the mark counts on its posts."""

    queue: QueueAnswers
    platform: Platform
    emojis: MarkEmojis
    clock: Callable[[], datetime]
    debouncer: RefreshDebouncer = field(init=False)
    delayed_reconciler: DelayedReconciler = field(default_factory=DelayedReconciler)

    def __post_init__(self) -> None:
        self.debouncer = RefreshDebouncer(self._refresh_post, DEBOUNCE_SECONDS)
        self.queue.context.schedule_refreshes[self.platform.name] = self.debouncer.schedule_refresh

    @property
    def store(self) -> Store:
        """The store of the marks."""
        return self.queue.context.store

    async def toggle_mark(self, channel: Channel, paper: str, person: str) -> bool:
        """Set a person's mark for a paper in a channel, or take it back, as `QueueAnswers.toggle_mark` does.

        Returns True if it is set now. A refresh of the paper's newest posts is scheduled. Raises InputError
        and StoreError.
        """
        toggle = await run_interactive(self.queue.toggle_mark, channel, paper, person)
        for changed in toggle.channels:
            await self.schedule_paper_refresh(changed, paper)
        return toggle.is_marked

    async def choose_paper(self, channel: Channel, paper: str, person: str) -> str:
        """Toggle a mark as `toggle_mark` does, and return the sentence of `describe_menu_choice`."""
        is_marked = await self.toggle_mark(channel, paper, person)
        scored = (await run_interactive(self.store.library.get, [paper])).get(paper)
        title = scored.paper.title if scored else paper
        return describe_menu_choice(title, is_marked, self.queue.context.digest_command)

    async def apply_reaction(
        self, channel: Channel, message: str, emoji: str, person: str, *, is_added: bool, at: datetime
    ) -> bool:
        """Store a reaction that was added to a message, or removed from it, at the instant `at`.

        A refresh of the paper's newest posts is scheduled if that changed a mark. A reaction to a message
        that is no post, or one that means no paper, does nothing. Returns False only if the mark emoji was
        added to a post of several papers: the person has to say which paper is meant. Otherwise returns True,
        also if nothing changed. Raises StoreError.
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
        """Return the id of the paper that a message is about.

        That is the paper of our own post, or the first paper of the library that `text` names by address or
        id. Raises InputError if our post shows several papers, or if `text` names no paper of the library.
        """
        return await run_interactive(self._find_paper_in_message, channel, message, text)

    def _find_paper_in_message(self, channel: Channel, message: str, text: str) -> str:
        post = self.store.posts.find(channel, message)
        if post and len(post.papers) == 1:
            return post.papers[0]
        if post and post.papers:
            raise InputError(AMBIGUOUS_MESSAGE)
        named = [reference.id for reference in find_paper_ids(text)]
        known = self.store.library.get(named)
        if paper := next((paper for paper in named if paper in known), ""):
            return paper
        raise InputError("There is no paper in this message that Paperround knows.")

    async def schedule_paper_refresh(self, channel: Channel, paper: str) -> None:
        """Schedule a refresh of a channel's newest posts that show a paper, `MAX_POSTS_PER_PAPER` at most.

        In a shared queue the newest `MAX_SHARED_POSTS` of all its channels are refreshed too, on every
        platform of this process. A post whose refresh is pending is not scheduled twice. Raises StoreError.
        """
        for post in await run_interactive(self._find_posts, channel, paper):
            if schedule := self.queue.context.schedule_refreshes.get(post.channel.platform):
                schedule(post)

    def _find_posts(self, channel: Channel, paper: str) -> Sequence[Post]:
        own = self.store.posts.find_with_paper(channel, paper, MAX_POSTS_PER_PAPER)
        scope = self.queue.choose_scope(channel)
        if not scope.partners:
            return own
        return (*own, *self.store.posts.find_in_queue(scope, paper, MAX_SHARED_POSTS))

    async def _refresh_post(self, post: Post) -> None:
        """Refresh a post with its current marks and updates. Does nothing if its payload is not known.

        Raises PostError and StoreError.
        """
        if post.payload:
            update = await run_interactive(
                load_post_update, post, self.store, self.queue.context.queue_groups
            )
            await with_deadline(self.platform.refresh(post, update), REFRESH_TIMEOUT)

    async def reconcile_recent_posts(
        self, fetch_reactions: Callable[[Post], Awaitable[Mapping[str, frozenset[str]] | None]]
    ) -> None:
        """Make the stored marks of recent posts equal to their reactions, after a lost connection.

        Missed reactions are added, and removed ones taken back, on the newest `MAX_RECONCILED_POSTS` posts of
        the last `RECONCILE_WINDOW`. Marks by buttons stay. `fetch_reactions` returns the ids of the people by
        emoji, or None if the stored marks are known to be current. An error of it is logged, and the next
        post follows. Raises StoreError.
        """
        posts, since = self.store.posts, self.clock() - RECONCILE_WINDOW
        for post in await run_background(posts.list_recent, self.platform.name, since, MAX_RECONCILED_POSTS):
            await self.reconcile_post(post, fetch_reactions)

    async def reconcile_post(
        self, post: Post, fetch_reactions: Callable[[Post], Awaitable[Mapping[str, frozenset[str]] | None]]
    ) -> None:
        """Reconcile one post, as `reconcile_recent_posts` does.

        Its refresh is scheduled if a mark changed.
        """
        at = self.clock()
        try:
            reactions = await fetch_reactions(post)
        except Exception as error:
            log.warning("%s: the reactions could not be read: %s", post.channel, error)
            return
        if reactions is not None:
            await self._replace_reactions(post, reactions, at)

    def _leave_out_forgotten(
        self, post: Post, people: Mapping[str, frozenset[str]], at: datetime
    ) -> dict[str, frozenset[str]]:
        """Leave out people who were forgotten lately: their old reactions still stand on the messages.

        One who marked the paper again since is kept.
        """
        everybody = frozenset[str]().union(*people.values())
        channel, since = post.channel, at - RECONCILE_WINDOW
        find = self.store.people.find_forgotten
        forgotten = find(channel.platform, channel.workspace, everybody, since=since)
        if not forgotten:
            return dict(people)
        stored = self.store.marks.people_by_paper(post, MarkSource.REACTION)
        return {
            paper: persons - (forgotten - stored.get(paper, frozenset())) for paper, persons in people.items()
        }

    async def _replace_reactions(
        self, post: Post, reactions: Mapping[str, frozenset[str]], at: datetime
    ) -> None:
        people: dict[str, frozenset[str]] = {}
        for emoji, persons in reactions.items():
            if paper := self.emojis.find_paper(post, emoji):
                people[paper] = people.get(paper, frozenset()) | persons
        people = await run_background(self._leave_out_forgotten, post, people, at)
        if await run_background(self.store.marks.replace_marks, post, people, MarkSource.REACTION, as_of=at):
            self.debouncer.schedule_refresh(post)
            if find_group(self.queue.context.queue_groups, post.channel):
                for paper in post.papers:
                    await self.schedule_paper_refresh(post.channel, paper)
