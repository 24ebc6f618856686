"""Detection of prompt injections: passages of a paper that give orders to its reviewer. Pure.

To limit false alarms, only commands are flagged ("Ignore all previous instructions"). Descriptions ("models
that ignore previous instructions") and quotations in papers about such attacks are not: they are suspicious
at most. Disguises are undone first: invisible characters, struck-through letters, letters of other scripts,
digits for letters, spaces between letters, Base64, and those that `_decode_whole_text` names. An unknown
paraphrase is not found; the prompt's delimiters and the reviewer's output schema are the next defence.
"""

import base64
import binascii
import codecs
import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from itertools import islice
from urllib.parse import unquote

from digests.injection_rules import HIDDEN_TEXT, ROLE_OR_CHAT_TOKEN, RULES, InjectionRule
from digests.injection_signals import Passage, find_passages, is_about_others, is_announced
from digests.model import Flag, Paper
from digests.quick_check import compile_quick_check, loosen_pattern

EXCERPT_LENGTH = 200
"""Characters of a passage that a flag keeps."""

CONTEXT_LENGTH = 24
"""Characters before a passage that are kept as context."""

MAX_FLAGS = 8
"""Flags of one paper: more are noise to a reader."""

MAX_SUSPICIOUS_PASSAGES = 12
"""Suspicious passages of one text that are named: more are a paper about the subject."""

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


def find_suspicious_passages(text: str, location: str) -> list[Flag]:
    """Find the passages of a raw text that look like orders and are none for certain.

    They are the flags that the passages may become, at most `MAX_SUSPICIOUS_PASSAGES`.
    """
    text = text[:MAX_SCANNED_CHARACTERS].encode("utf-8", "replace").decode()
    found: dict[str, Flag] = {}
    for view in _make_views(text):
        for passage in _find_injections(view):
            if not passage.is_certain:
                excerpt = _make_excerpt(view, passage.start, passage.end, text)
                found.setdefault(excerpt, Flag(passage.category, excerpt, location, view.is_decoded))
            if len(found) == MAX_SUSPICIOUS_PASSAGES:
                return list(found.values())
    return list(found.values())


