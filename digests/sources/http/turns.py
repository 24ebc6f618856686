"""Turns on a server: one request at a time, with a pause after each, across all processes of one store."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from digests.blocking import BlockingRunner
from digests.errors import SourceError
from digests.ports.sources import Sources

Clock = Callable[[], datetime]
"""Returns the current time, aware."""
Pause = Callable[[float], Awaitable[object]]
"""Sleeps for a number of seconds."""

POLL_SECONDS = 1.0
"""Seconds between two attempts to take a turn: its holder may end it long before the lease does."""

MAX_TURN_WAIT = timedelta(minutes=6)
"""Longest wait for a turn.

It exceeds the longest lease of a turn, so a longer wait means that the server asked for a rest.
"""


@dataclass(slots=True)
class ServerTurn:
    """A held turn. `cooldown` is the pause after it; the holder may raise it."""

    cooldown: timedelta


@dataclass(slots=True)
class ServerTurns:
    """Rate limiter of one server, shared through the store: one request at a time, and a `gap` after each.

    `owner` identifies this client in the store. Two clients must not share it, also not in one process: one
    whose turn has expired would end the turn of the other. `run_blocking` runs calls of the store.
    """

    sources: Sources
    server: str
    owner: str
    gap: timedelta
    clock: Clock
    pause: Pause = asyncio.sleep
    run_blocking: BlockingRunner = asyncio.to_thread
    _local_lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @asynccontextmanager
    async def acquire(self, lease: timedelta) -> AsyncIterator[ServerTurn]:
        """Wait for the turn, hold it for the block, then start the cooldown.

        Tasks of this process take their turns one after the other. A process that crashes loses its turn when
        the lease expires. Raises SourceError if the server must be left alone for longer than
        `MAX_TURN_WAIT`, and StoreError.
        """
        async with self._local_lock:
            while free_at := await self._take_turn_shielded(lease):
                if free_at - self.clock() > MAX_TURN_WAIT:
                    raise SourceError(
                        f"{self.server} must not be asked again before {free_at:%H:%M} UTC.",
                        free_at,
                    )
                await self.pause(min(POLL_SECONDS, max(0.0, (free_at - self.clock()).total_seconds())))
            turn = ServerTurn(self.gap)
            try:
                yield turn
            finally:
                await self.run_blocking(self._end_turn, turn)

    async def _take_turn_shielded(self, lease: timedelta) -> datetime | None:
        """Take the turn without waiting; return None on success, else the time at which it is free.

        Gives it back if the task is cancelled while the store answers.
        """
        taking = asyncio.ensure_future(self.run_blocking(self._take_turn, lease))
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            if await taking is None:
                await self.run_blocking(self._end_turn, ServerTurn(timedelta()))
            raise

    def _take_turn(self, lease: timedelta) -> datetime | None:
        return self.sources.take_turn(self.server, self.owner, now=self.clock(), lease=lease)

    def _end_turn(self, turn: ServerTurn) -> None:
        self.sources.end_turn(self.server, self.owner, free_at=self.clock() + turn.cooldown)
