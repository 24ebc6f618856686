"""No faster than a platform allows: a turn for each message, by channel, by workspace and by bot."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
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
    """The turns of one platform, in this process, which has its part of them. `now` and `sleep` are the loop's."""

    limits: Limits
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _next: dict[Hashable, float] = field(default_factory=dict)
    _others_in: Mapping[str, int] = field(default_factory=Counter)
    _others: int = 0

    @property
    def is_shared(self) -> bool:
        """Whether there is a limit that holds for all processes together."""
        return self.limits.workspace is not None or self.limits.bot is not None

    def share_with(self, others: Collection[tuple[str, str]]) -> None:
        """Leave other processes their part: those that post just now, each as (workspace, owner) where it does."""
        self._others_in = Counter(workspace for workspace, _ in set(others))
        self._others = len({owner for _, owner in others})

    async def turn(self, channel: Channel) -> None:
        """Wait until a message to this channel may go out. Two for one channel at a time are not foreseen.

        The turns are taken from the narrowest to the widest, each once the one before has come: a channel that waits
        for its own second holds no place of its workspace's.
        """
        for place, rate in self._places(channel):
            if wait := self._take(place, rate):
                await self.sleep(wait)

    async def spare_turn(self, channel: Channel) -> None:
        """Wait until nobody waits for a turn: for what is never urgent, and takes none from what is."""
        places = self._places(channel)
        while wait := max((self._wait(place) for place, _ in places), default=0.0):
            await self.sleep(wait)
        for place, rate in places:
            self._take(place, rate)

    def _places(self, channel: Channel) -> list[tuple[Hashable, float]]:
        limits, others = self.limits, self._others_in.get(channel.workspace, 0)
        places: list[tuple[Hashable, float | None, int]] = [
            (("channel", channel.workspace, channel.channel), limits.channel, 0),
            (("workspace", channel.workspace), limits.workspace, others),
            ("bot", limits.bot, self._others),
        ]
        return [(place, rate / (1 + others)) for place, rate, others in places if rate is not None]

    def _wait(self, place: Hashable) -> float:
        """Seconds until the next turn that nobody has."""
        return max(0.0, self._next.get(place, 0.0) - self.now())

    def _take(self, place: Hashable, rate: float) -> float:
        """Take the next turn, and say in how many seconds it comes."""
        now, wait = self.now(), self._wait(place)
        if len(self._next) >= MOST_REMEMBERED:
            self._next = {known: late for known, late in self._next.items() if late > now}
        self._next[place] = now + wait + 1 / rate
        return wait
