"""Detection of prompt injections: passages of a paper that give orders to its reviewer. Pure.

To limit false alarms, only commands are flagged ("Ignore all previous instructions"). Descriptions ("models
that ignore previous instructions") and quotations in papers about such attacks are not. Disguises are
undone first: invisible characters, letters of other scripts, digits for letters, spaces between letters,
Base64. An unknown paraphrase is not found; the prompt's delimiters and the reviewer's output schema are the
next line of defence.
"""

import base64
import binascii
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache

from pydantic_core import SchemaValidator, core_schema

from digests.injection_rules import HIDDEN_TEXT, RULES, InjectionRule
from digests.model import Flag, Paper

EXCERPT_LENGTH = 200
"""Characters of a passage that a flag keeps."""

CONTEXT_LENGTH = 24
"""Characters before a passage that are kept as context."""

MAX_FLAGS = 8
"""Flags of one paper: more are noise to a reader."""

MAX_SCANNED_CHARACTERS = 600_000
"""Characters of one text that are scanned: three long papers. No text after them is shown to a model."""

MIN_ZERO_WIDTH = 3
"""Zero-width characters that raise a flag: one or two get in by copying."""


def flag_paper(paper: Paper, comments: str = "") -> Paper:
    """Return the paper with flags added for injections in its title, abstract and comments.

    `comments` are the authors' remarks, which are not part of a paper. The flags it has stay. Without an
    injection the paper is returned unchanged.
    """
    found = [
        *scan_text(paper.title, "title"),
        *scan_text(paper.abstract, "abstract"),
        *scan_text(comments, "comments"),
    ]
    return add_flags(paper, found) if found else paper


MAX_FLAGGED_AGE = timedelta(days=90)
"""Age up to which `flag_if_recent` scans papers. Older ones are scanned when they are reviewed."""


def flag_if_recent(paper: Paper, today: date) -> Paper:
    """Flag a paper as `flag_paper` does, unless it is older than `MAX_FLAGGED_AGE` on the day `today`.

    A paper without a publication date is scanned. For sources that bring millions of old papers.
    """
    return paper if paper.published and today - paper.published > MAX_FLAGGED_AGE else flag_paper(paper)


def add_flags(paper: Paper, flags: Iterable[Flag]) -> Paper:
    """Return the paper with more flags: each flag once, at most `MAX_FLAGS`, suspect ones first."""
    all_flags = list(dict.fromkeys((*paper.flags, *flags)))
    return replace(paper, flags=tuple(sorted(all_flags, key=lambda flag: not flag.is_suspect)[:MAX_FLAGS]))


def scan_text(text: str, location: str, *, is_hidden: bool = False) -> list[Flag]:
    """Find injections in a raw text, at most one flag per category. Returns an empty list if there is none.

    `location` names the part of the paper; with an empty one the flags do not count as ours. `is_hidden`
    marks every flag as hidden: for text that was invisible on the page. Text after `MAX_SCANNED_CHARACTERS`
    is not scanned.
    """
    text = text[:MAX_SCANNED_CHARACTERS].encode("utf-8", "replace").decode()
    found: dict[str, Flag] = {}
    for flag in _find_flags(text, location, is_hidden):
        found.setdefault(flag.category, flag)
    return list(found.values())


def _find_flags(text: str, location: str, is_hidden: bool) -> Iterator[Flag]:
    if not text.isascii():
        yield from _find_hidden_text(text, location)
    for view in _make_views(text):
        for category, start, end in _find_injections(view):
            unseen = (
                is_hidden
                or view.is_decoded
                or bool(_INVISIBLE.search(text[view.original_index(start) : view.original_index(end)]))
            )
            yield Flag(category, _make_excerpt(view, start, end, text), location, unseen)


def _make_excerpt(view: "_TextView", start: int, end: int, text: str) -> str:
    source = view.text if view.is_decoded else text
    first, last = (start, end) if view.is_decoded else (view.original_index(start), view.original_index(end))
    begin = max(0, first - CONTEXT_LENGTH)
    if begin:  # Begin at a word.
        begin = min(first, source.find(" ", begin, first) + 1 or first)
    return _strip_invisible(source[begin : max(last, begin + EXCERPT_LENGTH)])[:EXCERPT_LENGTH]


