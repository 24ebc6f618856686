"""The message format of all platforms, without markup. Every string in it is untrusted text.

`bot/present` builds messages. A platform's `render` escapes and clips their texts, and makes pages of them.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from digests.model import AttachedFile
from digests.subscription import Channel, DigestStyle


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of one line, most often the first block of a message."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph, whose line breaks are kept. `label` stands before it in bold, unless it is empty.

    `is_small_print` shows it smaller or grey.
    """

    text: str
    is_small_print: bool = False
    label: str = ""


class Link(NamedTuple):
    """A link with its label."""

    label: str
    url: str


class ButtonAction(StrEnum):
    """Action of a button. The button's value is a paper's id, unless stated otherwise."""

    DISCUSS = "discuss"
    """Mark the paper for discussion, or take the mark back. Renderers put this button on every card."""
    SHARE = "share"
    """Show the paper to the whole channel."""
    REVIEW = "review"
    """Show the full review of the paper to the person alone. Cards with a `review_label` have this button."""
    SIMILAR = "similar"
    """Show papers that are similar to this one to the person alone."""
    MORE = "more"
    """Show further results of a look-up. The value is their offset, a colon and the text of the look-up."""
    NEXT = "next"
    """Show the next papers of a digest to the person alone. The value is that of `digests.next_papers`."""
    MORE_OF_THIS = "like"
    """Say that the channel should get more papers like this one."""
    NOT_FOR_US = "unlike"
    """Say that the channel should get fewer papers like this one."""
    TAKE_BACK = "unsay"
    """Take the person's opinion on the paper back."""
    ASK = "ask"
    """Open a form to the person alone, for a question about the paper."""
    SHOW = "show"
    """Show the paper's card to the person alone."""
    UNDO = "undo"
    """Undo a change of the channel's digest. The value is the number of the change.

    Outside of the channel a colon and the channel's id follow.
    """
    SETTINGS = "settings"
    """Open the form with the settings of a digest. The value is the channel's id, a colon and the name."""
    FORM = "form"
    """Open a part of the form, or save it. The value is the part, the channel's id and the digest's name."""
    FINISH_DISCUSSION = "discussed"
    """Take the paper off the queue, since it was discussed."""
    SKIP = "skip"
    """Take the paper off the queue without a discussion, until somebody marks it again."""
    POSTPONE = "postpone"
    """Put the paper below the others of the queue for some time."""
    TAKE_OUT = "out"
    """Take the paper off the queue for good."""
    UNDO_DISCUSSION = "requeue"
    """Undo a decision about a paper of the queue, by the value of `bot.present.queue.format_decision`."""
    QUEUE = "queue"
    """Show a page of the queue to the person alone. The value is the number of papers before it."""
    RELEASE = "release"
    """Let a held paper into digests."""
    REJECT = "reject"
    """Keep a held paper out of every digest."""
    REPORT = "report"
    """Open a form to the person alone, about what is wrong or right in the paper's review."""
    RE_REVIEW = "again"
    """Have the paper of a report reviewed again. The value is the number of the report."""
    VOTE = "vote"
    """Vote for a paper of a meeting. The value is the meeting's number, a colon and the paper's place."""
    LEAD = "lead"
    """Lead a meeting, in place of whoever leads it. The value is the meeting's number."""
    SWAP = "swap"
    """Let the next person of the rota lead a meeting, and lead the next one. The value is the meeting's."""
    SKIP_TURN = "skipturn"
    """Let the next person lead a meeting, and go to the end of the rota. The value is the meeting's."""
    UNDO_PLAN = "unplan"
    """Undo a change of the plan of the channel's meetings. The value is the number of the change."""
    WORTH_IT = "worth"
    """Say that the paper was worth a discussion."""
    NOT_WORTH_IT = "unworth"
    """Say that it was not."""
    LIMITATION_TRUE = "limtrue"
    """Say that the key limitation of a review is true. The value is its hash, a colon and the paper's id."""
    LIMITATION_FALSE = "limfalse"
    """Say that it is not. The value is that of `LIMITATION_TRUE`."""
    NOTES = "notes"
    """Show the notes about the paper to the person alone."""
    REMOVE_NOTE = "unnote"
    """Take a note of one's own back. The value is the number of the note."""
    LIMITATION_UNCLEAR = "limopen"
    """Say that one cannot tell. The value is that of `LIMITATION_TRUE`."""


@dataclass(frozen=True, slots=True)
class Button:
    """A button with its label, and the value that a click sends back.

    `is_primary` emphasises it. A platform without buttons leaves it out.
    """

    action: ButtonAction
    label: str
    value: str
    is_primary: bool = False


class Quote(NamedTuple):
    """A passage of a paper, word for word, and the limitation that it shows."""

    limitation: str
    passage: str


