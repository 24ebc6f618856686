"""The two teams: their people's actions on a platform, and the messages that they see."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from digests.ports.queue_groups import find_shared_scope
from digests.store import schema
from digests.subscription import Channel
from tests.month.papers import find_paper_id
from tests.month.reading import Reader
from tests.month.service import Service
from tests.month.transcript import Transcript

Json = dict[str, Any]


@dataclass(slots=True)
class Team(ABC):
    """A team with one channel, whose people read papers. `title` names the channel and its platform."""

    service: Service
    transcript: Transcript
    title: str
    zone: ZoneInfo
    channel: str = ""
    names: dict[str, str] = field(default_factory=dict)

    @property
    def reader(self) -> Reader:
        return Reader(self.zone, self.names)

    @property
    @abstractmethod
    def place(self) -> Channel:
        """Return the channel as the store knows it."""

    @abstractmethod
    def add_person(self, name: str, *, is_admin: bool = False) -> "Person":
        """Add a person; an admin may share the queue."""

    @abstractmethod
    def list_messages(self) -> Sequence[Json]:
        """Return the messages of the channel in reading order, each followed by those of its thread."""

    @abstractmethod
    def key_of(self, message: Json) -> str:
        """Return the platform's id of a message."""

    @abstractmethod
    def author_of(self, message: Json) -> str:
        """Return the name of the author; empty for the app."""

    @abstractmethod
    def is_in_thread(self, message: Json) -> bool:
        """Return True for an answer in a thread."""

    @abstractmethod
    def read(self, message: Json) -> list[str]:
        """Return the lines of a message."""

    @abstractmethod
    def read_mark_counts(self, message: Json) -> Mapping[str, int]:
        """Return the numbers on the Discuss buttons of a message, by paper; 0 for one without a number."""

    @abstractmethod
    async def run_command(self, person: str, words: str, options: Mapping[str, Any]) -> list[list[str]]:
        """Type a command, and return the answers, which the person alone sees, as lines."""

    @abstractmethod
    async def tap_button(
        self, person: str, label: str, message: Json, *, is_answered: bool = True
    ) -> list[list[str]]:
        """Tap a button, or choose from a menu, by its label, and return the answers, if any come."""

    @abstractmethod
    async def tap_answer(self, person: str, label: str) -> list[list[str]]:
        """Tap a button of the last answer to anybody, and return the answers."""

    @abstractmethod
    async def use_message_menu(self, person: str, message: Json) -> list[list[str]]:
        """Choose “Mark for discussion” in a message's menu, and return the answers."""

    @abstractmethod
    async def react(self, person: str, message: Json, *, is_added: bool) -> None:
        """Add 🔖 to a message, or remove it."""

    @abstractmethod
    async def mention(self, person: str, words: str, below: Json | None) -> list[list[str]]:
        """Mention the app, below a message if there is one. Returns the answers that others do not see."""

    @abstractmethod
    def write_message(self, person: str, words: str, below: Json | None) -> None:
        """Write a message."""

    # What is there.

    def find_message(self, *words: str) -> Json:
        """Return the newest message with all the words."""
        for message in reversed(self.list_messages()):
            text = "\n".join(self.read(message))
            if all(word in text for word in words):
                return message
        raise AssertionError(f"no message with {words} in {self.title}")

    def find_card(self, title: str) -> Json:
        """Return the newest message that shows the paper whose title begins so alone, with its button."""
        paper = find_paper_id(title)
        return next(
            message
            for message in reversed(self.list_messages())
            if set(self.read_mark_counts(message)) == {paper}
        )

    def shows(self, *words: str) -> bool:
        """Return True if a message has all the words."""
        return any(all(word in "\n".join(self.read(each)) for word in words) for each in self.list_messages())

    def list_wrong_counts(self) -> list[str]:
        """Return the messages whose number of marks is not that of the store."""
        service, marked, posts = self.service, self._list_marked(), self._list_posts()
        shown = [
            counts
            for message in self.list_messages()
            if self.key_of(message) in posts
            and (any((counts := self.read_mark_counts(message)).values()) or not marked.isdisjoint(counts))
        ]
        scope = find_shared_scope(service.groups, service.store.queue_consents, self.place)
        papers = sorted({paper for counts in shown for paper in counts})
        stored = service.store.marks.mark_counts(self.place, papers, shared=scope)
        return [
            f"{self.title}, {paper}: {count} shown, {stored.get(paper, 0)} stored"
            for counts in shown
            for paper, count in counts.items()
            if count != stored.get(paper, 0)
        ]

    def list_people_by_paper(self) -> dict[str, list[str]]:
        """Return the accounts with a mark that counts, of both teams, by paper."""
        marks, people = schema.marks, dict[str, list[str]]()
        query = select(marks.c.paper, marks.c.person).where(marks.c.is_on)
        with self.service.engine.connect() as connection:
            for paper, person in connection.execute(query):
                people.setdefault(paper, []).append(person)
        return people

    def list_shown_counts(self) -> dict[str, int]:
        """Return the numbers on all cards of the channel, by paper. Cards of one paper show the same."""
        counts: dict[str, int] = {}
        for message in self.list_messages():
            for paper, count in self.read_mark_counts(message).items():
                assert counts.setdefault(paper, count) == count, f"two cards of {paper} differ"
        return counts

    def list_queue(self) -> dict[str, int]:
        """Return the numbers in the queue that the channel sees, by paper."""
        scope = find_shared_scope(self.service.groups, self.service.store.queue_consents, self.place)
        assert scope
        now = self.service.clock()
        queue = self.service.store.marks.discussion_queue(
            scope, since=now - timedelta(days=30), now=now, limit=99
        )
        return {each.paper: each.mark_count for each in queue}

    def _list_posts(self) -> frozenset[str]:
        """Return the ids of the channel's messages that show papers."""
        with self.service.engine.connect() as connection:
            query = select(schema.posts.c.message_id).where(schema.posts.c.channel == self.channel)
            return frozenset(connection.execute(query).scalars())

    def _list_marked(self) -> frozenset[str]:
        with self.service.engine.connect() as connection:
            query = select(schema.marks.c.paper).where(schema.marks.c.is_on).distinct()
            return frozenset(connection.execute(query).scalars())

    def has_mark(self, person: str, paper: str) -> bool:
        """Return True if a mark of a person counts."""
        marks = schema.marks
        query = select(marks.c.is_on).where(marks.c.person == person, marks.c.paper == paper, marks.c.is_on)
        with self.service.engine.connect() as connection:
            return connection.execute(query).first() is not None


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of a team. Each action is written into the transcript, with what only this person sees.

    Where `channel_sees` is given, the action waits until the channel has a message with these words.
    """

    name: str
    id: str
    team: Team

    async def types(
        self, command: str, *, channel_sees: str = "", lines: int | None = None, **options: Any
    ) -> str:
        """Type a command with its options, and return the answer; only its first `lines` are written down."""
        shown = " ".join([command, *(f"{name}: {value}" for name, value in options.items())])
        return await self._act(
            f"types `{shown}`", lambda: self.team.run_command(self.id, command, options), channel_sees, lines
        )

    async def taps(self, label: str, *words: str, channel_sees: str = "", is_answered: bool = True) -> str:
        """Tap a button, or choose from a menu, in the newest message with all the words.

        Where it is not answered, the channel alone sees what came of it.
        """
        message = self.team.find_message(*words)
        return await self._act(
            f"taps `{label}` below {self._name(message)}",
            lambda: self.team.tap_button(self.id, label, message, is_answered=is_answered),
            channel_sees,
        )

    async def passes_on(self, entry: str) -> str:
        """Take a paper off the queue on Discord, whose option has a name that is a word of Python."""
        options: dict[str, Any] = {"pass": entry}
        return await self.types("/digest queue", **options)

    async def votes(self, title: str, *poll: str) -> None:
        """Tap the button of a paper in the newest poll with all the words."""
        message = self.team.find_message(*poll)
        lines = [line for line in self.team.read(message) if re.match(rf"\d+\. {re.escape(title)}", line)]
        place = int(lines[0].partition(".")[0])
        answers = await self.team.tap_button(self.id, f"Vote {place}", message)
        self.team.transcript.add_action(self.team, self.name, f"votes for {place}. “{title}…”")
        for answer in answers:
            self.team.transcript.add_private(self.team, self.name, answer)

    async def shares(self, title: str) -> None:
        """Tap *Share to channel* below the paper that was looked up last."""
        await self._act(
            "taps `Share to channel`",
            lambda: self.team.tap_answer(self.id, "Share to channel"),
            f"{title}",
        )

    async def marks(self, title: str) -> None:
        """React with 🔖 to the newest card of a paper."""
        await self._react(title, is_added=True)

    async def takes_back(self, title: str) -> None:
        """Take 🔖 away from the newest card of a paper."""
        await self._react(title, is_added=False)

    async def _react(self, title: str, *, is_added: bool) -> None:
        card, paper = self.team.find_card(title), find_paper_id(title)
        deed = "reacts with 🔖 to" if is_added else "takes the 🔖 away from"
        self.team.transcript.add_action(self.team, self.name, f"{deed} {self._name(card)}")
        await self.team.react(self.id, card, is_added=is_added)
        await self.team.service.wait_until(
            lambda: self.team.has_mark(self.id, paper) == is_added, f"the mark of {self.name} is there"
        )

    async def marks_from_menu(self, *words: str) -> str:
        """Choose “Mark for discussion” in the menu of a message."""
        message = self.team.find_message(*words)
        return await self._act(
            f"chooses `Mark for discussion` in the menu of {self._name(message)}",
            lambda: self.team.use_message_menu(self.id, message),
        )

    async def asks(self, words: str, *, below: str = "", channel_sees: str = "") -> str:
        """Mention the app, below the newest card of a paper if there is one."""
        card = self.team.find_card(below) if below else None
        return await self._act(
            f"writes{f' below {self._name(card)}' if card else ''}: “@Paperround {words}”",
            lambda: self.team.mention(self.id, words, card),
            channel_sees,
        )

    def says(self, words: str, *below: str) -> None:
        """Write a message, in the thread of another if there is one."""
        root = self.team.find_message(*below) if below else None
        self.team.write_message(self.id, words, root)
        where = f" below {self._name(root)}" if root else ""
        self.team.transcript.add_action(self.team, self.name, f"writes{where}: “{words}”")

    async def _act(
        self, deed: str, act: Callable[[], Any], channel_sees: str = "", lines: int | None = None
    ) -> str:
        self.team.transcript.add_action(self.team, self.name, deed)
        before = set(map(self.team.key_of, self.team.list_messages()))

        def is_seen() -> bool:
            return any(
                channel_sees in "\n".join(self.team.read(each))
                for each in self.team.list_messages()
                if self.team.key_of(each) not in before
            )

        answers: list[list[str]] = await act()
        for answer in answers:
            rest = ["…"] if lines and len(answer) > lines else []
            self.team.transcript.add_private(self.team, self.name, [*answer[:lines], *rest])
        if channel_sees:
            await self.team.service.wait_until(is_seen, f"the channel sees {channel_sees!r}")
            self.team.transcript.observe(has_settled=False)
        return "\n".join(line for answer in answers for line in answer)

    def _name(self, message: Json) -> str:
        return self.team.transcript.name_message(self.team.read(message))


async def everybody_marks(people: Sequence[Person], title: str) -> None:
    """Let several people react with 🔖 to the newest card of a paper."""
    team, paper = people[0].team, find_paper_id(title)
    card = team.find_card(title)
    name = team.transcript.name_message(team.read(card))
    team.transcript.add_action(team, join_names(people), f"react with 🔖 to {name}")
    for person in people:
        await team.react(person.id, card, is_added=True)
    await team.service.wait_until(
        lambda: all(team.has_mark(person.id, paper) for person in people), "all marks are there"
    )


async def everybody_types(people: Sequence[Person], command: str, **options: Any) -> None:
    """Let several people type one command, to which each gets the same answer."""
    team = people[0].team
    shown = " ".join([command, *(f"{name}: {value}" for name, value in options.items())])
    answers = [await team.run_command(person.id, command, options) for person in people]
    assert all(answer == answers[0] for answer in answers), answers
    team.transcript.add_action(team, join_names(people), f"type `{shown}`")
    for answer in answers[0]:
        team.transcript.add_private(team, "each", answer)


async def everybody_taps(people: Sequence[Person], label: str, *words: str) -> None:
    """Let several people tap one button, each of whom gets an answer; the last one is written down."""
    team = people[0].team
    message = team.find_message(*words)
    answers = [await team.tap_button(person.id, label, message) for person in people]
    name = team.transcript.name_message(team.read(message))
    team.transcript.add_action(team, join_names(people), f"tap `{label}` below {name}")
    for answer in answers[-1]:
        team.transcript.add_private(team, people[-1].name, answer)


def join_names(people: Sequence[Person]) -> str:
    """Return the names as a list in a sentence, in bold type: Ada**, **Bruno** and **Dev."""
    *others, last = [person.name for person in people]
    return f"{'**, **'.join(others)}** and **{last}" if others else last
