"""The neutral vocabulary: what is said, before any platform's markup. Every string in it is untrusted text.

`present` builds messages, a platform's `render` turns them into payloads: it escapes, clips and makes pages.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heading:
    """The first line of a message, one line, no markup."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; line breaks in it are meant. `quiet` text is small print. `label` is set off before it, in bold."""

    text: str
    quiet: bool = False
    label: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """One paper, its parts already in words. Empty parts are left out by every renderer.

    `paper` is the id that a mark is about. `url` is a link we built, the only one in a card. `score` is
    short ("8.7/10"); `limitations_note` stands where there are no `limitations`.
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
    reviewed: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Divider:
    """A quiet line between parts."""


Block = Heading | Text | Card | Divider


@dataclass(frozen=True, slots=True)
class Message:
    """What one reply or digest says. `summary` is what a notification and a screen reader get."""

    summary: str
    blocks: tuple[Block, ...]

    @property
    def cards(self) -> tuple[Card, ...]:
        """The papers in it, in order."""
        return tuple(block for block in self.blocks if isinstance(block, Card))
