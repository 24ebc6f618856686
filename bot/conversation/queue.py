"""Answers about the queue: the papers that people want to discuss."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.chat.message import Message
from bot.conversation.context import ConversationContext, Person
from bot.present.queue import present_marked_papers, present_queue
from digests.errors import InputError
from digests.ids import parse_paper_id
from digests.model import QueuedPaper
from digests.subscription import Channel
from digests.text import clip_text

QUEUE_LENGTH = 10
"""Papers of a queue that are shown: more than any meeting discusses."""


@dataclass(frozen=True, slots=True)
class QueueAnswers:
    """Answers about marked papers. Synchronous: call from a worker thread."""

    context: ConversationContext

    def show_queue(self, channel: Channel) -> Message:
        """List the papers to discuss, most marks first."""
        queue = self._load_queue(channel)
        return present_queue(queue, self._find_titles(queue))

    def finish_discussion(self, entry: str, channel: Channel) -> Message:
        """Take a paper off the queue, by its id or its place, and list what is left.

        Raises InputError for an entry that is not in the queue.
        """
        queue = self._load_queue(channel)
        paper_by_place = {str(place): queued.paper for place, queued in enumerate(queue, start=1)}
        reference = parse_paper_id(entry)
        paper = paper_by_place.get(entry) or (reference.id if reference else entry)
        if paper not in paper_by_place.values():
            example = f"{self.context.digest_command} queue done 1"
            raise InputError(
                f"{clip_text(entry, 60)!r} is not in the queue; write its place or id, such as {example}."
            )
        scope, now = self._choose_scope(channel), self.context.clock()
        self.context.store.marks.finish_discussion(paper, scope, now=now)
        return self.show_queue(channel)

    def show_home(self, platform: str, workspace: str, person: Person) -> Message:
        """List the papers that a person marked, for that person's own page."""
        since = self.context.clock() - self.context.mark_retention
        marked = self.context.store.marks.papers_marked_by(
            platform, workspace, person.id, since=since, limit=QUEUE_LENGTH
        )
        return present_marked_papers(marked, self._find_titles(marked))

    def _load_queue(self, channel: Channel) -> Sequence[QueuedPaper]:
        since = self.context.clock() - self.context.mark_retention
        return self.context.store.marks.discussion_queue(
            self._choose_scope(channel), since=since, limit=QUEUE_LENGTH
        )

    def _choose_scope(self, channel: Channel) -> Channel | None:
        return None if self.context.has_shared_queue else channel

    def _find_titles(self, queue: Sequence[QueuedPaper]) -> dict[str, str]:
        known = self.context.store.library.get([queued.paper for queued in queue])
        return {paper: scored.paper.title for paper, scored in known.items()}
