"""Interactions and events that arrive twice."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.storage import run_interactive
from digests.errors import PaperroundError
from digests.ports import Store

REPEATED_INTERACTION = "This came a second time, and was done the first time."


@dataclass(frozen=True, slots=True)
class RepeatGuard:
    """Records the interactions and events of one platform: platforms and attackers send some twice.

    A record counts for all processes, and after a restart.
    """

    store: Store
    platform: str
    clock: Callable[[], datetime]

    async def require_new_interaction(self, interaction_id: str) -> None:
        """Record an interaction; one without an id is new. Raises PaperroundError if it is recorded."""
        event = f"{self.platform} interaction {interaction_id}"
        if interaction_id and not await self.is_new(event):
            raise PaperroundError(REPEATED_INTERACTION)

    async def is_new(self, event: str) -> bool:
        """Record an event, and return True if it was not recorded before; one without an id is new."""
        return not event or await run_interactive(self.store.events.record_once, event, now=self.clock())
