"""Listeners for the entries in the menu of a message in Discord."""

from dataclasses import dataclass

import discord

from bot.conversation.context import Person
from bot.conversation.notes import PersonsMessage
from bot.platforms.discord.listeners.messages import MENTION, list_receipts_above, receipt_of
from bot.platforms.discord.listeners.requests import RequestListeners
from bot.platforms.discord.replies import Interaction, answer_interaction
from bot.platforms.responses import Responder
from digests.ports.people import SOMEBODY


@dataclass(frozen=True, slots=True)
class MenuListeners(RequestListeners):
    """Marks the paper of a message, and keeps messages as notes."""

    async def on_mark(self, interaction: Interaction, message: discord.Message) -> None:
        """Mark or unmark the paper of a message, after “Mark for discussion” in its menu."""

        async def toggle_mark(respond: Responder) -> None:
            self._require_served(interaction)
            channel = self._channel_of(interaction)
            links = " ".join(filter(None, (embed.url for embed in message.embeds)))
            receipt = receipt_of(interaction.channel, message.id)
            text = f"{message.content} {links}"
            person_id, interaction_id = str(interaction.user.id), str(interaction.id)
            await self.dispatcher.toggle_mark_on_message(
                channel, receipt, text, person_id, interaction_id, respond
            )

        await answer_interaction(interaction, toggle_mark, self.dispatcher)

    async def on_note(self, interaction: Interaction, message: discord.Message) -> None:
        """Keep a message as a note about its paper, after “Keep as note” in its menu."""

        async def keep_message(respond: Responder) -> None:
            self._require_served(interaction)
            channel, person = self._channel_of(interaction), self._person_of(interaction)
            is_of_bot = message.author.bot or message.webhook_id is not None or message.is_system()
            kept = PersonsMessage(
                channel,
                receipt_of(interaction.channel, message.id),
                list_receipts_above(message, interaction.channel),
                "" if is_of_bot else str(message.author.id),
                MENTION.sub(SOMEBODY, message.content),
            )

            async def fetch_person() -> Person:
                await self._require_served_now(interaction)
                return person

            number = str(interaction.id)
            await self.dispatcher.keep_message(kept, person.id, number, fetch_person, respond)

        await answer_interaction(interaction, keep_message, self.dispatcher)
