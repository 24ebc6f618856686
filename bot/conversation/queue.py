"""Answers about the queue and about a person's own marks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.chat.message import Card, Message, MessageReference
from bot.conversation.context import ConversationContext, Person
from bot.conversation.discussions import DiscussionAnswers
from bot.present.queue import (
    QueueEntry,
    QueuePage,
    add_queue_note,
    describe_outcome,
    parse_decision,
    present_marked_papers,
    present_queue,
)
from digests.errors import InputError
from digests.ids import parse_paper_id
from digests.model import Account, Mark, MarkSource, QueuedPaper, QueueOutcome, ScoredPaper
from digests.ports.marks import QueueScope, choose_queue_scope
from digests.ports.queue_groups import find_group, find_shared_scope
from digests.subscription import Channel
from digests.text import clip_text, parse_number

QUEUE_LENGTH = 8
"""Papers of a queue on one page. A menu of Discord has room for the further decisions about eight."""

MAX_QUEUED = 2_000
"""Papers of a queue that are paged through: the most wanted."""

DECISION_AGE = timedelta(days=7)
"""Age up to which a decision is named below the queue: until the next weekly meeting."""

MAX_DECISIONS = 3
"""Decisions that are named there."""

POSTPONEMENT = timedelta(days=7)
"""Time for which a paper is postponed: until the next weekly meeting."""

MARKED_BY_REACTION = (
    "You have marked this paper with a reaction: take the reaction away, and your mark goes with it."
)


@dataclass(frozen=True, slots=True)
class MarkToggle:
    """A mark that a person set, or took back, and the channels in which that changed something."""

    is_marked: bool
    channels: frozenset[Channel]


@dataclass(frozen=True, slots=True)
class QueueAnswers:
    """Answers about marked papers. Synchronous: call from a worker thread.

    The channels of a workspace have one queue, or each has its own, as the settings say. A direct message and
    a channel without a workspace always have their own. Members of a group that agreed share one.
    """

    context: ConversationContext

    def toggle_mark(self, channel: Channel, paper: str, person_id: str) -> MarkToggle:
        """Set a person's mark for a paper in a channel, or take it back if one counts in the queue.

        A person has one mark a paper: what they marked in another channel of the queue is taken back too.
        Raises InputError for a paper that the library lacks, since the value of a button is not trusted, and
        for one that the person marked with a reaction, which only they can take away.
        """
        marks, now = self.context.store.marks, self.context.clock()
        if paper not in self.context.store.library.get([paper]):
            raise InputError(f"The paper {clip_text(paper, 60)!r} is not here any more.")
        own = marks.list_own(self.choose_scope(channel), paper, person_id, since=self._oldest_mark())
        if any(mark.source is MarkSource.REACTION for mark in own):
            raise InputError(MARKED_BY_REACTION)
        new = Mark(channel, "", paper, person_id, MarkSource.BUTTON, now)
        changed = [replace(mark, at=now) for mark in own] or [new]
        for mark in changed:
            marks.set_mark(mark, not own)
        return MarkToggle(not own, frozenset(mark.channel for mark in changed))

    def add_mark_counts(self, message: Message, channel: Channel) -> Message:
        """Return a message whose cards have the number of people who marked their papers.

        It is the number that the channel's posted cards show. Raises StoreError.
        """
        papers = [card.paper for card in message.cards]
        if not papers or not channel.channel:
            return message
        shared = find_shared_scope(self.context.queue_groups, self.context.store.queue_consents, channel)
        counts = self.context.store.marks.mark_counts(channel, papers, shared=shared)
        blocks = (
            replace(block, mark_count=counts.get(block.paper, 0)) if isinstance(block, Card) else block
            for block in message.blocks
        )
        return replace(message, blocks=tuple(blocks))

    def show_queue(self, channel: Channel, offset: int = 0) -> Message:
        """Return a page of the channel's queue, most wanted first, after the first `offset` papers.

        The last decisions are named below it, with who made them, and can be undone.
        """
        queue, scope = self.load_queue(channel), self.choose_scope(channel)
        offset = min(offset, max(0, len(queue) - 1)) // QUEUE_LENGTH * QUEUE_LENGTH
        shown = queue[offset : offset + QUEUE_LENGTH]
        decisions = self.context.store.queue_decisions.list_recent(
            scope, since=self.context.clock() - DECISION_AGE, limit=MAX_DECISIONS
        )
        ids = [*(queued.paper for queued in shown), *(each.paper for each in decisions)]
        found = find_group(self.context.queue_groups, channel)
        shared_as = found[0].name if found and scope.partners else ""
        entries = self._build_entries(shown, scope, channel)
        page = QueuePage(entries, offset, len(queue), QUEUE_LENGTH, shared_as)
        return present_queue(page, self.context.store.library.get(ids), decisions)

    def _build_entries(
        self, queued: Sequence[QueuedPaper], scope: QueueScope, channel: Channel
    ) -> list[QueueEntry]:
        """Add to queued papers who marked them, and their last discussion."""
        ids = [each.paper for each in queued]
        people = self.context.store.marks.marking_people(scope, ids, since=self._oldest_mark())
        discussed = self.context.store.queue_decisions.last_discussions(scope, ids)
        return [
            self._build_entry(each, people.get(each.paper, ()), discussed.get(each.paper), channel)
            for each in queued
        ]

    def _build_entry(
        self,
        queued: QueuedPaper,
        people: Sequence[Sequence[Account]],
        discussed_at: datetime | None,
        channel: Channel,
    ) -> QueueEntry:
        here = (channel.platform, channel.workspace)
        own = [
            next((account.person for account in accounts if account[:2] == here), "") for accounts in people
        ]
        posts = self.context.store.posts.find_with_paper(channel, queued.paper, 1) if discussed_at else ()
        return QueueEntry(
            queued,
            people=tuple(filter(None, own)),
            partner_count=own.count(""),
            discussed_at=discussed_at,
            message=next((MessageReference(post.channel, post.message_id) for post in posts), None),
        )

    def decide(self, entry: str, outcome: QueueOutcome, channel: Channel, person: Person) -> Message:
        """Decide about a paper of the channel's queue, and return the page on which it was. The marks stay.

        After a discussion the page asks what the person thinks of the paper.
        `entry` is the paper's place, such as "1", or its id. Raises InputError if it is not in the queue, and
        if the person may not take papers out.
        """
        queue = self.load_queue(channel)
        ids = [queued.paper for queued in queue]
        reference = parse_paper_id(entry)
        place = (parse_number(entry) or 0) - 1
        paper = ids[place] if 0 <= place < len(ids) else (reference.id if reference else entry)
        if paper not in ids:
            example = f"{self.context.digest_command} queue done 1"
            raise InputError(
                f"{clip_text(entry, 60)!r} is not in the queue; write its place or id, such as {example}."
            )
        self._require_outcome(outcome, channel, person)
        now = self.context.clock()
        self.context.store.queue_decisions.decide(
            paper,
            self.choose_scope(channel),
            outcome,
            by=person.name,
            by_id=person.qualify_id(channel),
            now=now,
            until=now + POSTPONEMENT if outcome is QueueOutcome.POSTPONED else None,
        )
        papers = self.context.store.library.get([paper])
        questions = (
            DiscussionAnswers(self.context).build_questions(paper, channel)
            if outcome is QueueOutcome.DISCUSSED
            else ()
        )
        page = self.show_queue(channel, ids.index(paper))
        return add_queue_note(page, describe_outcome(outcome), paper, papers, questions)

    def undo_decision(self, value: str, channel: Channel, person: Person) -> Message:
        """Undo a decision about a paper of the queue, by the value of an Undo button, and return the queue.

        The value is not trusted: only the queue of `channel` is changed. Raises InputError if there is no
        such decision any more, and if it took a paper out and the person may not do that.
        """
        paper, at = parse_decision(value) or ("", None)
        decisions, scope = self.context.store.queue_decisions, self.choose_scope(channel)
        undone = next((each for each in decisions.list_of_papers(scope, [paper]) if each.at == at), None)
        if undone:
            self._require_outcome(undone.outcome, channel, person)
        if not undone or not decisions.undo(paper, scope, at=undone.at):
            raise InputError(
                "That cannot be undone here: the paper was put back already, or was taken off again since. "
                f"{self.context.digest_command} queue shows the list."
            )
        return self._say_back(paper, channel)

    def return_paper(self, entry: str, channel: Channel, person: Person) -> Message:
        """Undo the last decision about a paper, whatever its age, and return the queue.

        Raises InputError if nobody decided about the paper in this queue, and as `undo_decision` does.
        """
        reference = parse_paper_id(entry)
        paper = reference.id if reference else entry
        scope = self.choose_scope(channel)
        last = next(iter(self.context.store.queue_decisions.list_of_papers(scope, [paper])), None)
        if not last:
            raise InputError(
                f"Nobody has taken {clip_text(entry, 60)!r} off this queue; write the paper's id, such as "
                f"{self.context.digest_command} queue back 2402.01306."
            )
        self._require_outcome(last.outcome, channel, person)
        self.context.store.queue_decisions.undo(paper, scope, at=last.at)
        return self._say_back(paper, channel)

    def _require_outcome(self, outcome: QueueOutcome, channel: Channel, person: Person) -> None:
        """Raise InputError if the person may not decide so, or take such a decision back."""
        if outcome is QueueOutcome.TAKEN_OUT:
            self.context.require_permission(channel, person, "take papers out of the queue for good")

    def _say_back(self, paper: str, channel: Channel) -> Message:
        papers = self.context.store.library.get([paper])
        return add_queue_note(self.show_queue(channel), "“{title}” is back on the list.", paper, papers)

    def show_home(self, platform: str, workspace: str, person: Person) -> Message:
        """Return the papers to discuss that a person marked in a workspace, for the person's own page there.

        Newest mark first, at most `QUEUE_LENGTH`.
        """
        marked = self.context.store.marks.papers_marked_by(
            platform, workspace, person.id, since=self._oldest_mark(), limit=QUEUE_LENGTH
        )
        return present_marked_papers(marked, self._load_papers(marked))

    def load_queue(self, channel: Channel) -> Sequence[QueuedPaper]:
        """Return the papers of the channel's queue, most wanted first, at most `MAX_QUEUED`."""
        return self.context.store.marks.discussion_queue(
            self.choose_scope(channel), since=self._oldest_mark(), now=self.context.clock(), limit=MAX_QUEUED
        )

    def _oldest_mark(self) -> datetime:
        """Return the instant since which marks count."""
        return self.context.clock() - self.context.mark_retention

    def choose_scope(self, channel: Channel) -> QueueScope:
        """Return the scope of a channel's queue, with those with whom it is shared. Raises StoreError."""
        shared = find_shared_scope(self.context.queue_groups, self.context.store.queue_consents, channel)
        return shared or choose_queue_scope(channel, has_workspace_queue=self.context.has_workspace_queue)

    def _load_papers(self, queue: Sequence[QueuedPaper]) -> Mapping[str, ScoredPaper]:
        return self.context.store.library.get([queued.paper for queued in queue])
