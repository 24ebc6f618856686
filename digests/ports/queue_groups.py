"""Queues that several workspaces share: the groups of the settings, and who agreed to share."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from digests.ports.marks import QueueScope
from digests.subscription import Channel


@dataclass(frozen=True, slots=True)
class QueueGroup:
    """Workspaces or channels that share one queue, once an admin of each has agreed.

    Two groups have no member in common.
    """

    name: str
    members: tuple[QueueScope, ...]


class QueueConsents(Protocol):
    """Agreements of the members of groups to share their queues.

    An agreement holds for the members that the group had at its time: when the settings add or remove one,
    everybody is asked again.
    """

    def agree(self, group: QueueGroup, member: QueueScope, *, by: str, by_id: str, now: datetime) -> None:
        """Keep that a member agreed, in the name `by` of the person with the id `by_id`.

        Posted messages of all members are refreshed: they may count more people.
        """

    def withdraw(self, group: QueueGroup, member: QueueScope, *, now: datetime) -> bool:
        """Forget that a member agreed; return False if it had not. Posted messages are refreshed too."""

    def list_agreed(self, group: QueueGroup) -> tuple[QueueScope, ...]:
        """Return the members that agreed to share with the present others, in the group's order."""


def find_group(groups: Iterable[QueueGroup], channel: Channel) -> tuple[QueueGroup, QueueScope] | None:
    """Return the group of a channel, and the member that it is: the channel itself, or its workspace.

    Returns None for a channel of no group, and for direct messages, which are nobody's but the person's.
    """
    if channel.is_direct or not channel.workspace:
        return None
    own = QueueScope(channel.platform, channel.workspace, channel.channel)
    for member in (own, replace(own, channel="")):
        for group in groups:
            if member in group.members:
                return group, member
    return None


def find_shared_scope(
    groups: Iterable[QueueGroup], consents: QueueConsents, channel: Channel
) -> QueueScope | None:
    """Return the scope of the queue that a channel shares, with its partners; None while it shares none."""
    found = find_group(groups, channel)
    if not found:
        return None
    group, member = found
    agreed = consents.list_agreed(group)
    partners = tuple(each for each in agreed if each != member)
    return replace(member, partners=partners) if member in agreed and partners else None
