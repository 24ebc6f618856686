"""The neutral message format, before any platform's markup. Every string in it is untrusted text.

`present` builds messages. A platform's `render` escapes, clips and pages them into payloads.
"""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Heading:
    """The first line of a message, one line, no markup."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph with intended line breaks. `is_small_print` makes it grey; `label` precedes it in bold."""

    text: str
    is_small_print: bool = False
    label: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """One paper, with its parts as text. Every renderer leaves empty parts out.

    `paper` is the id that marks refer to. `url` is built by us and the only link in a card. `score` is short
    ("8.7/10"). `limitations_note` replaces empty `limitations`. `mark_count` people want to discuss the
    paper.
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
    """The action of a button. The button's value names its object, such as a paper's id or a query."""

    DISCUSS = "discuss"
    """Mark the paper for discussion, or take the mark back. Every card has this button."""
    SHARE = "share"
    """Show the paper to the whole channel."""
    REVIEW = "review"
    """Show the full review of the paper to the person alone."""
    SHOW = "show"
    """Show the paper's card to the person alone."""
    UNDO = "undo"
    """Undo a change of the channel's digest; the value is the number of the change."""
    SETTINGS = "settings"
    """Open the form with the channel's digest."""
    FINISH_DISCUSSION = "discussed"
    """Take the paper off the queue."""
    RELEASE = "release"
    """Let a held paper into digests."""
    REJECT = "reject"
    """Keep a held paper out of every digest."""


@dataclass(frozen=True, slots=True)
class Button:
    """A button. A platform without buttons leaves it out."""

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
    """The content of one reply or digest. `summary` is for notifications and screen readers."""

    summary: str
    blocks: tuple[Block, ...]

    @property
    def cards(self) -> tuple[Card, ...]:
        """The papers of the message, in order."""
        return tuple(block for block in self.blocks if isinstance(block, Card))
