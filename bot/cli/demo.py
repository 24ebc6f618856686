"""The demo: bundled papers, a temporary store, a delivered digest, and the conversation of a channel."""

import argparse
import asyncio
import json
import logging
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import TextIO

from rich.console import Console

from bot.chat.message import Message, Text
from bot.cli.terminal import EXIT_OK, open_console
from bot.conversation.answers import Answers
from bot.conversation.command_words import parse_digest_command
from bot.conversation.commands import MarkPaper
from bot.conversation.context import Person, Reply
from bot.conversation.marks import MarkEmojis, MarkHandler
from bot.delivery.deliver import deliver_edition
from bot.platforms.console.render import print_page, render
from bot.present.wording import present_sentence
from bot.services import Services, build_services
from config.settings import DigestSettings, Settings, StoreSettings
from digests.errors import InputError, PaperroundError
from digests.model import Paper, Review
from digests.ports import Store
from digests.ports.outbox import DeliveryState
from digests.ports.sources import BadRecord
from digests.sources.reviews import parse_record
from digests.subscription import Channel, DigestStyle, Preferences, Subscription

CHANNEL = Channel("console", "reading-group")
PERSON = Person("you", "You", is_admin=True)
EMOJIS = MarkEmojis("🔖", ())

EXAMPLES = "/paper kto, /digest top 3 in vision since 2021, react 2, /digest queue, help, quit"
REACT_HELP = "react 2 - react with 🔖 to paper 2 of the digest\nhelp - this list\nquit - leave"
FORM_HINT = "A chat platform opens a form here. On a terminal, type: /digest subscribe vision at 08:30 top 3"


def run_command(options: argparse.Namespace) -> int:
    """Run the demo. It takes commands only if input and output are a terminal."""
    run_demo(open_console(), sys.stdin if sys.stdin.isatty() and sys.stdout.isatty() else None)
    return EXIT_OK


def run_demo(console: Console, commands: TextIO | None) -> None:
    """Deliver today's digest of the bundled papers, then answer `commands` line by line; None has none.

    The store is in a temporary folder, which is removed at the end. Raises PaperroundError if the digest
    cannot be shown.
    """
    with tempfile.TemporaryDirectory(prefix="paperround-demo-") as folder:
        settings = Settings(
            store=StoreSettings(url=f"sqlite:///{Path(folder) / 'demo.db'}"),
            digest=DigestSettings(max_age_days=0),
        )
        services = _shorten_first_lookback(build_services(settings, console))
        now = services.delivery_context.clock()
        import_sample(services.store, now)
        subscription = _subscribe_channel(services.store, now)
        _deliver_digest(subscription, now, services)
        if commands:
            _open_conversation(services, subscription, console).answer_commands(commands)


def _shorten_first_lookback(services: Services) -> Services:
    """Return the services with a first digest that reaches back a day.

    It then holds the papers of one day, as later ones do.
    """
    context = services.delivery_context
    digest_policy = replace(context.digest_policy, first_lookback=timedelta(days=1))
    return replace(services, delivery_context=replace(context, digest_policy=digest_policy))


def import_sample(store: Store, now: datetime) -> None:
    """Import the bundled papers as if each had come in on the day of its review."""
    batches: dict[datetime, list[tuple[Paper, Review]]] = {}
    for imported_at, scored in read_sample_papers(now):
        batches.setdefault(imported_at, []).append(scored)
    for imported_at in sorted(batches):
        store.library.add(batches[imported_at], now=imported_at)
        store.sources.record_import(now=imported_at)


def read_sample_papers(now: datetime) -> Iterator[tuple[datetime, tuple[Paper, Review]]]:
    """Yield each bundled paper and its review, after their import time: a minute ago, or days before that."""
    text = files("bot.sample").joinpath("papers.jsonl").read_text(encoding="utf-8")
    for line, raw in enumerate(text.splitlines(), start=1):
        record = json.loads(raw)
        imported_at = now - timedelta(days=record["reviewed_days_ago"], minutes=1)
        scored = parse_record(raw, source="the bundled papers", line=line, today=now.date())
        if isinstance(scored, BadRecord):
            raise InputError(str(scored))
        paper, review = scored
        yield imported_at, (paper, replace(review, reviewed_at=imported_at) if review.model else review)


def _subscribe_channel(store: Store, now: datetime) -> Subscription:
    wanted = Subscription(CHANNEL, Preferences(style=DigestStyle.CARDS))
    store.subscriptions.change(CHANNEL, wanted, by=PERSON.name, by_id=PERSON.qualify_id(CHANNEL), now=now)
    (subscription,) = store.subscriptions.list_active()
    return subscription


def _deliver_digest(subscription: Subscription, now: datetime, services: Services) -> None:
    """Deliver as `paperround run` does. Raises PaperroundError if nothing was posted: a demo has no log."""
    logging.getLogger("bot").addHandler(logging.NullHandler())
    asyncio.run(deliver_edition(subscription, now.date(), context=services.delivery_context))
    (delivery,) = services.store.delivery_reports.history(subscription, 1)
    if delivery.state not in (DeliveryState.POSTED, DeliveryState.EMPTY):
        raise PaperroundError(f"The digest could not be shown: {delivery.reason}")


