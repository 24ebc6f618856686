"""Text extraction from PDFs. A hostile file may take unbounded time or memory: call it in the reader."""

import io
import re
from contextlib import suppress

from digests.injections import scan_text
from digests.reviewers.full_text import MAX_FULL_TEXT_CHARACTERS, FullText


def read_pdf(document: bytes) -> FullText | None:
    """Return the text of a PDF with flags of orders to a reviewer, None if it has no text."""
    text = parse_pdf(document)
    return FullText(text, tuple(scan_text(text, "full text"))) if text.strip() else None


def parse_pdf(document: bytes) -> str:
    """Return the text of a PDF, as far as it is readable, including text in white or in a tiny font.

    At most `MAX_FULL_TEXT_CHARACTERS`. Words that were hyphenated at the end of a line are joined. A damaged
    file gives the pages before the damage; never raises. The PDF library's log is turned off.
    """
    import logging

    from pypdf import PdfReader

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    pages: list[str] = []
    # A broken file may raise anything inside the library. The pages read before that are used.
    with suppress(Exception):
        for page in PdfReader(io.BytesIO(document), strict=False).pages:
            pages.append(page.extract_text())
            if sum(map(len, pages)) > MAX_FULL_TEXT_CHARACTERS:
                break
    text = "\n".join(pages).encode("utf-8", "replace").decode()
    return join_hyphenated_words(text)[:MAX_FULL_TEXT_CHARACTERS]


def join_hyphenated_words(text: str) -> str:
    """Join words that were hyphenated at the end of a line."""
    return re.sub(r"-\n(?=[a-z])", "", text)
