"""Listeners for the forms about one paper in Discord: a report about its review, and a question."""

from dataclasses import dataclass

from bot.conversation.context import Person
from bot.platforms.discord.listeners.requests import RequestListeners
from bot.platforms.discord.questions import build_question_modal, read_question
from bot.platforms.discord.replies import Interaction, answer_interaction
from bot.platforms.discord.reports import build_report_modal, read_report
from bot.platforms.responses import Responder


@dataclass(frozen=True, slots=True)
class PaperFormListeners(RequestListeners):
    """Opens and takes reports about a review, and questions about a paper."""

    async def open_report(self, interaction: Interaction, paper: str) -> None:
        """Open the modal about a paper's review: it has to be the first response to an interaction."""

        async def open_report(respond: Responder) -> None:
            self._require_served(interaction)
            place, person_id = self._place_of(interaction), str(interaction.user.id)
            form = await self.dispatcher.open_report(paper, place, person_id)
            await interaction.response.send_modal(build_report_modal(form))

        await answer_interaction(interaction, open_report, self.dispatcher, skip_ack=True)

    async def save_report(self, interaction: Interaction) -> None:
        """Keep a submitted report, and answer it. It belongs to the server of the interaction."""

        async def save_report(respond: Responder) -> None:
            self._require_served(interaction)
            person = self._person_of(interaction)

            async def fetch_person() -> Person:
                await self._require_served_now(interaction)
                return person

            fields, place = read_report(interaction.data or {}), self._place_of(interaction)
            number = str(interaction.id)
            await respond(await self.dispatcher.save_report(fields, place, person.id, number, fetch_person))

        await answer_interaction(interaction, save_report, self.dispatcher)

    async def open_question(self, interaction: Interaction, paper: str) -> None:
        """Open the modal for a question about a paper: it has to be the first response."""

        async def open_question(respond: Responder) -> None:
            place, person_id = self._place_of(interaction), str(interaction.user.id)
            form = await self.dispatcher.open_question(paper, place, person_id)
            await interaction.response.send_modal(build_question_modal(form))

        await answer_interaction(interaction, open_question, self.dispatcher, skip_ack=True)

    async def answer_question(self, interaction: Interaction) -> None:
        """Answer a submitted question, to the person alone."""

        async def answer_question(respond: Responder) -> None:
            paper, text = read_question(interaction.data or {})
            place, person_id = self._place_of(interaction), str(interaction.user.id)
            await respond(await self.dispatcher.answer_question(paper, text, place, person_id))

        await answer_interaction(interaction, answer_question, self.dispatcher)
