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

from bot.app import House, open_house
from bot.commands import HELP, Help, LookUp, React, Top, understand
from bot.deliver import deliver_edition
from bot.discuss import QUEUE_LENGTH, queue_message
from bot.message import Heading, Message, Text
from bot.platforms.console.render import render, show
from bot.present import digest_message, found_message
from config.settings import Digest as DigestSettings
from config.settings import Settings
from config.settings import Store as StoreSettings
from digests.build import build
from digests.errors import InputError, PaperroundError
from digests.model import Channel, Mark, MarkedBy, Paper, Review, Style, Subscription, Wish
from digests.ports import BadRecord, DeliveryState, Store
from digests.sources.reviews import parse

CHANNEL = Channel("console", "reading-group")
PERSON = "you"
HITS = 5


def run_demo(console: Console, commands: TextIO | None) -> None:
    """Send today's digest of the bundled papers, then do what `commands` say, line by line, until they end."""
    with tempfile.TemporaryDirectory(prefix="paperround-demo-") as folder:
        settings = Settings(
            store=StoreSettings(url=f"sqlite:///{Path(folder) / 'demo.db'}"),
            digest=DigestSettings(max_age_days=0, first_look_back_days=1),
        )
        house = open_house(settings, console)
        now = house.desk.clock()
        import_sample(house.store, now)
        subscription = _subscribe(house, now)
        _deliver(subscription, now, house)
        if commands:
            Conversation(house, subscription, console).hold(commands)


def _deliver(subscription: Subscription, now: datetime, house: House) -> None:
    """As `paperround run` would; what went wrong is said here, since nobody reads a log."""
    logging.getLogger("bot").addHandler(logging.NullHandler())
    asyncio.run(deliver_edition(subscription, now.date(), desk=house.desk))
    (delivery,) = house.store.deliveries.history(subscription, 1)
    if delivery.state not in (DeliveryState.POSTED, DeliveryState.QUIET):
        raise PaperroundError(f"The digest could not be shown: {delivery.reason}")


def import_sample(store: Store, now: datetime) -> None:
    """The bundled papers, as if they had come in on the days of their reviews."""
    batches: dict[datetime, list[tuple[Paper, Review]]] = {}
    for came_in, scored in sample(now):
        batches.setdefault(came_in, []).append(scored)
    for came_in in sorted(batches):
        store.papers.add(batches[came_in], now=came_in)
        store.papers.imported(now=came_in)


def sample(now: datetime) -> Iterator[tuple[datetime, tuple[Paper, Review]]]:
    """Each bundled paper with the instant it came in: a minute ago, or days before that."""
    text = files("bot.sample").joinpath("papers.jsonl").read_text(encoding="utf-8")
    for line, raw in enumerate(text.splitlines(), start=1):
        record = json.loads(raw)
        came_in = now - timedelta(days=record["reviewed_days_ago"], minutes=1)
        scored = parse(raw, source="the bundled papers", line=line, today=now.date())
        if isinstance(scored, BadRecord):
            raise InputError(str(scored))
        paper, review = scored
        yield came_in, (paper, replace(review, reviewed_at=came_in) if review.model else review)


def _subscribe(house: House, now: datetime) -> Subscription:
    house.store.subscriptions.keep([Subscription(CHANNEL, Wish(style=Style.CARDS))], now=now)
    (subscription,) = house.store.subscriptions.all()
    return subscription


@dataclass(slots=True)
class Conversation:
    """What a channel would ask, and the answers."""

    house: House
    subscription: Subscription
    console: Console

    def hold(self, commands: TextIO) -> None:
        """Answer each line until "quit" or the end."""
        self.console.print("[dim]Now you: /paper kto, /digest top 3 in vision, react 2, help, quit[/dim]")
        while True:
            self.console.print("[bold]>[/bold] ", end="")
            line = commands.readline()
            if not line or line.strip().lower() in ("quit", "exit", "q"):
                return
            if line.strip():
                self.answer(line)

    def answer(self, line: str) -> None:
        """One line, one answer; a fault of either side is a sentence."""
        try:
            message = self._message(line)
        except PaperroundError as error:
            message = Message(str(error), (Text(str(error)),))
        for page in render(message, Style.CARDS):
            show(page, self.console)

    def _message(self, line: str) -> Message:
        match understand(line, self.subscription.wish):
            case LookUp(words):
                return found_message(words, self.house.find(words, HITS))
            case Top(wish):
                return self._top(wish)
            case React(number):
                return self._react(number)
            case Help():
                return Message("Help", (Heading("What you can type here"), Text(HELP)))

    def _top(self, wish: Wish) -> Message:
        """By another wish, so it stands outside the channel's ledger: nothing counts as shown before."""
        now = self.house.desk.clock()
        asked = Subscription(CHANNEL, wish, self.subscription.schedule)
        return digest_message(
            build(asked, now.date(), store=self.house.store, habits=self.house.desk.habits, now=now)
        )

    def _react(self, number: int) -> Message:
        (delivery,) = self.house.store.deliveries.history(self.subscription, 1)
        shown = [(paper, page) for page in delivery.pages for paper in page.papers]
        if not 1 <= number <= len(shown):
            raise InputError(f"The digest has papers 1 to {len(shown)}.")
        paper, page = shown[number - 1]
        marks, now = self.house.store.marks, self.house.desk.clock()
        marks.set(Mark(CHANNEL, page.receipt or "", paper, PERSON, MarkedBy.REACTION, now), True)
        queue = marks.queue(None, since=now - timedelta(days=1), most=QUEUE_LENGTH)
        known = self.house.store.papers.get([one.paper for one in queue])
        return queue_message(queue, {paper: scored.paper.title for paper, scored in known.items()})
