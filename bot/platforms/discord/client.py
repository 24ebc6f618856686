"""Posting to Discord. A message has an enforced nonce and carries its key; a forum post has the key alone."""

import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.chat.attempt import SendAttempt, tracked, untracked
from bot.chat.message import Message
from bot.chat.port import CANNOT_ASK, NoHistory, Outcome, Page, PostError, PostUpdate
from bot.platforms.discord.errors import (
    ALREADY_PUBLISHED,
    MISSING_PERMISSIONS,
    THREAD_ARCHIVED,
    THREAD_EXISTS,
    UNKNOWN_CHANNEL,
    UNKNOWN_MESSAGE,
    explain_error,
)
from bot.platforms.discord.history import CHANNEL_PATH, MESSAGE_PATH, MESSAGES_PATH, FoundPage, PageSearch
from bot.platforms.discord.marker import embed_key
from bot.platforms.discord.post_update import apply_post_update
from bot.platforms.discord.render import render
from bot.platforms.discord.rest import CodeError, RestClient
from bot.platforms.discord.tags import tags_for, title_of
from digests.model import Post
from digests.subscription import Channel, DigestStyle

log = logging.getLogger(__name__)

ANNOUNCEMENT, FORUM, MEDIA = 5, 15, 16
"""Types of channels (https://docs.discord.com/developers/resources/channel#channel-object-channel-types)."""
CROSSPOSTED = 1 << 0
"""A flag of messages that are published."""

MAX_CACHED_CHANNELS = 10_000


