"""Listeners for messages to the bot in Discord: direct messages, and mentions in servers."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import discord

from bot.chat.message import Message
from bot.platforms.discord.listeners.requests import RequestListeners
from bot.platforms.discord.servers import FOREIGN_PERSON
from bot.platforms.responses import explain_errors
from bot.present.lookup import remove_share_button
from digests.errors import PaperroundError
from digests.subscription import Channel

MENTION = re.compile(r"<@[!&]?[0-9]{1,20}>")
"""Mention of the bot, a person or a role in a message."""


@dataclass(frozen=True, slots=True)
class MessageListeners(RequestListeners):
    """Answers messages that people write."""

    async def on_direct_message(self, message: discord.Message, guilds: Collection[int]) -> None:
        """Look up the text of a direct message as /paper does. Messages in servers are not answered.

        A number is that of the person's own digest.
        `guilds` are the servers that the bot is in: a person who is in none that is served is told so. Errors
        are logged, or answered with a sentence.
        """
        if message.guild is not None or message.author.bot or not message.content.strip():
            return
        person = str(message.author.id)
        place = Channel(self.platform.name, str(message.channel.id), is_direct=True)

        content, author, above = (
            message.content,
            message.author.id,
            list_receipts_above(message, message.channel),
        )

        async def respond(message: Message, *, replace: bool = False) -> None:
            await self.platform.send_direct_message(place, person, remove_share_button(message))

        async def look_up_paper() -> None:
            async with explain_errors(respond):
                if not await self.members.is_member(author, guilds):
                    raise PaperroundError(FOREIGN_PERSON)
                await self.dispatcher.lookups.look_up_paper(content, place, person, respond, above)

        await self.dispatcher.tasks.run_logged(look_up_paper())

    async def on_server_message(self, mention: discord.Message, bot_user: int) -> None:
        """Answer a message in a served server that mentions the bot, as /paper does, to the whole channel.

        A reply to a message of the bot is no mention: its text is meant for people. Messages of bots and
        webhooks are ignored. Errors are logged, or answered with a sentence.
        """
        names = (f"<@{bot_user}>", f"<@!{bot_user}>")
        is_of_person = not (mention.author.bot or mention.webhook_id or mention.is_system())
        if not is_of_person or not any(name in mention.content for name in names):
            return
        words = MENTION.sub(" ", mention.content)
        place, guild = mention.channel, mention.guild.id if mention.guild else ""
        parent = place.parent_id if isinstance(place, discord.Thread) else place.id
        channel = Channel(self.platform.name, str(parent), str(guild))

        async def respond(message: Message, *, replace: bool = False) -> None:
            await self.platform.reply_to_message(str(place.id), str(mention.id), remove_share_button(message))

        async def answer_mention() -> None:
            if await self.servers.is_served(guild):
                person, event = str(mention.author.id), f"discord message {mention.id}"
                await self.dispatcher.lookups.answer_mention(
                    words,
                    channel,
                    person,
                    event,
                    respond,
                    list_receipts_above(mention, place),
                    is_public=True,
                )

        await self.dispatcher.tasks.run_logged(answer_mention())


def list_receipts_above(message: discord.Message, place: Any) -> list[str]:
    """Return the receipts of the message that is replied to, and of the one above a thread, if any.

    `place` is the channel or thread of the message. A thread has the id of the message that it was begun
    from; a post in a forum that of its first message.
    """
    reference = message.reference
    replied = [receipt_of(place, reference.message_id)] if reference and reference.message_id else []
    above = [str(place.id), f"{place.id}/{place.id}"] if isinstance(place, discord.Thread) else []
    return [*replied, *above]


def receipt_of(channel: Any, message: int) -> str:
    """Return the receipt of a message in a channel or thread."""
    return f"{channel.id}/{message}" if isinstance(channel, discord.Thread) else str(message)