def _strip_invisible(text: str) -> str:
    return " ".join(_INVISIBLE.sub("", text).split())


# Invisible characters.

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0e\ufeff"
    "\U000e0000-\U000e0fff]"
)
_ZERO_WIDTH = re.compile("[\u115f\u1160\u180e\u200b\u2060\ufeff]")
_BIDI_OVERRIDE = re.compile("[\u202a\u202b\u202d\u202e\u2066-\u2068]")
_TAG = re.compile("[\U000e0020-\U000e007e]")
# The flag emoji of England, Scotland and Wales contain tag characters.
_FLAG_EMOJI = re.compile("\U0001f3f4[\U000e0020-\U000e007e]{2,8}\U000e007f")


def _find_hidden_text(text: str, location: str) -> Iterator[Flag]:
    tags = "".join(chr(ord(sign) - 0xE0000) for sign in _TAG.findall(_FLAG_EMOJI.sub("", text)))
    if tags:
        yield from (replace(flag, is_hidden=True) for flag in scan_text(tags, location))
        yield Flag(
            HIDDEN_TEXT,
            f"in tag characters: {_strip_invisible(tags)}"[:EXCERPT_LENGTH],
            location,
            is_hidden=True,
        )
    if found := _BIDI_OVERRIDE.search(text):
        yield Flag(
            HIDDEN_TEXT,
            f"direction override: {_excerpt_around(text, found.start())}"[:EXCERPT_LENGTH],
            location,
            True,
        )
    zero_width = [found.start() for found in _ZERO_WIDTH.finditer(text)]
    if len(zero_width) >= MIN_ZERO_WIDTH:
        words = f"{len(zero_width)} zero-width characters: {_excerpt_around(text, zero_width[0])}"
        yield Flag(HIDDEN_TEXT, words[:EXCERPT_LENGTH], location, True)


def _excerpt_around(text: str, position: int) -> str:
    return _strip_invisible(text[max(0, position - CONTEXT_LENGTH) : position + EXCERPT_LENGTH])


# Views: the text as it is, and with a disguise undone.


@dataclass(frozen=True, slots=True)
class _TextView:
    """A lower-case view of a text.

    `positions` maps each character to its index in the original; None means the same index. The words of a
    decoded view do not occur in the original.
    """

    text: str
    original: str
    positions: tuple[int, ...] | None = None
    is_decoded: bool = False

    def original_index(self, position: int) -> int:
        """Return the index of a position in the original.

        A position past the view's end gives the original's end.
        """
        if self.positions is None:
            return position
        return self.positions[position] if position < len(self.positions) else len(self.original)


_LATIN = {
    "а": "a", "в": "b", "е": "e", "ѕ": "s", "і": "i", "ј": "j", "к": "k", "м": "m", "н": "h", "о": "o",
    "р": "p", "с": "c", "т": "t", "у": "y", "х": "x", "ԁ": "d", "ɡ": "g", "һ": "h", "ո": "n", "ս": "u",
    "ԛ": "q", "ԝ": "w", "α": "a", "ε": "e", "ι": "i", "κ": "k", "ν": "v", "ο": "o", "ρ": "p", "τ": "t",
    "υ": "u", "χ": "x", "η": "n", "ı": "i", "ⅼ": "l", "ꓲ": "i",
}  # fmt: skip
_CONFUSABLE = str.maketrans(_LATIN)
_MIXED = re.compile(f"[a-z][{''.join(_LATIN)}]|[{''.join(_LATIN)}][a-z]")
_LEET = str.maketrans("013457@$!", "oieastasi")
_LEET_WORD = re.compile(r"[a-z][013457@$!][a-z0-9@$!]*[a-z]|\b[1!][a-z0-9@$]{3}")
_SPACED = re.compile(r"(?:(?<![^\s\W])[a-z][ ._*-]{1,2}){5,}[a-z](?!\w)")
_BASE64 = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/]{28,}={0,2}(?![\w+/=-])")
_STYLED = {
    number: folded
    for first, end in ((0x1D400, 0x1D800), (0xFF01, 0xFF5F), (0x24B6, 0x24EA), (0x2100, 0x2150))
    for number in range(first, end)
    if len(folded := unicodedata.normalize("NFKC", chr(number))) == 1 and folded.isascii()
}  # fmt: skip