@dataclass(slots=True)
class DiscordPlatform:
    """Implements `bot.chat.port.Platform`.

    A receipt is a message's id; in a thread or forum it is the thread's id, a slash, and the message's id.
    """

    rest: RestClient
    name: str = "discord"
    _channel_cache: OrderedDict[str, dict[str, Any]] = field(default_factory=OrderedDict)

    def render(self, message: Message, style: DigestStyle) -> Sequence[Page]:
        return render(message, style)

    async def post(self, channel: Channel, page: Page, *, key: str, thread: str | None) -> str:
        payload = embed_key(page.payload, key)
        if thread:
            with tracked(self.rest.timeout) as attempt:
                return await self._post_in_thread(channel, payload, key, thread, attempt)
        with tracked(self.rest.timeout):
            return await self._post_in_channel(channel, payload, key)

    async def _post_in_channel(self, channel: Channel, payload: Mapping[str, Any], key: str) -> str:
        channel_info = await self.fetch_channel(channel.channel)
        if channel_info["type"] in (FORUM, MEDIA):
            return await self._post_in_forum(channel_info, payload)
        posted = await self._send_message(channel.channel, payload, key)
        if channel_info["type"] == ANNOUNCEMENT:
            await self._publish_message(channel.channel, posted)
        return str(posted["id"])

    async def _send_message(self, channel: str, payload: Mapping[str, Any], key: str) -> dict[str, Any]:
        nonce = {"nonce": key, "enforce_nonce": True}
        return await self.rest.call_for_object(
            "POST", MESSAGES_PATH, {**payload, **nonce}, channel_id=channel
        )

    async def _post_in_thread(
        self, channel: Channel, payload: Mapping[str, Any], key: str, first_receipt: str, attempt: SendAttempt
    ) -> str:
        """Posts in the thread of the first page and creates the thread if it is missing.

        A forum post is itself a thread.
        """
        thread = first_receipt.partition("/")[0]
        try:
            posted = await self._send_message(thread, payload, key)
        except CodeError as error:
            if error.code != UNKNOWN_CHANNEL:
                raise
            if thread != first_receipt:
                raise PostError(
                    "The post that it belongs under is not there any more.",
                    attempt.resolve_outcome(Outcome.REFUSED),
                ) from error
            await self._open_thread(channel.channel, first_receipt, attempt)
            posted = await self._send_message(thread, payload, key)
        return f"{thread}/{posted['id']}"

    async def _open_thread(self, channel: str, message: str, attempt: SendAttempt) -> None:
        """Creates a thread on a message. This is safe to repeat; sending the page is not."""
        try:
            with untracked(attempt):
                await self._create_thread(channel, message)
        except PostError as error:
            raise PostError(str(error), attempt.resolve_outcome(error.outcome)) from error

    async def _create_thread(self, channel: str, message: str) -> None:
        first_message = await self.rest.call_for_object(
            "GET", MESSAGE_PATH, channel_id=channel, message_id=message
        )
        try:
            await self.rest.call_api(
                "POST",
                f"{MESSAGE_PATH}/threads",
                {"name": title_of(first_message)},
                channel_id=channel,
                message_id=message,
            )
        except CodeError as error:
            if error.code != THREAD_EXISTS:
                raise

    async def _post_in_forum(self, forum: Mapping[str, Any], payload: Mapping[str, Any]) -> str:
        """Creates one forum post for the page.

        It has no nonce, so it is sent once, and searched for if the answer is lost.
        """
        body = {"name": title_of(payload), "message": dict(payload), "applied_tags": tags_for(payload, forum)}
        posted = await self.rest.call_for_object(
            "POST", f"{CHANNEL_PATH}/threads", body, channel_id=forum["id"], once=True
        )
        return f"{posted['id']}/{posted['id']}"

    async def _publish_message(self, channel: str, message: Mapping[str, Any]) -> None:
        """Publishes an announcement to the channel's followers. A failure is only logged."""
        if message.get("flags", 0) & CROSSPOSTED:
            return
        try:
            await self.rest.call_api(
                "POST", f"{MESSAGE_PATH}/crosspost", channel_id=channel, message_id=message["id"]
            )
        except PostError as error:
            if not (isinstance(error, CodeError) and error.code == ALREADY_PUBLISHED):
                log.warning("%s: message %s is not published: %s", channel, message["id"], error)

    async def fetch_channel(self, channel: str) -> dict[str, Any]:
        """Returns Discord's channel or thread object, from the cache if it is there. Raises PostError."""
        if channel not in self._channel_cache:
            self._channel_cache[channel] = await self.rest.call_for_object(
                "GET", CHANNEL_PATH, channel_id=channel
            )
            if len(self._channel_cache) > MAX_CACHED_CHANNELS:
                self._channel_cache.popitem(last=False)
        return self._channel_cache[channel]

    def forget_channel(self, channel: str) -> None:
        """Removes a channel from the cache."""
        self._channel_cache.pop(channel, None)

    # Finding posted pages.

    async def find(self, channel: Channel, *, key: str, since: datetime) -> str | NoHistory | None:
        """Searches the bot's messages in the channel and their threads, or its posts in a forum."""
        try:
            return await self._find_page(channel, key, since)
        except CodeError as error:
            if error.code == MISSING_PERMISSIONS:  # A forum's older posts are the history of it.
                return CANNOT_ASK
            raise

    async def _find_page(self, channel: Channel, key: str, since: datetime) -> str | NoHistory | None:
        self.forget_channel(channel.channel)
        channel_info = await self.fetch_channel(channel.channel)
        search = PageSearch(self.rest, await self._fetch_own_id(), key, since)
        if channel_info["type"] in (FORUM, MEDIA):
            return await search.find_in_forum(channel_info)
        found = await search.find_in_channel(channel.channel)
        if not isinstance(found, FoundPage):
            return found
        if channel_info["type"] == ANNOUNCEMENT and not found.thread:
            await self._publish_message(channel.channel, found.message)
        return found.receipt

    async def _fetch_own_id(self) -> str:
        user = (await self.rest.get_client()).user
        return str(user.id) if user else ""

    # Changing what was posted.

    async def edit(self, channel: Channel, receipt: str, page: Page) -> None:
        """Replaces a posted page. A page without buttons keeps the old ones, because one holds the key."""
        changes = {name: page.payload[name] for name in ("content", "embeds")}
        buttons = page.payload.get("components")
        await self._edit_message(channel, receipt, changes | ({"components": buttons} if buttons else {}))

    async def refresh(self, post: Post, update: PostUpdate) -> None:
        page = apply_post_update(post.payload, update)
        changes = {name: page[name] for name in ("embeds", "components")}
        await self._edit_message(post.channel, post.message_id, changes)

    async def send_direct_message(self, channel: Channel, person: str, message: Message) -> None:
        dm_channel = await self.rest.call_for_object("POST", "/users/@me/channels", {"recipient_id": person})
        for page in render(message, DigestStyle.COMPACT):
            await self.rest.call_for_object("POST", MESSAGES_PATH, page.payload, channel_id=dm_channel["id"])

    async def _edit_message(self, channel: Channel, receipt: str, changes: Mapping[str, Any]) -> None:
        """Edits a message. An error of its thread is REFUSED, not GONE: the channel may still be usable."""
        where, message = locate_message(channel, receipt)
        try:
            await self._edit_reopening_thread(where, message, changes)
        except CodeError as error:
            if error.outcome is not Outcome.GONE or where == channel.channel:
                raise
            is_thread_gone = error.code == UNKNOWN_CHANNEL
            raise PostError(
                explain_error(UNKNOWN_MESSAGE) if is_thread_gone else str(error), Outcome.REFUSED
            ) from error

    async def _edit_reopening_thread(self, where: str, message: str, changes: Mapping[str, Any]) -> None:
        """Edits a message. An archived thread is unarchived first."""
        try:
            await self.rest.call_for_object(
                "PATCH", MESSAGE_PATH, changes, channel_id=where, message_id=message
            )
        except CodeError as error:
            if error.code != THREAD_ARCHIVED:
                raise
            await self.rest.call_api("PATCH", CHANNEL_PATH, {"archived": False}, channel_id=where)
            await self.rest.call_for_object(
                "PATCH", MESSAGE_PATH, changes, channel_id=where, message_id=message
            )

    # Reactions.

    async def fetch_reactions(self, channel: Channel, receipt: str) -> list[dict[str, Any]]:
        """Returns the reactions on a message: emoji, count, and `me` if the bot reacted. Raises PostError."""
        where, message = locate_message(channel, receipt)
        found = await self.rest.call_for_object("GET", MESSAGE_PATH, channel_id=where, message_id=message)
        reactions: list[dict[str, Any]] = found.get("reactions") or []
        return reactions

    async def fetch_reactors(
        self, channel: Channel, receipt: str, emoji: Mapping[str, Any]
    ) -> frozenset[str]:
        """Returns the people who reacted with an emoji, burst reactions included. Raises PostError."""
        where, message = locate_message(channel, receipt)
        name = f"{emoji['name']}:{emoji['id']}" if emoji.get("id") else emoji["name"]
        people: set[str] = set()
        for kind in ("0", "1"):
            after = ""
            while True:
                query = {"limit": "100", "type": kind} | ({"after": after} if after else {})
                page = await self.rest.call_for_list(
                    f"{MESSAGE_PATH}/reactions/{{emoji}}",
                    channel_id=where,
                    message_id=message,
                    emoji=name,
                    query=query,
                )
                people |= {str(person["id"]) for person in page}
                if len(page) < 100:
                    break
                after = page[-1]["id"]
        return frozenset(people)


def locate_message(channel: Channel, receipt: str) -> tuple[str, str]:
    """Returns the channel or thread, and the message in it, that a receipt names."""
    thread, slash, message = receipt.partition("/")
    return (thread, message) if slash else (channel.channel, receipt)
