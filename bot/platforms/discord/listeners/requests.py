"""Interactions of Discord as their listeners get them: the place, the person, and what both may do."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp
import discord

from bot.conversation.answers import Answers
from bot.conversation.context import Person
from bot.platforms.discord.client import DiscordPlatform
from bot.platforms.discord.permissions import join_names, list_missing_permissions
from bot.platforms.discord.replies import Interaction
from bot.platforms.discord.servers import FOREIGN_PERSON, FOREIGN_SERVER, MemberCheck, ServedServers
from bot.platforms.discord.settings import DiscordSettings
from bot.platforms.interaction import InteractionDispatcher
from bot.platforms.responses import log_unexpected_error
from digests.errors import InputError, PaperroundError
from digests.subscription import Channel

log = logging.getLogger(__name__)
NO_SUCH_CHANNEL = (
    "There is no such channel in this server that you and Paperround can see; nothing was changed."
)
IS_SERVED = "is_served"
"""Key in the `extras` of an interaction that comes from a served server, rather than from a person of one."""


@dataclass(frozen=True, slots=True)
class RequestListeners:
    """Parts that all listeners for interactions share.

    Nothing runs for an interaction that `admit` refuses. The handlers raise no error: it is answered with a
    sentence, or logged.
    """

    answers: Answers
    platform: DiscordPlatform
    settings: DiscordSettings
    clock: Callable[[], datetime]
    dispatcher: InteractionDispatcher
    servers: ServedServers
    members: MemberCheck

    async def admit(self, interaction: Interaction) -> bool:
        """Return True for an interaction from a served server, or from a person of one. Raises no error.

        Anybody else is answered with one sentence, and gets no suggestions while typing.
        """
        with self.dispatcher.tasks.track_task():
            try:
                refusal = await self._find_refusal(interaction)
            except PaperroundError as error:
                refusal = str(error)
            except Exception:
                refusal = log_unexpected_error()
            if not refusal:
                return True
            try:
                if interaction.type is discord.InteractionType.autocomplete:
                    await interaction.response.autocomplete([])
                else:
                    await interaction.response.send_message(refusal, ephemeral=True)
            except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
                log.warning("a refusal was not taken: %s", error)
            return False

    async def _find_refusal(self, interaction: Interaction) -> str:
        """Return the sentence for an interaction that is not answered, or an empty string.

        In a server, only its own installation of the app or a person's own counts. Raises PaperroundError.
        """
        user, guild = interaction.user.id, interaction.guild_id
        if guild is not None and await self.servers.is_served(guild):
            interaction.extras[IS_SERVED] = True
            self.members.note_member(user, guild)
            return ""
        if guild is not None and (
            interaction.is_guild_integration() or not interaction.is_user_integration()
        ):
            return FOREIGN_SERVER
        guilds = [guild.id for guild in interaction.client.guilds]
        return "" if await self.members.is_member(user, guilds) else FOREIGN_PERSON

    def _require_served(self, interaction: Interaction) -> None:
        """Raise InputError unless the interaction comes from a served server, or from the person's own place.

        `admit` has found the person in a served server then.
        """
        if not interaction.extras.get(IS_SERVED) and not _is_with_bot(interaction):
            raise InputError("This works only in a server that Paperround serves, and in messages to me.")

    async def _require_served_now(self, interaction: Interaction) -> None:
        """Raise InputError unless the server is served at this moment: `admit` uses what it read lately.

        A digest that a denial stopped must not be resumed meanwhile. In a direct message the person has to be
        in a served server. Raises PaperroundError and StoreError.
        """
        if _is_with_bot(interaction):
            guilds = [guild.id for guild in interaction.client.guilds]
            if not await self.members.is_member(interaction.user.id, guilds):
                raise InputError(FOREIGN_PERSON)
            return
        if not await self.servers.is_served_now(interaction.guild_id):
            raise InputError(FOREIGN_SERVER)

    def _find_target(self, interaction: Interaction, channel_id: str) -> Any:
        """Return the channel with this id in the interaction's server, None for the interaction's own.

        Raises InputError for any other id, also for a channel that the person cannot see, and outside of
        served servers.
        """
        self._require_served(interaction)
        if self._channel_of(interaction).channel == channel_id:
            return None
        is_id = channel_id.isascii() and channel_id.isdecimal()
        found = interaction.guild.get_channel(int(channel_id)) if interaction.guild and is_id else None
        if found is None:
            raise InputError(NO_SUCH_CHANNEL)
        self._require_visible(interaction, found)
        return found

    def _require_visible(self, interaction: Interaction, target: Any) -> None:
        """Raise InputError unless a target is in the interaction's server and the person can see it.

        None stands for the interaction's own channel. Raises InputError outside of served servers too.
        """
        self._require_served(interaction)
        if target is None:
            return
        resolved = target.resolve() if hasattr(target, "resolve") else target
        if resolved is None or resolved.guild.id != interaction.guild_id:
            raise InputError(NO_SUCH_CHANNEL)
        person = interaction.user
        if not isinstance(person, discord.Member) or not resolved.permissions_for(person).view_channel:
            raise InputError(NO_SUCH_CHANNEL)

    def _require_posting(self, interaction: Interaction, target: Any) -> None:
        """Raise InputError unless the bot has all `REQUIRED_PERMISSIONS` in the channel.

        The channel is `target`, or that of the interaction if it is None. A target that the bot cannot see is
        refused too. In a direct message there are no permissions.
        """
        if interaction.guild_id is None:
            return
        if target is None or target.id == interaction.channel_id:
            granted = interaction.app_permissions
        else:
            resolved = target.resolve() if hasattr(target, "resolve") else target
            if resolved is None or interaction.guild is None:
                raise InputError(
                    f"I cannot see the channel {target.id}: give me View Channel there, then try again."
                )
            granted = resolved.permissions_for(interaction.guild.me)
        if lacking := list_missing_permissions(granted):
            raise InputError(
                f"I may not {join_names(lacking)} in that channel, so nothing was changed: "
                "allow it to Paperround under the "
                "channel's permissions, then try again."
            )

    def _channel_of(self, interaction: Interaction, target: Any = None) -> Channel:
        """Return the target, else the interaction's channel; for a thread, its parent. Raises InputError."""
        place = target or interaction.channel
        if place is None:
            raise InputError("Discord did not say in which channel this is; try it in a text channel.")
        channel = place.parent_id if isinstance(place, discord.Thread) else place.id
        guild = interaction.guild_id
        return Channel(self.platform.name, str(channel), str(guild or ""), is_direct=guild is None)

    def _place_of(self, interaction: Interaction) -> Channel:
        """Return the place of an interaction that needs no channel; in direct messages, no workspace's."""
        place, guild = str(interaction.channel_id or ""), interaction.guild_id
        return Channel(self.platform.name, place, str(guild or ""), is_direct=guild is None)

    def _person_of(self, interaction: Interaction) -> Person:
        """Return the person. An admin may manage the server, or has the role of the settings.

        Nobody is an admin outside of a served server.
        """
        roles = {str(role.id) for role in getattr(interaction.user, "roles", ())}
        can_manage = interaction.permissions.manage_guild or interaction.permissions.administrator
        has_role = bool(self.settings.manager_role and self.settings.manager_role in roles)
        is_admin = (can_manage or has_role) and bool(interaction.extras.get(IS_SERVED))
        return Person(str(interaction.user.id), interaction.user.display_name, is_admin)


def _is_with_bot(interaction: Interaction) -> bool:
    """Return True for an interaction in the direct messages of its person with the bot."""
    return interaction.guild_id is None and interaction.context.dm_channel is True
