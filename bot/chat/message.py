"""The message format of all platforms, without markup. Every string in it is untrusted text.

`bot/present` builds messages. A platform's `render` escapes and clips their texts, and makes pages of them.
"""

from dataclasses import dataclass
from enum import StrEnum


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


@dataclass(frozen=True, slots=True)
class Card:
    """One paper, with its parts as text. Every renderer leaves empty parts out.

    `paper` is the id that marks refer to. `url` is the link of the title, and the only link in a card.
    `number` is the paper's place in a digest, None outside of one. `score` is short ("8.7/10").
    `limitations_note` is shown if `limitations` is empty. `warnings` are sentences. `review_line` names the
    reviewer, and `reason` says why the paper was picked. `mark_count` people want to discuss the paper.
    """

    paper: str
    title: str
    url: str
    number: int | None = None
    score: str = ""
    authors: str = ""
    domain: str = ""
    tldr: str = ""
    limitations: tuple[str, ...] = ()
    limitations_note: str = ""
    warnings: tuple[str, ...] = ()
    review_line: str = ""
    reason: str = ""
    mark_count: int = 0


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
    """Show the full review of the paper to the person alone."""
    SHOW = "show"
    """Show the paper's card to the person alone."""
    UNDO = "undo"
    """Undo a change of the channel's digest. The value is the number of the change."""
    SETTINGS = "settings"
    """Open the form with the settings of the channel's digest."""
    FINISH_DISCUSSION = "discussed"
    """Take the paper off the queue."""
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
