"""Clicks on buttons, for every chat platform: which action means which call."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

from bot.chat.message import ButtonAction, Message
from bot.chat.port import Platform
from bot.conversation.announce import share_paper
from bot.conversation.answers import Answers
from bot.conversation.context import Person
from bot.conversation.fair_use import FairUse, Use
from bot.conversation.marks import MarkHandler, describe_tap
from bot.platforms.lookups import LookupHandler, is_always_own
from bot.platforms.repeats import RepeatGuard
from bot.platforms.responses import ReplyHandler, Responder, fit_to_place
from bot.present.reports import NO_READERS, ReaderReports
from bot.present.wording import present_sentence
from bot.storage import run_interactive
from digests.errors import PaperroundError
from digests.model import QueueOutcome
from digests.subscription import Channel

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

MAX_OFFSET = 2_000
"""Results that a person can page through."""


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
    is_own_person: Callable[[], Awaitable[bool]] = field(default=is_always_own)


@dataclass(frozen=True, slots=True)
class ClickHandler:
    """Carries out the actions of buttons, on one platform.

    `confirms_undo` is True on a platform that shows a waiting state until every click is answered.
    """

    answers: Answers
    platform: Platform
    fair_use: FairUse
    repeats: RepeatGuard
    replies: ReplyHandler
    lookups: LookupHandler
    mark_handler: MarkHandler
    confirms_undo: bool

    async def handle_click(self, click: Click, respond: Responder) -> None:
        """Carry out the action of a button, and respond with its result.

        Raises PaperroundError with a sentence for the person, also for an unknown action. Raises PostError
        when a message cannot be posted to the channel; what was stored before stays.
        """
        use = next((use for action, use in USE_BY_ACTION.items() if action == click.action), Use.LOOK_UP)
        self.fair_use.take_token(use, click.channel, click.person_id)
        respond = fit_to_place(respond, click.channel)
        if use is not Use.LOOK_UP:
            await self.repeats.require_new_interaction(click.interaction_id)
        answers = self.answers
        match click.action:
            case ButtonAction.DISCUSS:
                is_marked = await self.mark_handler.toggle_mark(click.channel, click.value, click.person_id)
                await respond(present_sentence(describe_tap(is_marked, answers.digest_command)))
            case ButtonAction.MORE_OF_THIS | ButtonAction.NOT_FOR_US:
                is_more = click.action == ButtonAction.MORE_OF_THIS
                await _answer_person(click, respond, partial(answers.feedback.give_opinion, is_more=is_more))
            case ButtonAction.TAKE_BACK:
                await _answer_person(click, respond, answers.feedback.take_back, replace=True)
            case ButtonAction.SHOW | ButtonAction.MORE | ButtonAction.REVIEW | ButtonAction.SIMILAR:
                await self._show_papers(click, respond)
            case ButtonAction.NEXT:
                show_next = answers.subscriptions.show_next_papers
                await respond(await run_interactive(show_next, click.value, click.channel))
            case ButtonAction.SHARE:
                await self._share_paper(click, respond)
            case ButtonAction.UNDO:
                await self._undo_change(click, respond)
            case ButtonAction.QUEUE:
                await click.fetch_person()  # Compares the person's workspace.
                offset = _parse_offset(click.value)
                queue = await run_interactive(answers.queue.show_queue, click.channel, offset)
                await respond(queue, replace=True)
            case (
                ButtonAction.FINISH_DISCUSSION
                | ButtonAction.SKIP
                | ButtonAction.POSTPONE
                | ButtonAction.TAKE_OUT
            ):
                person, outcome = await click.fetch_person(), _OUTCOME_BY_ACTION[ButtonAction(click.action)]
                decide = answers.queue.decide
                queue = await run_interactive(decide, click.value, outcome, click.channel, person)
                await respond(queue, replace=True)
            case ButtonAction.UNDO_DISCUSSION:
                await _answer_person(click, respond, answers.queue.undo_decision, replace=True)
            case ButtonAction.RELEASE | ButtonAction.REJECT:
                is_release = click.action == ButtonAction.RELEASE
                decide_held = partial(answers.moderation.decide_on_held_paper, release=is_release)
                await _answer_person(click, respond, decide_held, replace=True)
            case ButtonAction.RE_REVIEW:
                await _answer_person(click, respond, answers.moderation.start_re_review, replace=True)
            case ButtonAction.VOTE:
                await _answer_person(click, respond, answers.meetings.vote)
            case ButtonAction.LEAD | ButtonAction.SWAP | ButtonAction.SKIP_TURN | ButtonAction.UNDO_PLAN:
                await self._change_meeting(click, respond)
            case (
                ButtonAction.WORTH_IT
                | ButtonAction.NOT_WORTH_IT
                | ButtonAction.LIMITATION_TRUE
                | ButtonAction.LIMITATION_FALSE
                | ButtonAction.LIMITATION_UNCLEAR
            ):
                await _answer_person(click, respond, partial(answers.discussions.handle_click, click.action))
            case ButtonAction.NOTES:
                await _answer_person(click, respond, answers.notes.show_notes)
            case ButtonAction.REMOVE_NOTE:
                await _answer_person(click, respond, answers.notes.remove_note, replace=True)
            case _:
                raise PaperroundError(
                    "This button is from an older Paperround and does nothing any more; "
                    f"{self.answers.paper_command} and {self.answers.digest_command} do it now."
                )

    async def _show_papers(self, click: Click, respond: Responder) -> None:
        """Show the card of a paper, its review, papers like it, or more matches of a look-up."""
        lookup = self.answers.lookup
        match click.action:
            case ButtonAction.SHOW:
                reply = await run_interactive(lookup.show_paper, click.value)
                card = await self.lookups.add_record(reply.message, click.channel, click.is_own_person)
                await respond(card, replace=True)
                return
            case ButtonAction.MORE:
                offset, _, text = click.value.partition(":")
                reply = await run_interactive(
                    lookup.look_up_paper, text, click.channel, _parse_offset(offset)
                )
            case ButtonAction.REVIEW:
                reply = await run_interactive(
                    lookup.show_review, click.value, await self._load_readers(click)
                )
            case _:
                reply = await run_interactive(lookup.show_similar_papers, click.value)
        await respond(reply.message)

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
        await self.replies.announce_change(reply, click.channel, click.person_id, respond)

    async def _change_meeting(self, click: Click, respond: Responder) -> None:
        """Change who leads a meeting, or undo a change of the plan, and announce that."""
        person = await click.fetch_person()
        change = partial(self.answers.meetings.handle_click, click.action)
        reply = await run_interactive(change, click.value, click.channel, person)
        await self.replies.send_reply(reply, click.channel, click.person_id, respond)

    async def _load_readers(self, click: Click) -> ReaderReports:
        """Return what the readers of the workspace say of a paper's review, to a person of that workspace."""
        readers = await run_interactive(self.answers.reports.load_readers, click.value, click.channel)
        return readers if readers.counts and await click.is_own_person() else NO_READERS


async def _answer_person(
    click: Click,
    respond: Responder,
    answer: Callable[[str, Channel, Person], Message],
    *,
    replace: bool = False,
) -> None:
    """Respond with the answer to a click that needs the person. `answer` may block."""
    person = await click.fetch_person()
    await respond(await run_interactive(answer, click.value, click.channel, person), replace=replace)


def _parse_offset(text: str) -> int:
    """Parse the offset in a button's value, which is not trusted: 0 for anything else than a small number."""
    is_number = text.isascii() and text.isdecimal() and len(text) < 5
    return min(int(text), MAX_OFFSET) if is_number else 0