def _make_views(text: str) -> Iterator[_TextView]:
    plain = _make_plain_view(text)
    yield plain
    if not plain.text.isascii() and _MIXED.search(plain.text):
        yield replace(plain, text=plain.text.translate(_CONFUSABLE))
    if not _compile_disguise_check()(text):
        return
    if _LEET_WORD.search(plain.text):
        yield replace(plain, text=plain.text.translate(_LEET))
    for spaced in _SPACED.finditer(plain.text):
        yield _join_spaced_letters(plain, spaced)
    for encoded in _BASE64.finditer(text):
        if decoded := _decode_base64(encoded[0]):
            yield _TextView(decoded.lower(), text, is_decoded=True)


@cache
def _compile_disguise_check() -> Callable[[str], bool]:
    """Compile a check that returns True if a text may hold a disguise.

    Disguises are digits among letters, spaced letters, and long runs of letters and digits (Base64).
    """
    return _compile_quick_check(
        r"[A-Za-z][013457@$!][A-Za-z0-9@$!]*[A-Za-z]|\b[1!][A-Za-z0-9@$]{3}|"
        r"(?:[A-Za-z][ ._*-]{1,2}){5}|"
        r"[A-Za-z0-9+/]{28}"
    )


def _make_plain_view(text: str) -> _TextView:
    if text.isascii():
        return _TextView(text.lower(), text)
    small = text.translate(_STYLED).lower()
    if len(small) != len(text):  # A few letters become two when lowered.
        small = "".join(letter.lower()[:1] for letter in text.translate(_STYLED))
    if not _INVISIBLE.search(small):
        return _TextView(small, text)
    positions = tuple(index for index, letter in enumerate(small) if not _INVISIBLE.match(letter))
    return _TextView("".join(small[index] for index in positions), text, positions)


def _join_spaced_letters(view: _TextView, found: re.Match[str]) -> _TextView:
    """Return a view of the matched letters alone, joined into words: "i g n o r e" becomes "ignore".

    Two spaces between letters become one space. Positions still point into the original text.
    """
    letters: list[tuple[str, int]] = []
    for index in range(found.start(), found.end()):
        letter = view.text[index]
        if letter.isalpha():
            letters.append((letter, index))
        elif view.text[index - 1] == " " and letter == " ":
            letters.append((" ", index))
    return replace(
        view,
        text="".join(letter for letter, _ in letters),
        positions=tuple(view.original_index(index) for _, index in letters),
    )


def _decode_base64(encoded: str) -> str:
    try:
        raw = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return ""
    return raw if raw.isprintable() and " " in raw else ""


RULES_PER_GROUP = 5
"""Rules that are checked together: with more, the automaton outgrows its cache."""


@cache
def _compile_rule_groups() -> Sequence[tuple[Callable[[str], bool], Sequence[InjectionRule]]]:
    """Compile the rules in groups of `RULES_PER_GROUP`, each with a quick check.

    The check returns False only if no rule of the group can match.
    """
    groups = [RULES[start : start + RULES_PER_GROUP] for start in range(0, len(RULES), RULES_PER_GROUP)]
    return [
        (_compile_quick_check("|".join(f"(?:{rule.pattern.pattern})" for rule in group)), group)
        for group in groups
    ]


def _compile_quick_check(pattern: str) -> Callable[[str], bool]:
    """Compile a function that returns False only if a pattern does not occur in a text.

    It uses pydantic's engine: forty times faster than `re`, and linear in the text. It counts every character
    outside ASCII as a letter, so it may return True for a text without a match.
    """
    wide = re.sub(
        r"\[[^\]]*\]", lambda found: found[0].replace(r"\w", _LETTERS), pattern.replace(r"\b", r"(?-u:\b)")
    )
    schema = core_schema.str_schema(pattern=wide.replace(r"\w", f"[{_LETTERS}]"), regex_engine="rust-regex")
    return SchemaValidator(schema).isinstance_python


_LETTERS = r"0-9A-Za-z_\x{80}-\x{10ffff}"


