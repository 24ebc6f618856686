"""Listener for submitted forms in Discord."""

from dataclasses import dataclass
from typing import Any

from bot.platforms.discord.listeners.digest_forms import DigestFormListeners
from bot.platforms.discord.listeners.meeting_forms import MeetingFormListeners
from bot.platforms.discord.listeners.paper_forms import PaperFormListeners
from bot.platforms.discord.listeners.requests import RequestListeners
from bot.platforms.discord.meetings import MEETING_ID_PREFIX
from bot.platforms.discord.questions import QUESTION_ID_PREFIX
from bot.platforms.discord.replies import Interaction
from bot.platforms.discord.reports import REPORT_ID_PREFIX


@dataclass(frozen=True, slots=True)
class FormListeners(RequestListeners):
    """Passes each submitted form on to the listeners of its kind."""

    digest_forms: DigestFormListeners
    meeting_forms: MeetingFormListeners
    paper_forms: PaperFormListeners

    async def on_form(self, interaction: Interaction) -> None:
        """Handle a submitted modal: a report about a review, a question, or a part of the form."""
        if not await self.admit(interaction):
            return
        data: Any = interaction.data or {}
        if str(data.get("custom_id", "")).startswith(REPORT_ID_PREFIX):
            await self.paper_forms.save_report(interaction)
            return
        if str(data.get("custom_id", "")).startswith(QUESTION_ID_PREFIX):
            await self.paper_forms.answer_question(interaction)
            return
        if str(data.get("custom_id", "")).startswith(MEETING_ID_PREFIX):
            await self.meeting_forms.save_meeting_form(interaction)
            return
        await self.digest_forms.save_form(interaction)
