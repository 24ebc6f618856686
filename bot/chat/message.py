"""The neutral vocabulary: what is said, before any platform's markup. Every string in it is untrusted text.

`present` builds messages, a platform's `render` turns them into payloads: it escapes, clips and makes pages.
"""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Heading:
    """The first line of a message, one line, no markup."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; line breaks in it are meant.

    `quiet` text is small print. `label` is set off before it, in bold.
    """

    text: str
    is_small_print: bool = False
    label: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """One paper, its parts already in words. Empty parts are left out by every renderer.

    `paper` is the id that a mark is about. `url` is a link we built, the only one in a card. `score` is short
    ("8.7/10"); `limitations_note` stands where there are no `limitations`. `mark_count` people want it
    discussed.
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
    """A quiet line between parts."""


class ButtonAction(StrEnum):
    """What a button asks for. Its value says of what: a paper's id, or words that were looked up."""

    DISCUSS = "discuss"
    """Put the paper up for discussion, or take that back. Every card has such a button of its own."""
    SHARE = "share"
    """Show the paper to the whole channel."""
    REVIEW = "review"
    """The whole review of the paper, for the person alone."""
    SHOW = "show"
    """The paper's card, for the person alone."""
    UNDO = "undo"
    """Take a change of the channel's digest back; the value is the change's number."""
    SETTINGS = "settings"
    """The form with the channel's digest."""
    FINISH_DISCUSSION = "discussed"
    """Take the paper off the queue."""
    RELEASE = "release"
    """Let a held paper into digests."""
    REJECT = "reject"
    """Keep a held paper out of every digest."""


@dataclass(frozen=True, slots=True)
class Button:
    """Something a person can ask for with a tap. A platform without buttons leaves it out."""

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
    """A line with a button beside it: one of several things to choose from."""

    text: str
    button: Button


Block = Heading | Text | Card | Divider | Buttons | OptionRow


@dataclass(frozen=True, slots=True)
class Message:
    """What one reply or digest says. `summary` is what a notification and a screen reader get."""

    summary: str
    blocks: tuple[Block, ...]

    @property
    def cards(self) -> tuple[Card, ...]:
        """The papers in it, in order."""
        return tuple(block for block in self.blocks if isinstance(block, Card))