def _find_flags(text: str, location: str, is_hidden: bool) -> Iterator[Flag]:
    if not text.isascii():
        yield from _find_hidden_text(text, location)
    for view in _make_views(text):
        for passage in _find_injections(view):
            if passage.is_certain:
                start, end = passage.start, passage.end
                unseen = (
                    is_hidden
                    or view.is_decoded
                    or bool(_INVISIBLE.search(text[view.original_index(start) : view.original_index(end)]))
                )
                yield Flag(passage.category, _make_excerpt(view, start, end, text), location, unseen)


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
    "[\u00ad\u0334-\u0338\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0e\ufeff"
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
    decoded view do not occur in the original; in a cipher nobody can read them there.
    """

    text: str
    original: str
    positions: tuple[int, ...] | None = None
    is_decoded: bool = False
    is_cipher: bool = False

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
_SPACED = re.compile(r"(?:(?<![^\s\W])[a-z][ ._*-]{1,4}){5,}[a-z](?!\w)")
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
    yield from _decode_whole_text(text)
    if not _compile_disguise_check()(text):
        return
    if _LEET_WORD.search(plain.text):
        yield replace(plain, text=plain.text.translate(_LEET))
    for spaced in _SPACED.finditer(plain.text):
        yield _join_spaced_letters(plain, spaced)
    for encoded in _BASE64.finditer(text):
        if decoded := _decode_base64(encoded[0]):
            yield _TextView(decoded.lower(), text, is_decoded=True, is_cipher=True)


_ENTITY, _ESCAPE = re.compile(r"&#?\w{1,8};"), re.compile(r"%[0-9A-Fa-f]{2}")
_TAG_IN_WORD = re.compile(r"(?<=[A-Za-z])(?:<[^<>]{1,40}>){1,4}(?=[A-Za-z])")
_CUT_WORD = re.compile(r"(?<![\w-])[A-Za-z](?:-[A-Za-z]){3,30}(?![A-Za-z])")
_HEX = re.compile(r"(?<!\w)(?:[0-9a-f]{2}){20,}(?!\w)")
_ROTATED_WORDS = (
    r"\b(?:gur|naq|guvf|lbhe|nyy|abg|cncre|erivrj|fpber|vafgehpgvbaf|npprcg|znahfpevcg|fhozvffvba|erivrjre|"
    r"zbqry|uvturfg|vtaber|tvir|cbfvgvir|jrnxarffrf|yvzvgngvbaf|erpbzzraq|nffvta|cyrnfr|znexf|engr|cebzcg)\b"
)
_REVERSED_WORDS = (
    r"\b(?:eht|dna|siht|ruoy|lla|repap|weiver|erocs|snoitcurtsni|tpecca|ton|tpircsunam|noissimbus|rewiever|"
    r"ledom|tsehgih|erongi|evig|evitisop|swalf|sessenkaew|snoitatimil|dnemmocer|ngissa|skram|etar|tpmorp|"
    r"esaelp|noitaulave|noitnem)\b"
)
_ROTATED, _REVERSED = re.compile(_ROTATED_WORDS, re.I), re.compile(_REVERSED_WORDS, re.I)
_SYLLABLE_HYPHEN, _LINE_HYPHEN = (
    re.compile(r"(?<=[A-Za-z])-(?=[A-Za-z])"),
    re.compile(r"(?<=[a-z])-\n(?=[a-z])"),
)
MIN_DISGUISES = 3
"""Words or letters in a disguise from which a text is read without it: fewer are part of ordinary texts."""


def _decode_whole_text(text: str) -> Iterator[_TextView]:
    """Yield a view for each disguise that a text holds: without it, the rest of the text as it was.

    Disguises are HTML entities, escapes of addresses, tags or hyphens in words, words that are broken at the
    end of a line, hexadecimal digits, letters that are rotated by 13 places, and words that are written
    backwards.
    """
    may_be_disguised = _compile_whole_text_check()(text)
    disguises: tuple[tuple[re.Pattern[str], Callable[[str], str]], ...] = (
        (_ENTITY, html.unescape),
        (_ESCAPE, unquote),
        (_TAG_IN_WORD, lambda whole: _TAG_IN_WORD.sub("", whole)),
        (_CUT_WORD, lambda whole: _CUT_WORD.sub(lambda found: found[0].replace("-", ""), whole)),
        (_ROTATED, lambda whole: codecs.encode(whole, "rot13")),
        (_REVERSED, lambda whole: whole[::-1]),
    )
    for pattern, decode in disguises if may_be_disguised else ():
        if next(islice(pattern.finditer(text), MIN_DISGUISES - 1, None), None):
            decoded = decode(text)
            is_cipher = pattern in (_ROTATED, _REVERSED)
            yield _TextView(decoded.lower(), decoded, is_decoded=True, is_cipher=is_cipher)
    if _compile_syllable_check()(text):
        decoded = _SYLLABLE_HYPHEN.sub("", text)
        yield _TextView(decoded.lower(), decoded, is_decoded=True)
    if "-\n" in text:
        decoded = _LINE_HYPHEN.sub("", text)
        yield _TextView(decoded.lower(), decoded)
    for found in _HEX.finditer(text) if may_be_disguised else ():
        decoded = bytes.fromhex(found[0]).decode("ascii", "replace")
        if decoded.isprintable() and " " in decoded:
            yield _TextView(decoded.lower(), decoded, is_decoded=True, is_cipher=True)


@cache
def _compile_whole_text_check() -> Callable[[str], bool]:
    """Compile a check that returns False only if a text has no disguise that a pattern finds."""
    return compile_quick_check(
        rf"&#?\w|%[0-9A-Fa-f]{{2}}|<|[A-Za-z](?:-[A-Za-z]){{3}}|[0-9a-f]{{40}}|(?i:{_ROTATED_WORDS}|{_REVERSED_WORDS})"
    )


@cache
def _compile_syllable_check() -> Callable[[str], bool]:
    """Compile a check that returns True if several words close together are split by hyphens."""
    syllable, gap = r"[A-Za-z]{1,6}", r"[ ,.;:]{1,2}"
    return compile_quick_check(
        rf"(?:{syllable}(?:-{syllable}){{1,6}}{gap}(?:[A-Za-z]{{1,8}}{gap}){{0,2}}){{3}}{syllable}(?:-{syllable}){{1,6}}"
    )


@cache
def _compile_disguise_check() -> Callable[[str], bool]:
    """Compile a check that returns True if a text may hold a disguise.

    Disguises are digits among letters, spaced letters, and long runs of letters and digits (Base64).
    """
    return compile_quick_check(
        r"[A-Za-z][013457@$!][A-Za-z0-9@$!]*[A-Za-z]|\b[1!][A-Za-z0-9@$]{3}|"
        r"(?:[A-Za-z][ ._*-]{1,4}){5}|"
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
        is_cipher=True,
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
        (compile_quick_check("|".join(f"(?:{loosen_pattern(rule.source)})" for rule in group)), group)
        for group in groups
    ]


def _find_injections(view: _TextView) -> Iterator[Passage]:
    """Yield the passages that rules and signals find in a view, of each rule the first certain one."""
    for may_match, rules in _compile_rule_groups():
        if may_match(view.text):
            for rule in rules:
                yield from _find_passages(view, rule)
    yield from find_passages(view.text, is_cipher=view.is_cipher)


def _find_passages(view: _TextView, rule: InjectionRule) -> Iterator[Passage]:
    for found in rule.pattern.finditer(view.text):
        if rule.is_command and not _is_command(view, found):
            continue
        is_certain = view.is_cipher or not _is_example(view.text, found, rule.category)
        yield Passage(rule.category, found.start(), found.end(), is_certain)
        if is_certain:
            return


_LEAD = re.compile(
    r"(?:^|[.!?:;\"“”«»'‘’(\[{<>|*#•=/\\`~。：！—–]\s*|(?<!\w)-\s*|\b(?:please|now|kindly|you|you (?:must|"
    r"should|shall|will|have to|need to|are to|"
    r"are required to|are instructed to|are asked to)|instead|simply|just|hereby|and then|then|always|only|"
    r"strongly|immediately|therefore|reviewer must|reviewer should)"
    r"[\s,:]*|\b(?:reviewers?|assistant|ai|llms?|models?|gpt|claude|chatgpt|agents?|system)\s?,\s*|,\s?and\s|"
    r",\s|[一-鿿぀-ヿ가-힣]\s*)$"
)
_STATEMENT = re.compile(
    r"\b(?:we|i|they|it|he|she|who|which|that)(?: (?:thus|then|also|will|can|could|may|therefore))? "
    r"(?:only|always|just|simply|then|now|strongly|immediately|therefore|instead)[\s,]*$"
)
"""Words before a verb that tell what somebody does: "we always assign ..."."""
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
    if not lead or _STATEMENT.search(before):
        return False
    if " " not in passage and passage.count("-") in (1, 2):  # A word such as "ignore-previous-instruction".
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
    r"red[\s-]team\w*|white (?:text|font)|we (?:insert|append|embed)\w*|found to (?:hide|embed)|"
    r"hidden (?:prompts?|instructions?|text)|payloads?|examples? of|template|listing \d|"
    r"guardrails?|manipulat\w+|poison\w*|backdoors?|special tokens?|chat templates?|malicious|"
    r"untersuchen|angriff\w*|versteckte\w*|verborgene\w*|ataques?|ocult\w+|attaques?|cach[ée]\w*|attacc\w+|"
    r"nascost\w+|атак\w*|скрыт\w+|ukryt\w+|saldırı\w*|aanval\w*|verborgen)\b|攻击|隐藏|攻撃|埋め込|隠し|공격|숨긴"
)
QUOTE_CONTEXT_LENGTH = 160
"""Characters on either side that are searched for the quotation marks of an example."""
_OPENS, _CLOSES = re.compile(r"[\"“‘«»„‚`「『]|(?<!\w)'"), re.compile(r"[\"”“’»«`」』]|'(?!\w)")
_FRAME = re.compile(
    r"\b(?:prompts?|templates?|listing|row|strings?|payloads?|e\.g\.|such as|told|asked|instructions?|reads?|"
    r"message|example|figure|table|wrote|writes|outputs?|says|said|format|"
    r"befehle?|kommandot?|aufforderung|anweisung\w*|comandos?|instrucción|instrução|istruzione|commande|opdracht|"
    r"polecenie|komut\w*|lệnh|perintah|команд\w*|инструкци\w*|wie|como|comme|come)\b[^.!?]{0,60}$|"
    r"(?:指令|提示|提示词|命令|プロンプト|指示|프롬프트|명령|आदेश|निर्देश|أمر|الأمر)[^。.!?]{0,20}$"
)
"""Words before a quotation that say that it is an example."""
TOKEN_CONTEXT_LENGTH = 120
"""Characters on either side of a chat token in which words may say that it is the subject."""
_ABOUT_TOKENS = re.compile(
    r"\b(?:listing|figure|table|tokens?|templates?|delimiters?|format|formatted|turns?|prompts?|parser|tags?)\b"
)

_ABOUT_FORMAT = re.compile(r"\b(?:examples?|format|as json|schema)\b")


def _is_example(text: str, found: re.Match[str], category: str) -> bool:
    """Return True if a match is no order but a subject: of a study, a rubric, a rebuttal or a listing."""
    if _is_quoted_example(text, found) or is_announced(text, found.start()):
        return True
    if category == ROLE_OR_CHAT_TOKEN:
        around = text[max(0, found.start() - TOKEN_CONTEXT_LENGTH) : found.end() + TOKEN_CONTEXT_LENGTH]
        return bool(_ABOUT_TOKENS.search(around))
    if found[0][0] in "\"'{":  # A score in JSON.
        return bool(_ABOUT_FORMAT.search(text[max(0, found.start() - TOKEN_CONTEXT_LENGTH) : found.start()]))
    return is_about_others(text, found.start(), found.end())


def _is_quoted_example(text: str, found: re.Match[str]) -> bool:
    """Return True if a match stands in quotation marks in a text about such attacks.

    The marks are looked for within `QUOTE_CONTEXT_LENGTH`, words about attacks within 1,500 characters. A
    quotation of several sentences has to be announced as an example.
    """
    before = text[max(0, found.start() - QUOTE_CONTEXT_LENGTH) : found.start()]
    behind = text[found.end() - 1 : found.end() + QUOTE_CONTEXT_LENGTH]
    opened = max((mark.start() for mark in _OPENS.finditer(before)), default=-1)
    if opened < 0 or not _CLOSES.search(behind):
        return False
    if _FRAME.search(before[:opened]):
        return True
    if re.search(r"[.!?]\s", before[opened:]):
        return False
    around = text[max(0, found.start() - 1500) : found.start()] + text[found.end() : found.end() + 1500]
    return bool(_ABOUT_ATTACKS.search(around))
