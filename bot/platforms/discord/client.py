"""Posting to Discord, and changing posted messages.

A message has its key as an enforced nonce: Discord posts it once within some minutes. Its first button
carries the key too, by which it is found later. A forum post has the key in its button only.
"""

import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bot.chat.attempt import SendAttempt, tracked, untracked
from bot.chat.message import Message
from bot.chat.port import CANNOT_ASK, FileRefusedError, NoHistory, Outcome, Page, PostError, PostUpdate
from bot.platforms.discord.errors import (
    ALREADY_PUBLISHED,
    FILE_ERRORS,
    MISSING_PERMISSIONS,
    THREAD_ARCHIVED,
    THREAD_EXISTS,
    UNKNOWN_CHANNEL,
    UNKNOWN_MESSAGE,
    explain_error,
    explain_file_error,
)
from bot.platforms.discord.forum import fit_forum
from bot.platforms.discord.history import CHANNEL_PATH, MESSAGE_PATH, MESSAGES_PATH, FoundPage, PageSearch
from bot.platforms.discord.marker import embed_key
from bot.platforms.discord.post_update import apply_post_update
from bot.platforms.discord.render import render
from bot.platforms.discord.rest import CodeError, RestClient
from bot.platforms.discord.scheduled_events import ScheduledEvents
from bot.platforms.discord.tags import tags_for, title_of
from bot.platforms.responses import choose_reply_style
from digests.model import AttachedFile, Post
from digests.subscription import Channel, DigestStyle

log = logging.getLogger(__name__)

ANNOUNCEMENT, FORUM, MEDIA = 5, 15, 16
"""Types of channels (https://docs.discord.com/developers/resources/channel#channel-object-channel-types)."""
CROSSPOSTED = 1 << 0
"""Flag of a message that is published to the followers of an announcement channel."""

MAX_PUBLIC_PAGES = 2
"""Messages of one answer that the whole channel sees."""
MAX_CACHED_CHANNELS = 10_000
"""Channels in the cache. When it is full, the one that was fetched first is dropped."""


