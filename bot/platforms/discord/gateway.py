"""The gateway connection: it is monitored, and replaced when discord.py cannot recover it."""

import asyncio
import contextlib
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import discord

from bot.periodic import every
from bot.platforms.discord.command_sync import sync_commands
from bot.platforms.discord.errors import UNAUTHORIZED_MESSAGE
from bot.platforms.discord.events import EventListeners
from bot.platforms.discord.listeners import DiscordListeners
from bot.platforms.discord.listeners.buttons import AnyButton
from bot.platforms.discord.rest import MAX_RATE_LIMIT_SECONDS
from bot.platforms.discord.settings import DiscordSettings
from bot.platforms.discord.slash import LoggingCommandTree, add_commands
from bot.present.wording import format_count
from digests.errors import PaperroundError

log = logging.getLogger(__name__)

MIN_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 1.0, 300.0
"""Shortest and longest wait before a new connection; it doubles. Discord revokes a token after 1000 a day."""
STABLE_AFTER_SECONDS = 60.0
"""Seconds that a connection lasts after which the next wait is the shortest again."""
LOGIN_TIMEOUT_SECONDS = 30.0
POLL_SECONDS = 2.0
"""Seconds between two checks of the connection."""
MAX_SILENCE_SECONDS = 90.0
"""Seconds without a frame after which a connection counts as lost.

Discord acknowledges a heartbeat every 41 seconds, and discord.py gives up after 60.
"""
RECONNECT_AFTER_SECONDS = 60.0
"""Seconds without a connection before it is replaced; until then discord.py reconnects by itself."""
CATCH_UP_RETRY_SECONDS = (2.0, 10.0, 60.0, 300.0)
"""Waits before each further attempt to catch up on a new session, after an error of the store.

After the last one, the fifth try in all, the changes stay unknown until the next new session.
"""
OWN_DIGESTS_SECONDS = 3600.0
"""Seconds between two checks whether people with a digest of their own are still in a served server."""
READY_SECONDS = 2.0
"""Seconds without a further server at start-up after which discord.py takes its list as complete."""
HEARTBEAT_TIMEOUT_SECONDS = 60.0
"""Seconds of silence after which discord.py closes a connection and resumes it."""

AUTHENTICATION_FAILED, DISALLOWED_INTENTS = 4004, 4014
"""Close codes of the gateway for errors that a retry cannot fix."""

INTENTS = discord.Intents(
    guilds=True, guild_reactions=True, guild_messages=True, dm_messages=True, dm_reactions=True
)
"""Kinds of events that Discord sends. None of them is privileged.

Without the privileged one for contents, a message in a server has none unless it mentions the bot.
"""


class Gateway(discord.Client):
    """One gateway connection. It passes events and interactions on to the listeners.

    An instance is connected once. A new connection needs a new one.
    """

    def __init__(
        self,
        listeners: DiscordListeners,
        settings: DiscordSettings,
        *,
        ready_seconds: float = READY_SECONDS,
        heartbeat_seconds: float = HEARTBEAT_TIMEOUT_SECONDS,
    ) -> None:
        super().__init__(
            intents=INTENTS,
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            max_ratelimit_timeout=MAX_RATE_LIMIT_SECONDS,
            guild_ready_timeout=ready_seconds,
            heartbeat_timeout=heartbeat_seconds,
        )
        self.listeners, self.settings = listeners, settings
        self.events = EventListeners(
            listeners.answers.store,
            listeners.platform,
            listeners.dispatcher,
            listeners.clock,
            self,
            listeners.servers,
            listeners.members,
        )
        self.has_caught_up = False
        self.tree = LoggingCommandTree(self)
        add_commands(self.tree, listeners)

    async def setup_hook(self) -> None:
        self.add_dynamic_items(AnyButton)
        await sync_commands(self.tree, self.settings.command_server_ids, self.listeners.answers.store.notes)

    async def close(self) -> None:
        # discord.py does not cancel this task, which fails when it uses the closed client.
        if ready_task := getattr(self._connection, "_ready_task", None):
            ready_task.cancel()
        await super().close()

    async def on_connect(self) -> None:
        """Take the servers in before the first interaction; their names and channels come later."""
        await self.events.on_connect([guild.id for guild in self.guilds])

    async def on_ready(self) -> None:
        """Catch up after a new session, as `EventListeners.on_ready` does.

        After an error of the store, which is logged, it tries again after each of the waits in
        `CATCH_UP_RETRY_SECONDS`: five tries in all. Then it gives up until the next new session. It returns
        early if the connection is closed.
        """
        log.info("Discord is connected, in %s", format_count(len(self.guilds), "server"))
        for wait in (0.0, *CATCH_UP_RETRY_SECONDS):
            await asyncio.sleep(wait)
            if self.is_closed():
                return
            try:
                await self.events.on_ready(self._guild_names)
                self.has_caught_up = True
                return
            except PaperroundError as error:
                log.warning("changes in Discord during the gap are not known yet: %s", error)

    async def check_own_digests(self) -> float | None:
        """Stop the digests of strangers, once the session has caught up. Raises StoreError.

        Returns the seconds to wait until it has, else None.
        """
        if not self.has_caught_up:
            return POLL_SECONDS
        await self.events.stop_digests_of_strangers()
        return None

    async def on_resumed(self) -> None:
        log.info("Discord is connected again; nothing was missed")

    async def on_message(self, message: discord.Message) -> None:
        if isinstance(message.channel, discord.DMChannel):
            await self.listeners.messages.on_direct_message(message, [guild.id for guild in self.guilds])
        elif self.user:
            await self.listeners.messages.on_server_message(message, self.user.id)

    async def on_raw_reaction_add(self, event: discord.RawReactionActionEvent) -> None:
        await self.events.on_reaction(event)

    async def on_raw_reaction_remove(self, event: discord.RawReactionActionEvent) -> None:
        await self.events.on_reaction(event)

    async def on_raw_reaction_clear(self, event: discord.RawReactionClearEvent) -> None:
        await self.events.on_reactions_cleared(event.channel_id, event.guild_id, event.message_id)

    async def on_raw_reaction_clear_emoji(self, event: discord.RawReactionClearEmojiEvent) -> None:
        await self.events.on_reactions_cleared(event.channel_id, event.guild_id, event.message_id)

    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        await self.events.on_channel_deleted(channel.id, channel.guild.id)

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        await self.events.on_guild_removed(guild.id, self._guild_names)

    async def on_guild_join(self, guild: discord.Guild) -> None:
        await self.events.on_guild_joined(guild.id, self._guild_names)

    def _guild_names(self) -> dict[int, str]:
        return {guild.id: guild.name for guild in self.guilds}

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        if interaction.type is discord.InteractionType.modal_submit:
            await self.listeners.forms.on_form(interaction)

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        if isinstance(error := sys.exc_info()[1], PaperroundError):
            log.warning("an event was not handled (%s): %s", event_method, error)
        else:
            log.exception("%s failed", event_method)

    @property
    def silence_seconds(self) -> float:
        """Seconds since the last frame of any kind; 0 before the first one."""
        keep_alive = getattr(self.ws, "_keep_alive", None)
        received_at = getattr(keep_alive, "_last_recv", None)
        return time.perf_counter() - received_at if received_at is not None else 0.0

    @property
    def is_connected(self) -> bool:
        """True while the connection is open and its last frame is younger than `MAX_SILENCE_SECONDS`."""
        ws = self.ws
        return bool(ws) and ws.open and self.silence_seconds < MAX_SILENCE_SECONDS


