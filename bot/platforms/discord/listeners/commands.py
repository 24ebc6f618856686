"""Listeners for /paper and /digest in Discord."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.conversation.context import Person, Reply
from bot.conversation.fair_use import Use
from bot.platforms.discord.forms import FormTarget, add_form_buttons
from bot.platforms.discord.listeners.digest_forms import DigestFormListeners
from bot.platforms.discord.listeners.requests import RequestListeners
from bot.platforms.discord.replies import Interaction, answer_interaction
from bot.platforms.responses import Responder
from bot.storage import run_interactive
from digests.model import ScoredPaper
from digests.subscription import Channel


@dataclass(frozen=True, slots=True)
class CommandListeners(RequestListeners):
    """Runs the commands that people type, and suggests papers while they do."""

    digest_forms: DigestFormListeners

    async def on_paper(self, interaction: Interaction, query: str) -> None:
        async def look_up_paper(respond: Responder) -> None:
            place = self._place_of(interaction)
            await self.dispatcher.lookups.look_up_paper(query, place, str(interaction.user.id), respond)

        await answer_interaction(interaction, look_up_paper, self.dispatcher)

    async def suggest_papers(self, interaction: Interaction, typed: str, limit: int) -> Sequence[ScoredPaper]:
        """Return up to `limit` papers that complete a text after /paper; none if the person types too much.

        Raises SearchError and StoreError.
        """
        place, person_id = self._place_of(interaction), str(interaction.user.id)
        if not self.dispatcher.fair_use.has_token(Use.SUGGESTION, place, person_id):
            return ()
        return await run_interactive(self.answers.lookup.suggest_papers, typed, limit)

    async def on_digest(self, interaction: Interaction, text: str, target: Any = None) -> None:
        """Run a /digest command and answer it; `text` follows the name of the command.

        `target` is the channel that it is about, when that is not the channel of the interaction. A
        subscription is refused where the bot may not post.
        """

        async def run_digest_command(respond: Responder) -> None:
            channel = self._channel_of(interaction, target)
            self._require_visible(interaction, target)
            if text.startswith(("subscribe", "add", "set", "resume")):
                self._require_posting(interaction, target)
            reply = await self._run_digest_command(text, channel, interaction)
            if reply.form:
                self.digest_forms.remember_draft(channel, interaction, reply.form)
                form_target = FormTarget(channel.channel, reply.form.name)
                message = add_form_buttons(reply.message, form_target, can_save=True)
                reply = replace(reply, message=message)
            await self.dispatcher.replies.send_reply(reply, channel, str(interaction.user.id), respond)

        await answer_interaction(interaction, run_digest_command, self.dispatcher)

    async def _run_digest_command(self, text: str, channel: Channel, interaction: Interaction) -> Reply:
        person = self._person_of(interaction)

        async def fetch_person() -> Person:
            await self._require_served_now(interaction)
            return person

        return await self.dispatcher.run_digest_command(
            text, channel, person.id, str(interaction.id), fetch_person
        )
