"""Subscriptions of channels, and their changes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from digests.subscription import Channel, Subscription, SubscriptionChange


class Subscriptions(Protocol):
    """The channels and their wishes."""

    def sync_from_settings(self, subscriptions: Sequence[Subscription], *, now: datetime) -> None:
        """Make those of the settings file be exactly these; a channel that is no longer among them gets no digest.

        A channel whose schedule is as before keeps its next edition; one that was stopped starts again, one that
        was paused stays so. Channels that people subscribed are left alone.
        """

    def list_active(self) -> Sequence[Subscription]:
        """Every channel that gets digests, in the order of their numbers."""

    def find(self, channel: Channel) -> Subscription | None:
        """The subscription of a channel, running or not; an empty workspace matches any."""

    def change(
        self, channel: Channel, after: Subscription | None, *, by: str, now: datetime
    ) -> SubscriptionChange | None:
        """Make the channel's subscription as `after` (None: none any more), and remember what it was and who did it.

        Its id, `stopped` and `from_settings` are not taken from `after`; a change clears `stopped`. The first `owner`
        stays while the subscription lives. None when nothing would change. When the schedule changed, no date gets a
        second edition, and one that was awaited and whose new hour has passed is due at once; a channel that runs again
        gets the first after `now`.
        Raises InputError for one `from_settings`, unless only `paused_by` differs.
        """

    def undo(self, change_id: int, *, by: str, now: datetime) -> SubscriptionChange | None:
        """Make it again as it was before that change; None when it is not as that change left it, or no such change."""

    def stop(self, channel: Channel, reason: str) -> bool:
        """No more digests for this channel until it is changed or started again; whether it was running."""

    def start(self, channel: Channel, *, now: datetime) -> bool:
        """Digests come again after `stop`; whether it had been stopped."""

    def recompute_next_due(self, *, now: datetime) -> int:
        """Put every next edition where the zones of this process and the clock of `now` have it; how many moved.

        For a start, which may bring new zones, and for a clock that was set back.
        """