def _open_conversation(
    services: Services, subscription: Subscription, console: Console
) -> "TerminalConversation":
    store, context = services.store, services.delivery_context
    answers = Answers(
        store,
        services.find_papers,
        context.digest_policy,
        context.clock,
        deciders=frozenset({PERSON.qualify_id(CHANNEL)}),
    )
    (delivery,) = store.delivery_reports.history(subscription, 1)
    message_ids = tuple(page.receipt or "" for page in delivery.pages for _ in page.papers)
    marks = MarkHandler(answers.queue, context.platforms["console"], EMOJIS, context.clock)
    return TerminalConversation(answers, marks, message_ids, console)


@dataclass(frozen=True, slots=True)
class TerminalConversation:
    """A channel's conversation, typed on a terminal. `message_ids` are the digest's, one a paper."""

    answers: Answers
    marks: MarkHandler
    message_ids: tuple[str, ...]
    console: Console

    def answer_commands(self, commands: TextIO) -> None:
        """Answer each line until "quit" or the end of the input."""
        self.console.print(f"[dim]Now you: {EXAMPLES}[/dim]")
        while True:
            self.console.print("[bold]>[/bold] ", end="")
            line = commands.readline()
            if not line or line.strip().lower() in ("quit", "exit", "q"):
                return
            if line.strip():
                self.answer_line(line)

    def answer_line(self, line: str) -> None:
        """Print the answer to one line. An expected error is printed as its sentence."""
        try:
            messages = self._build_messages(line)
        except PaperroundError as error:
            messages = [present_sentence(str(error))]
        for message in messages:
            for page in render(message, DigestStyle.CARDS):
                print_page(page, self.console)

    def _build_messages(self, line: str) -> list[Message]:
        """Return the messages that answer a line. Raises InputError for an unknown command."""
        command, _, text = line.strip().partition(" ")
        match command.lower():
            case "/paper" | "paper" if reply := self.answers.questions.answer_in_place(text, CHANNEL):
                return [reply.message]
            case "/paper" | "paper":
                return self._add_reviews(self.answers.lookup.look_up_paper(text, CHANNEL).message)
            case "/digest" | "digest" if isinstance(parse_digest_command(text), MarkPaper):
                return [self._mark_paper(text.strip().partition(" ")[2])]
            case "/digest" | "digest":
                return _list_messages(self.answers.run_digest_command(text, CHANNEL, PERSON))
            case "react":
                return [self._react_to_paper(text.strip())]
            case "help" | "/help" | "?":
                help_message = self.answers.run_digest_command("help", CHANNEL, PERSON).message
                return [replace(help_message, blocks=(*help_message.blocks, Text(REACT_HELP)))]
            case _:
                raise InputError(f"I don't know “{line.strip()[:60]}”. Type help for a list.")

    def _add_reviews(self, message: Message) -> list[Message]:
        """Return the message, and the reviews that its buttons would open: a terminal has no buttons."""
        reviewed = [card.paper for card in message.cards if card.review_label]
        return [message, *(self.answers.lookup.show_review(paper).message for paper in reviewed)]

    def _react_to_paper(self, number: str) -> Message:
        """Mark a paper of the digest as a 🔖 reaction does, and return the queue.

        `number` is the paper's place in the digest. Raises InputError if the digest has no such place.
        """
        if not re.fullmatch(r"[0-9]{1,3}", number):
            raise InputError("Give the number of a paper in the digest, such as react 2.")
        if not 1 <= int(number) <= len(self.message_ids):
            raise InputError(f"The digest has papers 1 to {len(self.message_ids)}.")
        asyncio.run(self._add_reaction(self.message_ids[int(number) - 1]))
        return self.answers.queue.show_queue(CHANNEL)

    def _mark_paper(self, text: str) -> Message:
        """Mark the paper that a text names, or take the mark back. Raises InputError for an unknown paper."""
        return present_sentence(asyncio.run(self._toggle_mark(text)))

    async def _toggle_mark(self, text: str) -> str:
        paper = await self.marks.find_paper_in_message(CHANNEL, "", text)
        sentence = await self.marks.choose_paper(CHANNEL, paper, PERSON.id)
        await self.marks.debouncer.flush_pending()
        return sentence

    async def _add_reaction(self, message_id: str) -> None:
        now = self.answers.clock()
        await self.marks.apply_reaction(CHANNEL, message_id, EMOJIS.mark, PERSON.id, is_added=True, at=now)
        await self.marks.debouncer.flush_pending()


def _list_messages(reply: Reply) -> list[Message]:
    """Return the answer, the form's stand-in, and the announcement, in the order of a channel."""
    form = [present_sentence(FORM_HINT)] if reply.form else []
    return [reply.message, *form, *([reply.announcement] if reply.announcement else [])]
