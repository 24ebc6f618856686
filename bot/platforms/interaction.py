"""The dispatcher of commands, forms, marks, clicks and look-ups that every chat platform shares.

A platform's listeners translate its payloads into these calls, and a reply into its API. Decisions are made
in `bot/conversation`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from bot.chat.message import Message
from bot.chat.port import Platform
from bot.conversation.announce import ChangeNotices
from bot.conversation.answers import Answers
from bot.conversation.command_words import parse_digest_command
from bot.conversation.commands import MarkPaper
from bot.conversation.context import Person, Reply
from bot.conversation.fair_use import FairUse, Use, find_use_of_command
from bot.conversation.marks import MarkEmojis, MarkHandler
from bot.conversation.meeting_form import MeetingForm
from bot.conversation.notes import PersonsMessage
from bot.conversation.questions import QuestionForm
from bot.conversation.reports import ReportFields, ReportForm
from bot.platforms.clicks import ClickHandler
from bot.platforms.lookups import LookupHandler
from bot.platforms.repeats import RepeatGuard
from bot.platforms.responses import ReplyHandler, Responder
from bot.platforms.running_tasks import RunningTasks
from bot.present.wording import present_sentence
from bot.storage import run_interactive
from digests.subscription import Channel, Subscription

log = logging.getLogger(__name__)


@dataclass(slots=True)
class InteractionDispatcher:
    """Handles the interactions of one platform, and the marks of its people.

    `emojis` are the reactions that mark a paper. `confirms_undo` is True on a platform that shows a waiting
    state until every click is answered. Methods raise their errors, unless stated otherwise; `explain_errors`
    around a call turns them into sentences for the person. Those that a person causes raise LimitReachedError
    before any other call if the person has done too much of it: see `fair_use`. Those that change something
    raise PaperroundError for an interaction that was handled before, also by another process or before a
    restart: platforms and attackers send some twice.
    """

    answers: Answers
    platform: Platform
    emojis: MarkEmojis
    clock: Callable[[], datetime]
    confirms_undo: bool
    fair_use: FairUse = field(default_factory=FairUse)
    repeats: RepeatGuard = field(init=False)
    tasks: RunningTasks = field(default_factory=RunningTasks)
    notices: ChangeNotices = field(init=False)
    replies: ReplyHandler = field(init=False)
    mark_handler: MarkHandler = field(init=False)
    lookups: LookupHandler = field(init=False)
    clicks: ClickHandler = field(init=False)

    def __post_init__(self) -> None:
        self.repeats = RepeatGuard(self.answers.store, self.platform.name, self.clock)
        self.notices = ChangeNotices(self.platform, self.clock)
        self.replies = ReplyHandler(self.notices)
        self.mark_handler = MarkHandler(self.answers.queue, self.platform, self.emojis, self.clock)
        self.lookups = LookupHandler(self.answers, self.fair_use, self.repeats)
        self.clicks = ClickHandler(
            self.answers,
            self.platform,
            self.fair_use,
            self.repeats,
            self.replies,
            self.lookups,
            self.mark_handler,
            self.confirms_undo,
        )

    async def open_report(self, paper: str, channel: Channel, person_id: str) -> ReportForm:
        """Return the form about a paper's review for a person, which the platform opens.

        Raises InputError if there is nothing to report, and StoreError.
        """
        self.fair_use.take_token(Use.LOOK_UP, channel, person_id)
        return await run_interactive(self.answers.reports.open_form, paper, channel)

    async def save_report(
        self,
        fields: ReportFields,
        channel: Channel,
        person_id: str,
        interaction_id: str,
        fetch_person: Callable[[], Awaitable[Person]],
    ) -> Message:
        """Keep a submitted report, tell deciders, and return the answer to the person.

        `fields` are not trusted. Raises InputError with a sentence for the person, errors of `fetch_person`,
        and StoreError; nothing was kept then. A direct message that fails is logged.
        """
        self.fair_use.take_token(Use.REPORT, channel, person_id)
        person = await fetch_person()
        await self.repeats.require_new_interaction(interaction_id)
        outcome = await run_interactive(self.answers.reports.save_report, fields, channel, person)
        if outcome.notice:
            # A form is acknowledged within three seconds, so that nobody waits for these messages.
            task = asyncio.create_task(self._notify_deciders(outcome.notice, outcome.deciders, channel))
            self.tasks.add(task)
        return outcome.message

    async def _notify_deciders(self, notice: Message, deciders: Iterable[str], channel: Channel) -> None:
        for decider in deciders:
            await self.tasks.run_logged(self.platform.send_direct_message(channel, decider, notice))

    async def open_question(self, paper: str, channel: Channel, person_id: str) -> QuestionForm:
        """Return the form for a question about a paper, which the platform opens. Raises InputError."""
        self.fair_use.take_token(Use.LOOK_UP, channel, person_id)
        return await run_interactive(self.answers.questions.open_form, paper)

    async def answer_question(self, paper: str, text: str, channel: Channel, person_id: str) -> Message:
        """Return the answer to a submitted form of a question, which is not trusted. Raises InputError."""
        self.fair_use.take_token(Use.LOOK_UP, channel, person_id)
        return await run_interactive(self.answers.questions.answer_question, paper, text)

    async def open_meeting_form(
        self, channel: Channel, person_id: str, fetch_person: Callable[[], Awaitable[Person]]
    ) -> MeetingForm:
        """Return the form of a channel's meetings, which the platform opens.

        Raises InputError for a person who may not plan them, and errors of `fetch_person`.
        """
        self.fair_use.take_token(Use.LOOK_UP, channel, person_id)
        return await run_interactive(self.answers.meetings.open_form, channel, await fetch_person())

    async def save_meeting_form(
        self,
        form: MeetingForm,
        channel: Channel,
        person_id: str,
        interaction_id: str,
        fetch_person: Callable[[], Awaitable[Person]],
    ) -> Reply:
        """Save a submitted form of meetings, and return the reply without sending it.

        `form` is not trusted. Raises FormError with a sentence for each wrong field, InputError, and errors
        of `fetch_person`; nothing is saved then.
        """
        self.fair_use.take_token(Use.CHANGE, channel, person_id)
        person = await fetch_person()
        await self.repeats.require_new_interaction(interaction_id)
        return await run_interactive(self.answers.meetings.save_form, form, channel, person)

    async def run_digest_command(
        self,
        text: str,
        channel: Channel,
        person_id: str,
        interaction_id: str,
        fetch_person: Callable[[], Awaitable[Person]],
    ) -> Reply:
        """Run the text after /digest for a channel, and return the reply without sending it.

        `fetch_person` asks the platform for the person, and may raise errors of its own. It is not called for
        a person who has given too many commands.

        The caller opens the reply's form, if it has one, or passes the reply to `send_reply`. Raises
        InputError for a text that is not understood or a person who may not give the command, and StoreError;
        run it inside `explain_errors`.
        """
        use = find_use_of_command(text)
        self.fair_use.take_token(use, channel, person_id)
        person = await fetch_person()
        if use is not Use.LOOK_UP:
            await self.repeats.require_new_interaction(interaction_id)
        command = parse_digest_command(text, self.answers.digest_command)
        if isinstance(command, MarkPaper):
            paper = await self.mark_handler.find_paper_in_message(channel, "", command.paper)
            return Reply(present_sentence(await self.mark_handler.choose_paper(channel, paper, person_id)))
        return await run_interactive(self.answers.run_digest_command, text, channel, person)

    async def toggle_mark_on_message(
        self,
        channel: Channel,
        receipt: str,
        text: str,
        person_id: str,
        interaction_id: str,
        respond: Responder,
    ) -> None:
        """Mark the paper that a message shows or links to, or take the person's mark back, and respond.

        `text` is the content of the message, for messages of people. The posts that show the paper are
        refreshed later. Raises InputError when the message is about no known paper, or about several.
        """
        self.fair_use.take_token(Use.MARK, channel, person_id)
        await self.repeats.require_new_interaction(interaction_id)
        paper = await self.mark_handler.find_paper_in_message(channel, receipt, text)
        await respond(present_sentence(await self.mark_handler.choose_paper(channel, paper, person_id)))

    async def keep_message(
        self,
        message: PersonsMessage,
        person_id: str,
        interaction_id: str,
        fetch_person: Callable[[], Awaitable[Person]],
        respond: Responder,
    ) -> None:
        """Keep a person's message as a note about its paper, and respond.

        Raises InputError for a message that cannot be kept, or that is about no paper or an unknown one.
        """
        self.fair_use.take_token(Use.MARK, message.channel, person_id)
        person = await fetch_person()
        await self.repeats.require_new_interaction(interaction_id)
        await respond(await run_interactive(self.answers.notes.keep_message, message, person))

    def takes_reaction(
        self, channel: Channel, message: str, person_id: str, reconcile: Callable[[], Awaitable[None]]
    ) -> bool:
        """Return True if a reaction to a message is to be applied now, False for one of a flood.

        `reconcile` then reads all reactions to that message some time later, so that marks still become the
        same as what people see. `message` is the platform's id. Call it within a running event loop.
        """
        if self.fair_use.has_token(Use.REACTION, channel, person_id):
            return True
        self.mark_handler.delayed_reconciler.schedule(channel.channel, message, reconcile)
        return False

    async def start_subscriptions(self, subscriptions: Iterable[Subscription]) -> None:
        """Start the stopped digests of these subscriptions again; running ones stay as they are.

        Raises StoreError; digests before the one that failed are started.
        """
        for subscription in subscriptions:
            await self.start_digest(subscription.channel)

    async def start_digest(self, channel: Channel) -> bool:
        """Start the stopped digest of a channel again. Raises StoreError.

        Returns False if it was not stopped, or if the channel has no digest. A paused digest stays paused.
        """
        start = self.answers.store.subscriptions.start
        is_started = bool(await run_interactive(start, channel, now=self.clock()))
        if is_started:
            log.info("%s takes digests again", channel)
        return is_started

    async def stop_subscriptions(self, subscriptions: Iterable[Subscription], reason: str) -> None:
        """Stop the digests of these subscriptions, and notify each owner in a direct message.

        Those that were stopped before are left out. `reason` is a sentence for people. A failed message is
        logged. Raises StoreError.
        """
        for subscription in subscriptions:
            channel = subscription.channel
            if not await run_interactive(self.answers.store.subscriptions.stop, channel, reason):
                continue
            log.warning("%s gets no more digests: %s", channel, reason)
            if subscription.owner_id:
                notice = present_sentence(f"The digest that you set up has stopped: {reason}")
                sending = self.platform.send_direct_message(channel, subscription.owner_id, notice)
                await self.tasks.run_logged(sending)

    async def drain_tasks(self) -> None:
        """Wait for running tasks, up to a limit, then refresh the posts with pending mark counts."""
        await self.tasks.drain()
        self.mark_handler.delayed_reconciler.cancel()
        await self.mark_handler.debouncer.flush_pending()
