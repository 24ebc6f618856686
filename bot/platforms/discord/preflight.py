"""Checks of `paperround doctor` for Discord. Each finding says how to fix it."""

from collections.abc import Sequence
from typing import Any

import aiohttp
import discord

from bot.chat.findings import Finding, Severity
from bot.chat.port import PostError
from bot.platforms.discord.errors import UNAUTHORIZED_MESSAGE
from bot.platforms.discord.permissions import (
    build_invitation,
    join_names,
    list_missing_options,
    list_missing_permissions,
)
from bot.platforms.discord.rest import RestClient

DEVELOPER_PAGE = "https://discord.com/developers/applications"


async def run_preflight(rest: RestClient, *, channels: Sequence[str]) -> Sequence[Finding]:
    """Check the token, the application, the servers, and the permissions in these channels, by their ids.

    Returns findings, at least one. Errors become findings and are not raised. If Discord cannot be reached or
    rejects the token, that is the only one.
    """
    try:
        client = await rest.get_client()
    except discord.LoginFailure:
        return [Finding(Severity.FAULT, "bot token", UNAUTHORIZED_MESSAGE)]
    except (discord.DiscordException, aiohttp.ClientError, TimeoutError, OSError, TypeError) as error:
        reason = str(error) or type(error).__name__
        fix = "check the network, and platforms.discord.api_base_url"
        return [Finding(Severity.FAULT, "discord", f"Discord cannot be reached ({reason[:200]}): {fix}.")]
    server_findings = await _check_guilds(client)
    return [
        Finding(Severity.OK, "bot token", f"Discord knows us as {client.user}."),
        *_check_application(client),
        *server_findings,
        *[await _check_channel(rest, channel) for channel in channels],
    ]


def _check_application(client: discord.Client) -> list[Finding]:
    """Return findings about the application's settings that the commands need.

    Returns one that all is well if nothing is wrong, and none if the application is not known.
    """
    application = client.application
    if application is None:
        return []
    findings = []
    if application.interactions_endpoint_url:
        fix = f"clear Interactions Endpoint URL on {DEVELOPER_PAGE}/{application.id}/information"
        findings.append(
            Finding(
                Severity.FAULT, "application", f"Commands and buttons are sent to another address: {fix}."
            )
        )
    if application.user_integration_config is None:
        fix = f"turn User Install on at {DEVELOPER_PAGE}/{application.id}/installation"
        findings.append(
            Finding(Severity.WARNING, "application", f"/paper cannot be used in direct messages: {fix}.")
        )
    if application.bot_public:
        fix = (
            f"turn Public Bot off at {DEVELOPER_PAGE}/{application.id}/bot once it is in all of your servers"
        )
        findings.append(
            Finding(
                Severity.WARNING, "application", f"Anybody can add Paperround to a server of theirs: {fix}."
            )
        )
    return findings or [
        Finding(Severity.OK, "application", f"{application.name} can be installed and is called directly.")
    ]


async def _check_guilds(client: discord.Client) -> list[Finding]:
    """Return a finding with the names of the bot's first servers, or the link that adds it to one."""
    try:
        guilds = [guild async for guild in client.fetch_guilds(limit=200)]
    except (discord.DiscordException, aiohttp.ClientError, TimeoutError, OSError) as error:
        return [Finding(Severity.FAULT, "servers", f"They could not be asked for: {error}.")]
    if not guilds:
        link = build_invitation(client.application_id or 0)
        return [Finding(Severity.WARNING, "servers", f"Paperround is in none yet: open {link}")]
    names = join_names([guild.name for guild in guilds[:5]])
    more = f" and {len(guilds) - 5} more" if len(guilds) > 5 else ""
    return [Finding(Severity.OK, "servers", f"Paperround is in {names}{more}.")]


async def _check_channel(rest: RestClient, channel: str) -> Finding:
    """Return one finding about a channel: the error that hides it, or the permissions that are missing.

    It names the server too: many servers have a channel of the same name.
    """
    subject = f"channel {channel}"
    try:
        info = await rest.call_for_object("GET", "/channels/{channel_id}", channel_id=channel)
        server, granted = await _fetch_permissions(rest, info)
    except PostError as error:
        return Finding(Severity.WARNING, subject, str(error))
    except (discord.DiscordException, aiohttp.ClientError, TimeoutError, OSError) as error:
        return Finding(Severity.WARNING, subject, f"It could not be looked at: {error}.")
    subject = f"{server}, channel #{info.get('name', channel)}"
    if lacking := list_missing_permissions(granted):
        fix = "allow it to Paperround under the channel's settings, Permissions"
        return Finding(Severity.WARNING, subject, f"Paperround may not {join_names(lacking)} there: {fix}.")
    left_out = list_missing_options(granted)
    also = f" It goes without the optional {join_names(left_out)}." if left_out else ""
    return Finding(Severity.OK, subject, f"Paperround may do all it needs there.{also}")


async def _fetch_permissions(rest: RestClient, channel: dict[str, Any]) -> tuple[str, discord.Permissions]:
    """Return the server's name, and the bot's permissions in a channel, from its roles and overwrites.

    None are granted in a channel that the server does not list. Raises errors of discord.py and aiohttp.
    """
    client = await rest.get_client()
    guild = await client.fetch_guild(int(channel["guild_id"]), with_counts=False)
    me = await guild.fetch_member(client.user.id if client.user else 0)
    channels_by_id = {str(found.id): found for found in await guild.fetch_channels()}
    if str(channel["id"]) not in channels_by_id:
        return guild.name, discord.Permissions.none()
    return guild.name, channels_by_id[str(channel["id"])].permissions_for(me)
