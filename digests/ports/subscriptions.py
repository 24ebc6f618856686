"""Subscriptions of channels, and their changes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from digests.subscription import Channel, Subscription, SubscriptionChange


class Subscriptions(Protocol):
    """The channels that get digests, with their preferences and schedules."""

    def sync_from_settings(self, subscriptions: Sequence[Subscription], *, now: datetime) -> None:
        """Make the subscriptions of the settings file exactly these, and deactivate those that left it.

        A channel with an unchanged schedule keeps its next edition. A stopped channel starts again; a paused
        one stays paused. Channels that people subscribed are not changed.
        """

    def list_active(self) -> Sequence[Subscription]:
        """Return every active subscription, by id."""

    def find(self, channel: Channel) -> Subscription | None:
        """Return the subscription of a channel, running or not. An empty workspace matches any."""

    def change(
        self, channel: Channel, after: Subscription | None, *, by: str, now: datetime
    ) -> SubscriptionChange | None:
        """Set the channel's subscription to `after` (None removes it), and record the change.

        Returns None when nothing would change. The id, `stop_reason` and `is_from_settings` of `after` are
        ignored; a change clears `stop_reason`. The first owner stays while the subscription lives. A changed
        schedule gives no date a second edition; an awaited edition whose new time has passed is due at once.
        A channel that runs again gets its first edition after `now`.

        Raises InputError for a subscription of the settings file, unless only `paused_by` differs.
        """

    def undo(self, change_id: int, *, by: str, now: datetime) -> SubscriptionChange | None:
        """Restore the subscription before a change.

        Returns None when there is no such change, or the subscription was changed since.
        """

    def stop(self, channel: Channel, reason: str) -> bool:
        """Stop digests until the channel is changed or started again. Returns True if it was not stopped."""

    def start(self, channel: Channel, *, now: datetime) -> bool:
        """Resume digests after `stop`. Returns True if the channel was stopped."""

    def recompute_next_due(self, *, now: datetime) -> int:
        """Recompute every next edition by the current clock and time zone data; return the number changed.

        For start-up, which may bring new zone data, and for a clock that was set back.
        """
