"""The servers that are served, and the people of them. Anybody can add the bot to a server of theirs."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.chat.port import Outcome, PostError
from bot.platforms.discord.client import DiscordPlatform
from bot.platforms.discord.errors import UNKNOWN_MEMBER
from bot.platforms.discord.rest import CodeError
from bot.storage import run_interactive
from digests.errors import PaperroundError
from digests.ports import Store
from digests.ports.workspaces import Workspace, WorkspaceState
from digests.text import clip_text, normalize_text

log = logging.getLogger(__name__)

PLATFORM = "discord"
CACHE_SECONDS = 30.0
"""Seconds for which a server counts as served without a look into the store."""
RECHECK_SECONDS = 1.0
"""Least seconds between two looks for one server that is not served: a stranger's clicks are cheap."""
MAX_CACHED_SERVERS = 1_000
"""Servers of which the time of the last refusal is kept."""
NOTICE_SECONDS = 3600.0
"""Least seconds between two direct messages to a decider about servers that ask."""
NAME_CHARACTERS = 100
"""Characters of a server's name that are kept. Discord's own limit."""

FOREIGN_SERVER = "Paperround does not serve this server: the person who runs the bot decides about that."
FOREIGN_OWNER = "only people of a server that Paperround serves get one."
FOREIGN_PERSON = "Outside of its servers Paperround answers only their people, and you are in none of them."
NOT_CONFIRMED = (
    "Discord did not say whether you are in a server that Paperround serves: try again in a minute."
)


@dataclass(slots=True)
class ServedServers:
    """Decides which servers are served.

    Those are the servers of the settings, of their subscriptions, and the served ones of the allow-list in
    the store. The list takes in servers with digests, and the first server that the bot is in. `named` are
    the ids from the settings, which win over a denial. `monotonic` returns seconds.

    Methods raise StoreError, unless stated otherwise.
    """

    store: Store
    named: frozenset[str]
    clock: Callable[[], datetime]
    monotonic: Callable[[], float] = time.monotonic
    _served: frozenset[str] = frozenset()
    _read_at: float | None = None
    _notified_at: float | None = None
    _refused_at: OrderedDict[str, float] = field(default_factory=OrderedDict)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def take_in(self, guilds: Collection[int]) -> None:
        """Put servers with digests on the list; with an empty list, the only server that the bot is in.

        `guilds` are all servers that the bot is in. The settings come first: if they name a server, no other
        one is put on an empty list, and a denial of a named one is taken back.
        """
        async with self._lock:
            await run_interactive(self._take_in, [str(guild) for guild in guilds])
            await self._read_list()

    def _take_in(self, guilds: Collection[str]) -> None:
        channels = [
            (subscription.channel, subscription.is_from_settings)
            for subscription in self.store.subscriptions.list_active()
            if subscription.channel.platform == PLATFORM and subscription.channel.workspace
        ]
        self.named |= {channel.workspace for channel, is_from_settings in channels if is_from_settings}
        subscribed = {channel.workspace for channel, _ in channels} - self.named
        for guild in sorted(self.named & self.store.workspaces.list_denied(PLATFORM)):
            log.warning("the settings name the Discord server %s: it is served, though it was denied", guild)
            self.store.workspaces.decide(PLATFORM, guild, WorkspaceState.SERVED, now=self.clock())
        self.store.workspaces.serve_undecided(PLATFORM, subscribed, now=self.clock())
        if len(guilds) == 1 and not self.named:
            self.store.workspaces.serve_first(PLATFORM, *guilds, now=self.clock())

    async def record_names(
        self, guilds: Mapping[int, str], find_guild: Callable[[str], int | None]
    ) -> Sequence[Workspace]:
        """Record the servers that the bot is in, by id with their names; log and return those that newly ask.

        `find_guild` returns the server of a channel, or None: a subscription of the settings need not name
        its server.
        """
        async with self._lock:
            for subscription in await run_interactive(self.store.subscriptions.list_active):
                channel = subscription.channel
                if channel.platform == PLATFORM and subscription.is_from_settings and not channel.workspace:
                    guild = find_guild(channel.channel)
                    self.named |= {str(guild)} if guild else set()
            names = {
                str(guild): clip_text(normalize_text(name), NAME_CHARACTERS)
                for guild, name in guilds.items()
                if str(guild) not in self.named
            }
            record = self.store.workspaces.record_requests
            new_requests = await run_interactive(record, PLATFORM, names, now=self.clock())
            for asking in new_requests:
                log.warning(
                    "the Discord server %s (%s) asks to be served: “paperround workspaces allow %s” does it",
                    asking.id,
                    asking.name,
                    asking.id,
                )
            await self._read_list()
        return new_requests

    async def is_served(self, guild: int | str | None) -> bool:
        """Return True if a server is served; False for None. A decision counts after `CACHE_SECONDS`."""
        async with self._lock:
            if not self._is_current(str(guild)):
                await self._read_list()
            if str(guild) not in self._served:
                self._refused_at[str(guild)] = self.monotonic()
                if len(self._refused_at) > MAX_CACHED_SERVERS:
                    self._refused_at.popitem(last=False)
        return str(guild) in self._served

    async def is_served_now(self, guild: int | None) -> bool:
        """Return True if a server is served as of now, for a change by one of its people; False for None."""
        served = await run_interactive(self.store.workspaces.list_served, PLATFORM)
        return str(guild) in self.named | served

    def _is_current(self, guild: str) -> bool:
        """Return True if the list was read lately enough to decide about a server."""
        if guild in self._served:
            return self._read_at is not None and self.monotonic() - self._read_at < CACHE_SECONDS
        refused_at = self._refused_at.get(guild)
        return refused_at is not None and self.monotonic() - refused_at < RECHECK_SECONDS

    def take_notice_turn(self) -> bool:
        """Return True if the deciders may be told of a request now: once in `NOTICE_SECONDS`.

        A stranger can remove the bot and invite it again all day.
        """
        now = self.monotonic()
        if self._notified_at is not None and now - self._notified_at < NOTICE_SECONDS:
            return False
        self._notified_at = now
        return True

    async def list_served(self) -> frozenset[str]:
        """Return the ids of the served servers as of now, also of those that the bot is not in."""
        async with self._lock:
            await self._read_list()
        return self._served

    async def _read_list(self) -> None:
        listed = await run_interactive(self.store.workspaces.list_served, PLATFORM)
        self._served, self._read_at = self.named | listed, self.monotonic()