@dataclass(frozen=True, slots=True)
class Card:
    """One paper, with its parts as text. Every renderer leaves empty parts out.

    `paper` is the id that marks refer to. `url` is the link of the title. `number` is the paper's place in a
    digest, None outside of one. `score` is short ("8.7/10"), or says that there is none. `spread` is that of
    a panel ("panel of 3, 7.4 to 8.6"), and `panel_note` says that it disagrees, or names a model
    that was down. `published` is a date.
    `remaining_limitations` counts those that `limitations` leaves out. `quotes` show some of the limitations,
    and `grades` are a line; a platform that cannot collapse them leaves them to the full review. `warnings`
    are sentences, and `flag_note` one about passages for AI reviewers. `review_line` names the reviewer, and
    `reason` says why the paper was picked. `review_label` is the label of the button to the full review.
    `menu` has the buttons that stand behind a menu, so that a card shows two at most. `mark_count` people
    want to discuss the paper.

    The compact look has, besides title, score and warnings, only the `brief...` parts: a sentence, a
    limitation, and links. `short_title` names the paper on a button.
    """

    paper: str
    title: str
    url: str
    number: int | None = None
    score: str = ""
    authors: str = ""
    domain: str = ""
    published: str = ""
    tldr: str = ""
    limitations: tuple[str, ...] = ()
    remaining_limitations: int = 0
    quotes: tuple[Quote, ...] = ()
    grades: str = ""
    warnings: tuple[str, ...] = ()
    flag_note: str = ""
    links: tuple[Link, ...] = ()
    review_line: str = ""
    reason: str = ""
    review_label: str = ""
    menu: tuple[Button, ...] = ()
    mark_count: int = 0
    short_title: str = ""
    brief: str = ""
    brief_limitation: str = ""
    brief_links: tuple[Link, ...] = ()
    spread: str = ""
    panel_note: str = ""


@dataclass(frozen=True, slots=True)
class Divider:
    """A line between parts."""


@dataclass(frozen=True, slots=True)
class Buttons:
    """Buttons in a row."""

    buttons: tuple[Button, ...]


class MessageReference(NamedTuple):
    """A message of a channel, by the platform's id, to which a platform with links to messages links."""

    channel: Channel
    message_id: str


@dataclass(frozen=True, slots=True)
class OptionRow:
    """A line with a button beside it: one of several choices.

    `menu` has further buttons, which stand behind a menu where the platform has one. `number` is the one with
    which the text begins, None for a line without. `people` are ids of the platform, named after the text
    without a notification; `more_people` is a text about others, such as "2 more". `note` is a text at the
    end, which links to the message `note_target` if there is one.
    """

    text: str
    button: Button
    menu: tuple[Button, ...] = ()
    number: int | None = None
    people: tuple[str, ...] = ()
    more_people: str = ""
    note: str = ""
    note_target: MessageReference | None = None


@dataclass(frozen=True, slots=True)
class Links:
    """Links in a line of small print."""

    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Appointment:
    """An instant, which each reader sees in their own time zone where the platform can do that.

    `text` is the same in words. `place` is a room, or the address of a call; it may be empty.
    """

    label: str
    at: datetime
    text: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class People:
    """A line that names people by the platform's ids, at most `MAX_NAMED_PEOPLE`. They are notified of it.

    `text` stands after them, and `target` is the message that it is from, to which a platform with links to
    messages links. In a reply to one person nobody is notified.
    """

    label: str
    people: tuple[str, ...]
    text: str = ""
    target: MessageReference | None = None


TARGET_LABEL = "message"
"""Words of the link to the message that a line about people is from."""

MAX_NAMED_PEOPLE = 30
"""People of one line; the others are left out."""


Block = Heading | Text | Card | Divider | Buttons | OptionRow | Links | Appointment | People


@dataclass(frozen=True, slots=True)
class Message:
    """Content of one reply or digest. `summary` is its text in notifications and for screen readers.

    `file` comes with the message where the platform can send one. Where it cannot, the blocks `without_file`
    follow the others. In a post the file is a picture, at the end of the last page.
    """

    summary: str
    blocks: tuple[Block, ...]
    file: AttachedFile | None = None
    without_file: tuple[Block, ...] = ()

    def drop_file(self) -> "Message":
        """Return the message as it is where its file cannot be sent."""
        blocks = (*self.blocks, *self.without_file)
        return Message(self.summary, blocks)

    @property
    def cards(self) -> tuple[Card, ...]:
        """The cards among the blocks, in order."""
        return tuple(block for block in self.blocks if isinstance(block, Card))


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    """A meeting in a platform's own calendar. All texts are untrusted.

    `place` may be empty. A cancelled event stays so: the calendar tells it to those who follow it.
    """

    title: str
    description: str
    starts_at: datetime
    ends_at: datetime
    place: str = ""
    is_cancelled: bool = False


def fit_style(message: Message, style: DigestStyle) -> DigestStyle:
    """Return the style in which a message is shown: compact for a thread that would only repeat the message.

    Its cards would say nothing more there, as on a day without scores.
    """
    is_repeat = bool(message.cards) and all(map(_is_brief, message.cards))
    return DigestStyle.COMPACT if style is DigestStyle.THREAD and is_repeat else style


def _is_brief(card: Card) -> bool:
    """Return True if the compact look of a card shows all that it says."""
    return card.tldr == card.brief and card.links == card.brief_links and not card.limitations


def split_thread(message: Message) -> tuple[tuple[Block, ...], tuple[Block, ...], tuple[Block, ...]]:
    """Return the opening before the first card, the cards with the texts after them, and the closing.

    Opening and closing belong to the message in the channel, and the others to its thread. The closing begins
    with the first divider or buttons after the last card. A message that begins with a card has no message
    before the thread: all its blocks are in the second part.
    """
    places = [place for place, block in enumerate(message.blocks) if isinstance(block, Card)]
    if not places or places[0] == 0:
        return ((), message.blocks, ()) if places else (message.blocks, (), ())
    first, end = places[0], places[-1] + 1
    while end < len(message.blocks) and not isinstance(message.blocks[end], Divider | Buttons):
        end += 1
    return message.blocks[:first], message.blocks[first:end], message.blocks[end:]
