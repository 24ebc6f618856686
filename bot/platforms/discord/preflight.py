"""What `paperround doctor` looks at on Discord: each finding says what to do."""

from collections.abc import Sequence
from typing import Any

import aiohttp
import discord

from bot.findings import Finding, Level
from bot.platforms import PostError
from bot.platforms.discord.errors import NOT_KNOWN
from bot.platforms.discord.permissions import invitation, listed, missing
from bot.platforms.discord.rest import Rest

PAGE = "https://discord.com/developers/applications"


async def preflight(rest: Rest, *, channels: Sequence[str]) -> Sequence[Finding]:
    """Ask Discord who we are, where we are, and what we may do in these channels. Never raises for what it answers."""
    try:
        client = await rest.client()
    except discord.LoginFailure:
        return [Finding(Level.FAULT, "bot token", NOT_KNOWN)]
    except (discord.DiscordException, aiohttp.ClientError, TimeoutError, OSError, TypeError) as error:
        what = str(error) or type(error).__name__
        fix = "check the network, and platforms.discord.api_base_url"
        return [Finding(Level.FAULT, "discord", f"Discord cannot be reached ({what[:200]}): {fix}.")]
    guilds, found = await _guilds(client)
    return [
        Finding(Level.OK, "bot token", f"Discord knows us as {client.user}."),
        *_application(client),
        *found,
        *[await _channel(rest, guilds, channel) for channel in channels],
    ]


def _application(client: discord.Client) -> list[Finding]:
    application = client.application
    if application is None:
        return []
    findings = []
    if application.interactions_endpoint_url:
        where = f"clear Interactions Endpoint URL on {PAGE}/{application.id}/information"
        findings.append(
            Finding(Level.FAULT, "application", f"Commands and buttons are sent to another address: {where}.")
        )
    if application.user_integration_config is None:
        where = f"turn User Install on at {PAGE}/{application.id}/installation"
        findings.append(
            Finding(Level.WARNING, "application", f"/paper cannot be used in direct messages: {where}.")
        )
    return findings or [
        Finding(Level.OK, "application", f"{application.name} can be installed and is called directly.")
    ]


async def _guilds(client: discord.Client) -> tuple[dict[str, discord.Guild], list[Finding]]:
    try:
        here = [guild async for guild in client.fetch_guilds(limit=200)]
    except (discord.DiscordException, aiohttp.ClientError, TimeoutError, OSError) as error:
        return {}, [Finding(Level.FAULT, "servers", f"They could not be asked for: {error}.")]
    if not here:
        link = invitation(client.application_id or 0)
        return {}, [Finding(Level.WARNING, "servers", f"Paperround is in none yet: open {link}")]
    names = listed([guild.name for guild in here[:5]])
    more = f" and {len(here) - 5} more" if len(here) > 5 else ""
    return {str(guild.id): guild for guild in here}, [
        Finding(Level.OK, "servers", f"Paperround is in {names}{more}.")
    ]


async def _channel(rest: Rest, guilds: dict[str, discord.Guild], channel: str) -> Finding:
    """Whether it is there, and each permission that is missing, by its name."""
    subject = f"channel {channel}"
    try:
        known = await rest.thing("GET", "/channels/{channel_id}", channel_id=channel)
        granted = await _granted(rest, known)
    except PostError as error:
        return Finding(Level.WARNING, subject, str(error))
    except (discord.DiscordException, aiohttp.ClientError, TimeoutError, OSError) as error:
        return Finding(Level.WARNING, subject, f"It could not be looked at: {error}.")
    subject = f"channel #{known.get('name', channel)}"
    if lacking := missing(granted):
        fix = "allow it to Paperround under the channel's settings, Permissions"
        return Finding(Level.WARNING, subject, f"Paperround may not {listed(lacking)} there: {fix}.")
    return Finding(Level.OK, subject, "Paperround may do all it needs there.")


async def _granted(rest: Rest, channel: dict[str, Any]) -> discord.Permissions:
    """What the bot may do in a channel, reckoned by discord.py from the server's roles and the channel's rules."""
    client = await rest.client()
    guild = await client.fetch_guild(int(channel["guild_id"]), with_counts=False)
    me = await guild.fetch_member(client.user.id if client.user else 0)
    everywhere = {str(one.id): one for one in await guild.fetch_channels()}
    if str(channel["id"]) not in everywhere:
        return discord.Permissions.none()
    return everywhere[str(channel["id"])].permissions_for(me)
