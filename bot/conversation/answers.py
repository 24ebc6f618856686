"""The interface of the chat platforms to all conversation: answers by subject, and /digest."""

from dataclasses import dataclass

from bot.conversation.commands import (
    FinishDiscussion,
    PauseDigest,
    ResumeDigest,
    ShowDigestHelp,
    ShowHeldPapers,
    ShowQueue,
    ShowSettings,
    ShowToday,
    ShowTopPapers,
    SubscribeChannel,
    UnsubscribeChannel,
    parse_digest_command,
    present_digest_help,
)
from bot.conversation.context import ConversationContext, Person, Reply
from bot.conversation.lookup import LookupAnswers
from bot.conversation.moderation import ModerationAnswers
from bot.conversation.queue import QueueAnswers
from bot.conversation.subscriptions import SubscriptionAnswers
from digests.subscription import Channel


@dataclass(frozen=True, slots=True)
class Answers(ConversationContext):
    """A platform's conversation: the context, with the answers of each subject over it.

    All methods are synchronous, so an async caller runs them in a worker thread. They raise InputError with a
    sentence for the person. Errors of the store and the search pass through.
    """

    @property
    def lookup(self) -> LookupAnswers:
        """Answers about single papers."""
        return LookupAnswers(self)

    @property
    def subscriptions(self) -> SubscriptionAnswers:
        """Answers about a channel's digest."""
        return SubscriptionAnswers(self)

    @property
    def queue(self) -> QueueAnswers:
        """Answers about the papers to discuss."""
        return QueueAnswers(self)

    @property
    def moderation(self) -> ModerationAnswers:
        """Answers about held papers."""
        return ModerationAnswers(self)

    def run_digest_command(self, text: str, channel: Channel, person: Person) -> Reply:
        """Run the text after /digest for a channel, and return the reply."""
        subscriptions = self.subscriptions
        match parse_digest_command(text, self.digest_command):
            case ShowToday():
                return subscriptions.show_today(channel)
            case ShowTopPapers(top, domain, days):
                return subscriptions.show_top_papers(channel, top, domain, days)
            case SubscribeChannel(words):
                return subscriptions.subscribe_channel(words, channel, person)
            case ShowSettings():
                return subscriptions.show_settings(channel, person)
            case PauseDigest():
                return subscriptions.pause_digest(channel, person)
            case ResumeDigest():
                return subscriptions.resume_digest(channel, person)
            case UnsubscribeChannel():
                return subscriptions.unsubscribe_channel(channel, person)
            case ShowQueue():
                return Reply(self.queue.show_queue(channel))
            case FinishDiscussion(entry):
                return Reply(self.queue.finish_discussion(entry, channel))
            case ShowHeldPapers():
                return Reply(self.moderation.show_held_papers(person))
            case ShowDigestHelp():
                return Reply(present_digest_help(self.paper_command, self.digest_command))
