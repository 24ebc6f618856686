"""What people get when they ask: commands, buttons and forms become replies. The same on every platform."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.commands import (
    DigestHelp,
    Discussed,
    Pause,
    Resume,
    ShowHeld,
    ShowQueue,
    ShowSettings,
    Subscribe,
    Today,
    TopPapers,
    Unsubscribe,
    digest_command,
    digest_help,
    look_up_words,
    paper_help,
)
from bot.discuss import QUEUE_LENGTH, queue_message, voices
from bot.form import Form, difference, form_of, in_a_sentence, read_form, read_words, words_of
from bot.held import decide, held_message
from bot.message import Action, Block, Button, Buttons, Heading, Message, Offer, Text
from bot.present import (
    being_fetched_message,
    card,
    day_name,
    digest_message,
    look_up_message,
    review_message,
    unknown_message,
)
from digests.build import Habits, build
from digests.domains import resolve
from digests.errors import InputError, SourceError
from digests.ids import arxiv_id, names_paper
from digests.model import NOT_REVIEWED, Change, Channel, Paper, Schedule, ScoredPaper, Subscription, Wish
from digests.ports import Store
from digests.schedule import next_due
from digests.text import clip, plain

HITS = 5
"""Papers of a look-up: what is taken in at a glance."""

NO_DIGEST = "This channel has no digest yet."


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks. `name` is for people, `id` is the platform's; `time_zone` is an IANA name, or empty."""

    id: str
    name: str
    is_admin: bool = False
    time_zone: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the person alone gets; `announcement` is for the channel, `form` is opened for the person to fill in."""

    message: Message
    announcement: Message | None = None
    form: Form | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers people. Methods are synchronous; an async caller runs them in a worker thread.

    `fetch` gets a paper that is not known from arXiv, within seconds: None for one that does not exist, and SourceError
    where it cannot be had now.

    All raise InputError with a sentence for the person; what the store or the search raises comes through.
    """

    store: Store
    find: Callable[[str, int], Sequence[ScoredPaper]]
    habits: Habits
    clock: Callable[[], datetime]
    paper_command: str = "/paper"
    digest_command: str = "/digest"
    anyone_may_change: bool = True
    admins: str = "workspace admins"
    one_queue: bool = True
    keep_marks: timedelta = timedelta(days=30)
    fetch: Callable[[str], Paper | None] | None = None

    # Papers.

    def paper(self, text: str) -> Reply:
        """/paper: the paper that is meant, or a short list to choose from."""
        words = look_up_words(text)
        if not words:
            return Reply(paper_help(self.paper_command))
        found = self.find(words, HITS)
        named = arxiv_id(words.strip("<>")) if self.fetch and not found else None
        return Reply(self._fetched(named.id) if named else look_up_message(words, found))

    def _fetched(self, paper: str) -> Message:
        """A paper that is not known here: fetched while the person waits, and queued for review."""
        assert self.fetch  # noqa: S101
        try:
            found = self.fetch(paper)
        except SourceError:
            self.store.papers.ask_for(paper, now=self.clock())
            return being_fetched_message(paper)
        if not found:
            return unknown_message(paper)
        self.store.papers.add([(found, NOT_REVIEWED)], now=self.clock())
        self.store.papers.ask_for(paper, now=self.clock())
        return look_up_message(paper, [self._known(paper)])

    def suggestions(self, text: str, most: int) -> Sequence[ScoredPaper]:
        """What may be meant while it is typed, best first: by words, or by the beginning of an id; at first the newest."""
        words = look_up_words(text)
        papers = self.store.papers
        if not words:
            return [one for _, one in papers.changes(papers.last_change() - most, most)][::-1]
        if re.fullmatch(r"[0-9]{2,4}\.?[0-9]{0,5}", words):
            ids = papers.beginning_with(words, most)
            known = papers.get(ids)
            return [known[paper] for paper in ids if paper in known]
        return self.find(words, most)

    def show(self, paper: str) -> Reply:
        """One paper's card, with what can be done with it."""
        return Reply(look_up_message(paper, [self._known(paper)]))

    def review(self, paper: str) -> Reply:
        """The whole review of a paper."""
        return Reply(review_message(self._known(paper)))

    def shared(self, paper: str, person: Person) -> Message:
        """A paper for the whole channel, and who showed it."""
        known = self._known(paper)
        return Message(
            f"{person.name} shared {plain(known.paper.title)}",
            (card(known), Text(f"Shared by {person.name}", quiet=True)),
        )

    def glimpse(self, paper: str) -> Message | None:
        """A short card for a link that someone pasted; None for a paper that is not known."""
        known = self.store.papers.get([paper]).get(paper)
        return Message(plain(known.paper.title), (card(known),)) if known else None

    def _known(self, paper: str) -> ScoredPaper:
        known = self.store.papers.get([paper]).get(paper)
        if not known:
            raise InputError(
                f"The paper {clip(paper, 60)!r} is not here any more. {self.paper_command} finds others."
            )
        return known

    # The channel's digest.

    def digest(self, text: str, channel: Channel, person: Person) -> Reply:
        """/digest: what was asked, for this channel."""
        match digest_command(text, self.digest_command):
            case Today():
                return Reply(self._digest(self._subscription(channel) or Subscription(channel), days=1))
            case TopPapers(top, domain, days):
                return Reply(self._top(channel, top, domain, days))
            case Subscribe(words):
                return self._subscribe(words, channel, person)
            case ShowSettings():
                return self.settings(channel, person)
            case Pause():
                return self._pause(channel, person)
            case Resume():
                return self._resume(channel, person)
            case Unsubscribe():
                return self._unsubscribe(channel, person)
            case ShowQueue():
                return Reply(self.queue(channel))
            case Discussed(which):
                return Reply(self.discussed(which, channel))
            case ShowHeld():
                return Reply(self.held(person))
            case DigestHelp():
                return Reply(digest_help(self.paper_command, self.digest_command))

    def _subscription(self, channel: Channel) -> Subscription | None:
        return self.store.subscriptions.find(channel)

    def _digest(self, subscription: Subscription, days: int | None = None) -> Message:
        """A digest at once. It stands outside the ledger, as one that was never sent: nothing counts as shown."""
        now = self.clock()
        habits = self.habits
        if days:
            habits = replace(habits, first_look_back=timedelta(days=days))
        return digest_message(
            build(replace(subscription, id=0), now.date(), store=self.store, habits=habits, now=now)
        )

    def _top(self, channel: Channel, top: int | None, domain: str, days: int | None) -> Message:
        base = self._subscription(channel) or Subscription(channel)
        wish = replace(base.wish, top=top) if top else base.wish
        if domain:
            resolve(domain)
            wish = replace(wish, domains=(domain,), keywords=())
        return self._digest(replace(base, wish=wish), days)

    def settings(self, channel: Channel, person: Person) -> Reply:
        """What the channel gets, in words, and the form to change it."""
        known = self._subscription(channel)
        if known and known.from_settings:
            return Reply(
                sentence(f"{self._state(known)} It is set in the settings file of whoever runs Paperround.")
            )
        state = self._state(known) if known else NO_DIGEST
        if not self._may_change(person):
            return Reply(sentence(f"{state} {self._admins_only}"))
        return Reply(sentence(state), form=form_of(known or _fresh(channel, person)))

    def save(self, form: Form, channel: Channel, person: Person) -> Reply:
        """The filled-in form. Raises FormError with what is wrong in each field."""
        self._require_right(person)
        return self._change(
            channel, read_form(form, self._subscription(channel) or _fresh(channel, person)), person
        )

    def _subscribe(self, words: str, channel: Channel, person: Person) -> Reply:
        if not words:
            return self.settings(channel, person)
        self._require_right(person)
        base = self._subscription(channel) or _fresh(channel, person)
        return self._change(channel, replace(read_words(words, base), paused_by=""), person)

    def _pause(self, channel: Channel, person: Person) -> Reply:
        self._require_right(person)
        known = self._required(channel)
        return self._change(channel, replace(known, paused_by=known.paused_by or person.name), person)

    def _resume(self, channel: Channel, person: Person) -> Reply:
        self._require_right(person)
        known = self._required(channel)
        if known.stopped:
            self.store.subscriptions.start(channel, now=self.clock())
            if not known.paused_by:
                return Reply(sentence(self._state(self._required(channel))))
        return self._change(channel, replace(known, paused_by="", stopped=""), person)

    def _unsubscribe(self, channel: Channel, person: Person) -> Reply:
        self._require_right(person)
        self._required(channel)
        return self._change(channel, None, person)

    def undo(self, change: int, channel: Channel, person: Person) -> Reply:
        """Take a change back, unless the digest has been changed since."""
        self._require_right(person)
        undone = self.store.subscriptions.undo(change, by=person.name, now=self.clock())
        if not undone:
            raise InputError(
                f"That cannot be undone any more: the digest was changed since. {self.digest_command} settings shows it."
            )
        return self._changed(undone, person)

    def _change(self, channel: Channel, after: Subscription | None, person: Person) -> Reply:
        change = self.store.subscriptions.change(channel, after, by=person.name, now=self.clock())
        if not change:
            return Reply(sentence(f"Nothing changed. {self._state(self._required(channel))}"))
        return self._changed(change, person)

    def _changed(self, change: Change, person: Person) -> Reply:
        told = announcement(change, self._state(change.after) if change.after else "", self.digest_command)
        return Reply(sentence("Done."), told)

    def _required(self, channel: Channel) -> Subscription:
        known = self._subscription(channel)
        if not known:
            raise InputError(f"{NO_DIGEST} {self.digest_command} subscribe brings one.")
        return known

    def _require_right(self, person: Person) -> None:
        if not self._may_change(person):
            raise InputError(self._admins_only)

    def _may_change(self, person: Person) -> bool:
        return self.anyone_may_change or person.is_admin

    @property
    def _admins_only(self) -> str:
        return f"Only {self.admins} may change a channel's digest here: ask one of them."

    def _state(self, subscription: Subscription) -> str:
        told = f"{in_a_sentence(subscription)}."
        if subscription.stopped:
            return f"{told} Stopped: {subscription.stopped} {self.digest_command} resume tries again."
        if subscription.paused_by:
            return f"{told} Paused by {subscription.paused_by}; {self.digest_command} resume goes on."
        coming = next_due(subscription.schedule, self.clock()).edition
        return f"{told} The next comes on {day_name(coming)}."

    # What is held.

    def held(self, person: Person) -> Message:
        """The papers that wait for a person's decision, for those who may change a digest."""
        self._require_decider(person)
        return held_message(self.store.reviewing.held(), self.paper_command)

    def decide(self, paper: str, person: Person, *, release: bool) -> Message:
        """Let a held paper into digests or keep it out, unless somebody has decided before; then what is left to decide."""
        self._require_decider(person)
        try:
            said = decide(self.store, paper, release=release, by=person.name, now=self.clock())
        except InputError as error:
            said = str(error)
        return Message(said, (Text(said), *self.held(person).blocks))

    def _require_decider(self, person: Person) -> None:
        if not self._may_change(person):
            raise InputError(f"Only {self.admins} may decide about held papers here: ask one of them.")

    # The queue.

    def queue(self, channel: Channel) -> Message:
        """What is to be discussed, most wanted first."""
        queued = self.store.marks.queue(
            self._scope(channel), since=self.clock() - self.keep_marks, most=QUEUE_LENGTH
        )
        return queue_message(queued, self._titles([one.paper for one in queued]))

    def discussed(self, which: str, channel: Channel) -> Message:
        """Take a paper off the queue, by its id or its place; then the queue."""
        queued = self.store.marks.queue(
            self._scope(channel), since=self.clock() - self.keep_marks, most=QUEUE_LENGTH
        )
        by_place = {str(place): one.paper for place, one in enumerate(queued, start=1)}
        paper = by_place.get(which) or (named.id if (named := names_paper(which)) else which)
        if paper not in {one.paper for one in queued}:
            raise InputError(
                f"{clip(which, 60)!r} is not in the queue; write its place or id, such as {self.digest_command} queue done 1."
            )
        self.store.marks.discussed(paper, self._scope(channel), now=self.clock())
        return self.queue(channel)

    def home(self, platform: str, workspace: str, person: Person) -> Message:
        """A person's own page: what they marked, and which channels get a digest."""
        marked = self.store.marks.of_person(
            platform, workspace, person.id, since=self.clock() - self.keep_marks, most=QUEUE_LENGTH
        )
        titles = self._titles([one.paper for one in marked])
        offers: tuple[Block, ...] = tuple(
            Offer(
                f"{clip(plain(titles.get(one.paper, one.paper)), 100)} · {voices(one.voices)}",
                Button(Action.SHOW, "Show", one.paper),
            )
            for one in marked
        )
        nothing = (Text("React with 🔖 to a paper, and it stands here and in the queue."),)
        return Message("Paperround", (Heading("You want to discuss"), *(offers or nothing)))

    def _titles(self, papers: Sequence[str]) -> dict[str, str]:
        return {paper: known.paper.title for paper, known in self.store.papers.get(papers).items()}

    def _scope(self, channel: Channel) -> Channel | None:
        return None if self.one_queue else channel


