"""Listener for the buttons and menus on Discord's messages."""

from dataclasses import dataclass
from typing import Any

import discord

from bot.chat.message import ButtonAction
from bot.conversation.context import Person
from bot.platforms.clicks import Click
from bot.platforms.discord.buttons import read_choice
from bot.platforms.discord.listeners.digest_forms import DigestFormListeners
from bot.platforms.discord.listeners.paper_forms import PaperFormListeners
from bot.platforms.discord.listeners.requests import RequestListeners
from bot.platforms.discord.replies import Interaction, answer_interaction
from bot.platforms.responses import Responder
from bot.present.undo import split_undo_value
from digests.errors import InputError

IN_PLACE_ACTIONS = frozenset(
    {
        ButtonAction.SHOW,
        ButtonAction.SHARE,
        ButtonAction.FINISH_DISCUSSION,
        ButtonAction.SKIP,
        ButtonAction.POSTPONE,
        ButtonAction.TAKE_OUT,
        ButtonAction.QUEUE,
        ButtonAction.UNDO_DISCUSSION,
        ButtonAction.TAKE_BACK,
        ButtonAction.RELEASE,
        ButtonAction.REJECT,
        ButtonAction.RE_REVIEW,
    }
)
"""Actions of which the answer replaces the list or card with the clicked button."""
PERSONAL_ACTIONS = frozenset(
    {ButtonAction.SHOW, ButtonAction.MORE, ButtonAction.REVIEW, ButtonAction.SIMILAR, ButtonAction.DISCUSS}
)
"""Actions that concern one person alone. All others need a server that is served."""


@dataclass(frozen=True, slots=True)
class ButtonListeners(RequestListeners):
    """Passes clicks on buttons on to the dispatcher. Some of them open a form."""

    digest_forms: DigestFormListeners
    paper_forms: PaperFormListeners

    async def on_button(self, interaction: Interaction, action: str, value: str) -> None:
        """Handle a click on a button. Those of the form are handled here, all others by the dispatcher.

        The answer may replace the clicked message only if nobody else sees that message.
        """
        if not await self.admit(interaction):
            return
        if action == ButtonAction.SETTINGS:
            await self.digest_forms.open_form_of_button(interaction, value)
            return
        if action == ButtonAction.FORM:
            await self.digest_forms.on_form_button(interaction, value)
            return
        if action == ButtonAction.REPORT:
            await self.paper_forms.open_report(interaction, value)
            return
        if action == ButtonAction.ASK:
            await self.paper_forms.open_question(interaction, value)
            return

        async def handle_button(respond: Responder) -> None:
            if action not in PERSONAL_ACTIONS:
                self._require_served(interaction)
            if action == ButtonAction.SHARE:
                self._require_sharing(interaction)
            target, click_value = None, value
            if action == ButtonAction.UNDO:
                click_value, channel_id = split_undo_value(value)
                target = self._find_target(interaction, channel_id) if channel_id else None
            channel, person = self._channel_of(interaction, target), self._person_of(interaction)

            async def fetch_person() -> Person:
                await self._require_served_now(interaction)
                return person

            await self.dispatcher.clicks.handle_click(
                Click(action, click_value, channel, person.id, str(interaction.id), fetch_person), respond
            )

        is_own_view = interaction.message is not None and interaction.message.flags.ephemeral
        in_place = action in IN_PLACE_ACTIONS and is_own_view
        await answer_interaction(interaction, handle_button, self.dispatcher, in_place=in_place)

    def _require_sharing(self, interaction: Interaction) -> None:
        """Raise InputError unless the person may write in the channel that a shared paper goes to.

        From a thread it goes to the thread's parent.
        """
        place, granted = interaction.channel, interaction.permissions
        if isinstance(place, discord.Thread):
            parent = place.parent
            granted = (
                parent.permissions_for(interaction.user)
                if parent and isinstance(interaction.user, discord.Member)
                else discord.Permissions.none()
            )
        if not granted.send_messages:
            raise InputError("You may not write in this channel, so nothing was shared.")


class AnyButton(
    discord.ui.DynamicItem["discord.ui.Button[Any] | discord.ui.Select[Any]"],
    template=r"(?P<action>[^:#]*):?(?P<value>[^#]*)(?:#.*)?",
):
    """A button or menu of any message, also of older versions.

    Its custom_id names its action and its value. The value of a menu is that of the chosen option.
    """

    def __init__(
        self, item: "discord.ui.Button[Any] | discord.ui.Select[Any]", action: str, value: str
    ) -> None:
        super().__init__(item)
        self.action, self.value = action, value

    @classmethod
    async def from_custom_id(cls, interaction: Interaction, item: Any, match: Any, /) -> "AnyButton":
        return cls(item, match["action"], match["value"])

    async def callback(self, interaction: Interaction) -> None:
        data: Any = interaction.data or {}
        chosen = str(next(iter(data.get("values") or ()), ""))
        action, value = read_choice(self.action, self.value, chosen)
        await interaction.client.listeners.buttons.on_button(interaction, action, value)
