"""Answers about the queue and about a person's own marks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.chat.message import Message
from bot.conversation.context import ConversationContext, Person
from bot.present.queue import add_queue_note, parse_discussion, present_marked_papers, present_queue
from digests.errors import InputError
from digests.ids import parse_paper_id
from digests.model import QueuedPaper, ScoredPaper
from digests.ports.marks import QueueScope
from digests.subscription import Channel
from digests.text import clip_text

QUEUE_LENGTH = 10
"""Largest number of papers of a queue that are listed: more than a meeting discusses."""

FINISHED_AGE = timedelta(days=7)
"""Age up to which a paper that was taken off is named below the queue: until the next weekly meeting."""

FINISHED_LENGTH = 3
"""Largest number of papers that are named there."""


@dataclass(frozen=True, slots=True)
class QueueAnswers:
    """Answers about marked papers. Synchronous: call from a worker thread.

    The channels of a workspace have one queue, or each has its own, as the settings say. A channel without a
    workspace, such as a direct message, always has its own.
    """

    context: ConversationContext

    def show_queue(self, channel: Channel) -> Message:
        """Return the first `QUEUE_LENGTH` papers of the channel's queue, most marks first.

        The papers that were taken off last are named below it, with who did it, and can be put back.
        """
        queue = self._load_queue(channel)
        finished = self.context.store.marks.finished_discussions(
            self.choose_scope(channel), since=self.context.clock() - FINISHED_AGE, limit=FINISHED_LENGTH
        )
        ids = [*(queued.paper for queued in queue), *(each.paper for each in finished)]
        return present_queue(queue, self.context.store.library.get(ids), finished)

    def finish_discussion(self, entry: str, channel: Channel, person: Person) -> Message:
        """Take a paper off the channel's queue, and return the papers that are left. The marks stay.

        `entry` is the paper's place, such as "1", or its id. Raises InputError if it is not among the papers
        that `show_queue` lists.
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
        self.context.store.marks.finish_discussion(
            paper,
            self.choose_scope(channel),
            by=person.name,
            by_id=person.qualify_id(channel),
            now=self.context.clock(),
        )
        note, papers = "Done: “{title}” is off the list.", self.context.store.library.get([paper])
        return add_queue_note(self.show_queue(channel), note, paper, papers)

    def undo_discussion(self, value: str, channel: Channel) -> Message:
        """Put a paper back on the channel's queue, by the value of an Undo button, and return the queue.

        The value is not trusted: only the queue of `channel` is changed. Raises InputError if the paper was
        not taken off it then, was put back already, or was taken off again.
        """
        paper, at = parse_discussion(value) or ("", None)
        scope = self.choose_scope(channel)
        if at is None or not self.context.store.marks.undo_discussion(paper, scope, at=at):
            raise InputError(
                "That cannot be undone here: the paper was put back already, or was taken off again since. "
                f"{self.context.digest_command} queue shows the list."
            )
        note, papers = "“{title}” is back on the list.", self.context.store.library.get([paper])
        return add_queue_note(self.show_queue(channel), note, paper, papers)

    def show_home(self, platform: str, workspace: str, person: Person) -> Message:
        """Return the papers to discuss that a person marked in a workspace, for the person's own page there.

        Newest mark first, at most `QUEUE_LENGTH`.
        """
        since = self.context.clock() - self.context.mark_retention
        marked = self.context.store.marks.papers_marked_by(
            platform, workspace, person.id, since=since, limit=QUEUE_LENGTH
        )
        return present_marked_papers(marked, self._load_papers(marked))

    def _load_queue(self, channel: Channel) -> Sequence[QueuedPaper]:
        since = self.context.clock() - self.context.mark_retention
        return self.context.store.marks.discussion_queue(
            self.choose_scope(channel), since=since, limit=QUEUE_LENGTH
        )

    def choose_scope(self, channel: Channel) -> QueueScope:
        is_whole_workspace = self.context.has_workspace_queue and channel.workspace
        return QueueScope(channel.platform, channel.workspace, "" if is_whole_workspace else channel.channel)

    def _load_papers(self, queue: Sequence[QueuedPaper]) -> Mapping[str, ScoredPaper]:
        return self.context.store.library.get([queued.paper for queued in queue])