async def keep_connected(
    create_client: Callable[[], Gateway],
    token: str,
    stop: asyncio.Event,
    drain: Callable[[], Awaitable[None]],
) -> None:
    """Keep a gateway connected until `stop` is set, then await `drain` and close it.

    `create_client` returns a new client for each connection. A lost connection is logged, and replaced after
    a growing wait. Returns early, after it has logged the reason, on an error that a retry cannot fix.
    """
    wait = MIN_BACKOFF_SECONDS
    while not stop.is_set():
        started_at = time.monotonic()
        try:
            await _run_connection(create_client(), token, stop, drain)
            reason = "no frames arrive"
        except Exception as error:
            if fatal_reason := _explain_fatal_error(error):
                log.error("%s Digests are still posted where possible; fix it and restart.", fatal_reason)
                return
            reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        if stop.is_set():
            return
        wait = MIN_BACKOFF_SECONDS if time.monotonic() - started_at > STABLE_AFTER_SECONDS else wait
        log.error(
            "Discord's gateway is not connected (%s); trying again in %.0f seconds.", reason[:200], wait
        )
        await _sleep_or_stop(wait, stop)
        wait = min(wait * 2, MAX_BACKOFF_SECONDS)


def _explain_fatal_error(error: Exception) -> str:
    """Return the sentence for an error that a retry cannot fix, or an empty string for any other."""
    code = error.code if isinstance(error, discord.ConnectionClosed) else 0
    if isinstance(error, discord.LoginFailure) or code == AUTHENTICATION_FAILED:
        return UNAUTHORIZED_MESSAGE
    if isinstance(error, discord.PrivilegedIntentsRequired) or code == DISALLOWED_INTENTS:
        return (
            "Discord does not grant this application the intents for servers and reactions: "
            "look at its page under Bot."
        )
    return ""


async def _run_connection(
    client: Gateway, token: str, stop: asyncio.Event, drain: Callable[[], Awaitable[None]]
) -> None:
    """Run one connection from log-in to close.

    Returns when `stop` is set, or when the connection stays lost for `RECONNECT_AFTER_SECONDS`. Raises the
    error that breaks it. `drain` is awaited before the close if `stop` is set.
    """
    tasks: list[asyncio.Task[Any]] = []
    try:
        async with asyncio.timeout(LOGIN_TIMEOUT_SECONDS):
            await client.login(token)
        check = every(OWN_DIGESTS_SECONDS, client.check_own_digests, stop, name="own digests in Discord")
        tasks = [
            asyncio.create_task(work)
            for work in (client.connect(), stop.wait(), _watch_connection(client), check)
        ]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        # No new event arrives from here on. Running work needs the client's session until it is drained.
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if stop.is_set():
            await drain()
        with contextlib.suppress(Exception):
            await client.close()


async def _watch_connection(client: Gateway) -> None:
    """Return when the client has not been connected for `RECONNECT_AFTER_SECONDS`."""
    connected_at = time.monotonic()
    while time.monotonic() - connected_at < RECONNECT_AFTER_SECONDS:
        await asyncio.sleep(POLL_SECONDS)
        if client.is_connected:
            connected_at = time.monotonic()


async def _sleep_or_stop(seconds: float, stop: asyncio.Event) -> None:
    """Sleep for the seconds, or until `stop` is set."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
