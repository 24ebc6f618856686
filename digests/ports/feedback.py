"""Opinions of people on papers in their channels."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Protocol

from digests.feedback import Opinion
from digests.subscription import Channel


class Feedback(Protocol):
    """Opinions, one for each person, paper and channel.

    Channels are found by platform and channel id. An opinion of another workspace is not that of a channel;
    one without a workspace is, and so is every one for a channel without.
    """

    def find_opinion(self, channel: Channel, paper: str, person: str) -> bool | None:
        """Return True for "more of this", False for "not for us", and None without an opinion."""

    def set_opinion(
        self, channel: Channel, paper: str, person: str, is_more: bool | None, *, now: datetime
    ) -> None:
        """Save a person's opinion in place of an earlier one. None takes it back."""

    def list_opinions(
        self, channels: Collection[Channel], *, since: datetime, limit: int
    ) -> Mapping[Channel, tuple[Opinion, ...]]:
        """Return the up to `limit` newest opinions since an instant in each channel, newest first.

        An opinion on a paper that the library lacks has no category. Channels without opinions are left out.
        """

    def reset(self, channel: Channel) -> int:
        """Delete the opinions in a channel, and return how many there were."""
