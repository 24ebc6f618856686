"""The demo: the bundled papers, a store that is thrown away, and the same path that every digest takes."""

import asyncio
import json
import logging
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import TextIO

from rich.console import Console

from bot.chat.message import Heading, Message, Text
from bot.conversation.commands import (
    DEMO_HELP,
    DemoHelp,
    DemoLookup,
    DemoReaction,
    DemoTop,
    parse_demo_command,
)
from bot.conversation.queue import QUEUE_LENGTH
from bot.delivery.deliver import deliver_edition
from bot.platforms.console.render import print_page, render
from bot.present.digest import present_digest
from bot.present.lookup import present_search_results
from bot.present.queue import present_queue
from bot.services import Services, build_services
from config.settings import DigestSettings as DigestSettings
from config.settings import Settings
from config.settings import StoreSettings as StoreSettings
from digests.build import build
from digests.errors import InputError, PaperroundError
from digests.model import Mark, MarkSource, Paper, Review
from digests.ports import Store
from digests.ports.outbox import DeliveryState
from digests.ports.sources import BadRecord
from digests.sources.reviews import parse_record
from digests.subscription import Channel, DigestStyle, Preferences, Subscription

CHANNEL = Channel("console", "reading-group")
PERSON = "you"
MAX_RESULTS = 5


def run_demo(console: Console, commands: TextIO | None) -> None:
    """Send today's digest of the bundled papers, then do what `commands` say, line by line, until they end."""
    with tempfile.TemporaryDirectory(prefix="paperround-demo-") as folder:
        settings = Settings(
            store=StoreSettings(url=f"sqlite:///{Path(folder) / 'demo.db'}"),
            digest=DigestSettings(max_age_days=0, first_look_back_days=1),
        )
        services = build_services(settings, console)
        now = services.delivery_context.clock()
        import_sample(services.store, now)
        subscription = _subscribe_channel(services, now)
        _deliver_digest(subscription, now, services)
        if commands:
            DemoConversation(services, subscription, console).answer_commands(commands)


def _deliver_digest(subscription: Subscription, now: datetime, services: Services) -> None:
    """As `paperround run` would; what went wrong is said here, since nobody reads a log."""
    logging.getLogger("bot").addHandler(logging.NullHandler())
    asyncio.run(deliver_edition(subscription, now.date(), context=services.delivery_context))
    (delivery,) = services.store.delivery_reports.history(subscription, 1)
    if delivery.state not in (DeliveryState.POSTED, DeliveryState.EMPTY):
        raise PaperroundError(f"The digest could not be shown: {delivery.reason}")


def import_sample(store: Store, now: datetime) -> None:
    """The bundled papers, as if they had come in on the days of their reviews."""
    batches: dict[datetime, list[tuple[Paper, Review]]] = {}
    for came_in, scored in read_sample_papers(now):
        batches.setdefault(came_in, []).append(scored)
    for came_in in sorted(batches):
        store.library.add(batches[came_in], now=came_in)
        store.library.record_import(now=came_in)


def read_sample_papers(now: datetime) -> Iterator[tuple[datetime, tuple[Paper, Review]]]:
    """Each bundled paper with the instant it came in: a minute ago, or days before that."""
    text = files("bot.sample").joinpath("papers.jsonl").read_text(encoding="utf-8")
    for line, raw in enumerate(text.splitlines(), start=1):
        record = json.loads(raw)
        came_in = now - timedelta(days=record["reviewed_days_ago"], minutes=1)
        scored = parse_record(raw, source="the bundled papers", line=line, today=now.date())
        if isinstance(scored, BadRecord):
            raise InputError(str(scored))
        paper, review = scored
        yield came_in, (paper, replace(review, reviewed_at=came_in) if review.model else review)


def _subscribe_channel(services: Services, now: datetime) -> Subscription:
    services.store.subscriptions.sync_from_settings(
        [Subscription(CHANNEL, Preferences(style=DigestStyle.CARDS))], now=now
    )
    (subscription,) = services.store.subscriptions.list_active()
    return subscription


@dataclass(slots=True)
class DemoConversation:
    """What a channel would ask, and the answers."""

    services: Services
    subscription: Subscription
    console: Console

    def answer_commands(self, commands: TextIO) -> None:
        """Answer each line until "quit" or the end."""
        self.console.print("[dim]Now you: /paper kto, /digest top 3 in vision, react 2, help, quit[/dim]")
        while True:
            self.console.print("[bold]>[/bold] ", end="")
            line = commands.readline()
            if not line or line.strip().lower() in ("quit", "exit", "q"):
                return
            if line.strip():
                self.answer_line(line)

    def answer_line(self, line: str) -> None:
        """One line, one answer; a fault of either side is a sentence."""
        try:
            message = self._build_reply(line)
        except PaperroundError as error:
            message = Message(str(error), (Text(str(error)),))
        for page in render(message, DigestStyle.CARDS):
            print_page(page, self.console)

    def _build_reply(self, line: str) -> Message:
        match parse_demo_command(line, self.subscription.preferences):
            case DemoLookup(words):
                return present_search_results(words, self.services.find_papers(words, MAX_RESULTS))
            case DemoTop(preferences):
                return self._build_top_digest(preferences)
            case DemoReaction(number):
                return self._mark_paper(number)
            case DemoHelp():
                return Message("Help", (Heading("What you can type here"), Text(DEMO_HELP)))

    def _build_top_digest(self, preferences: Preferences) -> Message:
        """By another wish, so it stands outside the channel's ledger: nothing counts as shown before."""
        now = self.services.delivery_context.clock()
        subscription = Subscription(CHANNEL, preferences, self.subscription.schedule)
        return present_digest(
            build(
                subscription,
                now.date(),
                store=self.services.store,
                policy=self.services.delivery_context.digest_policy,
                now=now,
            )
        )

    def _mark_paper(self, number: int) -> Message:
        (delivery,) = self.services.store.delivery_reports.history(self.subscription, 1)
        shown = [(paper, page) for page in delivery.pages for paper in page.papers]
        if not 1 <= number <= len(shown):
            raise InputError(f"The digest has papers 1 to {len(shown)}.")
        paper, page = shown[number - 1]
        marks, now = self.services.store.marks, self.services.delivery_context.clock()
        marks.set_mark(Mark(CHANNEL, page.receipt or "", paper, PERSON, MarkSource.REACTION, now), True)
        queue = marks.discussion_queue(None, since=now - timedelta(days=1), limit=QUEUE_LENGTH)
        known = self.services.store.library.get([one.paper for one in queue])
        return present_queue(queue, {paper: scored.paper.title for paper, scored in known.items()})
