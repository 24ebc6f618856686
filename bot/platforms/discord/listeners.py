"""Handlers of Discord's interactions: commands, forms, the message menu and buttons."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import discord

from bot.chat.message import Button, ButtonAction, Buttons, Message, Text
from bot.conversation.answers import Answers
from bot.conversation.context import Person
from bot.conversation.marks import (
    MarkEmojis,
    MarkHandler,
)
from bot.platforms.discord.client import DiscordPlatform
from bot.platforms.discord.events import normalize_emoji
from bot.platforms.discord.forms import build_modal, command_text_of_values, read_modal, values_of
from bot.platforms.discord.permissions import join_names, list_missing_permissions
from bot.platforms.discord.render import KEYCAPS
from bot.platforms.discord.replies import Interaction, answer_interaction
from bot.platforms.discord.settings import DiscordSettings
from bot.platforms.interaction import Click, InteractionDispatcher, Responder
from bot.storage import run_interactive
from digests.errors import InputError
from digests.subscription import Channel

MAX_CACHED_FORMS = 500
IN_PLACE_ACTIONS = frozenset(
    {
        ButtonAction.SHOW,
        ButtonAction.SHARE,
        ButtonAction.FINISH_DISCUSSION,
        ButtonAction.RELEASE,
        ButtonAction.REJECT,
    }
)
"""Actions whose answer replaces the list or card that was tapped."""


@dataclass(slots=True)
class DiscordListeners:
    """Handles the interactions of Discord's people: commands, forms, the message menu and buttons."""

    answers: Answers
    platform: DiscordPlatform
    settings: DiscordSettings
    clock: Callable[[], datetime]
    discussion: MarkHandler = field(init=False)
    dispatcher: InteractionDispatcher = field(init=False)
    _rejected_forms: OrderedDict[tuple[str, str], dict[str, str]] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        emojis = MarkEmojis(normalize_emoji(self.settings.mark_emoji), tuple(map(normalize_emoji, KEYCAPS)))
        self.discussion = MarkHandler(self.answers.store, self.platform, emojis, self.clock)
        self.dispatcher = InteractionDispatcher(
            self.answers, self.platform, self.discussion, self.clock, confirms_undo=True
        )

    # Commands.

    async def on_paper(self, interaction: Interaction, query: str) -> None:
        async def look_up_paper(respond: Responder) -> None:
            await self.dispatcher.look_up_paper(query, respond)

        await answer_interaction(interaction, look_up_paper, self.dispatcher)

    async def on_digest(self, interaction: Interaction, text: str, target: Any = None) -> None:
        """Runs a /digest command. `text` is its arguments; `target` is another channel to apply it to."""

        async def run_digest_command(respond: Responder) -> None:
            channel = self._channel_of(interaction, target)
            if text.startswith(("subscribe", "resume")):
                self._require_posting(interaction, target)
            person = self._person_of(interaction)
            reply = await self.dispatcher.run_digest_command(text, channel, person)
            await self.dispatcher.send_reply(reply, channel, respond)

        await answer_interaction(interaction, run_digest_command, self.dispatcher)

    async def on_settings(self, interaction: Interaction, target: Any = None) -> None:
        """Opens the form. It has to be the first response to an interaction."""

        async def open_form(respond: Responder) -> None:
            channel = self._channel_of(interaction, target)
            reply = await run_interactive(
                self.answers.subscriptions.show_settings, channel, self._person_of(interaction)
            )
            if not reply.form:
                await respond(reply.message)
                return
            self._require_posting(interaction, target)
            typed = self._rejected_forms.pop((channel.channel, str(interaction.user.id)), None)
            await interaction.response.send_modal(
                build_modal(typed or values_of(reply.form), channel.channel)
            )

        await answer_interaction(interaction, open_form, self.dispatcher, skip_ack=True)

    async def on_form(self, interaction: Interaction) -> None:
        """Saves a submitted form. An error is shown with a button that reopens the form as filled in."""
        channel_id, values = read_modal(interaction.data or {})

        async def save_form(respond: Responder) -> None:
            channel = Channel(self.platform.name, channel_id, str(interaction.guild_id or ""))
            person = self._person_of(interaction)
            try:
                text = f"subscribe {command_text_of_values(values)}"
                reply = await self.dispatcher.run_digest_command(text, channel, person)
            except InputError as error:
                self._remember_form(channel_id, person.id, values)
                again = Button(ButtonAction.SETTINGS, "Edit again", channel_id, is_primary=True)
                await respond(Message(str(error), (Text(str(error)), Buttons((again,)))))
                return
            await self.dispatcher.send_reply(reply, channel, respond)

        await answer_interaction(interaction, save_form, self.dispatcher)

    def _remember_form(self, channel: str, person: str, values: dict[str, str]) -> None:
        self._rejected_forms[channel, person] = values
        if len(self._rejected_forms) > MAX_CACHED_FORMS:
            self._rejected_forms.popitem(last=False)

    async def on_mark(self, interaction: Interaction, message: discord.Message) -> None:
        """Handles “Mark for discussion” in a message's menu."""

        async def toggle_mark(respond: Responder) -> None:
            channel = self._channel_of(interaction)
            links = " ".join(filter(None, (embed.url for embed in message.embeds)))
            receipt = _receipt_of(interaction.channel, message.id)
            text = f"{message.content} {links}"
            person_id = str(interaction.user.id)
            await self.dispatcher.toggle_mark_on_message(channel, receipt, text, person_id, respond)

        await answer_interaction(interaction, toggle_mark, self.dispatcher)

    # Buttons.

    async def on_button(self, interaction: Interaction, action: str, value: str) -> None:
        if action == ButtonAction.SETTINGS:
            await self.on_settings(interaction, _find_channel(interaction, value))
            return

        async def handle_button(respond: Responder) -> None:
            channel, person = self._channel_of(interaction), self._person_of(interaction)

            async def fetch_person() -> Person:
                return person

            await self.dispatcher.handle_click(
                Click(action, value, channel, person.id, fetch_person), respond
            )

        own = interaction.message is not None and interaction.message.flags.ephemeral
        in_place = action in IN_PLACE_ACTIONS and own
        await answer_interaction(interaction, handle_button, self.dispatcher, in_place=in_place)

    # Parts of an interaction.

    def _channel_of(self, interaction: Interaction, target: Any = None) -> Channel:
        """Returns the target channel; for a thread, its parent channel."""
        where = target or interaction.channel
        if where is None:
            raise InputError("Discord did not say in which channel this is; try it in a text channel.")
        channel = where.parent_id if isinstance(where, discord.Thread) else where.id
        return Channel(self.platform.name, str(channel), str(interaction.guild_id or ""))

    def _person_of(self, interaction: Interaction) -> Person:
        roles = {str(role.id) for role in getattr(interaction.user, "roles", ())}
        can_manage = interaction.permissions.manage_guild or interaction.permissions.administrator
        is_admin = can_manage or bool(self.settings.manager_role and self.settings.manager_role in roles)
        return Person(str(interaction.user.id), interaction.user.display_name, is_admin)

    def _require_posting(self, interaction: Interaction, target: Any) -> None:
        """Checks that the bot may post in the channel. Raises InputError."""
        if target is None or target.id == interaction.channel_id:
            granted = interaction.app_permissions
        else:
            known = target.resolve() if hasattr(target, "resolve") else target
            if known is None or interaction.guild is None:
                raise InputError(
                    f"I cannot see the channel {target.id}: give me View Channel there, then try again."
                )
            granted = known.permissions_for(interaction.guild.me)
        if lacking := list_missing_permissions(granted):
            raise InputError(
                f"I may not {join_names(lacking)} in that channel, so nothing was changed: "
                "allow it to Paperround under the "
                "channel's permissions, then try again."
            )


def _receipt_of(channel: Any, message: int) -> str:
    return f"{channel.id}/{message}" if isinstance(channel, discord.Thread) else str(message)


def _find_channel(interaction: Interaction, channel: str) -> Any:
    """Returns the channel that a button names, or None if it is not cached."""
    return interaction.client.get_channel(int(channel)) if channel.isdigit() else None


class AnyButton(
    discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"(?P<wanted>[^:#]*):?(?P<value>[^#]*)(?:#.*)?"
):
    """Handles every button by its custom_id alone, including those sent by older versions."""

    def __init__(self, item: "discord.ui.Button[Any]", action: str, value: str) -> None:
        super().__init__(item)
        self.action, self.value = action, value

    @classmethod
    async def from_custom_id(cls, interaction: Interaction, item: Any, match: Any, /) -> "AnyButton":
        return cls(item, match["wanted"], match["value"])

    async def callback(self, interaction: Interaction) -> None:
        await interaction.client.listeners.on_button(interaction, self.action, self.value)
