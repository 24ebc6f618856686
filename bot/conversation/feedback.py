"""Feedback on papers: people's opinions, the answers to them, and the reset of a channel."""

from dataclasses import dataclass

from bot.chat.message import Message
from bot.conversation.context import ConversationContext, Person, Reply
from bot.present.feedback import (
    describe_agreements,
    present_feedback,
    present_opinion,
    present_reset,
    present_reset_question,
)
from bot.present.wording import present_sentence
from digests.errors import InputError
from digests.feedback import MAX_OPINIONS, OPINION_AGE, ChannelFeedback, summarize_opinions
from digests.ids import parse_paper_id
from digests.model import ScoredPaper
from digests.subscription import Channel
from digests.text import clip_text

NO_CHANNEL = (
    "Feedback is about what one channel gets: choose it on a card there, or in your messages with Paperround."
)

_TASK = "reset a channel's feedback"


@dataclass(frozen=True, slots=True)
class FeedbackAnswers:
    """Answers about a channel's feedback. Synchronous: call from a worker thread.

    Methods raise InputError with a sentence for the person, and StoreError. Buttons' values are not trusted.
    """

    context: ConversationContext

    def give_opinion(self, text: str, channel: Channel, person: Person, *, is_more: bool) -> Message:
        """Keep a person's opinion on a paper in place of an earlier one, and say what it does.

        `text` is the paper's id, or its address.
        """
        scored = self._require_paper(text, channel)
        paper, now = scored.paper, self.context.clock()
        self.context.store.feedback.set_opinion(channel, paper.id, person.id, is_more, now=now)
        return present_opinion(scored, is_more, self._summarize(channel), is_direct=channel.is_direct)

    def take_back(self, paper: str, channel: Channel, person: Person) -> Message:
        """Take a person's opinion on a paper back."""
        feedback = self.context.store.feedback
        if feedback.find_opinion(channel, paper, person.id) is None:
            raise InputError("You say nothing of this paper here, so there is nothing to undo.")
        feedback.set_opinion(channel, paper, person.id, None, now=self.context.clock())
        return present_sentence("Taken back: you say nothing of this paper any more.")

    def show_feedback(self, channel: Channel) -> Message:
        """Return what people of the channel agree on, and how it is reset."""
        feedback = self._summarize(channel)
        papers = self.context.store.library.get(feedback.papers)
        return present_feedback(feedback, papers, self.context.digest_command, is_direct=channel.is_direct)

    def describe_feedback(self, channel: Channel) -> str:
        """Return a sentence for the settings of the channel's digests, "" without any agreement."""
        feedback = self._summarize(channel)
        papers = self.context.store.library.get(feedback.papers)
        agreed = describe_agreements(feedback, papers)
        return f"{agreed} {self.context.digest_command} feedback shows and resets it." if agreed else ""

    def reset_feedback(self, channel: Channel, person: Person, *, is_confirmed: bool) -> Reply:
        """Delete all opinions of the channel, and announce it. Before it is confirmed, say what would go."""
        self.context.require_permission(channel, person, _TASK)
        if not is_confirmed:
            return Reply(present_reset_question(self.context.digest_command))
        count = self.context.store.feedback.reset(channel)
        if not count:
            return Reply(present_sentence("Nobody here said anything of papers, so nothing was reset."))
        return Reply(present_sentence("Done."), present_reset(person.name, count))

    def _summarize(self, channel: Channel) -> ChannelFeedback:
        since = self.context.clock() - OPINION_AGE
        opinions = self.context.store.feedback.list_opinions([channel], since=since, limit=MAX_OPINIONS)
        return summarize_opinions(opinions.get(channel, ()), is_direct=channel.is_direct)

    def _require_paper(self, text: str, channel: Channel) -> ScoredPaper:
        if not channel.channel:
            raise InputError(NO_CHANNEL)
        library, reference = self.context.store.library, parse_paper_id(text)
        ids = [text, *([reference.id] if reference else [])]
        found = library.get(ids)
        if scored := next((found[paper] for paper in ids if paper in found), None):
            return scored
        raise InputError(f"The paper {clip_text(text, 60)!r} is not here any more.")
