"""The dispatcher of buttons, marks and commands that every chat platform shares.

A platform's listeners translate its payloads into these calls, and a reply into its API. Decisions are made
in `bot/conversation`.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from bot.chat.message import ButtonAction, Message
from bot.chat.port import Platform, PostError
from bot.conversation.announce import ChangeNotices, share_paper
from bot.conversation.answers import Answers
from bot.conversation.commands import MarkPaper, parse_digest_command
from bot.conversation.context import Person, Reply
from bot.conversation.fair_use import FairUse, Use, find_use_of_command
from bot.conversation.marks import MarkEmojis, MarkHandler, describe_menu_choice, describe_tap
from bot.conversation.paper_fetch_queue import PaperFetchQueue
from bot.present.lookup import present_unknown_paper
from bot.present.wording import present_sentence
from bot.storage import run_interactive
from digests.errors import PaperroundError, SourceError
from digests.ids import find_paper_ids
from digests.subscription import Channel, DigestStyle, Subscription

log = logging.getLogger(__name__)

DRAIN_SECONDS = 10.0
"""Longest wait for running work at shutdown. A container is killed after ten to thirty seconds."""

USE_BY_ACTION = {
    ButtonAction.DISCUSS: Use.MARK,
    ButtonAction.SHARE: Use.SHARE,
    ButtonAction.UNDO: Use.CHANGE,
    ButtonAction.FINISH_DISCUSSION: Use.DECISION,
    ButtonAction.UNDO_DISCUSSION: Use.DECISION,
    ButtonAction.RELEASE: Use.DECISION,
    ButtonAction.REJECT: Use.DECISION,
}
"""Uses that clicks count as. All other clicks are look-ups."""


REPEATED_INTERACTION = "This came a second time, and was done the first time."


class Responder(Protocol):
    """Sends a message that only the person who asked can see."""

    async def __call__(self, message: Message, *, replace: bool = False) -> None:
        """Send the message; with `replace`, in place of the message with the clicked button.

        May raise errors of the platform.
        """


@dataclass(frozen=True, slots=True)
class Click:
    """One click on a button.

    `action` and `value` are those of the button. `interaction_id` is the platform's. `fetch_person` asks the
    platform for the person's name and rights, which few actions need.
    """

    action: str
    value: str
    channel: Channel
    person_id: str
    interaction_id: str
    fetch_person: Callable[[], Awaitable[Person]]


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
        self.mark_handler = MarkHandler(self.answers.store, self.platform, self.emojis, self.clock)

    async def handle_click(self, click: Click, respond: Responder) -> None:
        """Carry out the action of a button, and respond with its result.

        Raises PaperroundError with a sentence for the person, also for an unknown action. Raises PostError
        when a message cannot be posted to the channel; what was stored before stays.
        """
        use = next((use for action, use in USE_BY_ACTION.items() if action == click.action), Use.LOOK_UP)
        self.fair_use.take_token(use, click.channel, click.person_id)
        if use is not Use.LOOK_UP:
            await self.require_new_interaction(click.interaction_id)
        match click.action:
            case ButtonAction.DISCUSS:
                is_marked = await self.mark_handler.toggle_mark(click.channel, click.value, click.person_id)
                await respond(present_sentence(describe_tap(is_marked, self.answers.digest_command)))
            case ButtonAction.SHOW:
                reply = await run_interactive(self.answers.lookup.show_paper, click.value)
                await respond(reply.message, replace=True)
            case ButtonAction.MORE:
                offset, _, text = click.value.partition(":")
                look_up = self.answers.lookup.look_up_paper
                reply = await run_interactive(look_up, text, click.channel, _parse_offset(offset))
                await respond(reply.message)
            case ButtonAction.REVIEW:
                reply = await run_interactive(self.answers.lookup.show_review, click.value)
                await respond(reply.message)
            case ButtonAction.NEXT:
                show_next = self.answers.subscriptions.show_next_papers
                await respond(await run_interactive(show_next, click.value, click.channel))
            case ButtonAction.SHARE:
                await self._share_paper(click, respond)
            case ButtonAction.UNDO:
                await self._undo_change(click, respond)
            case ButtonAction.FINISH_DISCUSSION:
                person = await click.fetch_person()
                queue = await run_interactive(
                    self.answers.queue.finish_discussion, click.value, click.channel, person
                )
                await respond(queue, replace=True)
            case ButtonAction.UNDO_DISCUSSION:
                await click.fetch_person()  # Compares the person's workspace.
                undo = self.answers.queue.undo_discussion
                await respond(await run_interactive(undo, click.value, click.channel), replace=True)
            case ButtonAction.RELEASE | ButtonAction.REJECT:
                await self._decide_on_held_paper(click, respond)
            case _:
                raise PaperroundError(
                    "This button is from an older Paperround and does nothing any more; "
                    f"{self.answers.paper_command} and {self.answers.digest_command} do it now."
                )

    async def require_new_interaction(self, interaction_id: str) -> None:
        """Record an interaction; one without an id is new. Raises PaperroundError if it is recorded."""
        if not interaction_id:
            return
        event = f"{self.platform.name} interaction {interaction_id}"
        if not await run_interactive(self.answers.store.events.record_once, event, now=self.clock()):
            raise PaperroundError(REPEATED_INTERACTION)

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
        await self.notices.announce_change(reply.announcement, click.channel, click.person_id)

    async def _decide_on_held_paper(self, click: Click, respond: Responder) -> None:
        person = await click.fetch_person()
        decide = self.answers.moderation.decide_on_held_paper
        is_release = click.action == ButtonAction.RELEASE
        remaining = await run_interactive(decide, click.value, click.channel, person, release=is_release)
        await respond(remaining, replace=True)

    async def look_up_paper(self, text: str, channel: Channel, person_id: str, respond: Responder) -> None:
        """Look up the text after /paper, and respond with a paper, a list of matches, or a hint.

        `channel` is where the person asks. An unknown arXiv paper is fetched while the person waits. Raises
        SearchError and StoreError.
        """
        self.fair_use.take_token(Use.LOOK_UP, channel, person_id)
        reply = await run_interactive(self.answers.lookup.look_up_paper, text, channel)
        if reply.missing_papers and (queue := self.answers.fetch_queue):
            self.fair_use.take_token(Use.UNKNOWN_PAPER, channel, person_id)
            fetches = [self._fetch_paper(paper, queue, channel, person_id) for paper in reply.missing_papers]
            fetched = await asyncio.gather(*fetches)
            named = [found for found in find_paper_ids(text) if not found.id.startswith("web:")]
            look_up = self.answers.lookup.look_up_paper
            reply = fetched[0] if len(named) == 1 else await run_interactive(look_up, text, channel)
        await respond(reply.message)

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
            is_marked = await self.mark_handler.toggle_mark(channel, paper, person_id)
            return Reply(present_sentence(describe_menu_choice(is_marked, self.answers.digest_command)))
        return await run_interactive(self.answers.run_digest_command, text, channel, person)

    async def send_reply(self, reply: Reply, channel: Channel, person_id: str, respond: Responder) -> None:
        """Respond with the reply's message, then post its announcement, if any, in the channel.

        Raises PostError if the announcement cannot be posted; the person has the message then. Opens no form.
        """
        await respond(reply.message)
        await self.notices.announce_change(reply.announcement, channel, person_id)

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
        is_marked = await self.mark_handler.toggle_mark(channel, paper, person_id)
        await respond(present_sentence(describe_menu_choice(is_marked, self.answers.digest_command)))

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


MAX_OFFSET = 1_000
"""Results that a person can page through."""


def _parse_offset(text: str) -> int:
    """Parse the offset in a button's value, which is not trusted: 0 for anything else than a small number."""
    is_number = text.isascii() and text.isdecimal() and len(text) < 5
    return min(int(text), MAX_OFFSET) if is_number else 0


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
