"""The words of a paper out of its page or its PDF, and what was hidden among them. Pure: bytes in, text out."""

import io
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from digests.flags import EXCERPT, HIDDEN_TEXT, scan
from digests.model import Flag

if TYPE_CHECKING:
    from lxml.html import HtmlElement

MOST_CHARACTERS = 400_000
"""Of a full text: two hundred pages."""

LEAST_CHARACTERS = 2_000
"""A text of fewer characters is an abstract's page or a scan without letters, not a paper."""

HIDDEN_WORDS = 4
"""Hidden text of fewer words is a layout's spacer or an icon's name."""


@dataclass(frozen=True, slots=True)
class FullText:
    """What a reader sees of a paper, a paragraph a line, and the orders found in it, hidden ones among them."""

    text: str
    flags: tuple[Flag, ...] = ()


def html_text(page: bytes) -> FullText:
    """The visible words of a page; text that nobody can see is left out and flagged."""
    from lxml import html

    parser = html.HTMLParser(
        encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=False
    )
    root = html.document_fromstring(page or b"<html></html>", parser=parser, ensure_head_body=True)
    hidden = _take_hidden(root)
    text = "\n".join(_paragraphs(root))[:MOST_CHARACTERS]
    return FullText(text, (*_hidden_flags(hidden), *scan(text, "full text")))


def pdf_words(document: bytes) -> str:
    """The words of a PDF, as far as it can be read. White or tiny text cannot be told from other text there."""
    import logging

    from pypdf import PdfReader

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    pages: list[str] = []
    with suppress(
        Exception
    ):  # A broken file may fail in any way inside the library; what was read so far is used.
        for page in PdfReader(io.BytesIO(document), strict=False).pages:
            pages.append(page.extract_text())
            if sum(map(len, pages)) > MOST_CHARACTERS:
                break
    return re.sub(r"-\n(?=[a-z])", "", "\n".join(pages))[:MOST_CHARACTERS]


# What a page hides.

_UNSEEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|(?<![\w-])opacity\s*:\s*0?\.?0+\s*(?:;|$|!)|"
    r"font-size\s*:\s*(?:0*\.?\d*(?:px|pt|r?em)?\s*(?:;|$|!))|(?:left|top|text-indent)\s*:\s*-\s*\d{3,}|clip\s*:\s*rect\(0"
)
_SIZE = re.compile(r"font-size\s*:\s*(\d*\.?\d+)\s*(px|pt|r?em|%)")
_LEAST_SIZE = {"px": 3.0, "pt": 3.0, "em": 0.25, "rem": 0.25, "%": 25.0}
"""Smaller letters are not read by anybody."""
_WHITE = re.compile(
    r"(?:^|[;\s])(?:--ltx-fg-color|color)\s*:\s*(?:white|snow|ivory|transparent|#fff(?:fff)?(?:ff)?\b|#f[c-f]f[c-f]f[c-f]\b|"
    r"rgba?\(\s*25[0-5]\s*,\s*25[0-5]\s*,\s*25[0-5]|rgba\([^)]*,\s*0(?:\.0+)?\s*\)|hsl\([^)]*\b100%\s*\))"
)
_BACKGROUND = re.compile(r"background|--ltx-bg-color")
_NOT_TEXT = (
    "script",
    "style",
    "noscript",
    "template",
    "head",
    "nav",
    "annotation",
    "annotation-xml",
    "button",
    "svg",
)
_BLOCKS = frozenset(
    ("p", "div", "section", "article", "li", "tr", "td", "th", "h1", "h2", "h3", "h4", "h5", "h6", "figcaption", "caption",
     "blockquote", "pre", "table", "ul", "ol", "dl", "dd", "dt", "br")
)  # fmt: skip


def _take_hidden(root: "HtmlElement") -> list[str]:
    """Takes out what is not seen, and returns its words; scripts and the like are taken out unread."""
    for element in list(root.iter(*_NOT_TEXT)):
        if element.getparent() is not None:
            element.drop_tree()
    hidden: list[str] = []
    for element in list(root.iter()):
        if isinstance(element.tag, str) and _is_hidden(element) and element.getparent() is not None:
            words = " ".join("".join(element.itertext()).split())
            if words:
                hidden.append(words)
            element.drop_tree()
    return hidden


def _is_hidden(element: "HtmlElement") -> bool:
    style = (element.get("style") or "").lower()
    if element.get("hidden") is not None or element.get("color", "").lower() in ("white", "#ffffff", "#fff"):
        return True
    if not style:
        return False
    if _has_no_size(style) or (_UNSEEN_STYLE.search(style) and not _SIZE.search(style)):
        return True
    return bool(_WHITE.search(style)) and not _on_a_background(element)


def _has_no_size(style: str) -> bool:
    return any(float(size) < _LEAST_SIZE[unit] for size, unit in _SIZE.findall(style))


def _on_a_background(element: "HtmlElement") -> bool:
    """White letters in a coloured cell are seen."""
    around = (element, *element.iterancestors())
    return any(_BACKGROUND.search((one.get("style") or "").lower()) or one.get("bgcolor") for one in around)


def _hidden_flags(hidden: list[str]) -> Iterator[Flag]:
    for words in hidden:
        orders = scan(words, "full text", hidden=True)
        yield from orders
        if not orders and len(words.split()) >= HIDDEN_WORDS:
            yield Flag(HIDDEN_TEXT, words[:EXCERPT], "full text", hidden=True)


def _paragraphs(root: "HtmlElement") -> Iterator[str]:
    """The page's paragraphs; a formula is its TeX where the page has it."""
    words: list[str] = []
    for event, element in _events(root):
        if element.tag in _BLOCKS and words:
            if paragraph := " ".join("".join(words).split()):
                yield paragraph
            words = []
        if event == "end":
            words.append(element.tail or "")
        else:
            words.append(element.text or "")
    if paragraph := " ".join("".join(words).split()):
        yield paragraph


def _events(root: "HtmlElement") -> Iterator[tuple[str, "HtmlElement"]]:
    from lxml import etree

    for event, element in etree.iterwalk(root, events=("start", "end")):
        if isinstance(element.tag, str):
            yield event, element
