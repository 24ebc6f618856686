"""Marks of people on posted papers, and the queue of papers to discuss."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from digests.model import FinishedDiscussion, Mark, MarkSource, Post, QueuedPaper
from digests.subscription import Channel


@dataclass(frozen=True, slots=True)
class QueueScope:
    """The channels that share one queue: those of a workspace, or one channel if `channel` is set.

    A mark without a workspace is in the queue of its channel. It is in the queue of a workspace once another
    mark in its channel names that workspace.
    """

    platform: str
    workspace: str
    channel: str = ""


class Marks(Protocol):
    """Marks of people on papers, each made on one message and from one source.

    Several marks of one person on one paper count as one. The events of a mark may arrive late, twice and in
    any order: the newest by its own time counts, and of an addition and a removal at the same time the
    removal counts. Messages and channels are found by platform and channel id, without the workspace; a mark
    keeps the workspace in which it was made, and queues compare it.
    """

    def set_mark(self, mark: Mark, is_on: bool) -> bool:
        """Add or remove a mark as of `mark.at`; return True if that changed its stored state.

        A stored mark without a workspace takes that of the event. An event older than the stored one is
        ignored. Removing a mark that was never made returns False.
        """

    def has_mark(self, mark: Mark) -> bool:
        """Return True if this mark stands: by person, paper, source and message. Its time is not compared."""

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

    def mark_counts(self, channel: Channel, papers: Sequence[str]) -> Mapping[str, int]:
        """Count the people who marked each of these papers in a channel, on any message and from any source.

        Unmarked papers are left out. A discussion of the paper does not change the count.
        """

    def marked_papers(
        self, channels: Collection[Channel], *, since: datetime, limit: int
    ) -> Mapping[Channel, tuple[str, ...]]:
        """Return the up to `limit` papers that were last marked in each channel, the newest mark first.

        Discussed papers are included. Channels without marks since `since` are left out.
        """

    def discussion_queue(self, scope: QueueScope, *, since: datetime, limit: int) -> Sequence[QueuedPaper]:
        """Return up to `limit` papers to discuss in the scope's channels, most marks first.

        Papers with as many marks are ordered by their first mark, the earliest first. Marks older than
        `since`, and marks not newer than the paper's last discussion there, do not count.
        """

    def papers_marked_by(
        self, platform: str, workspace: str, person: str, *, since: datetime, limit: int
    ) -> Sequence[QueuedPaper]:
        """Return up to `limit` papers to discuss that a person marked in a workspace, newest mark first.

        Marks count by the rules of `discussion_queue`, over all channels of the workspace. Each paper comes
        with the mark count of everybody there.
        """

    def finish_discussion(self, paper: str, scope: QueueScope, *, by: str, by_id: str, now: datetime) -> None:
        """Remove a paper from a queue as of `now`, in the name `by` of the person with the id `by_id`.

        The marks stay. A mark made later adds the paper again. Has no effect if a later discussion is stored.
        """

    def finished_discussions(
        self, scope: QueueScope, *, since: datetime, limit: int
    ) -> Sequence[FinishedDiscussion]:
        """Return up to `limit` papers that were taken off this very queue since `since`, the last first."""

    def undo_discussion(self, paper: str, scope: QueueScope, *, at: datetime) -> bool:
        """Put a paper back that was taken off this queue at the instant `at`, with its marks of before.

        Returns False and changes nothing if it was not taken off then, was put back, or taken off again.
        """
