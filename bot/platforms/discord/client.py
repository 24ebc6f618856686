"""Posting to Discord. A message has an enforced nonce and carries its key; a forum post has the key alone."""

import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import discord

from bot.message import Message
from bot.platforms import CANNOT_ASK, Facts, Outcome, Page, PostError, Unknown
from bot.platforms.discord.errors import (
    ALREADY_PUBLISHED,
    MISSING_PERMISSIONS,
    THREAD_ARCHIVED,
    THREAD_EXISTS,
    UNKNOWN_CHANNEL,
    UNKNOWN_MESSAGE,
    explain,
)
from bot.platforms.discord.marker import key_of, marked
from bot.platforms.discord.render import render, with_facts
from bot.platforms.discord.rest import CodeError, Rest
from bot.platforms.discord.tags import tags_for, title_of
from bot.platforms.tries import Tries, apart, followed
from digests.model import Channel, Post, Style

log = logging.getLogger(__name__)

CHANNEL = "/channels/{channel_id}"
MESSAGES = f"{CHANNEL}/messages"
MESSAGE = f"{MESSAGES}/{{message_id}}"

NEWS, FORUM, MEDIA = 5, 15, 16
"""Types of channels (https://docs.discord.com/developers/resources/channel#channel-object-channel-types)."""
CROSSPOSTED = 1 << 0
"""A flag of messages that are published."""

HISTORY_LENGTH = 100
HISTORY_PAGES = 10
"""More than that is not looked through: then nobody can say whether a page was posted."""
POSTS_LOOKED_AT = 50
POSTS_AT_LEAST = 3
"""So many of ours in a forum are looked at whatever their age: the clock that this is by may be wrong."""
REMEMBERED_CHANNELS = 10_000


