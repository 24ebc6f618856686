"""Text extraction from a paper's HTML page. Hidden text is removed and flagged."""

import re
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING

from digests.injections import scan_text
from digests.reviewers.full_text import MAX_FULL_TEXT_CHARACTERS, FullText
from digests.reviewers.hidden_text import flag_hidden_texts, list_suspicious_passages
from digests.reviewers.style_sheets import Element, StyleSheets, name_element

if TYPE_CHECKING:
    from lxml.html import HtmlElement


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
    flags = (*flag_hidden_texts(hidden_texts), *scan_text(text, "full text"))
    return FullText(text, flags, suspicious=list_suspicious_passages(text, hidden_texts))


_INVISIBLE_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|(?<![\w-])opacity\s*:\s*0?\.?0+\s*(?:;|$|!)|"
    r"font-size\s*:\s*(?:\d*(?:\.\d*)?(?:px|pt|r?em)?\s*(?:;|$|!))|"
    r"(?:left|top|text-indent)\s*:\s*-\s*\d{3,}|clip\s*:\s*rect\(0|clip-path\s*:\s*(?:inset\((?:50|100)%|"
    r"circle\(0)|transform\s*:\s*scale\(0(?:\.0\d*)?\)|max-height\s*:\s*0"
)
_FONT_SIZE = re.compile(r"font-size\s*:\s*(\d+(?:\.\d+)?|\.\d+)\s*(px|pt|r?em|%)")
_MIN_FONT_SIZE = {"px": 3.0, "pt": 3.0, "em": 0.25, "rem": 0.25, "%": 25.0}
"""Font sizes below which text is not readable."""
_COLOR = re.compile(r"(?:^|[;\s])(?:--ltx-fg-color|color)\s*:\s*([^;!]{1,60})")
_BACKGROUND = re.compile(r"(?:background(?:-color|-image)?|--ltx-bg-color)\s*:\s*([^;!]{1,60})")
_WHITE = re.compile(
    r"white|snow|ivory|#fff(?:fff)?(?:ff)?\b|#f[c-f]f[c-f]f[c-f]\b|"
    r"rgba?\(\s*25[0-5][\s,]+25[0-5][\s,]+25[0-5]|hsl\([^()]*\b100%\s*\)"
)
_TRANSPARENT = re.compile(r"transparent|none|rgba\([^()]*,\s*0(?:\.0+)?\s*\)")
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

    def __init__(self, sheets: StyleSheets) -> None:
        self._sheets = sheets
        self._open_elements: list[Element] = []
        self._open_names: Counter[str] = Counter()
        self.paragraphs: list[str] = []
        self.hidden_texts: list[str] = []
        self._words: list[str] = []
        self._hidden_words: list[str] = []
        self._hidden_element: HtmlElement | None = None
        self._backgrounds = [""]
        self._hides_text = lru_cache(MAX_REMEMBERED_STYLES)(_hides_text)
        self._find_last = lru_cache(MAX_REMEMBERED_STYLES)(_find_last)

    def enter(self, element: "HtmlElement") -> None:
        """Take the text at the start of an element."""
        self._end_paragraph(element)
        style = self._open(element)
        # White text is visible on a background of the element or of an ancestor.
        own = self._find_last(_BACKGROUND, style) or (element.get("bgcolor") or "").strip().lower()
        background = ("" if _TRANSPARENT.match(own) else own) or self._backgrounds[-1]
        self._backgrounds.append(background)
        is_root = element.getparent() is None
        is_hidden = _has_hiding_attribute(element) or (bool(style) and self._hides_text(style, background))
        if self._hidden_element is None and not is_root and is_hidden:
            self._hidden_element = element
        self._take(element.text)

    def _open(self, element: "HtmlElement") -> str:
        """Return the style of an element, and count it among those around the next ones."""
        named = name_element(element.tag, element.get("class") or "", element.get("id") or "")
        style = self._sheets.merge_style(named, (element.get("style") or "").lower(), self._open_names.keys())
        self._open_elements.append(named)
        self._open_names.update((named.tag, *named.names))
        return style

    def leave(self, element: "HtmlElement") -> None:
        """Take the text behind the end of an element."""
        self._backgrounds.pop()
        closed = self._open_elements.pop()
        for name in (closed.tag, *closed.names):
            self._open_names[name] -= 1
            if not self._open_names[name]:
                del self._open_names[name]
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

    collector = _TextCollector(StyleSheets([sheet.text or "" for sheet in root.iter("style")]))
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


def _has_hiding_attribute(element: "HtmlElement") -> bool:
    return element.get("hidden") is not None or element.get("color", "").lower() in (
        "white", "#ffffff", "#fff",
    )  # fmt: skip


MAX_REMEMBERED_STYLES = 1_000
"""Styles that are remembered with what they say: the elements of a page share a few."""


def _hides_text(style: str, background: str) -> bool:
    if _has_tiny_font(style) or (_INVISIBLE_STYLE.search(style) and not _FONT_SIZE.search(style)):
        return True
    color = _find_last(_COLOR, style)
    if _WHITE.match(color):
        return not background or bool(_WHITE.match(background))
    return bool(color) and (bool(_TRANSPARENT.match(color)) or color == background)


def _find_last(pattern: re.Pattern[str], style: str) -> str:
    return max(((found.start(), found[1].strip()) for found in pattern.finditer(style)), default=(0, ""))[1]


def _has_tiny_font(style: str) -> bool:
    return any(float(size) < _MIN_FONT_SIZE[unit] for size, unit in _FONT_SIZE.findall(style))
