"""What people get when they ask: commands, buttons and forms become replies. The same on every platform."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.chat.message import Block, Button, ButtonAction, Buttons, Heading, Message, OptionRow, Text
from bot.conversation.commands import (
    FinishDiscussion,
    PauseDigest,
    ResumeDigest,
    ShowDigestHelp,
    ShowHeldPapers,
    ShowQueue,
    ShowSettings,
    ShowToday,
    ShowTopPapers,
    SubscribeChannel,
    UnsubscribeChannel,
    clean_lookup_text,
    parse_digest_command,
    present_digest_help,
    present_paper_help,
)
from bot.conversation.marks import QUEUE_LENGTH, format_mark_count, present_queue
from bot.conversation.moderation import build_held_message, decide_held_paper
from bot.conversation.subscription_form import (
    SubscriptionForm,
    describe_difference,
    describe_subscription,
    form_of,
    format_subscribe_words,
    parse_form,
    parse_subscribe_words,
)
from bot.present.messages import (
    build_card,
    format_weekday_date,
    present_digest,
    present_lookup,
    present_pending_fetch,
    present_review,
    present_unknown_paper,
)
from digests.build import DigestPolicy, build
from digests.domains import resolve_domain
from digests.errors import InputError, SourceError
from digests.ids import parse_arxiv_id, parse_paper_id
from digests.model import NOT_REVIEWED, Paper, ScoredPaper
from digests.ports import Store
from digests.schedule import next_due_edition
from digests.subscription import Channel, Preferences, Schedule, Subscription, SubscriptionChange
from digests.text import clip_text, to_plain_text

MAX_RESULTS = 5
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
    form: SubscriptionForm | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers people. Methods are synchronous; an async caller runs them in a worker thread.

    `fetch` gets a paper that is not known from arXiv, within seconds: None for one that does not exist, and SourceError
    where it cannot be had now.

    All raise InputError with a sentence for the person; what the store or the search raises comes through.
    """

    store: Store
    find_papers: Callable[[str, int], Sequence[ScoredPaper]]
    digest_policy: DigestPolicy
    clock: Callable[[], datetime]
    paper_command: str = "/paper"
    digest_command: str = "/digest"
    anyone_may_change: bool = True
    admins_label: str = "workspace admins"
    has_shared_queue: bool = True
    mark_retention: timedelta = timedelta(days=30)
    fetch_paper: Callable[[str], Paper | None] | None = None

    # Papers.

    def look_up_paper(self, text: str) -> Reply:
        """/paper: the paper that is meant, or a short list to choose from."""
        words = clean_lookup_text(text)
        if not words:
            return Reply(present_paper_help(self.paper_command))
        found = self.find_papers(words, MAX_RESULTS)
        named = parse_arxiv_id(words.strip("<>")) if self.fetch_paper and not found else None
        return Reply(self._fetch_unknown_paper(named.id) if named else present_lookup(words, found))

    def _fetch_unknown_paper(self, paper: str) -> Message:
        """A paper that is not known here: fetched while the person waits, and queued for review."""
        assert self.fetch_paper  # noqa: S101
        try:
            found = self.fetch_paper(paper)
        except SourceError:
            self.store.library.add_request(paper, now=self.clock())
            return present_pending_fetch(paper)
        if not found:
            return present_unknown_paper(paper)
        self.store.library.add([(found, NOT_REVIEWED)], now=self.clock())
        self.store.library.add_request(paper, now=self.clock())
        return present_lookup(paper, [self._require_paper(paper)])

    def suggest_papers(self, text: str, limit: int) -> Sequence[ScoredPaper]:
        """What may be meant while it is typed, best first: by words, or by the beginning of an id; at first the newest."""
        words = clean_lookup_text(text)
        papers = self.store.library
        if not words:
            return [one for _, one in papers.changes_after(papers.latest_sequence() - limit, limit)][::-1]
        if re.fullmatch(r"[0-9]{2,4}\.?[0-9]{0,5}", words):
            ids = papers.ids_with_prefix(words, limit)
            known = papers.get(ids)
            return [known[paper] for paper in ids if paper in known]
        return self.find_papers(words, limit)

    def show_paper(self, paper: str) -> Reply:
        """One paper's card, with what can be done with it."""
        return Reply(present_lookup(paper, [self._require_paper(paper)]))

    def show_review(self, paper: str) -> Reply:
        """The whole review of a paper."""
        return Reply(present_review(self._require_paper(paper)))

    def share_paper(self, paper: str, person: Person) -> Message:
        """A paper for the whole channel, and who showed it."""
        known = self._require_paper(paper)
        return Message(
            f"{person.name} shared {to_plain_text(known.paper.title)}",
            (build_card(known), Text(f"Shared by {person.name}", is_small_print=True)),
        )

    def unfurl_paper(self, paper: str) -> Message | None:
        """A short card for a link that someone pasted; None for a paper that is not known."""
        known = self.store.library.get([paper]).get(paper)
        return Message(to_plain_text(known.paper.title), (build_card(known),)) if known else None

    def _require_paper(self, paper: str) -> ScoredPaper:
        known = self.store.library.get([paper]).get(paper)
        if not known:
            raise InputError(
                f"The paper {clip_text(paper, 60)!r} is not here any more. {self.paper_command} finds others."
            )
        return known

    # The channel's digest.

    def run_digest_command(self, text: str, channel: Channel, person: Person) -> Reply:
        """/digest: what was asked, for this channel."""
        match parse_digest_command(text, self.digest_command):
            case ShowToday():
                return Reply(
                    self._build_digest_message(
                        self._find_subscription(channel) or Subscription(channel), days=1
                    )
                )
            case ShowTopPapers(top, domain, days):
                return Reply(self._build_top_message(channel, top, domain, days))
            case SubscribeChannel(words):
                return self._subscribe_channel(words, channel, person)
            case ShowSettings():
                return self.show_settings(channel, person)
            case PauseDigest():
                return self._pause_digest(channel, person)
            case ResumeDigest():
                return self._resume_digest(channel, person)
            case UnsubscribeChannel():
                return self._unsubscribe_channel(channel, person)
            case ShowQueue():
                return Reply(self.show_queue(channel))
            case FinishDiscussion(entry):
                return Reply(self.finish_discussion(entry, channel))
            case ShowHeldPapers():
                return Reply(self.show_held_papers(person))
            case ShowDigestHelp():
                return Reply(present_digest_help(self.paper_command, self.digest_command))

    def _find_subscription(self, channel: Channel) -> Subscription | None:
        return self.store.subscriptions.find(channel)

    def _build_digest_message(self, subscription: Subscription, days: int | None = None) -> Message:
        """A digest at once. It stands outside the ledger, as one that was never sent: nothing counts as shown."""
        now = self.clock()
        policy = self.digest_policy
        if days:
            policy = replace(policy, first_lookback=timedelta(days=days))
        return present_digest(
            build(replace(subscription, id=0), now.date(), store=self.store, policy=policy, now=now)
        )

    def _build_top_message(self, channel: Channel, top: int | None, domain: str, days: int | None) -> Message:
        base = self._find_subscription(channel) or Subscription(channel)
        preferences = replace(base.preferences, top=top) if top else base.preferences
        if domain:
            resolve_domain(domain)
            preferences = replace(preferences, domains=(domain,), keywords=())
        return self._build_digest_message(replace(base, preferences=preferences), days)

    def show_settings(self, channel: Channel, person: Person) -> Reply:
        """What the channel gets, in words, and the form to change it."""
        known = self._find_subscription(channel)
        if known and known.is_from_settings:
            return Reply(
                present_sentence(
                    f"{self._describe_state(known)} It is set in the settings file of whoever runs Paperround."
                )
            )
        state = self._describe_state(known) if known else NO_DIGEST
        if not self._may_change_digest(person):
            return Reply(present_sentence(f"{state} {self._admins_only_sentence}"))
        return Reply(present_sentence(state), form=form_of(known or _new_subscription(channel, person)))

    def save_form(self, form: SubscriptionForm, channel: Channel, person: Person) -> Reply:
        """The filled-in form. Raises FormError with what is wrong in each field."""
        self._require_permission(person)
        return self._change_subscription(
            channel,
            parse_form(form, self._find_subscription(channel) or _new_subscription(channel, person)),
            person,
        )

    def _subscribe_channel(self, words: str, channel: Channel, person: Person) -> Reply:
        if not words:
            return self.show_settings(channel, person)
        self._require_permission(person)
        base = self._find_subscription(channel) or _new_subscription(channel, person)
        return self._change_subscription(
            channel, replace(parse_subscribe_words(words, base), paused_by=""), person
        )

    def _pause_digest(self, channel: Channel, person: Person) -> Reply:
        self._require_permission(person)
        known = self._require_subscription(channel)
        return self._change_subscription(
            channel, replace(known, paused_by=known.paused_by or person.name), person
        )

    def _resume_digest(self, channel: Channel, person: Person) -> Reply:
        self._require_permission(person)
        known = self._require_subscription(channel)
        if known.stop_reason:
            self.store.subscriptions.start(channel, now=self.clock())
            if not known.paused_by:
                return Reply(present_sentence(self._describe_state(self._require_subscription(channel))))
        return self._change_subscription(channel, replace(known, paused_by="", stop_reason=""), person)

    def _unsubscribe_channel(self, channel: Channel, person: Person) -> Reply:
        self._require_permission(person)
        self._require_subscription(channel)
        return self._change_subscription(channel, None, person)

    def undo_change(self, change: int, channel: Channel, person: Person) -> Reply:
        """Take a change back, unless the digest has been changed since."""
        self._require_permission(person)
        undone = self.store.subscriptions.undo(change, by=person.name, now=self.clock())
        if not undone:
            raise InputError(
                f"That cannot be undone any more: the digest was changed since. {self.digest_command} settings shows it."
            )
        return self._reply_to_change(undone, person)

    def _change_subscription(self, channel: Channel, after: Subscription | None, person: Person) -> Reply:
        change = self.store.subscriptions.change(channel, after, by=person.name, now=self.clock())
        if not change:
            return Reply(
                present_sentence(
                    f"Nothing changed. {self._describe_state(self._require_subscription(channel))}"
                )
            )
        return self._reply_to_change(change, person)

    def _reply_to_change(self, change: SubscriptionChange, person: Person) -> Reply:
        notice = present_change(
            change, self._describe_state(change.after) if change.after else "", self.digest_command
        )
        return Reply(present_sentence("Done."), notice)

    def _require_subscription(self, channel: Channel) -> Subscription:
        known = self._find_subscription(channel)
        if not known:
            raise InputError(f"{NO_DIGEST} {self.digest_command} subscribe brings one.")
        return known

    def _require_permission(self, person: Person) -> None:
        if not self._may_change_digest(person):
            raise InputError(self._admins_only_sentence)

    def _may_change_digest(self, person: Person) -> bool:
        return self.anyone_may_change or person.is_admin

    @property
    def _admins_only_sentence(self) -> str:
        return f"Only {self.admins_label} may change a channel's digest here: ask one of them."

    def _describe_state(self, subscription: Subscription) -> str:
        description = f"{describe_subscription(subscription)}."
        if subscription.stop_reason:
            return (
                f"{description} Stopped: {subscription.stop_reason} {self.digest_command} resume tries again."
            )
        if subscription.paused_by:
            return f"{description} Paused by {subscription.paused_by}; {self.digest_command} resume goes on."
        coming = next_due_edition(subscription.schedule, self.clock()).edition
        return f"{description} The next comes on {format_weekday_date(coming)}."

    # What is held.

    def show_held_papers(self, person: Person) -> Message:
        """The papers that wait for a person's decision, for those who may change a digest."""
        self._require_decider(person)
        return build_held_message(self.store.reviewing.list_held(), self.paper_command)

    def decide_on_held_paper(self, paper: str, person: Person, *, release: bool) -> Message:
        """Let a held paper into digests or keep it out, unless somebody has decided before; then what is left to decide."""
        self._require_decider(person)
        try:
            outcome = decide_held_paper(
                self.store, paper, is_release=release, by=person.name, now=self.clock()
            )
        except InputError as error:
            outcome = str(error)
        return Message(outcome, (Text(outcome), *self.show_held_papers(person).blocks))

    def _require_decider(self, person: Person) -> None:
        if not self._may_change_digest(person):
            raise InputError(f"Only {self.admins_label} may decide about held papers here: ask one of them.")

    # The queue.

    def show_queue(self, channel: Channel) -> Message:
        """What is to be discussed, most wanted first."""
        queued = self.store.marks.discussion_queue(
            self._choose_queue_scope(channel), since=self.clock() - self.mark_retention, limit=QUEUE_LENGTH
        )
        return present_queue(queued, self._find_titles([one.paper for one in queued]))

    def finish_discussion(self, entry: str, channel: Channel) -> Message:
        """Take a paper off the queue, by its id or its place; then the queue."""
        queued = self.store.marks.discussion_queue(
            self._choose_queue_scope(channel), since=self.clock() - self.mark_retention, limit=QUEUE_LENGTH
        )
        by_place = {str(place): one.paper for place, one in enumerate(queued, start=1)}
        paper = by_place.get(entry) or (named.id if (named := parse_paper_id(entry)) else entry)
        if paper not in {one.paper for one in queued}:
            raise InputError(
                f"{clip_text(entry, 60)!r} is not in the queue; write its place or id, such as {self.digest_command} queue done 1."
            )
        self.store.marks.finish_discussion(paper, self._choose_queue_scope(channel), now=self.clock())
        return self.show_queue(channel)

    def show_home(self, platform: str, workspace: str, person: Person) -> Message:
        """A person's own page: what they marked, and which channels get a digest."""
        marked = self.store.marks.papers_marked_by(
            platform, workspace, person.id, since=self.clock() - self.mark_retention, limit=QUEUE_LENGTH
        )
        titles = self._find_titles([one.paper for one in marked])
        offers: tuple[Block, ...] = tuple(
            OptionRow(
                f"{clip_text(to_plain_text(titles.get(one.paper, one.paper)), 100)} · {format_mark_count(one.mark_count)}",
                Button(ButtonAction.SHOW, "Show", one.paper),
            )
            for one in marked
        )
        nothing = (Text("React with 🔖 to a paper, and it stands here and in the queue."),)
        return Message("Paperround", (Heading("You want to discuss"), *(offers or nothing)))

    def _find_titles(self, papers: Sequence[str]) -> dict[str, str]:
        return {paper: known.paper.title for paper, known in self.store.library.get(papers).items()}

    def _choose_queue_scope(self, channel: Channel) -> Channel | None:
        return None if self.has_shared_queue else channel


