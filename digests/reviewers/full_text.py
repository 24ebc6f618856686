"""A paper's full text and the limits of its size."""

from dataclasses import dataclass

from digests.model import Flag

MAX_FULL_TEXT_CHARACTERS = 400_000
"""Characters of a full text that are used; about two hundred pages."""

MIN_FULL_TEXT_CHARACTERS = 2_000
"""Characters from which a text counts as a paper. Less is an abstract page or a scan without text."""


@dataclass(frozen=True, slots=True)
class FullText:
    """The visible text of a paper, and the flags of orders to a reviewer and of hidden text.

    From HTML it has one paragraph per line, from a PDF (`is_pdf`) the lines of the pages. At most
    `MAX_FULL_TEXT_CHARACTERS` are kept. `suspicious` are its hidden texts and other passages that may be
    orders, as the flags that they may become.
    """

    text: str
    flags: tuple[Flag, ...] = ()
    is_pdf: bool = False
    suspicious: tuple[Flag, ...] = ()
