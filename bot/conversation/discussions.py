"""Answers about papers that a channel has discussed: the two questions afterwards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.chat.message import Block, ButtonAction, Message
from bot.conversation.context import ConversationContext, Person
from bot.present.discussion import (
    DiscussionRecord,
    build_questions,
    build_record,
    find_key_limitation,
    present_answer,
    present_changed_limitation,
)
from digests.errors import InputError
from digests.limitations import digest_limitation
from digests.model import ScoredPaper
from digests.ports import Store
from digests.ports.discussions import AnswerCounts, LimitationTruth, PaperMeeting
from digests.ports.marks import QueueScope, choose_queue_scope
from digests.ports.meetings import PICKED_BY
from digests.subscription import Channel
from digests.text import clip_text

NO_ANSWERS = AnswerCounts()


def find_own_discussions(
    store: Store, scope: QueueScope, papers: Sequence[str]
) -> tuple[Mapping[str, datetime], Mapping[str, PaperMeeting]]:
    """Return when papers were last discussed in a scope's own channels, and their meetings there, by paper.

    A paper that the meeting of a partner took off a shared queue was not discussed here.
    """
    discussed = store.queue_decisions.last_discussions(scope, papers)
    meetings = store.discussions.find_meetings(scope, papers)
    elsewhere = {
        each.paper
        for each in store.queue_decisions.list_of_papers(scope, papers)
        if each.by == PICKED_BY and each.at == discussed.get(each.paper) and each.paper not in meetings
    }
    return {paper: at for paper, at in discussed.items() if paper not in elsewhere}, meetings


_TRUTH_BY_ACTION = {
    ButtonAction.LIMITATION_TRUE: LimitationTruth.TRUE,
    ButtonAction.LIMITATION_FALSE: LimitationTruth.FALSE,
    ButtonAction.LIMITATION_UNCLEAR: LimitationTruth.UNCLEAR,
}


@dataclass(frozen=True, slots=True)
class DiscussionAnswers:
    """Answers about discussed papers. Synchronous: call from a worker thread.

    What people say belongs to the workspace, or to the channel where each has its own queue: those with whom
    a queue is shared do not see it. Methods raise InputError with a sentence for the person, and StoreError.
    """

    context: ConversationContext

    def handle_click(self, action: str, value: str, channel: Channel, person: Person) -> Message:
        """Save a person's answer to one of the questions, by the button, and return the reply.

        The value is not trusted: the paper must have been discussed here.
        """
        scope, store = self.choose_scope(channel), self.context.store.discussions
        now = self.context.clock()
        if action in (ButtonAction.WORTH_IT, ButtonAction.NOT_WORTH_IT):
            scored = self._require_discussed(value, scope)
            is_worth_it = action == ButtonAction.WORTH_IT
            store.set_worth_it(scope, scored.paper.id, person.id, is_worth_it, now=now)
            return present_answer(scored, self._count_answers(scope, scored))
        limitation, _, paper = value.partition(":")
        scored = self._require_discussed(paper, scope)
        if limitation != digest_limitation(find_key_limitation(scored)):
            return present_changed_limitation(scored, self._count_answers(scope, scored))
        truth = _TRUTH_BY_ACTION[ButtonAction(action)]
        store.set_truth(scope, scored.paper.id, person.id, limitation, truth, now=now)
        return present_answer(scored, self._count_answers(scope, scored))

    def build_questions(self, paper: str, channel: Channel) -> tuple[Block, ...]:
        """Return the questions about a paper that was just discussed; none for one that the library lacks."""
        scored = self.context.store.library.get([paper]).get(paper)
        if not scored:
            return ()
        return build_questions(scored, self._count_answers(self.choose_scope(channel), scored))

    def build_record(self, message: Message, channel: Channel) -> tuple[Block, ...]:
        """Return what is known of the discussion of a message's only card in a channel or its workspace.

        It is for people of the workspace alone. Nothing is returned outside of a channel, for a message with
        no or several cards, and for a paper of which nothing is known.
        """
        papers = [card.paper for card in message.cards]
        scored = self.context.store.library.get(papers).get(papers[0]) if len(papers) == 1 else None
        if not scored or not channel.channel:
            return ()
        scope, store, paper = self.choose_scope(channel), self.context.store, scored.paper.id
        discussions, meetings = find_own_discussions(store, scope, [paper])
        meeting, discussed_at = meetings.get(paper), discussions.get(paper)
        if meeting and meeting.chosen_at and discussed_at and meeting.chosen_at < discussed_at:
            meeting = None  # It was discussed again without a meeting.
        record = DiscussionRecord(
            day=meeting.day if meeting else discussed_at.date() if discussed_at else None,
            presenter=meeting.presenter if meeting else "",
            is_coming=meeting is not None and meeting.starts_at > self.context.clock(),
            counts=self._count_answers(scope, scored),
            note_count=store.paper_notes.count(scope, [paper]).get(paper, 0),
        )
        return build_record(scored, record)

    def choose_scope(self, channel: Channel) -> QueueScope:
        """Return the channels among which answers are counted together, without those of partners."""
        return choose_queue_scope(channel, has_workspace_queue=self.context.has_workspace_queue)

    def _count_answers(self, scope: QueueScope, scored: ScoredPaper) -> AnswerCounts:
        paper = scored.paper.id
        return self.context.store.discussions.count_answers(scope, [paper]).get(paper, NO_ANSWERS)

    def _require_discussed(self, paper: str, scope: QueueScope) -> ScoredPaper:
        scored = self.context.store.library.get([paper]).get(paper)
        if not scored:
            raise InputError(f"The paper {clip_text(paper, 60)!r} is not here any more.")
        if not self.context.store.queue_decisions.last_discussions(scope, [paper]):
            raise InputError("This paper was not discussed here yet: answer once it was.")
        return scored
