"""Text extraction from PDFs. A hostile file may take unbounded time or memory: call it in the reader."""

import io
import re
from contextlib import suppress

from digests.injections import scan_text
from digests.reviewers.full_text import MAX_FULL_TEXT_CHARACTERS, FullText
from digests.reviewers.hidden_text import flag_hidden_texts, list_suspicious_passages
from digests.reviewers.pdf_painting import PaintedText


def read_pdf(document: bytes) -> FullText | None:
    """Return the text of a PDF with flags of orders and of hidden text, None if it has no text."""
    text, hidden_texts = parse_pdf(document)
    if not text.strip():
        return None
    flags = (*flag_hidden_texts(hidden_texts), *scan_text(text, "full text"))
    return FullText(text, flags, suspicious=list_suspicious_passages(text, hidden_texts))


def parse_pdf(document: bytes) -> tuple[str, list[str]]:
    """Return the visible text of a PDF, as far as it is readable, and its hidden texts.

    Both have at most `MAX_FULL_TEXT_CHARACTERS`. Words that were hyphenated at the end of a line are joined.
    A damaged file gives the pages before the damage; never raises. The PDF library's log is turned off.
    """
    import logging

    from pypdf import PdfReader

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    pages: list[str] = []
    hidden_texts: list[str] = []
    # A broken file may raise anything inside the library. The pages read before that are used.
    with suppress(Exception):
        for page in PdfReader(io.BytesIO(document), strict=False).pages:
            painted = PaintedText(page)
            text = page.extract_text(
                visitor_operand_before=painted.before,
                visitor_operand_after=painted.after,
                visitor_text=painted.take_text,
            )
            if painted.has_hidden_text:
                text = "".join("\n" if is_hidden else piece for piece, is_hidden in painted.pieces)
                hidden_texts += _join_hidden_pieces(painted.pieces)
            pages.append(text)
            if sum(map(len, pages)) + sum(map(len, hidden_texts)) > MAX_FULL_TEXT_CHARACTERS:
                break
    return _tidy("\n".join(pages)), [_tidy(text) for text in hidden_texts]


def _join_hidden_pieces(pieces: list[tuple[str, bool]]) -> list[str]:
    """Return the hidden pieces of a page, joined where no visible text stands between them."""
    joined: list[list[str]] = [[]]
    for piece, is_hidden in pieces:
        if is_hidden:
            joined[-1].append(piece)
        elif piece.strip() and joined[-1]:
            joined.append([])
    return [words for part in joined if (words := " ".join(" ".join(part).split()))]


def _tidy(text: str) -> str:
    return join_hyphenated_words(text.encode("utf-8", "replace").decode())[:MAX_FULL_TEXT_CHARACTERS]


def join_hyphenated_words(text: str) -> str:
    """Join words that were hyphenated at the end of a line."""
    return re.sub(r"-\n(?=[a-z])", "", text)