@dataclass(slots=True)
class DiscordPlatform:
    """Implements `bot.chat.port.Platform`.

    A receipt is a message's id. In a thread or forum it is the thread's id, a slash, and the message's id.
    All methods that call Discord raise PostError.
    """

    rest: RestClient
    name: str = "discord"
    events: ScheduledEvents = field(init=False)
    _channel_cache: OrderedDict[str, dict[str, Any]] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        self.events = ScheduledEvents(self.rest)

    def render(self, message: Message, style: DigestStyle) -> Sequence[Page]:
        return render(message, style)

    async def fit_pages(self, channel: Channel, pages: Sequence[Page]) -> Sequence[Page]:
        forum_pages = fit_forum(pages)
        if forum_pages == tuple(pages):
            return pages  # Most digests are threads: nothing is asked for them.
        channel_info = await self.fetch_channel(channel.channel)
        return forum_pages if channel_info["type"] in (FORUM, MEDIA) else pages

    async def upload_file(self, channel: Channel, page: Page) -> Page:
        return page  # A file comes with its message.

    async def post(self, channel: Channel, page: Page, *, key: str, thread: str | None) -> str:
        payload = embed_key(page.payload, key)
        if thread:
            with tracked(self.rest.timeout) as attempt:
                return await self._post_in_thread(
                    channel, replace(page, payload=payload), key, thread, attempt
                )
        with tracked(self.rest.timeout):
            return await self._post_in_channel(channel, replace(page, payload=payload), key)

    async def _post_in_channel(self, channel: Channel, page: Page, key: str) -> str:
        channel_info = await self.fetch_channel(channel.channel)
        if channel_info["type"] in (FORUM, MEDIA):
            return await self._post_in_forum(channel_info, page)
        posted = await self._send_message(channel.channel, page.payload, key, page.file)
        if channel_info["type"] == ANNOUNCEMENT:
            await self._publish_message(channel.channel, posted)
        return str(posted["id"])

    async def _send_message(
        self, channel: str, payload: Mapping[str, Any], key: str, file: AttachedFile | None
    ) -> dict[str, Any]:
        """Send a message, with its file. Raises PostError, a FileRefusedError for a refusal because of it.

        The code of a missing right does not tell which: it may be the one to attach files.
        """
        body = {**payload, "nonce": key, "enforce_nonce": True}
        try:
            return await self.rest.call_for_object("POST", MESSAGES_PATH, body, channel_id=channel, file=file)
        except CodeError as error:
            # An earlier try of the same request may have arrived.
            if not file or error.code not in FILE_ERRORS or error.outcome is Outcome.UNKNOWN:
                raise
            raise FileRefusedError(explain_file_error(error.code)) from error

    async def _post_in_thread(
        self, channel: Channel, page: Page, key: str, first_receipt: str, attempt: SendAttempt
    ) -> str:
        """Post in the thread of the first page, and create the thread if it is missing. Returns the receipt.

        `first_receipt` is that page's. Raises PostError, with REFUSED if the first page is a forum post,
        which is itself a thread, and was deleted.
        """
        thread = first_receipt.partition("/")[0]
        try:
            posted = await self._send_message(thread, page.payload, key, page.file)
        except CodeError as error:
            if error.code != UNKNOWN_CHANNEL:
                raise
            if thread != first_receipt:
                raise PostError(
                    "The post that it belongs under is not there any more.",
                    attempt.resolve_outcome(Outcome.REFUSED),
                ) from error
            await self._open_thread(channel.channel, first_receipt, attempt)
            posted = await self._send_message(thread, page.payload, key, page.file)
        return f"{thread}/{posted['id']}"

    async def _open_thread(self, channel: str, message: str, attempt: SendAttempt) -> None:
        """Create the thread on a message. Its requests do not count as attempts to send the page.

        Raises PostError with the outcome of the failed request, or with UNKNOWN if an earlier request of
        `attempt` may have posted the page.
        """
        try:
            with untracked(attempt):
                await self._create_thread(channel, message)
        except PostError as error:
            raise PostError(str(error), attempt.resolve_outcome(error.outcome)) from error

    async def _create_thread(self, channel: str, message: str) -> None:
        """Create a thread on a message, named after its first line. An existing one is kept.

        Raises PostError.
        """
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

    async def _post_in_forum(self, forum: Mapping[str, Any], page: Page) -> str:
        """Create one forum post for the page, with a title and tags, and return its receipt.

        Discord takes no nonce for it, so a request that may have arrived is not repeated. If its answer is
        lost, PostError is raised with UNKNOWN, and a later `find` searches the forum.
        """
        payload = page.payload
        # The post of one paper has its title, also the first one, which has the header of the day above it.
        name = title_of({**payload, "content": ""} if len(page.papers) == 1 else payload)
        body = {"name": name, "message": dict(payload), "applied_tags": tags_for(payload, forum)}
        posted = await self.rest.call_for_object(
            "POST", f"{CHANNEL_PATH}/threads", body, channel_id=forum["id"], once=True
        )
        return f"{posted['id']}/{posted['id']}"

    async def _publish_message(self, channel: str, message: Mapping[str, Any]) -> None:
        """Publish a message of an announcement channel to its followers, once. A failure is only logged."""
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
        """Return Discord's object of a channel or thread, from the cache if it is there. Raises PostError.

        A cached object may be out of date, until `forget_channel`.
        """
        if channel not in self._channel_cache:
            self._channel_cache[channel] = await self.rest.call_for_object(
                "GET", CHANNEL_PATH, channel_id=channel
            )
            if len(self._channel_cache) > MAX_CACHED_CHANNELS:
                self._channel_cache.popitem(last=False)
        return self._channel_cache[channel]

    def forget_channel(self, channel: str) -> None:
        """Remove a channel from the cache."""
        self._channel_cache.pop(channel, None)

    # Finding posted pages.

    async def find(self, channel: Channel, *, key: str, since: datetime) -> str | NoHistory | None:
        """Search the bot's messages in the channel and their threads, or its posts in a forum.

        A page that is found in an announcement channel is published, unless it was. Returns the receipt, None
        if the page is not there, and CANNOT_ASK without the permission to read the history or if there is too
        much of it. Raises PostError.
        """
        try:
            return await self._find_page(channel, key, since)
        except CodeError as error:
            if error.code == MISSING_PERMISSIONS:  # A forum's archived posts count as its history.
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

    # Changes of posted messages.

    async def edit(self, channel: Channel, receipt: str, page: Page, *, key: str) -> None:
        """Replace a posted page with its buttons. A page without any gets the one that carries its key.

        An archived thread is opened again. Raises PostError, with REFUSED also when the message or its thread
        no longer exists.
        """
        payload = embed_key(page.payload, key)
        changes = {name: payload[name] for name in ("content", "embeds", "components")}
        await self._edit_message(channel, receipt, changes)

    async def refresh(self, post: Post, update: PostUpdate) -> None:
        page = apply_post_update(post.payload, update)
        changes = {name: page[name] for name in ("embeds", "components")}
        await self._edit_message(post.channel, post.message_id, changes)

    async def send_direct_message(self, channel: Channel, person: str, message: Message) -> None:
        dm_channel = await self.rest.call_for_object("POST", "/users/@me/channels", {"recipient_id": person})
        for page in render(message, DigestStyle.COMPACT):
            await self.rest.call_for_object("POST", MESSAGES_PATH, page.payload, channel_id=dm_channel["id"])

    async def reply_to_message(self, channel: str, message: str, answer: Message) -> None:
        """Post an answer under a message of a person, who is not pinged. `channel` may be a thread's id."""
        reference = {"message_id": message, "fail_if_not_exists": False}
        for number, page in enumerate(render(answer, choose_reply_style(answer))[:MAX_PUBLIC_PAGES]):
            payload = {**page.payload, "message_reference": reference} if number == 0 else page.payload
            await self.rest.call_for_object("POST", MESSAGES_PATH, payload, channel_id=channel)

    async def _edit_message(self, channel: Channel, receipt: str, changes: Mapping[str, Any]) -> None:
        """Edit a message. Raises PostError.

        A channel error of the message's thread is REFUSED, not GONE: the channel itself may be usable.
        """
        channel_id, message = locate_message(channel, receipt)
        try:
            await self._edit_reopening_thread(channel_id, message, changes)
        except CodeError as error:
            if error.outcome is not Outcome.GONE or channel_id == channel.channel:
                raise
            is_thread_gone = error.code == UNKNOWN_CHANNEL
            raise PostError(
                explain_error(UNKNOWN_MESSAGE) if is_thread_gone else str(error), Outcome.REFUSED
            ) from error

    async def _edit_reopening_thread(self, channel_id: str, message: str, changes: Mapping[str, Any]) -> None:
        """Edit a message. A thread that is archived is opened again first. Raises PostError."""
        try:
            await self.rest.call_for_object(
                "PATCH", MESSAGE_PATH, changes, channel_id=channel_id, message_id=message
            )
        except CodeError as error:
            if error.code != THREAD_ARCHIVED:
                raise
            await self.rest.call_api("PATCH", CHANNEL_PATH, {"archived": False}, channel_id=channel_id)
            await self.rest.call_for_object(
                "PATCH", MESSAGE_PATH, changes, channel_id=channel_id, message_id=message
            )

    # Reactions.

    async def fetch_reactions(self, channel: Channel, receipt: str) -> list[dict[str, Any]]:
        """Return the reactions on a message: `emoji`, `count`, and `me` for the bot's. Raises PostError."""
        channel_id, message = locate_message(channel, receipt)
        found = await self.rest.call_for_object(
            "GET", MESSAGE_PATH, channel_id=channel_id, message_id=message
        )
        reactions: list[dict[str, Any]] = found.get("reactions") or []
        return reactions

    async def fetch_reactors(
        self, channel: Channel, receipt: str, emoji: Mapping[str, Any]
    ) -> frozenset[str]:
        """Return the ids of the people who reacted with an emoji, also by super reactions. Raises PostError.

        The bot is among them if it reacted.
        """
        channel_id, message = locate_message(channel, receipt)
        name = f"{emoji['name']}:{emoji['id']}" if emoji.get("id") else emoji["name"]
        people: set[str] = set()
        for kind in ("0", "1"):
            after = ""
            while True:
                query = {"limit": "100", "type": kind} | ({"after": after} if after else {})
                page = await self.rest.call_for_list(
                    f"{MESSAGE_PATH}/reactions/{{emoji}}",
                    channel_id=channel_id,
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
    """Return the ids of the channel or thread, and of the message in it, that a receipt names."""
    thread, slash, message = receipt.partition("/")
    return (thread, message) if slash else (channel.channel, receipt)
