"""The message format of all platforms, without markup. Every string in it is untrusted text.

`bot/present` builds messages. A platform's `render` escapes and clips their texts, and makes pages of them.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


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


@dataclass(frozen=True, slots=True)
class Card:
    """One paper, with its parts as text. Every renderer leaves empty parts out.

    `paper` is the id that marks refer to. `url` is the link of the title. `number` is the paper's place in a
    digest, None outside of one. `score` is short ("8.7/10"), or says that there is none. `published` is a
    date. `remaining_limitations` counts those that `limitations` leaves out. `warnings` are sentences, and
    `flag_note` one about passages for AI reviewers. `review_line` names the reviewer, and `reason` says why
    the paper was picked. `review_label` is the label of the button to the full review. `mark_count` people
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
    warnings: tuple[str, ...] = ()
    flag_note: str = ""
    links: tuple[Link, ...] = ()
    review_line: str = ""
    reason: str = ""
    review_label: str = ""
    mark_count: int = 0
    short_title: str = ""
    brief: str = ""
    brief_limitation: str = ""
    brief_links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Divider:
    """A line between parts."""


class ButtonAction(StrEnum):
    """Action of a button. The button's value is a paper's id, unless stated otherwise."""

    DISCUSS = "discuss"
    """Mark the paper for discussion, or take the mark back. Renderers put this button on every card."""
    SHARE = "share"
    """Show the paper to the whole channel."""
    REVIEW = "review"
    """Show the full review of the paper to the person alone. Cards with a `review_label` have this button."""
    MORE = "more"
    """Show further results of a look-up. The value is their offset, a colon and the text of the look-up."""
    NEXT = "next"
    """Show the next papers of a digest to the person alone. The value is that of `digests.next_papers`."""
    SHOW = "show"
    """Show the paper's card to the person alone."""
    UNDO = "undo"
    """Undo a change of the channel's digest. The value is the number of the change."""
    SETTINGS = "settings"
    """Open the form with the settings of the channel's digest."""
    FORM = "form"
    """Open a part of the form, or save it. The value is the part, a colon and the channel's id."""
    FINISH_DISCUSSION = "discussed"
    """Take the paper off the queue."""
    UNDO_DISCUSSION = "requeue"
    """Put the paper back on the queue. The value is that of `bot.present.queue.format_discussion`."""
    RELEASE = "release"
    """Let a held paper into digests."""
    REJECT = "reject"
    """Keep a held paper out of every digest."""


@dataclass(frozen=True, slots=True)
class Button:
    """A button with its label, and the value that a click sends back.

    `is_primary` emphasises it. A platform without buttons leaves it out.
    """

    action: ButtonAction
    label: str
    value: str
    is_primary: bool = False


@dataclass(frozen=True, slots=True)
class Buttons:
    """Buttons in a row."""

    buttons: tuple[Button, ...]


@dataclass(frozen=True, slots=True)
class OptionRow:
    """A line with a button beside it: one of several choices."""

    text: str
    button: Button


Block = Heading | Text | Card | Divider | Buttons | OptionRow


@dataclass(frozen=True, slots=True)
class Message:
    """Content of one reply or digest. `summary` is its text in notifications and for screen readers."""

    summary: str
    blocks: tuple[Block, ...]

    @property
    def cards(self) -> tuple[Card, ...]:
        """The cards among the blocks, in order."""
        return tuple(block for block in self.blocks if isinstance(block, Card))


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
