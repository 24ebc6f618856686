"""Listeners for the form of meetings in Discord."""

from dataclasses import dataclass

from bot.conversation.context import Person
from bot.conversation.subscription_form import FormError
from bot.platforms.discord.listeners.requests import RequestListeners
from bot.platforms.discord.meetings import FIELD_LABELS, build_meeting_modal, read_meeting_form
from bot.platforms.discord.replies import Interaction, answer_interaction
from bot.platforms.responses import Responder
from digests.errors import InputError


@dataclass(frozen=True, slots=True)
class MeetingFormListeners(RequestListeners):
    """Opens and saves the form of a channel's meetings."""

    async def open_meeting_form(self, interaction: Interaction) -> None:
        """Open the modal of the channel's meetings: it has to be the first response to an interaction."""

        async def open_form(respond: Responder) -> None:
            self._require_served(interaction)
            channel, person = self._channel_of(interaction), self._person_of(interaction)

            async def fetch_person() -> Person:
                return person

            form = await self.dispatcher.open_meeting_form(channel, person.id, fetch_person)
            await interaction.response.send_modal(build_meeting_modal(form))

        await answer_interaction(interaction, open_form, self.dispatcher, skip_ack=True)

    async def save_meeting_form(self, interaction: Interaction) -> None:
        """Save a submitted plan of meetings. Each wrong field is answered by a sentence with its label."""

        async def save_form(respond: Responder) -> None:
            self._require_served(interaction)
            channel, person = self._channel_of(interaction), self._person_of(interaction)

            async def fetch_person() -> Person:
                await self._require_served_now(interaction)
                return person

            form, number = read_meeting_form(interaction.data or {}), str(interaction.id)
            try:
                reply = await self.dispatcher.save_meeting_form(
                    form, channel, person.id, number, fetch_person
                )
            except FormError as error:
                problems = (f"{FIELD_LABELS[field]}: {text}" for field, text in error.problems.items())
                raise InputError(f"Nothing was changed. {' '.join(problems)}") from None
            await self.dispatcher.replies.send_reply(reply, channel, person.id, respond)

        await answer_interaction(interaction, save_form, self.dispatcher)
