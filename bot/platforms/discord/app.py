"""Life cycle of the Discord app: log-in, serving over the gateway, and draining before it stops."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import aiohttp
import discord

from bot.chat.findings import Finding, Severity
from bot.chat.port import PostError
from bot.conversation.answers import Answers
from bot.platforms.discord.client import DiscordPlatform
from bot.platforms.discord.errors import MISSING_ACCESS, UNAUTHORIZED_MESSAGE, UNKNOWN_GUILD
from bot.platforms.discord.gateway import Gateway, keep_connected
from bot.platforms.discord.listeners import DiscordListeners
from bot.platforms.discord.permissions import build_invitation
from bot.platforms.discord.preflight import run_preflight
from bot.platforms.discord.rest import CodeError, RestClient, use_addresses
from bot.platforms.discord.settings import DiscordSettings
from digests.errors import InputError
from digests.subscription import Channel

log = logging.getLogger(__name__)


@dataclass(slots=True)
class DiscordApp:
    """Implements `bot.platforms.app.ChatApp`.

    It is exclusive, because people are served over one gateway connection. `timeout` limits one request, in
    seconds.
    """

    settings: DiscordSettings
    token: str = field(repr=False)
    timeout: float
    clock: Callable[[], datetime]
    name: str = "discord"
    is_exclusive: bool = True
    _platform: DiscordPlatform | None = None

    def __post_init__(self) -> None:
        use_addresses(self.settings)
        for name in ("discord.client", "discord.gateway", "discord.state"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # gateway.py logs their errors.
        logging.getLogger("discord").setLevel(logging.WARNING)

    async def check(self, channels: Sequence[Channel]) -> Sequence[Finding]:
        rest = RestClient(self.token, self.timeout)
        try:
            return await run_preflight(
                rest, channels=[each.channel for each in channels if not each.is_direct]
            )
        finally:
            await rest.close()

    async def leave_channel(self, channel: Channel) -> Finding:
        return Finding(
            Severity.WARNING,
            f"channel {channel.channel}",
            "Discord lets an app leave a whole server only. If it is not to see the channel, take View "
            "Channel away from it there; “paperround leave” with the server's id leaves the server.",
        )

    async def leave_workspace(self, workspace: str, channels: Sequence[Channel]) -> Finding:
        rest, subject = RestClient(self.token, self.timeout), f"server {workspace}"
        try:
            await rest.call_api("DELETE", "/users/@me/guilds/{guild_id}", guild_id=workspace)
        except PostError as error:
            if isinstance(error, CodeError) and error.code in (UNKNOWN_GUILD, MISSING_ACCESS):
                return Finding(Severity.OK, subject, "Paperround is not in it.")
            return Finding(Severity.FAULT, subject, str(error))
        finally:
            await rest.close()
        return Finding(Severity.OK, subject, "Paperround has left it.")

    async def open(self) -> DiscordPlatform:
        """Log in over REST, without a gateway connection, and return the platform.

        Raises InputError when Discord rejects the token. While Discord cannot be reached, that is logged and
        not raised, and each post tries to log in.
        """
        rest = RestClient(self.token, self.timeout)
        self._platform = DiscordPlatform(rest)
        try:
            client = await rest.get_client()
            log.info("Discord: the app is %s", client.user)
        except discord.LoginFailure as error:
            raise InputError(f"bot token: {UNAUTHORIZED_MESSAGE}") from error
        except (discord.DiscordException, aiohttp.ClientError, TimeoutError, OSError, TypeError) as error:
            log.error(
                "Discord cannot be reached (%s); trying again with every digest.",
                str(error) or type(error).__name__,
            )
        return self._platform

    async def serve(self, answers: Answers, stop: asyncio.Event) -> None:
        if not self._platform:
            raise RuntimeError("open the app before it is served")
        listeners = DiscordListeners(answers, self._platform, self.settings, self.clock)

        async def drain_listeners() -> None:
            await listeners.dispatcher.drain_tasks()

        await keep_connected(lambda: Gateway(listeners, self.settings), self.token, stop, drain_listeners)

    async def close(self) -> None:
        if self._platform:
            await self._platform.rest.close()
            self._platform = None


async def fetch_invitation(settings: DiscordSettings, token: str, timeout: float) -> str:
    """Return the link that adds the token's application to a server.

    Raises InputError when Discord rejects the token or cannot be reached. The connection is closed again.
    """
    use_addresses(settings)
    rest = RestClient(token, timeout)
    try:
        return build_invitation((await rest.get_client()).application_id or 0)
    except discord.LoginFailure as error:
        raise InputError(UNAUTHORIZED_MESSAGE) from error
    except (discord.DiscordException, aiohttp.ClientError, TimeoutError, OSError, TypeError) as error:
        raise InputError(
            f"Discord cannot be reached ({str(error) or type(error).__name__}): check the network."
        ) from error
    finally:
        await rest.close()
