"""Marks of people on posted papers, and the queue of papers to discuss."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from digests.model import Account, Mark, MarkSource, Post, QueuedPaper
from digests.subscription import Channel


@dataclass(frozen=True, slots=True)
class QueueScope:
    """The channels that share one queue: those of a workspace, or one channel if `channel` is set.

    A mark without a workspace is in the queue of its channel. It is in the queue of a workspace once another
    mark in its channel names that workspace. A mark in a direct message is in the queue of that channel
    alone; `is_direct` says that the channel is one. Without a channel it means all direct messages of the
    workspace.

    `partners` are the scopes that share this queue, on whatever platform; they have no partners themselves.
    """

    platform: str
    workspace: str
    channel: str = ""
    is_direct: bool = False
    partners: tuple["QueueScope", ...] = ()

    @property
    def members(self) -> tuple["QueueScope", ...]:
        """Return this scope alone and its partners."""
        return (replace(self, partners=()), *self.partners)


def choose_queue_scope(channel: Channel, *, has_workspace_queue: bool) -> QueueScope:
    """Return the queue of a channel: its workspace's, or its own, as a direct message always has."""
    if has_workspace_queue and channel.workspace and not channel.is_direct:
        return QueueScope(channel.platform, channel.workspace)
    return QueueScope(channel.platform, channel.workspace, channel.channel, channel.is_direct)


class Marks(Protocol):
    """Marks of people on papers, each made on one message and from one source.

    Several marks of one person on one paper count as one. A reaction takes the place of the person's mark by
    a button in that channel, so that the mark goes when the reaction is taken away. The events of a mark may
    arrive late, twice and in any order: the newest by its own time counts, and of an addition and a removal
    at the same time the removal counts. Messages and channels are found by platform and channel id, without
    the workspace; a mark keeps the workspace in which it was made, and queues compare it.
    """

    def set_mark(self, mark: Mark, is_on: bool) -> bool:
        """Add or remove a mark as of `mark.at`; return True if that changed its stored state.

        A stored mark without a workspace takes that of the event. An event older than the stored one is
        ignored. Removing a mark that was never made returns False. A reaction that comes or goes removes the
        person's mark by a button on that paper in the channel, unless that is newer.
        """

    def list_own(self, scope: QueueScope, paper: str, person: str, *, since: datetime) -> Sequence[Mark]:
        """Return the marks of a person on a paper that count in the queue of a scope, the oldest first.

        `person` is an account of the scope's own platform. Marks count by the rules of `discussion_queue`.
        """

    def people_by_paper(self, post: Post, source: MarkSource) -> Mapping[str, frozenset[str]]:
        """Return the people whose marks from this source stand on a message, by paper.

        Unmarked papers are left out.
        """

    def replace_marks(
        self, post: Post, people: Mapping[str, frozenset[str]], source: MarkSource, *, as_of: datetime
    ) -> bool:
        """Make a message's marks from one source equal to those that `people` lists by paper.

        `people` is the platform's report as of the instant `as_of`. Marks that changed after it are kept, and
        papers that the message does not show are ignored. Returns True if anything changed.
        """

    def mark_counts(
        self, channel: Channel, papers: Sequence[str], *, shared: QueueScope | None = None
    ) -> Mapping[str, int]:
        """Count the people who marked each of these papers in a channel, on any message and from any source.

        With `shared`, the scope of the queue that the channel shares, those of all its members count too;
        linked accounts are one person. Unmarked papers are left out. A discussion of the paper does not
        change the count.
        """

    def find_marked(
        self, channels: Collection[Channel], papers: Collection[str]
    ) -> Mapping[Channel, frozenset[str]]:
        """Return those of the papers that `mark_counts` counts marks of in each channel, unless it is shared.

        Channels without marks on them are left out.
        """

    def marked_papers(
        self, channels: Collection[Channel], *, since: datetime, limit: int
    ) -> Mapping[Channel, tuple[str, ...]]:
        """Return the up to `limit` papers that were last marked in each channel, the newest mark first.

        Discussed papers are included. Channels without marks since `since` are left out.
        """

    def discussion_queue(
        self, scope: QueueScope, *, since: datetime, now: datetime, limit: int
    ) -> Sequence[QueuedPaper]:
        """Return up to `limit` papers to discuss in the scope's channels, most marks first.

        Papers with as many marks are ordered by score, the best first and those without one last, then by
        their first mark, the earliest first. Papers that are postponed at `now` come after all others. Marks
        older than `since` do not count, nor marks not newer than the paper's last discussion there, or than
        the decision to pass on it, nor any mark on a paper that was taken out.
        """

    def list_marked(self, scope: QueueScope, *, limit: int) -> Sequence[QueuedPaper]:
        """Return up to `limit` papers with marks in a scope's own channels, the one marked last first.

        Marks of any age count, also on discussed papers.
        """

    def marking_people(
        self, scope: QueueScope, papers: Sequence[str], *, since: datetime
    ) -> Mapping[str, tuple[tuple[Account, ...], ...]]:
        """Return the people whose marks on these papers count in a queue, by paper, the first mark first.

        Each person is a tuple of the accounts that they marked the paper with.
        """

    def papers_marked_by(
        self, platform: str, workspace: str, person: str, *, since: datetime, limit: int
    ) -> Sequence[QueuedPaper]:
        """Return up to `limit` papers to discuss that a person marked in a workspace, newest mark first.

        Marks count by the rules of `discussion_queue`, over all channels of the workspace and the person's
        own direct messages. Each paper comes with the mark count of everybody there.
        """