def _fresh(channel: Channel, person: Person) -> Subscription:
    return Subscription(channel, Wish(), Schedule(time_zone=person.time_zone or "UTC"), owner=person.id)


def sentence(text: str) -> Message:
    """A message of one sentence."""
    return Message(text, (Text(text),))


def greeting(paper_command: str, digest_command: str) -> Message:
    """What a channel is told that the bot has just come into."""
    text = (
        f"Hello. I bring the day's best papers with their limitations. {digest_command} subscribe says which "
        f"and when; {paper_command} looks a paper up."
    )
    return Message(text, (Heading("Paperround"), Text(text)))


def without_sharing(message: Message) -> Message:
    """The message where there is no channel to share to."""
    blocks = tuple(
        replace(block, buttons=tuple(button for button in block.buttons if button.action is not Action.SHARE))
        if isinstance(block, Buttons)
        else block
        for block in message.blocks
    )
    return replace(message, blocks=blocks)


def announcement(change: Change, state: str, command: str) -> Message:
    """What the channel is told: who did what, what holds now, and how to undo it."""
    done = f"{change.by} {_done(change)}"
    undo = Button(Action.UNDO, "Undo", str(change.id))
    again = (
        f"To have it again: {command} subscribe {words_of(change.before)}"
        if change.before and not change.after
        else ""
    )
    texts = [Text(done), *([Text(state or again, quiet=True)] if state or again else [])]
    return Message(done, (*texts, Buttons((undo,))))


def _done(change: Change) -> str:
    match change.before, change.after:
        case None, _:
            return "subscribed this channel to Paperround."
        case _, None:
            return "ended this channel's digest."
        case before, after:
            if before.running != after.running and not difference(before, after):
                return "resumed this channel's digest." if after.running else "paused this channel's digest."
            return f"changed this channel's digest: {difference(before, after)}."
