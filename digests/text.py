"""Text for people: plain text of LaTeX and HTML, visible characters alone, clipping to a limit. Pure."""

import re
import unicodedata
from collections.abc import Callable
from itertools import pairwise

from digests.html_text import convert_html
from digests.latex import convert_latex

MAX_PASSES = 10
"""Conversion passes, a bound against hostile text: real text settles in two or three."""

MAX_TITLE_CHARACTERS = 400
MAX_NAME_CHARACTERS = 40
MAX_NAME_WORDS = 3
"""Limits of a system's name at the beginning of a title."""

_TEX = re.compile(r"[\\${}~]|``|''|[\w”)]\s?---?\s?[\w“(]")
_SPACE = re.compile(r"\s+")
_UNSEEN = re.compile(
    # Controls except white space, soft hyphen, zero-width and bidi signs, surrogates, private use, tags.
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\ud800-\udfff\ue000-\uf8ff\ufeff\ufff9-\uffff\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
)
_LOOSE_JOINER = re.compile("(?:(?<=[\x00-\x7f])|^)[\u200c\u200d]+")
MAX_COMBINING_MARKS = 30
"""Combining marks in a row that are normalized, as in UAX #15: sorting them takes quadratic time."""

_MARK_RUN = re.compile(rf"[^\w\s\x00-\x7f]{{{MAX_COMBINING_MARKS + 1},}}")
_STACKED_MARKS = re.compile(
    "([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]{3})"
    "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+"
)


def normalize_text(text: str) -> str:
    """Return one line of visible text in NFC: invisible characters removed, white space collapsed.

    Bidi controls count as invisible. Joiners stay between letters and emoji that need them. A letter keeps at
    most three stacked marks. White space at both ends is removed.
    """
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()  # Most texts, many times faster.
    text = _SPACE.sub(" ", text)
    if text.isascii():
        return _UNSEEN.sub("", text).strip() if not text.isprintable() else text.strip()
    text = limit_combining_marks(_LOOSE_JOINER.sub("", _UNSEEN.sub("", text)))
    # Removing an invisible character can bring two spaces together.
    return _SPACE.sub(" ", _STACKED_MARKS.sub(r"\1", unicodedata.normalize("NFC", text))).strip()


def limit_combining_marks(text: str) -> str:
    """Return the text with at most `MAX_COMBINING_MARKS` in a row, so that normalization is linear."""
    return text if text.isascii() else _MARK_RUN.sub(_drop_further_marks, text)


def _drop_further_marks(found: re.Match[str]) -> str:
    kept, count = [], 0
    for sign in found[0]:
        count = count + 1 if unicodedata.combining(sign) else 0
        if count <= MAX_COMBINING_MARKS:
            kept.append(sign)
    return "".join(kept)


def to_plain_text(text: str, system_name: str = "") -> str:
    """Convert LaTeX and HTML to Unicode, on one line as `normalize_text` makes it. Idempotent; never raises.

    Amounts of money, percent signs, addresses and the braces of sets are kept. `system_name` stands where the
    authors used a macro of their own for their system; without it such a macro is left out.
    """
    text = normalize_text(text)
    if not has_markup(text):
        return text
    for _ in range(MAX_PASSES):
        converted = normalize_text(_convert_markup(text, system_name))
        if converted == text:
            return text
        text = converted
    return text


_MARKUP_SIGNS = ("\\", "$", "&", "<", "{", "}", "~", "--", "``", "''", "**")


def has_markup(text: str) -> bool:
    """Return False for a text without any sign of LaTeX or HTML: many times faster than the patterns."""
    for sign in _MARKUP_SIGNS:  # noqa: SIM110 - Twice as fast as any().
        if sign in text:
            return True
    return False


def find_system_name(title: str) -> str:
    """Return the name of a system that a title begins with, before its colon; empty if there is none."""
    name, colon, _ = to_plain_text(title[:MAX_TITLE_CHARACTERS]).partition(":")
    words = name.split()
    if not colon or len(words) > MAX_NAME_WORDS or not all(map(str.isprintable, words)):
        return ""
    is_name = len(words) == 1 or any(re.search(r"[^\W\d_][A-Z]|\d", word) for word in words)
    return name.strip() if is_name and len(name) <= MAX_NAME_CHARACTERS else ""


def _convert_markup(text: str, system_name: str) -> str:
    if "&" in text or "<" in text:
        text = convert_html(text)
    if _TEX.search(text):
        text = convert_latex(text, system_name)
    return _BOLD.sub(r"\1", text) if "**" in text else text


_BOLD = re.compile(r"(?<![\w*])\*\*(?=[^\s*])([^*]{1,200})(?<=[^\s*])\*\*(?![\w*])")
"""Bold text of Markdown, which some abstracts have. A power such as 2**n is not bold."""


_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’)\]]*(?=\s|$)|[。！？]")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|i\.i\.d|cf|vs|etc|al|Fig|Eq|Sec|Tab|No|Dr|St|approx|resp|[A-Z]))\.$"
)
_ATOM = re.compile(r"https?://\S+|&#?\w{1,32};|\S+")
SENTENCE_SHARE = 0.6
"""Share of the limit that a clip at a sentence must fill; else it ends at a word with an ellipsis."""


