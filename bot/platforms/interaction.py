"""The dispatcher of buttons, marks and commands that every chat platform shares.

A platform's listeners translate its payloads into these calls, and a reply into its API. Decisions are made
in `bot/conversation`.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from bot.chat.message import ButtonAction, Message
from bot.chat.port import Platform, PostError
from bot.conversation.announce import ChangeNotices, share_paper
from bot.conversation.answers import Answers
from bot.conversation.command_words import parse_digest_command
from bot.conversation.commands import MarkPaper
from bot.conversation.context import Person, Reply
from bot.conversation.fair_use import FairUse, Use, find_use_of_command
from bot.conversation.lookup import HELP_WORDS
from bot.conversation.marks import MarkEmojis, MarkHandler, describe_tap
from bot.conversation.meeting_form import MeetingForm
from bot.conversation.notes import PersonsMessage
from bot.conversation.paper_fetch_queue import PaperFetchQueue
from bot.conversation.questions import QuestionForm, split_number
from bot.conversation.reports import ReportFields, ReportForm
from bot.present.discussion import insert_record
from bot.present.help import present_digest_help
from bot.present.lookup import present_unknown_paper, remove_share_button
from bot.present.reports import NO_READERS, ReaderReports
from bot.present.undo import name_undo_channel
from bot.present.wording import present_sentence
from bot.storage import run_interactive
from digests.errors import PaperroundError, SourceError
from digests.ids import find_paper_ids
from digests.model import QueueOutcome
from digests.questions import is_open_question
from digests.subscription import Channel, DigestStyle, Subscription

log = logging.getLogger(__name__)

DRAIN_SECONDS = 10.0
"""Longest wait for running work at shutdown. A container is killed after ten to thirty seconds."""

USE_BY_ACTION = {
    ButtonAction.DISCUSS: Use.MARK,
    ButtonAction.MORE_OF_THIS: Use.MARK,
    ButtonAction.NOT_FOR_US: Use.MARK,
    ButtonAction.TAKE_BACK: Use.MARK,
    ButtonAction.SHARE: Use.SHARE,
    ButtonAction.UNDO: Use.CHANGE,
    ButtonAction.FINISH_DISCUSSION: Use.DECISION,
    ButtonAction.SKIP: Use.DECISION,
    ButtonAction.POSTPONE: Use.DECISION,
    ButtonAction.TAKE_OUT: Use.DECISION,
    ButtonAction.UNDO_DISCUSSION: Use.DECISION,
    ButtonAction.RELEASE: Use.DECISION,
    ButtonAction.REJECT: Use.DECISION,
    ButtonAction.RE_REVIEW: Use.DECISION,
    ButtonAction.VOTE: Use.MARK,
    ButtonAction.LEAD: Use.CHANGE,
    ButtonAction.SWAP: Use.CHANGE,
    ButtonAction.SKIP_TURN: Use.CHANGE,
    ButtonAction.UNDO_PLAN: Use.CHANGE,
    ButtonAction.WORTH_IT: Use.MARK,
    ButtonAction.NOT_WORTH_IT: Use.MARK,
    ButtonAction.LIMITATION_TRUE: Use.MARK,
    ButtonAction.LIMITATION_FALSE: Use.MARK,
    ButtonAction.LIMITATION_UNCLEAR: Use.MARK,
    ButtonAction.REMOVE_NOTE: Use.MARK,
}
"""Uses that clicks count as. All other clicks are look-ups."""

_OUTCOME_BY_ACTION = {
    ButtonAction.FINISH_DISCUSSION: QueueOutcome.DISCUSSED,
    ButtonAction.SKIP: QueueOutcome.PASSED,
    ButtonAction.POSTPONE: QueueOutcome.POSTPONED,
    ButtonAction.TAKE_OUT: QueueOutcome.TAKEN_OUT,
}

REPEATED_INTERACTION = "This came a second time, and was done the first time."


class Responder(Protocol):
    """Sends a message that only the person who asked can see."""

    async def __call__(self, message: Message, *, replace: bool = False) -> None:
        """Send the message; with `replace`, in place of the message with the clicked button.

        May raise errors of the platform.
        """


async def _is_always_own() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Click:
    """One click on a button.

    `action` and `value` are those of the button. `interaction_id` is the platform's. `fetch_person` asks the
    platform for the person's name and rights, which few actions need. `is_own_person` returns False for a
    person of another workspace, who does not see what the people of this one say.
    """

    action: str
    value: str
    channel: Channel
    person_id: str
    interaction_id: str
    fetch_person: Callable[[], Awaitable[Person]]
    is_own_person: Callable[[], Awaitable[bool]] = field(default=_is_always_own)


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
    mark_handler: MarkHandler = field(init=False)
    notices: ChangeNotices = field(init=False)
    _running_tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.notices = ChangeNotices(self.platform, self.clock)
        self.mark_handler = MarkHandler(self.answers.queue, self.platform, self.emojis, self.clock)

    async def handle_click(self, click: Click, respond: Responder) -> None:
        """Carry out the action of a button, and respond with its result.

        Raises PaperroundError with a sentence for the person, also for an unknown action. Raises PostError
        when a message cannot be posted to the channel; what was stored before stays.
        """
        use = next((use for action, use in USE_BY_ACTION.items() if action == click.action), Use.LOOK_UP)
        self.fair_use.take_token(use, click.channel, click.person_id)
        respond = _fit_to_place(respond, click.channel)
        if use is not Use.LOOK_UP:
            await self.require_new_interaction(click.interaction_id)
        match click.action:
            case ButtonAction.DISCUSS:
                is_marked = await self.mark_handler.toggle_mark(click.channel, click.value, click.person_id)
                await respond(present_sentence(describe_tap(is_marked, self.answers.digest_command)))
            case ButtonAction.MORE_OF_THIS | ButtonAction.NOT_FOR_US:
                is_more = click.action == ButtonAction.MORE_OF_THIS
                person, give = await click.fetch_person(), self.answers.feedback.give_opinion
                await respond(
                    await run_interactive(give, click.value, click.channel, person, is_more=is_more)
                )
            case ButtonAction.TAKE_BACK:
                person, take_back = await click.fetch_person(), self.answers.feedback.take_back
                answer = await run_interactive(take_back, click.value, click.channel, person)
                await respond(answer, replace=True)
            case ButtonAction.SHOW:
                reply = await run_interactive(self.answers.lookup.show_paper, click.value)
                card = await self._add_record(reply.message, click.channel, click.is_own_person)
                await respond(card, replace=True)
            case ButtonAction.MORE:
                offset, _, text = click.value.partition(":")
                look_up = self.answers.lookup.look_up_paper
                reply = await run_interactive(look_up, text, click.channel, _parse_offset(offset))
                await respond(reply.message)
            case ButtonAction.REVIEW:
                readers = await self._load_readers(click)
                reply = await run_interactive(self.answers.lookup.show_review, click.value, readers)
                await respond(reply.message)
            case ButtonAction.SIMILAR:
                reply = await run_interactive(self.answers.lookup.show_similar_papers, click.value)
                await respond(reply.message)
            case ButtonAction.NEXT:
                show_next = self.answers.subscriptions.show_next_papers
                await respond(await run_interactive(show_next, click.value, click.channel))
            case ButtonAction.SHARE:
                await self._share_paper(click, respond)
            case ButtonAction.UNDO:
                await self._undo_change(click, respond)
            case ButtonAction.QUEUE:
                await click.fetch_person()  # Compares the person's workspace.
                show = self.answers.queue.show_queue
                queue = await run_interactive(show, click.channel, _parse_offset(click.value))
                await respond(queue, replace=True)
            case (
                ButtonAction.FINISH_DISCUSSION
                | ButtonAction.SKIP
                | ButtonAction.POSTPONE
                | ButtonAction.TAKE_OUT
            ):
                person, outcome = await click.fetch_person(), _OUTCOME_BY_ACTION[ButtonAction(click.action)]
                decide = self.answers.queue.decide
                queue = await run_interactive(decide, click.value, outcome, click.channel, person)
                await respond(queue, replace=True)
            case ButtonAction.UNDO_DISCUSSION:
                person, undo = await click.fetch_person(), self.answers.queue.undo_decision
                await respond(await run_interactive(undo, click.value, click.channel, person), replace=True)
            case ButtonAction.RELEASE | ButtonAction.REJECT:
                await self._decide_on_held_paper(click, respond)
            case ButtonAction.RE_REVIEW:
                person = await click.fetch_person()
                start = self.answers.moderation.start_re_review
                remaining = await run_interactive(start, click.value, click.channel, person)
                await respond(remaining, replace=True)
            case ButtonAction.VOTE:
                person = await click.fetch_person()
                vote = self.answers.meetings.vote
                await respond(await run_interactive(vote, click.value, click.channel, person))
            case ButtonAction.LEAD | ButtonAction.SWAP | ButtonAction.SKIP_TURN | ButtonAction.UNDO_PLAN:
                await self._change_meeting(click, respond)
            case (
                ButtonAction.WORTH_IT
                | ButtonAction.NOT_WORTH_IT
                | ButtonAction.LIMITATION_TRUE
                | ButtonAction.LIMITATION_FALSE
                | ButtonAction.LIMITATION_UNCLEAR
            ):
                person, save = await click.fetch_person(), self.answers.discussions.handle_click
                place = (click.action, click.value, click.channel, person)
                await respond(await run_interactive(save, *place))
            case ButtonAction.NOTES:
                person, list_notes = await click.fetch_person(), self.answers.notes.show_notes
                await respond(await run_interactive(list_notes, click.value, click.channel, person))
            case ButtonAction.REMOVE_NOTE:
                person, remove = await click.fetch_person(), self.answers.notes.remove_note
                answer = await run_interactive(remove, click.value, click.channel, person)
                await respond(answer, replace=True)
            case _:
                raise PaperroundError(
                    "This button is from an older Paperround and does nothing any more; "
                    f"{self.answers.paper_command} and {self.answers.digest_command} do it now."
                )

    async def require_new_interaction(self, interaction_id: str) -> None:
        """Record an interaction; one without an id is new. Raises PaperroundError if it is recorded."""
        event = f"{self.platform.name} interaction {interaction_id}"
        if interaction_id and not await self._is_new(event):
            raise PaperroundError(REPEATED_INTERACTION)

    async def _is_new(self, event: str) -> bool:
        """Record an event, and return True if it was not recorded before; one without an id is new."""
        return not event or await run_interactive(
            self.answers.store.events.record_once, event, now=self.clock()
        )

    async def _share_paper(self, click: Click, respond: Responder) -> None:
        person = await click.fetch_person()
        await share_paper(click.value, click.channel, person, answers=self.answers, platform=self.platform)
        await respond(present_sentence("Shared with the channel."), replace=True)

    async def _undo_change(self, click: Click, respond: Responder) -> None:
        person = await click.fetch_person()
        undo = self.answers.subscriptions.undo_change
        reply = await run_interactive(undo, click.value, click.channel, person)
        if self.confirms_undo:
            await respond(reply.message)
        await self._announce_change(reply, click.channel, click.person_id, respond)

    async def _change_meeting(self, click: Click, respond: Responder) -> None:
        """Change who leads a meeting, or undo a change of the plan, and announce that."""
        person = await click.fetch_person()
        change = partial(self.answers.meetings.handle_click, click.action)
        reply = await run_interactive(change, click.value, click.channel, person)
        await self.send_reply(reply, click.channel, click.person_id, respond)

    async def _load_readers(self, click: Click) -> ReaderReports:
        """Return what the readers of the workspace say of a paper's review, to a person of that workspace."""
        readers = await run_interactive(self.answers.reports.load_readers, click.value, click.channel)
        return readers if readers.counts and await click.is_own_person() else NO_READERS

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
        await self.require_new_interaction(interaction_id)
        outcome = await run_interactive(self.answers.reports.save_report, fields, channel, person)
        if outcome.notice:
            # A form is acknowledged within three seconds, so that nobody waits for these messages.
            task = asyncio.create_task(self._notify_deciders(outcome.notice, outcome.deciders, channel))
            self._running_tasks.add(task)
            task.add_done_callback(self._running_tasks.discard)
        return outcome.message

    async def _notify_deciders(self, notice: Message, deciders: Iterable[str], channel: Channel) -> None:
        for decider in deciders:
            await self.run_logged(self.platform.send_direct_message(channel, decider, notice))

    async def _decide_on_held_paper(self, click: Click, respond: Responder) -> None:
        person = await click.fetch_person()
        decide = self.answers.moderation.decide_on_held_paper
        is_release = click.action == ButtonAction.RELEASE
        remaining = await run_interactive(decide, click.value, click.channel, person, release=is_release)
        await respond(remaining, replace=True)

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
        await self.require_new_interaction(interaction_id)
        return await run_interactive(self.answers.meetings.save_form, form, channel, person)

    async def look_up_paper(
        self,
        text: str,
        channel: Channel,
        person_id: str,
        respond: Responder,
        messages: Sequence[str] = (),
        *,
        is_own_person: Callable[[], Awaitable[bool]] = _is_always_own,
    ) -> None:
        """Look up the text after /paper, and respond with a paper, a list of matches, or a hint.

        `channel` is where the person asks, and `messages` are the receipts of those that are replied to: a
        question about the paper of one is answered. An unknown arXiv paper is fetched while the person waits.
        The card of a paper that was discussed here says so, unless `is_own_person` returns False, as for
        `Click`. Raises SearchError and StoreError.
        """
        self.fair_use.take_token(Use.LOOK_UP, channel, person_id)
        respond = _fit_to_place(respond, channel)
        reply = await self._find_reply(text, channel, person_id, messages)
        await respond(await self._add_record(reply.message, channel, is_own_person))

    async def _add_record(
        self, message: Message, channel: Channel, is_own_person: Callable[[], Awaitable[bool]]
    ) -> Message:
        """Add to cards how many want to discuss their papers.

        For a person of the workspace, that of one paper also says when it was discussed here.
        """
        if not message.cards:
            return message
        message = await run_interactive(self.answers.queue.add_mark_counts, message, channel)
        record = await run_interactive(self.answers.discussions.build_record, message, channel)
        return insert_record(message, record) if record and await is_own_person() else message

    async def answer_mention(
        self,
        text: str,
        channel: Channel,
        person_id: str,
        event: str,
        respond: Responder,
        messages: Sequence[str] = (),
        *,
        is_public: bool = False,
    ) -> None:
        """Answer a message that mentions the app as /paper does, and one without words with help.

        `text` is without the mention, and `event` the platform's id of the message. `messages` are the
        receipts of those that it replies to, and of the one above its thread. A mention that was answered
        before, and that of a person who asks too much, get no answer: it would fill the channel. With
        `is_public` the whole channel sees the answer, so that it shows no held or rejected paper. An error is
        answered with a sentence.
        """
        if not self.fair_use.has_token(Use.LOOK_UP, channel, person_id) or not await self._is_new(event):
            return
        words = text.strip()
        if not words or words.lower().strip("!?.") in HELP_WORDS:
            await respond(present_digest_help(self.answers.paper_command, self.answers.digest_command))
            return
        async with self.explain_errors(respond):
            reply = await self._find_reply(words, channel, person_id, messages, is_public=is_public)
            await respond(reply.message)

    async def answer_in_thread(
        self, text: str, channel: Channel, person_id: str, event: str, respond: Responder, thread: str
    ) -> None:
        """Answer a message in a thread below one of ours, if it asks about the paper and nobody by name.

        `thread` is the receipt of the thread's first message, and `event` the platform's id of the message.
        Every other message, one that was answered before, and that of a person who asks too much get no
        answer. Raises StoreError.
        """
        if not is_open_question(split_number(text)[1]):
            return  # Most messages: the store is not asked about them.
        if not self.fair_use.has_token(Use.LOOK_UP, channel, person_id):
            return
        answer = await run_interactive(self.answers.questions.answer_in_thread, text, channel, thread)
        if answer and await self._is_new(event):
            await respond(answer)

    async def _find_reply(
        self,
        text: str,
        channel: Channel,
        person_id: str,
        messages: Sequence[str] = (),
        *,
        is_public: bool = False,
    ) -> Reply:
        """Answer a question about a paper that is shown, else look the text up, and return the reply.

        Unknown arXiv papers are fetched while the person waits.
        """
        answer = self.answers.questions.answer_in_place
        if reply := await run_interactive(answer, text, channel, messages, is_public=is_public):
            return reply
        look_up = partial(self.answers.lookup.look_up_paper, text, channel, is_public=is_public)
        reply = await run_interactive(look_up)
        if reply.missing_papers and (queue := self.answers.fetch_queue):
            self.fair_use.take_token(Use.UNKNOWN_PAPER, channel, person_id)
            fetches = [self._fetch_paper(paper, queue, channel, person_id) for paper in reply.missing_papers]
            fetched = await asyncio.gather(*fetches)
            named = [found for found in find_paper_ids(text) if not found.id.startswith("web:")]
            reply = fetched[0] if len(named) == 1 else await run_interactive(look_up)
        return reply

    async def _fetch_paper(
        self, paper: str, fetch_queue: PaperFetchQueue, channel: Channel, person_id: str
    ) -> Reply:
        """Fetch an unknown paper while the person waits, and return its card.

        Its review is requested. If it cannot be fetched now, it is only requested, and the reply says so. An
        id that arXiv does not know is not requested, and the reply says that. Raises StoreError.
        """
        lookup = self.answers.lookup
        try:
            if not await fetch_queue.fetch_paper(paper):
                return Reply(present_unknown_paper(paper))
        except SourceError:
            return await run_interactive(lookup.postpone_fetch, paper, channel, person_id)
        return await run_interactive(lookup.show_fetched_paper, paper, channel, person_id)

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
            await self.require_new_interaction(interaction_id)
        command = parse_digest_command(text, self.answers.digest_command)
        if isinstance(command, MarkPaper):
            paper = await self.mark_handler.find_paper_in_message(channel, "", command.paper)
            return Reply(present_sentence(await self.mark_handler.choose_paper(channel, paper, person_id)))
        return await run_interactive(self.answers.run_digest_command, text, channel, person)

    async def send_reply(self, reply: Reply, channel: Channel, person_id: str, respond: Responder) -> None:
        """Respond with the reply's message, then post its announcement, if any, in the channel.

        Where the channel takes no notices, the person alone gets the announcement.

        Raises PostError if the announcement cannot be posted; the person has the message then. Opens no form.
        """
        await respond(reply.message)
        await self._announce_change(reply, channel, person_id, respond)

    async def _announce_change(
        self, reply: Reply, channel: Channel, person_id: str, respond: Responder
    ) -> None:
        """Announce a change in the channel, or to the person alone where the channel takes no notices."""
        is_announced = await self.notices.announce_change(reply.announcement, channel, person_id)
        if reply.announcement and not is_announced:
            await respond(name_undo_channel(reply.announcement, channel))

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
        await self.require_new_interaction(interaction_id)
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
        await self.require_new_interaction(interaction_id)
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
                await self.run_logged(sending)

    async def run_logged(self, work: Awaitable[None]) -> None:
        """Run work that nobody waits for. An error is logged and not raised.

        Until it ends, it is among the running tasks that `drain_tasks` waits for.
        """
        with self.track_task():
            try:
                await work
            except (PaperroundError, PostError) as error:
                log.warning("%s", error)
            except Exception:
                log.exception("an event could not be handled")

    @asynccontextmanager
    async def explain_errors(
        self, respond: Responder, passing: tuple[type[Exception], ...] = ()
    ) -> AsyncIterator[None]:
        """Answer an error in the block with one sentence for the person, and do not raise it.

        The sentence for an unforeseen error names the number under which it is logged. Errors of the types in
        `passing` are raised, except PaperroundError and PostError, which have a sentence of their own. An
        error of `respond` itself is raised.
        """
        try:
            yield
        except (PaperroundError, PostError) as error:
            await respond(present_sentence(str(error)))
        except passing:
            raise
        except Exception:
            await respond(present_sentence(log_unexpected_error()))

    @contextmanager
    def track_task(self) -> Iterator[None]:
        """Count the current task among the running tasks that `drain_tasks` waits for."""
        task = asyncio.current_task()
        if task:
            self._running_tasks.add(task)
        try:
            yield
        finally:
            if task:
                self._running_tasks.discard(task)

    async def drain_tasks(self) -> None:
        """Wait for running tasks, up to `DRAIN_SECONDS`, then refresh the posts with pending mark counts.

        Tasks that take longer are left running.
        """
        if self._running_tasks:
            await asyncio.wait(set(self._running_tasks), timeout=DRAIN_SECONDS)
        self.mark_handler.delayed_reconciler.cancel()
        await self.mark_handler.debouncer.flush_pending()


MAX_OFFSET = 2_000
"""Results that a person can page through."""


def _parse_offset(text: str) -> int:
    """Parse the offset in a button's value, which is not trusted: 0 for anything else than a small number."""
    is_number = text.isascii() and text.isdecimal() and len(text) < 5
    return min(int(text), MAX_OFFSET) if is_number else 0


def _fit_to_place(respond: Responder, channel: Channel) -> Responder:
    """Return the responder of a place; in a direct message, where there is no channel, nothing is shared."""

    async def respond_without_sharing(message: Message, *, replace: bool = False) -> None:
        await respond(remove_share_button(message), replace=replace)

    return respond_without_sharing if channel.is_direct else respond


def choose_reply_style(message: Message) -> DigestStyle:
    """Return the style of a reply: a single paper as a full card, anything else in one message if it fits."""
    return DigestStyle.CARDS if len(message.cards) == 1 else DigestStyle.COMPACT


def log_unexpected_error() -> str:
    """Log the current exception under a random number, and return a sentence with it for the person.

    Call it while the exception is handled.
    """
    number = secrets.token_hex(3)
    log.exception("a request failed, number %s", number)
    return f"Something went wrong here; the log says more under number {number}."
