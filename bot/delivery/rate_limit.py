"""Rate limiter: spaces the messages to a channel, of a workspace and of a bot as its platform demands."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from dataclasses import dataclass, field

from digests.subscription import Channel

MAX_REMEMBERED_KEYS = 4096
"""Number of scopes in memory at which the scopes without a reserved slot are dropped."""


HISTORY_WINDOW_SECONDS = 60.0
"""Length of the window in which the history requests of a workspace are counted."""
RESTRICTION_SECONDS = 3600.0
"""Time for which a workspace that refused a history request gets one in each window."""


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Messages a second in each scope; None for no limit.

    `history` is the number of history requests of a workspace in a minute, None for no limit.
    """

    channel: float | None = None
    workspace: float | None = None
    bot: float | None = None
    history: int | None = None


@dataclass(slots=True)
class RateLimiter:
    """Hands out the sending slots of one platform to this process, which shares them with its peers.

    A slot is an instant at which one message may be sent. `now` and `sleep` are in seconds of one monotonic
    clock.
    """

    limits: RateLimits
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _next_slots: dict[Hashable, float] = field(default_factory=dict)
    _peers_by_workspace: Mapping[str, int] = field(default_factory=Counter)
    _peer_count: int = 0
    _history_times: dict[str, deque[float]] = field(default_factory=dict)
    """Instants of the last history requests by workspace, also of those that still wait."""
    _restricted_until: dict[str, float] = field(default_factory=dict)

    @property
    def is_shared(self) -> bool:
        """True when a limit holds for all processes together."""
        return self.limits.workspace is not None or self.limits.bot is not None

    def set_peers(self, peers: Collection[tuple[str, str]]) -> None:
        """Replace the other processes that post now, given as pairs of workspace and owner.

        Each process gets an equal share of the rates of a workspace and of the bot, from the next slot on.
        """
        self._peers_by_workspace = Counter(workspace for workspace, _ in set(peers))
        self._peer_count = len({owner for _, owner in peers})

    async def acquire(self, channel: Channel) -> None:
        """Reserve the next slot in each scope of the channel, and wait for it.

        A channel must have one caller at a time. Slots are reserved from the narrowest scope to the widest,
        each after the wait for the one before: a channel that waits for its own slot holds none of its
        workspace.
        """
        for key, rate in self._rates_of_channel(channel):
            if wait := self._reserve_slot(key, rate):
                await self.sleep(wait)

    async def acquire_idle(self, channel: Channel) -> None:
        """Wait until no scope of the channel has a slot reserved, then reserve one in each.

        An edit that waits therefore delays no digest.
        """
        rates = self._rates_of_channel(channel)
        while wait := max((self._seconds_until_free(scope) for scope, _ in rates), default=0.0):
            await self.sleep(wait)
        for scope, rate in rates:
            self._reserve_slot(scope, rate)

    async def acquire_history(self, channel: Channel, *, max_wait: float) -> bool:
        """Reserve a history request of the channel's workspace, and wait for its turn.

        Returns False at once, and reserves nothing, if the wait would be longer than `max_wait` seconds.
        """
        if self.limits.history is None:
            return True
        self._forget_old_history()
        now, times = self.now(), self._history_times.setdefault(channel.workspace, deque())
        count, window = self._share_history(channel.workspace)
        wait = max(0.0, times[-count] + window - now) if len(times) >= count else 0.0
        if wait > max_wait:
            return False
        times.append(now + wait)
        if len(times) > self.limits.history:
            times.popleft()
        if wait:
            await self.sleep(wait)
        return True

    def restrict_history(self, channel: Channel, seconds: float) -> None:
        """Record that the platform refused a history request, and asked to wait for some seconds.

        The workspace then gets one request in each window, as an app that is distributed to others may have.
        """
        if self.limits.history is None:
            return
        now, workspace = self.now(), channel.workspace
        self._restricted_until[workspace] = now + RESTRICTION_SECONDS
        _, window = self._share_history(workspace)
        self._history_times[workspace] = deque([now + seconds - window])

    def _share_history(self, workspace: str) -> tuple[int, float]:
        """Return this process's number of history requests, and the seconds of the window for them."""
        is_restricted = self._restricted_until.get(workspace, 0.0) > self.now()
        share = (1 if is_restricted else self.limits.history or 1) / (
            1 + self._peers_by_workspace.get(workspace, 0)
        )
        count = max(1, int(share))
        return count, HISTORY_WINDOW_SECONDS * count / share

    def _forget_old_history(self) -> None:
        """Drop the workspaces without a recent history request when there are too many."""
        if len(self._history_times) < MAX_REMEMBERED_KEYS:
            return
        horizon = self.now() - RESTRICTION_SECONDS
        self._history_times = {
            key: times for key, times in self._history_times.items() if times[-1] > horizon
        }
        self._restricted_until = {
            key: until for key, until in self._restricted_until.items() if until > self.now()
        }

    def _rates_of_channel(self, channel: Channel) -> list[tuple[Hashable, float]]:
        """Return this process's share of the rate of each limited scope, from the channel to the bot."""
        limits, peer_count = self.limits, self._peers_by_workspace.get(channel.workspace, 0)
        rates: list[tuple[Hashable, float | None, int]] = [
            (("channel", channel.workspace, channel.channel), limits.channel, 0),
            (("workspace", channel.workspace), limits.workspace, peer_count),
            ("bot", limits.bot, self._peer_count),
        ]
        return [(scope, rate / (1 + peers)) for scope, rate, peers in rates if rate is not None]

    def _seconds_until_free(self, key: Hashable) -> float:
        """Return the seconds until the next free slot of a scope."""
        return max(0.0, self._next_slots.get(key, 0.0) - self.now())

    def _reserve_slot(self, key: Hashable, rate: float) -> float:
        """Reserve the next slot of a scope, and return the seconds until it. Does not wait.

        `rate` is in messages a second.
        """
        now, wait = self.now(), self._seconds_until_free(key)
        if len(self._next_slots) >= MAX_REMEMBERED_KEYS:
            self._next_slots = {scope: slot for scope, slot in self._next_slots.items() if slot > now}
        self._next_slots[key] = now + wait + 1 / rate
        return wait
