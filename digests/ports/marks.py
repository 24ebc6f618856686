"""Marks of people on posted papers, and the queue that they make."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from digests.model import Mark, MarkSource, Post, QueuedPaper
from digests.subscription import Channel


class Marks(Protocol):
    """Which messages show papers, and who wants which of them discussed. One voice a person and paper."""

    def find_post(self, channel: Channel, message_id: str) -> Post | None:
        """The message, when it shows papers: a page of a digest, or one that was `shared`. An empty workspace
        on either side matches any."""

    def find_posts(self, channel: Channel, paper: str, limit: int) -> Sequence[Post]:
        """The messages of a channel that show a paper, newest first."""

    def recent_posts(self, platform: str, since: datetime, limit: int) -> Sequence[Post]:
        """The messages on a platform posted since then, newest first."""

    def record_shared_post(self, post: Post, *, now: datetime) -> None:
        """A message outside any digest that shows papers; the same again changes nothing."""

    def set_mark(self, mark: Mark, is_on: bool) -> bool:
        """Make or take back a mark; whether that changed anything. What is older than the last word is ignored."""

    def has_mark(self, mark: Mark) -> bool:
        """Whether this person marked this paper in this way on this message."""

    def people_by_paper(self, post: Post, source: MarkSource) -> Mapping[str, frozenset[str]]:
        """Who marked which paper of a message in this way; papers without a mark are left out."""

    def replace_marks(
        self, post: Post, people: Mapping[str, frozenset[str]], source: MarkSource, *, as_of: datetime
    ) -> bool:
        """The truth at an instant: who marked which paper of a message in this way; whether anything changed.

        Words younger than that instant stay.
        """

    def mark_counts(self, channel: Channel, papers: Sequence[str]) -> Mapping[str, int]:
        """How many people of a channel want each of these papers discussed; 0 is left out."""

    def discussion_queue(
        self, channel: Channel | None, *, since: datetime, limit: int
    ) -> Sequence[QueuedPaper]:
        """What is to be discussed, most wanted first, then longest wanted: of one channel, or of all.

        Marks from before `since`, and those from before the paper was last `discussed`, do not count.
        """

    def papers_marked_by(
        self, platform: str, workspace: str, person: str, *, since: datetime, limit: int
    ) -> Sequence[QueuedPaper]:
        """The papers that a person marked, newest mark first, with everybody's voices."""

    def finish_discussion(self, paper: str, channel: Channel | None, *, now: datetime) -> None:
        """Take a paper off a channel's queue, or off everybody's; a later mark brings it back."""
