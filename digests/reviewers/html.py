"""Text extraction from a paper's HTML page. Hidden text is removed and flagged."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from digests.injection_rules import HIDDEN_TEXT
from digests.injections import EXCERPT_LENGTH, scan_text
from digests.model import Flag
from digests.reviewers.full_text import MAX_FULL_TEXT_CHARACTERS, FullText

if TYPE_CHECKING:
    from lxml.html import HtmlElement

MIN_HIDDEN_WORDS = 4
"""Words from which hidden text is flagged. Fewer are a spacer of the layout or the name of an icon."""


def parse_html(page: bytes) -> FullText:
    """Return the visible text of a page, with flags of orders to a reviewer and of hidden text.

    Damaged HTML is read as far as possible. The text is empty for an empty page, and at most
    `MAX_FULL_TEXT_CHARACTERS` long.
    """
    from lxml import html

    parser = html.HTMLParser(
        encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=False
    )
    root = html.document_fromstring(page or b"<html></html>", parser=parser, ensure_head_body=True)
    hidden_texts = _remove_hidden_text(root)
    text = "\n".join(_split_paragraphs(root))[:MAX_FULL_TEXT_CHARACTERS]
    return FullText(text, (*_flag_hidden_text(hidden_texts), *scan_text(text, "full text")))


_INVISIBLE_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|(?<![\w-])opacity\s*:\s*0?\.?0+\s*(?:;|$|!)|"
    r"font-size\s*:\s*(?:0*\.?\d*(?:px|pt|r?em)?\s*(?:;|$|!))|"
    r"(?:left|top|text-indent)\s*:\s*-\s*\d{3,}|clip\s*:\s*rect\(0"
)
_FONT_SIZE = re.compile(r"font-size\s*:\s*(\d*\.?\d+)\s*(px|pt|r?em|%)")
_MIN_FONT_SIZE = {"px": 3.0, "pt": 3.0, "em": 0.25, "rem": 0.25, "%": 25.0}
"""Font sizes below which text is not readable."""
_WHITE_TEXT = re.compile(
    r"(?:^|[;\s])(?:--ltx-fg-color|color)\s*:\s*(?:white|snow|ivory|transparent|"
    r"#fff(?:fff)?(?:ff)?\b|#f[c-f]f[c-f]f[c-f]\b|"
    r"rgba?\(\s*25[0-5]\s*,\s*25[0-5]\s*,\s*25[0-5]|rgba\([^)]*,\s*0(?:\.0+)?\s*\)|hsl\([^)]*\b100%\s*\))"
)
_BACKGROUND = re.compile(r"background|--ltx-bg-color")
_NON_TEXT_TAGS = (
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
_BLOCK_TAGS = frozenset(
    ("p", "div", "section", "article", "li", "tr", "td", "th", "h1", "h2", "h3", "h4", "h5", "h6",
     "figcaption", "caption", "blockquote", "pre", "table", "ul", "ol", "dl", "dd", "dt", "br")
)  # fmt: skip


def _remove_hidden_text(root: "HtmlElement") -> list[str]:
    """Remove hidden elements from the page and return their texts.

    Scripts and the like are removed first, and their text is not returned.
    """
    for element in list(root.iter(*_NON_TEXT_TAGS)):
        if element.getparent() is not None:
            element.drop_tree()
    hidden_texts: list[str] = []
    for element in list(root.iter()):
        if isinstance(element.tag, str) and _is_hidden(element) and element.getparent() is not None:
            words = " ".join("".join(element.itertext()).split())
            if words:
                hidden_texts.append(words)
            element.drop_tree()
    return hidden_texts


def _is_hidden(element: "HtmlElement") -> bool:
    style = (element.get("style") or "").lower()
    if element.get("hidden") is not None or element.get("color", "").lower() in ("white", "#ffffff", "#fff"):
        return True
    if not style:
        return False
    if _has_tiny_font(style) or (_INVISIBLE_STYLE.search(style) and not _FONT_SIZE.search(style)):
        return True
    return bool(_WHITE_TEXT.search(style)) and not _has_background(element)


def _has_tiny_font(style: str) -> bool:
    return any(float(size) < _MIN_FONT_SIZE[unit] for size, unit in _FONT_SIZE.findall(style))


def _has_background(element: "HtmlElement") -> bool:
    """Return True if the element or an ancestor sets a background: white text is visible there."""
    element_and_ancestors = (element, *element.iterancestors())
    return any(
        _BACKGROUND.search((node.get("style") or "").lower()) or node.get("bgcolor")
        for node in element_and_ancestors
    )


def _flag_hidden_text(hidden_texts: list[str]) -> Iterator[Flag]:
    for words in hidden_texts:
        flags = scan_text(words, "full text", is_hidden=True)
        yield from flags
        if not flags and len(words.split()) >= MIN_HIDDEN_WORDS:
            yield Flag(HIDDEN_TEXT, words[:EXCERPT_LENGTH], "full text", is_hidden=True)


def _split_paragraphs(root: "HtmlElement") -> Iterator[str]:
    """Yield the paragraphs of a page, with formulas as TeX where the page has it."""
    words: list[str] = []
    for event, element in _walk_elements(root):
        if element.tag in _BLOCK_TAGS and words:
            if paragraph := " ".join("".join(words).split()):
                yield paragraph
            words = []
        if event == "end":
            words.append(element.tail or "")
        else:
            words.append(element.text or "")
    if paragraph := " ".join("".join(words).split()):
        yield paragraph


def _walk_elements(root: "HtmlElement") -> Iterator[tuple[str, "HtmlElement"]]:
    from lxml import etree

    for event, element in etree.iterwalk(root, events=("start", "end")):
        if isinstance(element.tag, str):
            yield event, element