def _new_subscription(channel: Channel, person: Person) -> Subscription:
    return Subscription(
        channel, Preferences(), Schedule(time_zone=person.time_zone or "UTC"), owner_id=person.id
    )


def present_sentence(text: str) -> Message:
    """A message of one sentence."""
    return Message(text, (Text(text),))


def present_greeting(paper_command: str, digest_command: str) -> Message:
    """What a channel is told that the bot has just come into."""
    text = (
        f"Hello. I bring the day's best papers with their limitations. {digest_command} subscribe says which "
        f"and when; {paper_command} looks a paper up."
    )
    return Message(text, (Heading("Paperround"), Text(text)))


def remove_share_button(message: Message) -> Message:
    """The message where there is no channel to share to."""
    blocks = tuple(
        replace(
            block,
            buttons=tuple(button for button in block.buttons if button.action is not ButtonAction.SHARE),
        )
        if isinstance(block, Buttons)
        else block
        for block in message.blocks
    )
    return replace(message, blocks=blocks)


def present_change(change: SubscriptionChange, state: str, command: str) -> Message:
    """What the channel is told: who did what, what holds now, and how to undo it."""
    done = f"{change.by} {_describe_change(change)}"
    undo = Button(ButtonAction.UNDO, "Undo", str(change.id))
    again = (
        f"To have it again: {command} subscribe {format_subscribe_words(change.before)}"
        if change.before and not change.after
        else ""
    )
    texts = [Text(done), *([Text(state or again, is_small_print=True)] if state or again else [])]
    return Message(done, (*texts, Buttons((undo,))))


def _describe_change(change: SubscriptionChange) -> str:
    match change.before, change.after:
        case None, _:
            return "subscribed this channel to Paperround."
        case _, None:
            return "ended this channel's digest."
        case before, after:
            if before.is_running != after.is_running and not describe_difference(before, after):
                return (
                    "resumed this channel's digest." if after.is_running else "paused this channel's digest."
                )
            return f"changed this channel's digest: {describe_difference(before, after)}."
