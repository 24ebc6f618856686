"""The entrance to all conversation for the chat platforms: answers by subject, and the text after /digest."""

from dataclasses import dataclass

from bot.conversation.commands import (
    AddDigest,
    ChangeDigest,
    ExportPerson,
    FinishDiscussion,
    ForgetPerson,
    ListDigests,
    MarkPaper,
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
from bot.conversation.people import PeopleAnswers
from bot.conversation.queue import QueueAnswers
from bot.conversation.subscriptions import SubscriptionAnswers
from digests.errors import InputError
from digests.subscription import Channel


@dataclass(frozen=True, slots=True)
class Answers(ConversationContext):
    """Answers to the people of one platform, by subject.

    All methods are synchronous and may block, so an async caller runs them in a worker thread. They raise
    InputError, or FormError for a form, with sentences for the person. Errors of the store and the search
    pass through.
    """

    @property
    def lookup(self) -> LookupAnswers:
        """Answers about single papers: look-ups, reviews, shared papers, links."""
        return LookupAnswers(self)

    @property
    def subscriptions(self) -> SubscriptionAnswers:
        """Answers about a channel's digest, which also change its subscription."""
        return SubscriptionAnswers(self)

    @property
    def queue(self) -> QueueAnswers:
        """Answers about the papers that people want to discuss."""
        return QueueAnswers(self)

    @property
    def moderation(self) -> ModerationAnswers:
        """Answers about held papers, and decisions about them."""
        return ModerationAnswers(self)

    @property
    def people(self) -> PeopleAnswers:
        """Answers about what is kept about a person."""
        return PeopleAnswers(self)

    def run_digest_command(self, text: str, channel: Channel, person: Person) -> Reply:
        """Parse the text after /digest, run the command for a channel, and return the reply.

        Sends nothing. The mark of a paper refreshes posts, so the platforms' dispatcher makes it. Raises
        InputError if the command is unknown or incomplete, cannot be carried out, or the person may not give
        it.
        """
        subscriptions = self.subscriptions
        match parse_digest_command(text, self.digest_command):
            case ShowToday(days_ago):
                return subscriptions.show_today(channel, days_ago)
            case ShowTopPapers(top, domain, days, keywords):
                return subscriptions.show_top_papers(channel, top, domain, days, keywords)
            case SubscribeChannel(words, is_confirmed):
                return subscriptions.subscribe_channel(words, channel, person, is_confirmed=is_confirmed)
            case ChangeDigest(words):
                return subscriptions.change_digest(words, channel, person)
            case ShowSettings():
                return subscriptions.show_settings(channel, person)
            case AddDigest(name, words):
                return subscriptions.add_digest(name, words, channel, person)
            case ListDigests():
                return subscriptions.list_digests(channel)
            case PauseDigest(name):
                return subscriptions.pause_digest(channel, person, name)
            case ResumeDigest(name):
                return subscriptions.resume_digest(channel, person, name)
            case UnsubscribeChannel(name):
                return subscriptions.unsubscribe_channel(channel, person, name)
            case ShowQueue():
                return Reply(self.queue.show_queue(channel))
            case FinishDiscussion(entry):
                return Reply(self.queue.finish_discussion(entry, channel, person))
            case MarkPaper():
                raise InputError("A paper cannot be marked from here; look it up, and mark it there.")
            case ShowHeldPapers():
                return Reply(self.moderation.show_held_papers(channel, person))
            case ForgetPerson(is_confirmed):
                return Reply(self.people.forget_person(channel, person, is_confirmed=is_confirmed))
            case ExportPerson():
                return Reply(self.people.export_person(channel, person))
            case ShowDigestHelp():
                return Reply(present_digest_help(self.paper_command, self.digest_command))
