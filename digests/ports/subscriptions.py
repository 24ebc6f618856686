"""Subscriptions of channels, and their changes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from digests.subscription import Channel, Subscription, SubscriptionChange


class Subscriptions(Protocol):
    """The channels that get digests, with their preferences and schedules.

    A channel has a main digest, whose name is "", and others; `MAX_DIGESTS_OF_CHANNEL` in all. A subscription
    is active until it is removed. It runs while it is active, not paused by a person, and not stopped by the
    application. A channel is found by its platform and id; an empty workspace on either side matches any.
    Changes exclude each other between processes.
    """

    def sync_from_settings(self, subscriptions: Sequence[Subscription], *, now: datetime) -> None:
        """Store the subscriptions of the settings file, and deactivate those that are no longer in it.

        A channel that people subscribed becomes one of the file if the file names it, and is not changed
        otherwise. A stopped or removed channel starts again, by the rules of `change`; a paused one stays
        paused. A running channel with an unchanged schedule keeps its next edition. Repeating the call
        changes nothing.
        """

    def list_active(self) -> Sequence[Subscription]:
        """Return every active subscription in the order of their ids, paused and stopped ones included.

        A subscription that cannot be read is logged and left out.
        """

    def find(self, channel: Channel, name: str = "") -> Subscription | None:
        """Return the active subscription for a channel's digest, running or not; None if there is none.

        Raises StoreError if it cannot be read.
        """

    def list_of_channel(self, channel: Channel) -> Sequence[Subscription]:
        """Return the active subscriptions of a channel, running or not: the main one, then by name.

        A subscription that cannot be read is logged and left out.
        """

    def list_former(self) -> Sequence[Channel]:
        """Return the channels that had a digest and have none any more, in the order of their ids."""

    def change(
        self,
        channel: Channel,
        after: Subscription | None,
        *,
        by: str,
        by_id: str = "",
        now: datetime,
        name: str = "",
    ) -> SubscriptionChange | None:
        """Set the subscription of a channel's digest, record the change and return it. None removes it.

        `name` is that of the digest; another one in `after` renames it, and it keeps its history. Returns
        None when nothing would change. The channel, id, `stop_reason` and `is_from_settings` of `after` are
        ignored, and a change clears the stored `stop_reason`. `paused_by` of `after` pauses the digest, or
        ends a pause if it is empty. `owner_id` counts for a new subscription; later the first owner stays. A
        new rhythm of two weeks gets its weeks from `anchor_weeks`. `by` is the person's name, `by_id` the id
        with platform and workspace.

        A changed schedule gives no date a second edition; an awaited edition whose new time has passed is due
        at once. When a channel starts or runs again, its unfinished deliveries of earlier dates are given up,
        and its next edition is the first one due after `now`. Today's edition is not lost: if it was stopped
        while it awaited that one, or failed before anything was posted, the edition is due at once.

        Raises InputError for a subscription of the settings file if the preferences, the schedule or the name
        differ or it would be removed, for a new name that is taken, and for one digest too many. Raises
        StoreError if the stored subscription cannot be read.
        """

    def undo(
        self, change_id: int, channel: Channel, *, by: str, by_id: str = "", now: datetime
    ) -> SubscriptionChange | None:
        """Restore a channel's subscription as it was before a change, by the rules and errors of `change`.

        The restoration is itself recorded and returned. Returns None when the channel has no such change, or
        when the preferences, the schedule or the pause were changed since.
        """

    def stop(self, channel: Channel, reason: str) -> int:
        """Stop all digests of a channel, with a sentence as the reason, until it is changed or started again.

        Returns how many were not stopped before: 0 if all were, or the channel has none. The first reason
        stays.
        """

    def start(self, channel: Channel, *, now: datetime, by: str = "", by_id: str = "") -> int:
        """Clear the stop reason of all digests of a channel, so that they resume; a pause by a person stays.

        A start by a person is recorded as a change that leaves everything else as it was.

        Returns how many start: 0 if none was stopped, or the channel has none. Unfinished
        deliveries of earlier dates are given up. The next edition is chosen as in `change`: today's is not
        lost if it was still awaited, or failed before anything was posted. A digest that cannot be read stays
        stopped; StoreError is raised if that holds for all that were.
        """

    def recompute_next_due(self, *, now: datetime) -> int:
        """Recompute the next edition of every running subscription by the clock and the time zone data.

        Returns the number of subscriptions changed. Call it at start-up, which may bring new zone data, and
        after the clock was set back. A subscription that cannot be read is left as it is.
        """
