"""The search for a posted page: in a channel's history, in its threads, or in a forum's posts."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import discord

from bot.chat.port import CANNOT_ASK, NoHistory, Outcome, PostError
from bot.platforms.discord.marker import key_of
from bot.platforms.discord.rest import RestClient

CHANNEL_PATH = "/channels/{channel_id}"
MESSAGES_PATH = f"{CHANNEL_PATH}/messages"
MESSAGE_PATH = f"{MESSAGES_PATH}/{{message_id}}"

HISTORY_LENGTH = 100
"""Messages or threads of one request, the most that Discord allows."""
HISTORY_PAGES = 10
"""Requests for one history or list. If it goes on, a page that was not found may still be there."""
MAX_SEARCHED_POSTS = 50
"""The bot's newest posts of a forum that are searched. Beyond them the result is CANNOT_ASK."""
MIN_SEARCHED_POSTS = 3
"""The bot's newest posts in a forum that are searched whatever their age: the clock may be wrong."""


@dataclass(frozen=True, slots=True)
class FoundPage:
    """A message that carries the key, and the id of the thread that it is in, empty outside of one."""

    message: Mapping[str, Any]
    thread: str = ""

    @property
    def receipt(self) -> str:
        return f"{self.thread}/{self.message['id']}" if self.thread else str(self.message["id"])


@dataclass(frozen=True, slots=True)
class PageSearch:
    """The search for a page that the bot posted under `key`, not earlier than `since`.

    Only messages of the bot count: another bot could write the key. All methods raise PostError.
    """

    rest: RestClient
    bot_id: str
    key: str
    since: datetime

    async def find_in_channel(self, channel: str) -> FoundPage | NoHistory | None:
        """Return the page from the channel's history, or from the threads on the bot's messages there.

        Of the threads, those on messages since `since` are searched, and the newest one in any case. Returns
        None if there is no such page, and CANNOT_ASK if a history cannot be read to `since`.
        """
        thread_ids = list[str]()
        async for message in self._iterate_history(channel):
            if message is None:
                return CANNOT_ASK
            if self._is_page(message):
                return FoundPage(message)
            is_recent = int(message["id"]) >= discord.utils.time_snowflake(self.since)
            if message.get("thread") and self._is_own(message) and (is_recent or not thread_ids):
                thread_ids.append(message["id"])
        for thread in thread_ids:
            if found := await self._find_in_thread(thread):
                return found
        return None

    async def find_in_forum(self, forum: Mapping[str, Any]) -> str | NoHistory | None:
        """Return the receipt of the page in one of the bot's posts in a forum.

        Posts created before `since` are not searched, except the newest `MIN_SEARCHED_POSTS`. Returns None if
        none of them has the page, and CANNOT_ASK if there are too many posts to list or search, or a post has
        too many messages.
        """
        threads = await self._list_forum_threads(forum)
        if threads is None:
            return CANNOT_ASK
        oldest = discord.utils.time_snowflake(self.since)
        own_threads = [thread for thread in threads if thread.get("owner_id") == self.bot_id]
        searched = [
            thread
            for place, thread in enumerate(own_threads)
            if int(thread["id"]) >= oldest or place < MIN_SEARCHED_POSTS
        ]
        for thread in searched[:MAX_SEARCHED_POSTS]:
            if found := await self._find_in_thread(thread["id"]):
                return found.receipt if isinstance(found, FoundPage) else found
        return CANNOT_ASK if len(searched) > MAX_SEARCHED_POSTS else None

    async def _find_in_thread(self, thread: str) -> FoundPage | NoHistory | None:
        """Return the page from a thread's history, as `find_in_channel` does. A deleted thread has none."""
        try:
            async for message in self._iterate_history(thread):
                if message is None:
                    return CANNOT_ASK
                if self._is_page(message):
                    return FoundPage(message, thread)
        except PostError as error:
            if error.outcome is not Outcome.GONE:
                raise
            # The thread was deleted meanwhile: the page is not in it.
        return None

    async def _list_forum_threads(self, forum: Mapping[str, Any]) -> list[dict[str, Any]] | None:
        """Return a forum's posts, newest first; None if its archived ones are too many."""
        active = await self.rest.call_for_list(
            "/guilds/{guild_id}/threads/active", "threads", guild_id=forum["guild_id"]
        )
        archived = await self._list_archived_threads(forum["id"])
        if archived is None:
            return None
        own_threads = [thread for thread in active if thread.get("parent_id") == forum["id"]]
        return sorted([*own_threads, *archived], key=lambda thread: int(thread["id"]), reverse=True)

    async def _list_archived_threads(self, forum: str) -> list[dict[str, Any]] | None:
        """Return at least the threads of a forum archived since `since`, newest first.

        Returns None if they are more than `HISTORY_PAGES` requests list.
        """
        found, before = list[dict[str, Any]](), ""
        for _ in range(HISTORY_PAGES):
            query = {"limit": str(HISTORY_LENGTH)} | ({"before": before} if before else {})
            path = f"{CHANNEL_PATH}/threads/archived/public"
            page = await self.rest.call_for_list(path, "threads", channel_id=forum, query=query)
            found += page
            if len(page) < HISTORY_LENGTH:
                return found
            before = page[-1]["thread_metadata"]["archive_timestamp"]
            if datetime.fromisoformat(before) < self.since:
                return found
        return None

    async def _iterate_history(self, channel: str) -> AsyncIterator[dict[str, Any] | None]:
        """Yield the messages since `since`, newest first, and None at the end if there may be more.

        The newest `HISTORY_LENGTH` messages are yielded whatever their age: the clock may be wrong. Without
        the permission to read the history Discord answers an empty list. Then None is yielded if the channel
        has or had a message.
        """
        oldest, before = discord.utils.time_snowflake(self.since), ""
        for number in range(HISTORY_PAGES):
            query = {"limit": str(HISTORY_LENGTH)} | ({"before": before} if before else {})
            page = await self.rest.call_for_list(MESSAGES_PATH, channel_id=channel, query=query)
            if not page:
                if number == 0 and await self._has_messages(channel):
                    yield None
                return
            for message in page:
                if number and int(message["id"]) < oldest:
                    return
                yield message
            before = page[-1]["id"]
            if len(page) < HISTORY_LENGTH or int(before) < oldest:
                return
        yield None

    async def _has_messages(self, channel: str) -> bool:
        """Return True if the channel has or had a message."""
        channel_info = await self.rest.call_for_object("GET", CHANNEL_PATH, channel_id=channel)
        return channel_info.get("last_message_id") is not None

    def _is_page(self, message: Mapping[str, Any]) -> bool:
        return self._is_own(message) and key_of(message) == self.key

    def _is_own(self, message: Mapping[str, Any]) -> bool:
        """Return True if the bot is the author."""
        return bool(message["author"]["id"] == self.bot_id)
