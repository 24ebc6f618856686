"""The entrance to all conversation for the chat platforms: answers by subject, and the text after /digest."""

from dataclasses import dataclass

from bot.conversation.command_words import parse_digest_command
from bot.conversation.commands import (
    AddDigest,
    ChangeDigest,
    DecideOnPaper,
    ExportPapers,
    ExportPerson,
    ForgetPerson,
    GiveOpinion,
    JoinGroup,
    LeaveGroup,
    LinkAccount,
    ListDigests,
    MarkPaper,
    Meet,
    PauseDigest,
    RenameDigest,
    ResetFeedback,
    ResumeDigest,
    ReturnPaper,
    ShowDigestHelp,
    ShowFeedback,
    ShowGroup,
    ShowHeldPapers,
    ShowNotes,
    ShowQueue,
    ShowSettings,
    ShowToday,
    ShowTopPapers,
    SubscribeChannel,
    UnlinkAccount,
    UnsubscribeChannel,
    WriteNote,
)
from bot.conversation.context import ConversationContext, Person, Reply
from bot.conversation.discussions import DiscussionAnswers
from bot.conversation.exports import ExportAnswers
from bot.conversation.feedback import FeedbackAnswers
from bot.conversation.lookup import LookupAnswers
from bot.conversation.meetings import MeetingAnswers
from bot.conversation.moderation import ModerationAnswers
from bot.conversation.notes import NoteAnswers
from bot.conversation.operator import OperatorAnswers
from bot.conversation.people import PeopleAnswers
from bot.conversation.questions import QuestionAnswers
from bot.conversation.queue import QUEUE_LENGTH, QueueAnswers
from bot.conversation.queue_groups import GroupAnswers
from bot.conversation.reports import ReportAnswers
from bot.conversation.subscriptions import SubscriptionAnswers
from bot.present.help import present_digest_help
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
    def feedback(self) -> FeedbackAnswers:
        """Answers about what people of a channel say of papers."""
        return FeedbackAnswers(self)

    @property
    def questions(self) -> QuestionAnswers:
        """Answers to questions about one paper."""
        return QuestionAnswers(self)

    @property
    def meetings(self) -> MeetingAnswers:
        """Answers about the meetings of a channel."""
        return MeetingAnswers(self)

    @property
    def discussions(self) -> DiscussionAnswers:
        """Answers about papers that a channel has discussed."""
        return DiscussionAnswers(self)

    @property
    def notes(self) -> NoteAnswers:
        """Answers about notes on papers."""
        return NoteAnswers(self)

    @property
    def groups(self) -> GroupAnswers:
        """Answers about shared queues and linked accounts."""
        return GroupAnswers(self)

    @property
    def moderation(self) -> ModerationAnswers:
        """Answers about held papers, and decisions about them."""
        return ModerationAnswers(self)

    @property
    def reports(self) -> ReportAnswers:
        """Answers about what readers say of a review, and re-reviews."""
        return ReportAnswers(self)

    @property
    def operator(self) -> OperatorAnswers:
        """Answers for the operator's people."""
        return OperatorAnswers(self)

    @property
    def exports(self) -> ExportAnswers:
        """Answers with lists of papers as files."""
        return ExportAnswers(self)

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
            case ShowTopPapers(top, days, ""):
                return subscriptions.show_top_papers(channel, top, days)
            case ShowTopPapers(top, _, words):
                return self.lookup.show_best_papers(
                    words, top or subscriptions.count_papers(channel), channel
                )
            case SubscribeChannel(words, is_confirmed):
                return subscriptions.subscribe_channel(words, channel, person, is_confirmed=is_confirmed)
            case ChangeDigest(words):
                return subscriptions.change_digest(words, channel, person)
            case ShowSettings():
                return subscriptions.show_settings(channel, person)
            case AddDigest(name, words):
                return subscriptions.add_digest(name, words, channel, person)
            case RenameDigest(name, new_name):
                return subscriptions.rename_digest(channel, person, name, new_name)
            case ListDigests():
                return subscriptions.list_digests(channel)
            case PauseDigest(name):
                return subscriptions.pause_digest(channel, person, name)
            case ResumeDigest(name):
                return subscriptions.resume_digest(channel, person, name)
            case UnsubscribeChannel(name):
                return subscriptions.unsubscribe_channel(channel, person, name)
            case ShowQueue(page):
                return Reply(self.queue.show_queue(channel, (page - 1) * QUEUE_LENGTH))
            case DecideOnPaper(outcome, entry):
                return Reply(self.queue.decide(entry, outcome, channel, person))
            case ReturnPaper(entry):
                return Reply(self.queue.return_paper(entry, channel, person))
            case ShowGroup():
                return Reply(self.groups.show_group(channel))
            case JoinGroup(name):
                return self.groups.join_group(name, channel, person)
            case LeaveGroup(name):
                return self.groups.leave_group(name, channel, person)
            case LinkAccount(""):
                return Reply(self.groups.offer_code(channel, person))
            case LinkAccount(code):
                return Reply(self.groups.enter_code(code, channel, person))
            case UnlinkAccount():
                return Reply(self.groups.unlink(channel, person))
            case MarkPaper():
                raise InputError("A paper cannot be marked from here; look it up, and mark it there.")
            case ShowFeedback():
                return Reply(self.feedback.show_feedback(channel))
            case GiveOpinion(paper, is_more):
                return Reply(self.feedback.give_opinion(paper, channel, person, is_more=is_more))
            case ResetFeedback(is_confirmed):
                return self.feedback.reset_feedback(channel, person, is_confirmed=is_confirmed)
            case Meet(words):
                return self.meetings.run_command(words, channel, person)
            case WriteNote(paper, words):
                return Reply(self.notes.write_note(paper, words, channel, person))
            case ShowNotes(paper):
                return Reply(self.notes.show_notes(paper, channel, person))
            case ShowHeldPapers():
                return Reply(self.moderation.show_held_papers(channel, person))
            case ForgetPerson(is_confirmed):
                return Reply(self.people.forget_person(channel, person, is_confirmed=is_confirmed))
            case ExportPerson():
                return Reply(self.people.export_person(channel, person))
            case ExportPapers(kind, export_format):
                return Reply(self.exports.export_papers(kind, export_format, channel))
            case ShowDigestHelp():
                return Reply(present_digest_help(self.paper_command, self.digest_command))