def _find_injections(view: _TextView) -> Iterator[tuple[str, int, int]]:
    """Yield category, start and end of the first injection that each rule finds in a view."""
    for may_match, rules in _compile_rule_groups():
        if may_match(view.text):
            yield from (passage for rule in rules for passage in _find_passages(view, rule))


def _find_passages(view: _TextView, rule: InjectionRule) -> Iterator[tuple[str, int, int]]:
    for found in rule.pattern.finditer(view.text):
        if rule.is_command and not _is_command(view, found):
            continue
        if not _is_quoted_example(view.text, found):
            yield rule.category, found.start(), found.end()
            return


_LEAD = re.compile(
    r"(?:^|[.!?:;\"“”«»'‘’(\[{<>|*#•=/\\`~。：！—–]\s*|(?<!\w)-\s*|\b(?:please|now|kindly|you|you (?:must|"
    r"should|shall|will|have to|need to|are to|"
    r"are required to|are instructed to|are asked to)|instead|simply|just|hereby|and then|then|always|only|"
    r"strongly|immediately|therefore|reviewer must|reviewer should)"
    r"[\s,:]*|\b(?:reviewers?|assistant|ai|llms?|models?|gpt|claude|chatgpt|agents?|system)\s?,\s*|,\s?and\s|"
    r",\s)$"
)
_CLEAR_LEAD = re.compile(r"(?:,\s?and\s|,\s)$")
CAPITALS_LEAST = 12
"""Capital letters from which a passage in capitals counts as shouting, and not as an abbreviation."""


def _is_command(view: _TextView, found: re.Match[str]) -> bool:
    """Return True if a match is an imperative.

    That is so at the start of a clause, after words such as "please" or "you must", and if it is all in
    capitals, `CAPITALS_LEAST` letters or more. After a comma it is so only if another order stands shortly
    before.
    """
    passage = view.original[view.original_index(found.start()) : view.original_index(found.end())]
    if passage.isupper() and sum(letter.isalpha() for letter in passage) >= CAPITALS_LEAST:
        return True
    before = view.text[max(0, found.start() - CONTEXT_LENGTH) : found.start()]
    lead = _LEAD.search(before)
    if not lead:
        return False
    # "..., ignore all ..." is an order only if it follows another one.
    return not _CLEAR_LEAD.search(before) or _is_after_order(
        view.text[max(0, found.start() - 160) : found.start()]
    )


_OTHER_ORDER = re.compile(
    r"\b(?:please|you (?:must|should|are)|your task|as an? (?:ai|llm|language model|reviewer))\b"
)


def _is_after_order(before: str) -> bool:
    return bool(_OTHER_ORDER.search(before))


_ABOUT_ATTACKS = re.compile(
    r"\b(?:prompt[\s-]injections?|injections?|injected|jailbreak\w*|adversarial|attacks?|attackers?|"
    r"red[\s-]team\w*|hidden (?:prompts?|instructions?|text)|"
    r"guardrails?|manipulat\w+|poison\w*|backdoors?|special tokens?|chat templates?|malicious)\b"
)
QUOTE_CONTEXT_LENGTH = 160
"""Characters on either side that are searched for the quotation marks of an example."""
_OPENS, _CLOSES = re.compile(r"[\"“‘«`「『]|(?<!\w)'"), re.compile(r"[\"”’»`」』]|'(?!\w)")


def _is_quoted_example(text: str, found: re.Match[str]) -> bool:
    """Return True if a match stands in quotation marks in a text about such attacks.

    The marks are looked for within `QUOTE_CONTEXT_LENGTH`, words about attacks within 1,500 characters.
    """
    before = text[max(0, found.start() - QUOTE_CONTEXT_LENGTH) : found.start()]
    behind = text[found.end() : found.end() + QUOTE_CONTEXT_LENGTH]
    opened = max((mark.start() for mark in _OPENS.finditer(before)), default=-1)
    if opened < 0 or not _CLOSES.search(behind) or re.search(r"[.!?]\s", before[opened:]):
        return False
    around = text[max(0, found.start() - 1500) : found.start()] + text[found.end() : found.end() + 1500]
    return bool(_ABOUT_ATTACKS.search(around))
