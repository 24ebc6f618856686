"""Look-ups, mentions and questions, for every chat platform."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from bot.chat.message import Message
from bot.conversation.answers import Answers
from bot.conversation.context import Reply
from bot.conversation.fair_use import FairUse, Use
from bot.conversation.lookup import HELP_WORDS
from bot.conversation.paper_fetch_queue import PaperFetchQueue
from bot.conversation.questions import split_number
from bot.platforms.repeats import RepeatGuard
from bot.platforms.responses import Responder, explain_errors, fit_to_place
from bot.present.discussion import insert_record
from bot.present.help import present_digest_help
from bot.present.lookup import present_unknown_paper
from bot.storage import run_interactive
from digests.errors import SourceError
from digests.ids import find_paper_ids
from digests.questions import is_open_question
from digests.subscription import Channel


async def is_always_own() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class LookupHandler:
    """Answers what people look up or ask, on one platform.

    Methods raise their errors, unless stated otherwise. They raise LimitReachedError before any other call if
    the person has asked for too much.
    """

    answers: Answers
    fair_use: FairUse
    repeats: RepeatGuard

    async def look_up_paper(
        self,
        text: str,
        channel: Channel,
        person_id: str,
        respond: Responder,
        messages: Sequence[str] = (),
        *,
        is_own_person: Callable[[], Awaitable[bool]] = is_always_own,
    ) -> None:
        """Look up the text after /paper, and respond with a paper, a list of matches, or a hint.

        `channel` is where the person asks, and `messages` are the receipts of those that are replied to: a
        question about the paper of one is answered. An unknown arXiv paper is fetched while the person waits.
        The card of a paper that was discussed here says so, unless `is_own_person` returns False, as for
        `Click`. Raises SearchError and StoreError.
        """
        self.fair_use.take_token(Use.LOOK_UP, channel, person_id)
        respond = fit_to_place(respond, channel)
        reply = await self._find_reply(text, channel, person_id, messages)
        await respond(await self.add_record(reply.message, channel, is_own_person))

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
        may_ask = self.fair_use.has_token(Use.LOOK_UP, channel, person_id)
        if not may_ask or not await self.repeats.is_new(event):
            return
        words = text.strip()
        if not words or words.lower().strip("!?.") in HELP_WORDS:
            await respond(present_digest_help(self.answers.paper_command, self.answers.digest_command))
            return
        async with explain_errors(respond):
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
        if answer and await self.repeats.is_new(event):
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

    async def add_record(
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
