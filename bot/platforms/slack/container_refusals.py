"""Record of the workspaces whose Slack refuses container blocks, so that their cards are posted without."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.storage import run_background
from digests.ports.notes import Notes

log = logging.getLogger(__name__)

REFUSAL_PERIOD = timedelta(days=30)
"""Time for which a refusal holds. Then a container is tried again, since Slack may take it by then."""


def _get_current_time() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class ContainerRefusals:
    """Record of the workspaces whose Slack refused a container, so that they get pages without one.

    It is kept in `notes` for other processes and restarts; without `notes`, in this process alone.
    """

    notes: Notes | None = None
    clock: Callable[[], datetime] = _get_current_time
    _refused_at: dict[str, datetime] = field(default_factory=dict)

    async def is_refused(self, workspace: str) -> bool:
        """Return True if the workspace refused a container in the last `REFUSAL_PERIOD`.

        Without an answer from the store, returns False: the workspace can refuse it again.
        """
        now = self.clock()
        if not self._is_recent(workspace, now) and self.notes:
            try:
                text = await run_background(self.notes.read, _name_note(workspace))
                if text:
                    self._refused_at[workspace] = datetime.fromisoformat(text)
            except Exception:
                log.exception("could not read if %s takes containers", workspace)
        return self._is_recent(workspace, now)

    def _is_recent(self, workspace: str, now: datetime) -> bool:
        refused_at = self._refused_at.get(workspace)
        return refused_at is not None and now - refused_at < REFUSAL_PERIOD

    async def record_refusal(self, workspace: str) -> None:
        """Record that the workspace refused a container just now. An error of the store is only logged."""
        self._refused_at[workspace] = now = self.clock()
        log.warning("Slack takes no collapsed quotes in %s: its cards are posted without", workspace)
        if self.notes:
            try:
                await run_background(self.notes.write, _name_note(workspace), now.isoformat())
            except Exception:
                log.exception("could not store that %s takes no containers", workspace)


def _name_note(workspace: str) -> str:
    return f"slack {workspace} refused containers"
