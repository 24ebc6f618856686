"""Text that nobody sees on a page: flags of orders in it and of the text itself, and suspicious passages."""

from collections.abc import Iterator, Sequence

from digests.injection_rules import HIDDEN_TEXT, REVIEW_STEERING
from digests.injections import EXCERPT_LENGTH, find_suspicious_passages, scan_text
from digests.model import Flag

MIN_HIDDEN_WORDS = 4
"""Words from which hidden text is flagged. Fewer are a spacer of the layout or the name of an icon."""

MAX_HIDDEN_TEXTS = 100
"""Hidden texts of a page that are scanned one by one. Further ones are scanned as one text."""


def flag_hidden_texts(hidden_texts: Sequence[str]) -> Iterator[Flag]:
    """Yield the flags of the hidden texts of a document."""
    further_texts = " • ".join(hidden_texts[MAX_HIDDEN_TEXTS:])  # An order begins a clause.
    for words in (*hidden_texts[:MAX_HIDDEN_TEXTS], further_texts):
        flags = scan_text(words, "full text", is_hidden=True)
        yield from flags
        if not flags and len(words.split(None, MIN_HIDDEN_WORDS)) >= MIN_HIDDEN_WORDS:
            yield Flag(HIDDEN_TEXT, words[:EXCERPT_LENGTH], "full text", is_hidden=True)


MAX_SUSPICIOUS_HIDDEN_TEXTS = 12
"""Hidden texts that are suspicious passages: the question about them has room for fewer."""
MAX_SUSPICIOUS_CHARACTERS = 400
"""Characters of a hidden text as a suspicious passage."""


def list_suspicious_passages(text: str, hidden_texts: Sequence[str]) -> tuple[Flag, ...]:
    """Return hidden texts and passages of the visible text that may be orders, as flags that they may become.

    Hidden texts in which an order was found are flagged, and left out.
    """
    hidden = [
        Flag(REVIEW_STEERING, words[:MAX_SUSPICIOUS_CHARACTERS], "full text", is_hidden=True)
        for words in hidden_texts
        if len(words.split(None, MIN_HIDDEN_WORDS)) >= MIN_HIDDEN_WORDS
    ]
    unsure = [
        flag
        for flag in hidden[:MAX_SUSPICIOUS_HIDDEN_TEXTS]
        if not scan_text(flag.excerpt, "full text", is_hidden=True)
    ]
    return (*unsure, *find_suspicious_passages(text, "full text"))
