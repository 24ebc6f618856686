"""No faster than a platform allows: a turn for each message, by channel, by workspace and by bot."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field

from digests.model import Channel

MOST_REMEMBERED = 4096
"""Places whose next turn is remembered; those whose turn has passed are forgotten first."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Messages a second; None where a platform sets no such limit."""

    channel: float | None = None
    workspace: float | None = None
    bot: float | None = None


@dataclass(slots=True)
class Pace:
    """The turns of one platform, in this process. `now` and `sleep` are the loop's."""

    limits: Limits
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _next: dict[Hashable, float] = field(default_factory=dict)

    async def turn(self, channel: Channel) -> None:
        """Wait until a message to this channel may go out. Two for one channel at a time are not foreseen.

        The turns are taken from the narrowest to the widest, each once the one before has come: a channel that waits
        for its own second holds no place of its workspace's.
        """
        limits = self.limits
        await self._turn(("channel", channel.workspace, channel.channel), limits.channel)
        await self._turn(("workspace", channel.workspace), limits.workspace)
        await self._turn("bot", limits.bot)

    async def _turn(self, place: Hashable, rate: float | None) -> None:
        if rate is None:
            return
        now = self.now()
        at = max(now, self._next.get(place, now))
        if len(self._next) >= MOST_REMEMBERED:
            self._next = {known: late for known, late in self._next.items() if late > now}
        self._next[place] = at + 1 / rate
        if at > now:
            await self.sleep(at - now)