@dataclass(slots=True)
class DiscordPlatform:
    """Keeps the contract of `bot.platforms.Platform`.

    A receipt is a message's id; in a thread and in a forum, the thread's id, a slash, and the message's.
    """

    rest: Rest
    name: str = "discord"
    _channels: OrderedDict[str, dict[str, Any]] = field(default_factory=OrderedDict)

    def render(self, message: Message, style: Style) -> Sequence[Page]:
        return render(message, style)

    async def post(self, channel: Channel, page: Page, *, key: str, thread: str | None) -> str:
        payload = marked(page.payload, key)
        if thread:
            with followed(self.rest.seconds) as tries:
                return await self._post_in_thread(channel, payload, key, thread, tries)
        with followed(self.rest.seconds):
            return await self._post_in_channel(channel, payload, key)

    async def _post_in_channel(self, channel: Channel, payload: Mapping[str, Any], key: str) -> str:
        known = await self.channel(channel.channel)
        if known["type"] in (FORUM, MEDIA):
            return await self._post_in_forum(known, payload)
        posted = await self._send(channel.channel, payload, key)
        if known["type"] == NEWS:
            await self._publish(channel.channel, posted)
        return str(posted["id"])

    async def _send(self, channel: str, payload: Mapping[str, Any], key: str) -> dict[str, Any]:
        nonce = {"nonce": key, "enforce_nonce": True}
        return await self.rest.thing("POST", MESSAGES, {**payload, **nonce}, channel_id=channel)

    async def _post_in_thread(
        self, channel: Channel, payload: Mapping[str, Any], key: str, first: str, tries: Tries
    ) -> str:
        """Below the first page, whose thread is made when there is none yet; a forum's post is a thread already."""
        thread = first.partition("/")[0]
        try:
            posted = await self._send(thread, payload, key)
        except CodeError as error:
            if error.code != UNKNOWN_CHANNEL:
                raise
            if thread != first:
                raise PostError(
                    "The post that it belongs under is not there any more.", tries.outcome(Outcome.REFUSED)
                ) from error
            await self._open_thread(channel.channel, first, tries)
            posted = await self._send(thread, payload, key)
        return f"{thread}/{posted['id']}"

    async def _open_thread(self, channel: str, message: str, tries: Tries) -> None:
        """A thread may be opened again; only the page itself may not be sent again."""
        try:
            with apart(tries):
                await self._opened(channel, message)
        except PostError as error:
            raise PostError(str(error), tries.outcome(error.outcome)) from error

    async def _opened(self, channel: str, message: str) -> None:
        begun = await self.rest.thing("GET", MESSAGE, channel_id=channel, message_id=message)
        try:
            await self.rest.call(
                "POST",
                f"{MESSAGE}/threads",
                {"name": title_of(begun)},
                channel_id=channel,
                message_id=message,
            )
        except CodeError as error:
            if error.code != THREAD_EXISTS:
                raise

    async def _post_in_forum(self, forum: Mapping[str, Any], payload: Mapping[str, Any]) -> str:
        """One post a page. It has no nonce, so it is sent once, and looked for when its answer is lost."""
        body = {"name": title_of(payload), "message": dict(payload), "applied_tags": tags_for(payload, forum)}
        posted = await self.rest.thing("POST", f"{CHANNEL}/threads", body, channel_id=forum["id"], once=True)
        return f"{posted['id']}/{posted['id']}"

    async def _publish(self, channel: str, message: Mapping[str, Any]) -> None:
        """Bring a message of an announcement channel to those who follow it; it stands there even when that fails."""
        if message.get("flags", 0) & CROSSPOSTED:
            return
        try:
            await self.rest.call("POST", f"{MESSAGE}/crosspost", channel_id=channel, message_id=message["id"])
        except PostError as error:
            if not (isinstance(error, CodeError) and error.code == ALREADY_PUBLISHED):
                log.warning("%s: message %s is not published: %s", channel, message["id"], error)

    async def channel(self, channel: str) -> dict[str, Any]:
        """What Discord says of a channel or thread, asked once. Raises PostError."""
        if channel not in self._channels:
            self._channels[channel] = await self.rest.thing("GET", CHANNEL, channel_id=channel)
            if len(self._channels) > REMEMBERED_CHANNELS:
                self._channels.popitem(last=False)
        return self._channels[channel]

    def forget(self, channel: str) -> None:
        """What is known of a channel may not be so any more."""
        self._channels.pop(channel, None)

    # Looking for what was posted.

    async def find(self, channel: Channel, *, key: str, since: datetime) -> str | Unknown | None:
        """Looks through our messages in the channel and in their threads, or through our posts in a forum."""
        try:
            return await self._found(channel, key, since)
        except CodeError as error:
            if error.code == MISSING_PERMISSIONS:  # A forum's older posts are the history of it.
                return CANNOT_ASK
            raise

    async def _found(self, channel: Channel, key: str, since: datetime) -> str | Unknown | None:
        self.forget(channel.channel)
        known = await self.channel(channel.channel)
        if known["type"] in (FORUM, MEDIA):
            return await self._find_in_forum(known, key, since)
        me, begun = await self._me(), list[str]()
        async for message in self._history(channel.channel, since):
            if message is None:
                return CANNOT_ASK
            if _is_ours(message, me) and key_of(message) == key:
                if known["type"] == NEWS:
                    await self._publish(channel.channel, message)
                return str(message["id"])
            is_recent = int(message["id"]) >= discord.utils.time_snowflake(since)
            if message.get("thread") and _is_ours(message, me) and (is_recent or not begun):
                begun.append(message["id"])
        for thread in begun:
            if found := await self._find_in_thread(thread, key, since, me):
                return found
        return None

    async def _find_in_thread(self, thread: str, key: str, since: datetime, me: str) -> str | Unknown | None:
        try:
            async for message in self._history(thread, since):
                if message is None:
                    return CANNOT_ASK
                if _is_ours(message, me) and key_of(message) == key:
                    return f"{thread}/{message['id']}"
        except PostError as error:
            if error.outcome is not Outcome.GONE:
                raise
            # The thread was deleted meanwhile, and the channel was not.
        return None

    async def _find_in_forum(
        self, forum: Mapping[str, Any], key: str, since: datetime
    ) -> str | Unknown | None:
        me = await self._me()
        threads = await self._threads(forum, since)
        if threads is None:
            return CANNOT_ASK
        oldest = discord.utils.time_snowflake(since)
        all_ours = [one for one in threads if one.get("owner_id") == me]
        ours = [
            one for place, one in enumerate(all_ours) if int(one["id"]) >= oldest or place < POSTS_AT_LEAST
        ]
        for thread in ours[:POSTS_LOOKED_AT]:
            if found := await self._find_in_thread(thread["id"], key, since, me):
                return found
        return CANNOT_ASK if len(ours) > POSTS_LOOKED_AT else None

    async def _me(self) -> str:
        user = (await self.rest.client()).user
        return str(user.id) if user else ""

    async def _threads(self, forum: Mapping[str, Any], since: datetime) -> list[dict[str, Any]] | None:
        """A forum's posts, newest first; None when they cannot all be seen."""
        active = await self.rest.things(
            "/guilds/{guild_id}/threads/active", "threads", guild_id=forum["guild_id"]
        )
        archived = await self._archived(forum["id"], since)
        if archived is None:
            return None
        here = [one for one in active if one.get("parent_id") == forum["id"]]
        return sorted([*here, *archived], key=lambda one: int(one["id"]), reverse=True)

    async def _archived(self, forum: str, since: datetime) -> list[dict[str, Any]] | None:
        """Those that were put into the archive since an instant, at least; Discord gives them from the last one on."""
        found, before = list[dict[str, Any]](), ""
        for _ in range(HISTORY_PAGES):
            query = {"limit": str(HISTORY_LENGTH)} | ({"before": before} if before else {})
            path = f"{CHANNEL}/threads/archived/public"
            page = await self.rest.things(path, "threads", channel_id=forum, query=query)
            found += page
            if len(page) < HISTORY_LENGTH:
                return found
            before = page[-1]["thread_metadata"]["archive_timestamp"]
            if datetime.fromisoformat(before) < since:
                return found
        return None

    async def _history(self, channel: str, since: datetime) -> AsyncIterator[dict[str, Any] | None]:
        """Messages since an instant, newest first; a None at the end when they cannot all be seen.

        The newest `HISTORY_LENGTH` come whatever their age: the clock that the instant is by may be wrong. Without the permission to read the history Discord answers with an empty one, as if nothing were there.
        """
        oldest, before = discord.utils.time_snowflake(since), ""
        for number in range(HISTORY_PAGES):
            query = {"limit": str(HISTORY_LENGTH)} | ({"before": before} if before else {})
            page = await self.rest.things(MESSAGES, channel_id=channel, query=query)
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
        self.forget(channel)
        return (await self.channel(channel)).get("last_message_id") is not None

    # Changing what was posted.

    async def edit(self, channel: Channel, receipt: str, page: Page) -> None:
        """A page without buttons leaves the message its own: the key is in one of them."""
        said = {name: page.payload[name] for name in ("content", "embeds")}
        buttons = page.payload.get("components")
        await self._edit(channel, receipt, said | ({"components": buttons} if buttons else {}))

    async def refresh(self, post: Post, facts: Facts) -> None:
        page = with_facts(post.payload, facts)
        said = {name: page[name] for name in ("embeds", "components")}
        await self._edit(post.channel, post.message, said)

    async def tell(self, channel: Channel, person: str, message: Message) -> None:
        opened = await self.rest.thing("POST", "/users/@me/channels", {"recipient_id": person})
        for page in render(message, Style.COMPACT):
            await self.rest.thing("POST", MESSAGES, page.payload, channel_id=opened["id"])

    async def _edit(self, channel: Channel, receipt: str, changes: Mapping[str, Any]) -> None:
        """What a thread refuses says nothing of its channel: one that is gone took its messages, one may be locked."""
        where, message = place_of(channel, receipt)
        try:
            await self._edit_there(where, message, changes)
        except CodeError as error:
            if error.outcome is not Outcome.GONE or where == channel.channel:
                raise
            gone = error.code == UNKNOWN_CHANNEL
            raise PostError(explain(UNKNOWN_MESSAGE) if gone else str(error), Outcome.REFUSED) from error

    async def _edit_there(self, where: str, message: str, changes: Mapping[str, Any]) -> None:
        """A thread that went to the archive in the meantime is taken out of it first."""
        try:
            await self.rest.thing("PATCH", MESSAGE, changes, channel_id=where, message_id=message)
        except CodeError as error:
            if error.code != THREAD_ARCHIVED:
                raise
            await self.rest.call("PATCH", CHANNEL, {"archived": False}, channel_id=where)
            await self.rest.thing("PATCH", MESSAGE, changes, channel_id=where, message_id=message)

    # Reactions.

    async def reactions(self, channel: Channel, receipt: str) -> list[dict[str, Any]]:
        """The reactions on a message: emoji, how many, and whether one is ours. Raises PostError."""
        where, message = place_of(channel, receipt)
        found = await self.rest.thing("GET", MESSAGE, channel_id=where, message_id=message)
        reactions: list[dict[str, Any]] = found.get("reactions") or []
        return reactions

    async def people(self, channel: Channel, receipt: str, emoji: Mapping[str, Any]) -> frozenset[str]:
        """Everybody who reacted with an emoji, be it in a burst. Raises PostError."""
        where, message = place_of(channel, receipt)
        name = f"{emoji['name']}:{emoji['id']}" if emoji.get("id") else emoji["name"]
        people: set[str] = set()
        for kind in ("0", "1"):
            after = ""
            while True:
                query = {"limit": "100", "type": kind} | ({"after": after} if after else {})
                page = await self.rest.things(
                    f"{MESSAGE}/reactions/{{emoji}}",
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


def _is_ours(message: Mapping[str, Any], me: str) -> bool:
    """Whether we wrote it: a key can be reckoned, and another bot could write it under a message of its own."""
    return bool(message["author"]["id"] == me)


def place_of(channel: Channel, receipt: str) -> tuple[str, str]:
    """The channel or thread, and the message in it, that a receipt names."""
    thread, slash, message = receipt.partition("/")
    return (thread, message) if slash else (channel.channel, receipt)
