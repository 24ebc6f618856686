"""Marks of people on posted papers, and the queue of papers to discuss."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from digests.model import Mark, MarkSource, Post, QueuedPaper
from digests.subscription import Channel


class Marks(Protocol):
    """Marks by person and paper. Several marks of one person on one paper count as one.

    Marks may arrive late, twice and in any order: the newest by its own time counts, and of an addition and a
    removal at the same time the removal counts.
    """

    def set_mark(self, mark: Mark, is_on: bool) -> bool:
        """Add or remove a mark; return True if that changed anything. Older than the stored one: ignored."""

    def has_mark(self, mark: Mark) -> bool:
        """Return True if this mark stands, with its person, source and message."""

    def people_by_paper(self, post: Post, source: MarkSource) -> Mapping[str, frozenset[str]]:
        """Return the people whose marks from this source stand on a message, by paper. No empty entries."""

    def replace_marks(
        self, post: Post, people: Mapping[str, frozenset[str]], source: MarkSource, *, as_of: datetime
    ) -> bool:
        """Bring a message's marks from one source to what the platform reported at `as_of`.

        Returns True if anything changed. Marks that changed after `as_of` are kept.
        """

    def mark_counts(self, channel: Channel, papers: Sequence[str]) -> Mapping[str, int]:
        """Count the people of a channel who marked each of these papers. Unmarked papers are left out."""

    def discussion_queue(
        self, channel: Channel | None, *, since: datetime, limit: int
    ) -> Sequence[QueuedPaper]:
        """Return the papers to discuss in a channel (None: in all), most marks first, then longest marked.

        Marks older than `since`, or than the paper's last discussion, do not count.
        """

    def papers_marked_by(
        self, platform: str, workspace: str, person: str, *, since: datetime, limit: int
    ) -> Sequence[QueuedPaper]:
        """Return the queued papers that a person marked, newest mark first, with everybody's mark counts."""

    def finish_discussion(self, paper: str, channel: Channel | None, *, now: datetime) -> None:
        """Remove a paper from a channel's queue (None: from every queue). A later mark adds it again."""