def split_sentences(text: str) -> list[str]:
    """Split one line of text into sentences, each a span of it. Abbreviations do not end a sentence.

    Empty for an empty text. Text after the last sign of an end is a sentence too.
    """
    found, start = [], 0
    for end in _find_sentence_ends(text):
        found.append(text[start:end].strip())
        start = end
    found.append(text[start:].strip())
    return [sentence for sentence in found if sentence]


def _find_sentence_ends(text: str) -> list[int]:
    ends = []
    for mark in _SENTENCE_END.finditer(text):
        if mark[0].startswith(".") and _ABBREVIATION.search(
            text[max(0, mark.start() - 8) : mark.start() + 1]
        ):
            continue
        ends.append(mark.end())
    return ends


def clip_text(text: str, limit: int, cost: Callable[[str], int] = len) -> str:
    """Clip `text` to a cost of at most `limit`: after a sentence, else after a word, with an ellipsis.

    A text that fits is returned unchanged. `cost` measures a text as it is written out, where escaping makes
    it longer. The default counts characters. Never cuts inside an address, an entity or a grapheme. Returns
    an empty string if nothing fits.
    """
    if cost(text) <= limit:
        return text
    sentence = _find_longest_prefix(text, _find_sentence_ends(text[: limit + 1]), limit, cost, "")
    if sentence and cost(sentence) >= limit * SENTENCE_SHARE:
        return sentence
    word = _find_longest_prefix(
        text, [atom.end() for atom in _ATOM.finditer(text[: limit + 1])][:-1], limit, cost, "…"
    )
    if word and cost(word) >= limit * SENTENCE_SHARE / 2:
        return word
    atom = _ATOM.search(text, len(word.rstrip("…")) if word else 0)
    if word and atom and re.match(r"https?://|&#?\w{1,32};", atom[0]):
        return word
    return _find_longest_prefix(text, _find_grapheme_ends(text[: limit + 1]), limit, cost, "…") or word


_PHRASE_OPENERS = frozenset(
    {
        "about", "achieving", "across", "against", "aiming", "among", "and", "as", "at", "based", "because",
        "beyond", "between", "but", "by", "combining", "demonstrating", "designed", "during", "enabling",
        "featuring", "for", "from", "how", "improving", "in", "into", "on", "over", "outperforming",
        "showing", "since", "so", "than", "that", "through", "to", "toward", "towards", "under", "using",
        "via", "when", "where", "whether", "which", "while", "with", "within", "without",
    }
)  # fmt: skip
PHRASE_SHARE = 0.5
"""Share of the limit that must remain of a text that is cut before a phrase."""


def clip_to_phrase(text: str, limit: int) -> str:
    """Clip a text to `limit` characters as `clip_text` does, and back to the end of its last whole phrase.

    A phrase begins with one of `_PHRASE_OPENERS`, or after a comma, semicolon or colon.
    """
    clipped = clip_text(text, limit)
    kept = clipped.removesuffix("…")
    if kept == clipped or not text.startswith(kept):
        return clipped
    opener, end = "".join(text[len(kept) :].split(maxsplit=1)[:1]), len(kept)
    while end >= limit * PHRASE_SHARE:
        if opener.lower() in _PHRASE_OPENERS or kept[end - 1] in ",;:":
            return f"{kept[:end].rstrip(' ,;:')}…"
        start = kept.rfind(" ", 0, end)
        opener, end = kept[start + 1 : end], start
    return clipped


def _find_longest_prefix(
    text: str, ends: list[int], limit: int, cost: Callable[[str], int], ending: str
) -> str:
    """Return the longest prefix that ends at one of `ends` and fits with its ending, else an empty string.

    Bisects, since the cost grows with the length.
    """
    low, high = 0, len(ends)
    while low < high:
        middle = (low + high) // 2
        if cost(_with_ending(text[: ends[middle]], ending)) <= limit:
            low = middle + 1
        else:
            high = middle
    return _with_ending(text[: ends[low - 1]], ending) if low else ""


def _with_ending(text: str, ending: str) -> str:
    return text.rstrip(" ,;:–—-([{") + ending if ending else text.strip()


# Graphemes of flags are found in quadratic time. The end of such a run ends a flag: its length is even.
_LONG_FLAG_RUN = re.compile("[\U0001f1e6-\U0001f1ff]{200}(?=[\U0001f1e6-\U0001f1ff])")


def _find_grapheme_ends(text: str) -> list[int]:
    import regex  # Takes 0.1 s to load, and few texts need it.

    if re.match(r"\s*(?:https?://|&#?\w{1,32};)", text):
        return []
    bounds = [0, *(run.end() for run in _LONG_FLAG_RUN.finditer(text)), len(text)]
    ends = [
        start + found.end()
        for start, end in pairwise(bounds)
        for found in regex.finditer(r"\X", text[start:end])
    ]
    return ends[:-1]  # The slice may have cut the last grapheme.


def parse_number(text: str) -> int | None:
    """Parse a number of at most nine ASCII digits, which every column of the store can hold.

    Returns None for anything else, such as other digits or a sign: the text may come from anybody.
    """
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 9 else None
