"""Counts of the whole store for a monitor, and of each workspace for the operator. They name no person."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Protocol

from digests.ports.outbox import DeliveryState

LATE_AFTER = timedelta(minutes=5)
"""Delay after which an edition that was not begun or finished is late. The worker ticks every minute."""

COUNTED_HOURS = 24
"""Hours whose posted messages are counted."""


@dataclass(frozen=True, slots=True)
class StoreMetrics:
    """Counts at one instant, from the store alone, so that all replicas report the same.

    `channels` are digests of channels by `running`, `paused` and `stopped`. `unfinished_editions` are by
    state. `pending_pages` of these were not sent, `pages_in_doubt` may have arrived, and neither counts a
    page that is being sent under a lease. `late_editions` are those that should have begun or ended
    `LATE_AFTER` ago. `posted_messages` were posted in the last `COUNTED_HOURS`, and show papers.
    """

    channels: Mapping[str, int] = field(default_factory=dict)
    unfinished_editions: Mapping[DeliveryState, int] = field(default_factory=dict)
    pending_pages: int = 0
    pages_in_doubt: int = 0
    late_editions: int = 0
    posted_messages: int = 0


@dataclass(frozen=True, slots=True)
class WorkspaceUse:
    """Use that the people of one workspace make of the bot.

    `marks` counts papers that somebody wants to discuss, once for each person. `requests` counts papers that
    people asked for in the last weeks and that are not reviewed, and `reviews_today` those that were given a
    full review today.
    """

    marks: int = 0
    requests: int = 0
    reviews_today: int = 0


class Metrics(Protocol):
    """Counts over the outbox that cost no more than a look at each running digest and unfinished edition."""

    def collect(self, *, now: datetime) -> StoreMetrics:
        """Count everything at `now`."""

    def count_use(self, *, today: date) -> Mapping[tuple[str, str], WorkspaceUse]:
        """Count the use by platform and workspace, for workspaces with any. `today` is a day in UTC."""