MEMBER_SECONDS, STRANGER_SECONDS = 600.0, 60.0
"""Seconds for which an answer of Discord about a person is used: member of a served server, or of none."""
MAX_CACHED_PEOPLE = 10_000
MAX_ASKED_SERVERS = 20
"""Servers that Discord is asked about for one person."""
CHECK_SECONDS = 2.0
"""Longest check in seconds. Discord waits three for the first response."""


@dataclass(slots=True)
class MemberCheck:
    """Finds out whether a person is in a served server, and remembers the answer.

    Somebody who used the bot in a served server is known to be in it without a request.
    """

    platform: DiscordPlatform
    servers: ServedServers
    monotonic: Callable[[], float] = time.monotonic
    _known: OrderedDict[int, tuple[float, int | None]] = field(default_factory=OrderedDict)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def note_member(self, user: int, guild: int | None) -> None:
        """Remember that a person is in a served server, or with None in no served one."""
        self._known[user] = self.monotonic(), guild
        self._known.move_to_end(user)
        if len(self._known) > MAX_CACHED_PEOPLE:
            self._known.popitem(last=False)

    async def is_member(self, user: int, guilds: Collection[int]) -> bool:
        """Return True if a person is in a served one of `guilds`, the servers that the bot is in.

        Raises PaperroundError if Discord did not say so in time, and StoreError.
        """
        if (known := await self._recall(user)) is not None:
            return known
        try:
            async with asyncio.timeout(CHECK_SECONDS), self._lock:  # One person at a time.
                if (known := await self._recall(user)) is not None:
                    return known
                guild = await self._ask_discord(user, guilds)
        except (PostError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
            log.warning("the servers of a person could not be found out: %s", reason)
            raise PaperroundError(NOT_CONFIRMED) from error
        self.note_member(user, guild)
        return guild is not None

    async def _recall(self, user: int) -> bool | None:
        """Return the remembered answer; None if there is none, it is old, or its server is not served now."""
        if user not in self._known:
            return None
        at, guild = self._known[user]
        age = self.monotonic() - at
        if guild is None:
            return False if age < STRANGER_SECONDS else None
        return True if age < MEMBER_SECONDS and await self.servers.is_served(guild) else None

    async def _ask_discord(self, user: int, guilds: Collection[int]) -> int | None:
        """Return a served server that the person is in, None if there is none. Raises PostError."""
        served = await self.servers.list_served()
        asked = sorted(guild for guild in guilds if str(guild) in served)[:MAX_ASKED_SERVERS]
        answers = await asyncio.gather(*(self._is_in_guild(user, guild) for guild in asked))
        return next((guild for guild, is_member in zip(asked, answers, strict=True) if is_member), None)

    async def _is_in_guild(self, user: int, guild: int) -> bool:
        path = "/guilds/{guild_id}/members/{user_id}"
        try:
            answer = await self.platform.rest.call_api("GET", path, guild_id=guild, user_id=user)
        except CodeError as error:
            if error.code == UNKNOWN_MEMBER:
                return False
            raise
        match answer:
            case {"user": {"id": member}} if str(member) == str(user):
                return True
        raise PostError("the answer names no member", Outcome.NOT_POSTED)
