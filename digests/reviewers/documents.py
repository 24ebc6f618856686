"""Full texts of documents that are the paper: whole, with its title or abstract. Call it in the reader."""

import re

from digests.reviewers.full_text import MIN_FULL_TEXT_CHARACTERS, FullText
from digests.reviewers.html import parse_html
from digests.reviewers.pdf import read_pdf
from digests.reviewers.quotes import MIN_QUOTE_CHARACTERS, is_quoted, normalize_for_quotes

TITLE_CHARACTERS = 5_000
"""Characters of a document's beginning in which its title stands."""
OPENING_CHARACTERS = 30_000
"""Characters of a document's beginning in which its abstract stands."""
MAX_COMPARED_CHARACTERS = 5_000
"""Characters of an abstract and a title that are compared with a document."""
MIN_WORD_LETTERS = 6
"""Letters of a word that is compared: shorter ones are in every text."""
MIN_WORDS = 8
"""Different words of an abstract from which it tells documents apart."""
MIN_SHARED_WORDS = 0.65
"""Share of an abstract's words that its own paper has. Another paper of the same field has about a third."""

END_BYTES = 4096
"""Bytes at the end of a document in which its closing mark stands."""

_FATAL_ERROR = re.compile(
    r"[^\w\n]{0,9}(?:Conversion to HTML had (?:a|\d+) fatal error|This document may be truncated or damaged)",
    re.IGNORECASE,
)
MAX_ERROR_CHARACTERS = 300
"""Characters of a paragraph that may be the note of a conversion error, and no part of a paper."""


def read_page_of(title: str, abstract: str, page: bytes) -> FullText | None:
    """Return the text of a paper's HTML page with its flags, as `parse_html` does.

    None for a page that is cut off, whose conversion failed, that has no paper, or has another one.
    """
    if b"</html" not in page[-END_BYTES:].lower():
        return None
    full_text = parse_html(page)
    if len(full_text.text) < MIN_FULL_TEXT_CHARACTERS or has_conversion_error(full_text.text):
        return None
    return full_text if is_text_of(title, abstract, full_text.text) else None


def read_pdf_of(title: str, abstract: str, document: bytes) -> FullText | None:
    """Return the text of a paper's PDF with its flags, as `read_pdf` does.

    None for one that is cut off, has no text, or is another paper.
    """
    if b"%%EOF" not in document[-END_BYTES:]:
        return None
    full_text = read_pdf(document)
    return full_text if full_text and is_text_of(title, abstract, full_text.text) else None


def has_conversion_error(text: str) -> bool:
    """Return True if a paragraph is arXiv's note that the conversion broke off.

    Marks of single macros that were not known are no such note: most of the paper is there.
    """
    return any(
        _FATAL_ERROR.match(paragraph)
        for paragraph in text.split("\n")
        if len(paragraph) <= MAX_ERROR_CHARACTERS
    )


def is_text_of(title: str, abstract: str, text: str) -> bool:
    """Return True if the text begins with the paper's title, or shares most words of its abstract.

    Also for a title and an abstract that are too short to tell.
    """
    bare_title = normalize_for_quotes(title[:MAX_COMPARED_CHARACTERS])
    words = {
        bare
        for word in abstract[:MAX_COMPARED_CHARACTERS].split()
        if word.isascii() and len(bare := normalize_for_quotes(word)) >= MIN_WORD_LETTERS
    }
    if len(bare_title) < MIN_QUOTE_CHARACTERS and len(words) < MIN_WORDS:
        return True
    if is_quoted(title[:MAX_COMPARED_CHARACTERS], normalize_for_quotes(text[:TITLE_CHARACTERS])):
        return True
    if len(words) < MIN_WORDS:
        return False
    opening = normalize_for_quotes(text[:OPENING_CHARACTERS])
    return sum(word in opening for word in words) >= MIN_SHARED_WORDS * len(words)
