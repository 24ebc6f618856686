"""A paper's full text and the limits of its size."""

from dataclasses import dataclass

from digests.model import Flag

MAX_FULL_TEXT_CHARACTERS = 400_000
"""Characters of a full text that are used; about two hundred pages."""

MIN_FULL_TEXT_CHARACTERS = 2_000
"""Characters from which a text counts as a paper. Less is an abstract page or a scan without text."""


@dataclass(frozen=True, slots=True)
class FullText:
    """The text of a paper, and the flags of orders to a reviewer that were found in it.

    From HTML it is the visible text, one paragraph per line, with flags of hidden text too. From a PDF it is
    all text, in the lines of the pages. At most `MAX_FULL_TEXT_CHARACTERS` are kept.
    """

    text: str
    flags: tuple[Flag, ...] = ()
