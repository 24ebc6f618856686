"""No faster than a platform allows: a turn for each message, by channel, by workspace and by bot."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from dataclasses import dataclass, field

from digests.subscription import Channel

MAX_REMEMBERED_KEYS = 4096
"""Places whose next turn is remembered; those whose turn has passed are forgotten first."""


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Messages a second; None where a platform sets no such limit."""

    channel: float | None = None
    workspace: float | None = None
    bot: float | None = None


@dataclass(slots=True)
class RateLimiter:
    """The turns of one platform, in this process, which has its part of them. `now` and `sleep` are the loop's."""

    limits: RateLimits
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _next_slots: dict[Hashable, float] = field(default_factory=dict)
    _peers_by_workspace: Mapping[str, int] = field(default_factory=Counter)
    _peer_count: int = 0

    @property
    def is_shared(self) -> bool:
        """Whether there is a limit that holds for all processes together."""
        return self.limits.workspace is not None or self.limits.bot is not None

    def set_peers(self, peers: Collection[tuple[str, str]]) -> None:
        """Leave other processes their part: those that post just now, each as (workspace, owner) where it does."""
        self._peers_by_workspace = Counter(workspace for workspace, _ in set(peers))
        self._peer_count = len({owner for _, owner in peers})

    async def acquire(self, channel: Channel) -> None:
        """Wait until a message to this channel may go out. Two for one channel at a time are not foreseen.

        The turns are taken from the narrowest to the widest, each once the one before has come: a channel that waits
        for its own second holds no place of its workspace's.
        """
        for key, rate in self._rates_of_channel(channel):
            if wait := self._reserve_slot(key, rate):
                await self.sleep(wait)

    async def acquire_idle(self, channel: Channel) -> None:
        """Wait until nobody waits for a turn: for what is never urgent, and takes none from what is."""
        rates = self._rates_of_channel(channel)
        while wait := max((self._seconds_until_free(place) for place, _ in rates), default=0.0):
            await self.sleep(wait)
        for place, rate in rates:
            self._reserve_slot(place, rate)

    def _rates_of_channel(self, channel: Channel) -> list[tuple[Hashable, float]]:
        limits, others = self.limits, self._peers_by_workspace.get(channel.workspace, 0)
        rates: list[tuple[Hashable, float | None, int]] = [
            (("channel", channel.workspace, channel.channel), limits.channel, 0),
            (("workspace", channel.workspace), limits.workspace, others),
            ("bot", limits.bot, self._peer_count),
        ]
        return [(place, rate / (1 + others)) for place, rate, others in rates if rate is not None]

    def _seconds_until_free(self, key: Hashable) -> float:
        """Seconds until the next turn that nobody has."""
        return max(0.0, self._next_slots.get(key, 0.0) - self.now())

    def _reserve_slot(self, key: Hashable, rate: float) -> float:
        """Take the next turn, and say in how many seconds it comes."""
        now, wait = self.now(), self._seconds_until_free(key)
        if len(self._next_slots) >= MAX_REMEMBERED_KEYS:
            self._next_slots = {known: late for known, late in self._next_slots.items() if late > now}
        self._next_slots[key] = now + wait + 1 / rate
        return wait
