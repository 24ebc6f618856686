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
    from lxml import etree, html

    parser = html.HTMLParser(
        encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True, huge_tree=False
    )
    try:
        root = html.document_fromstring(page, parser=parser, ensure_head_body=True)
    except etree.ParserError:  # There is no element at all.
        return FullText("")
    paragraphs, hidden_texts = _read_elements(root)
    text = "\n".join(paragraphs)[:MAX_FULL_TEXT_CHARACTERS]
    return FullText(text, (*_flag_hidden_texts(hidden_texts), *scan_text(text, "full text")))


_INVISIBLE_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|(?<![\w-])opacity\s*:\s*0?\.?0+\s*(?:;|$|!)|"
    r"font-size\s*:\s*(?:\d*(?:\.\d*)?(?:px|pt|r?em)?\s*(?:;|$|!))|"
    r"(?:left|top|text-indent)\s*:\s*-\s*\d{3,}|clip\s*:\s*rect\(0"
)
_FONT_SIZE = re.compile(r"font-size\s*:\s*(\d+(?:\.\d+)?|\.\d+)\s*(px|pt|r?em|%)")
_MIN_FONT_SIZE = {"px": 3.0, "pt": 3.0, "em": 0.25, "rem": 0.25, "%": 25.0}
"""Font sizes below which text is not readable."""
_WHITE_TEXT = re.compile(
    r"(?:^|[;\s])(?:--ltx-fg-color|color)\s*:\s*(?:white|snow|ivory|transparent|"
    r"#fff(?:fff)?(?:ff)?\b|#f[c-f]f[c-f]f[c-f]\b|"
    r"rgba?\(\s*25[0-5]\s*,\s*25[0-5]\s*,\s*25[0-5]|rgba\([^()]*,\s*0(?:\.0+)?\s*\)|hsl\([^()]*\b100%\s*\))"
)
_BACKGROUND = re.compile(r"background|--ltx-bg-color")
_NON_TEXT_TAGS = frozenset(
    (
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
)
_BLOCK_TAGS = frozenset(
    ("p", "div", "section", "article", "li", "tr", "td", "th", "h1", "h2", "h3", "h4", "h5", "h6",
     "figcaption", "caption", "blockquote", "pre", "table", "ul", "ol", "dl", "dd", "dt", "br")
)  # fmt: skip


class _TextCollector:
    """The paragraphs of a page and its hidden texts, collected in one pass over the elements.

    A formula is TeX where the page has it.
    """

    def __init__(self) -> None:
        self.paragraphs: list[str] = []
        self.hidden_texts: list[str] = []
        self._words: list[str] = []
        self._hidden_words: list[str] = []
        self._hidden_element: HtmlElement | None = None
        self._backgrounds = [False]

    def enter(self, element: "HtmlElement") -> None:
        """Take the text at the start of an element."""
        self._end_paragraph(element)
        style = (element.get("style") or "").lower()
        # White text is visible on a background of the element or of an ancestor.
        has_background = bool(self._backgrounds[-1] or _BACKGROUND.search(style) or element.get("bgcolor"))
        self._backgrounds.append(has_background)
        is_root = element.getparent() is None
        if self._hidden_element is None and not is_root and _is_hidden(element, style, has_background):
            self._hidden_element = element
        self._take(element.text)

    def leave(self, element: "HtmlElement") -> None:
        """Take the text behind the end of an element."""
        self._backgrounds.pop()
        if self._hidden_element is element:
            self._hidden_element = None
            if words := " ".join("".join(self._hidden_words).split()):
                self.hidden_texts.append(words)
            self._hidden_words = []
        self._end_paragraph(element)
        self._take(element.tail)

    def skip(self, element: "HtmlElement") -> None:
        """Take the text behind an element whose contents are no text."""
        self._take(element.tail)

    def finish(self) -> None:
        """End the last paragraph."""
        if paragraph := " ".join("".join(self._words).split()):
            self.paragraphs.append(paragraph)
        self._words = []

    def _end_paragraph(self, element: "HtmlElement") -> None:
        if element.tag in _BLOCK_TAGS and self._words and self._hidden_element is None:
            self.finish()

    def _take(self, text: str | None) -> None:
        (self._words if self._hidden_element is None else self._hidden_words).append(text or "")


def _read_elements(root: "HtmlElement") -> tuple[list[str], list[str]]:
    """Return the paragraphs of a page and the texts of its hidden elements, without scripts and the like."""
    from lxml import etree

    collector = _TextCollector()
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        if not isinstance(element.tag, str):
            continue
        if element.tag in _NON_TEXT_TAGS:
            if event == "start":
                walk.skip_subtree()
            else:
                collector.skip(element)
        elif event == "start":
            collector.enter(element)
        else:
            collector.leave(element)
    collector.finish()
    return collector.paragraphs, collector.hidden_texts


def _is_hidden(element: "HtmlElement", style: str, has_background: bool) -> bool:
    if element.get("hidden") is not None or element.get("color", "").lower() in ("white", "#ffffff", "#fff"):
        return True
    if not style:
        return False
    if _has_tiny_font(style) or (_INVISIBLE_STYLE.search(style) and not _FONT_SIZE.search(style)):
        return True
    return bool(_WHITE_TEXT.search(style)) and not has_background


def _has_tiny_font(style: str) -> bool:
    return any(float(size) < _MIN_FONT_SIZE[unit] for size, unit in _FONT_SIZE.findall(style))


MAX_HIDDEN_TEXTS = 100
"""Hidden texts of a page that are scanned one by one. Further ones are scanned as one text."""


def _flag_hidden_texts(hidden_texts: list[str]) -> Iterator[Flag]:
    further_texts = " • ".join(hidden_texts[MAX_HIDDEN_TEXTS:])  # An order begins a clause.
    for words in (*hidden_texts[:MAX_HIDDEN_TEXTS], further_texts):
        flags = scan_text(words, "full text", is_hidden=True)
        yield from flags
        if not flags and len(words.split(None, MIN_HIDDEN_WORDS)) >= MIN_HIDDEN_WORDS:
            yield Flag(HIDDEN_TEXT, words[:EXCERPT_LENGTH], "full text", is_hidden=True)
