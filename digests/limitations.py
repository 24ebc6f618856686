"""Key limitations of a review: up to three short points, each a span of the review's own text. Pure.

The text is split into points (lists first, then running text), which are ranked; the first ones are shortened
at a clause.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from digests.limitation_ranking import is_near_duplicate, rank_points
from digests.model import Review
from digests.text import clip_text, split_sentences, to_plain_text

MAX_POINTS = 3
"""Points on a card: more are not read on a phone."""

MAX_POINT_LENGTH = 160
"""Characters of a point: two lines on a phone."""

MIN_POINT_LENGTH = 7
"""Characters. A shorter span says nothing ("Cost.")."""

DENSE_CHARACTER_WEIGHT = 3
"""Letters that a Chinese or Japanese character or a Korean syllable counts as."""


@dataclass(frozen=True, slots=True)
class KeyLimitations:
    """Up to `MAX_POINTS` points by rank, and the number of further points in the review.

    Each point is a span of the review. An ellipsis marks a cut.
    """

    points: tuple[str, ...] = ()
    remaining_count: int = 0


def key_limitations_of(review: Review) -> KeyLimitations:
    """Return a review's key limitations: those of its panel, or named by our own reviewer, or extracted.

    `remaining_count` is 0 for those that our reviewer named alone.
    """
    if review.panel and review.panel.limitations:
        merged = review.panel.limitations
        return KeyLimitations(
            tuple(shorten_point(_strip_preamble(to_plain_text(point.text))) for point in merged[:MAX_POINTS]),
            len(merged[MAX_POINTS:]),
        )
    if review.assessment and review.assessment.key_limitations:
        return KeyLimitations(
            tuple(
                shorten_point(to_plain_text(point.text))
                for point in review.assessment.key_limitations[:MAX_POINTS]
            )
        )
    return extract_key_limitations(review.limitations)


MAX_LISTED = 12
"""Limitations of a review that can be named apart: more than a person reads."""


def list_limitations(review: Review) -> tuple[str, ...]:
    """Return the texts of a review's limitations in the order of a card, `MAX_LISTED` at most.

    They are the panel's, or those of our own reviewer, as it wrote them, or the extracted ones.
    """
    if review.panel and review.panel.limitations:
        texts = [point.text for point in review.panel.limitations]
    elif review.assessment and review.assessment.key_limitations:
        texts = [point.text for point in review.assessment.key_limitations]
    else:
        texts = list(extract_key_limitations(review.limitations[:MAX_LISTED_CHARACTERS]).points)
    return tuple(text for text in texts if text.strip())[:MAX_LISTED]


MAX_LISTED_CHARACTERS = 20_000
"""Characters of an imported text in which limitations are searched."""


def digest_limitation(text: str) -> str:
    """Return a hash of a limitation's letters and digits, the same whatever its place in the review."""
    letters = "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))
    return hashlib.blake2b(letters.encode("utf-8", "replace"), digest_size=8).hexdigest()


def find_withdrawn(before: Sequence[str], after: Sequence[str]) -> tuple[int, ...]:
    """Return the numbers, from 1, of the limitations that are not among the later ones in other words."""
    digests = set(map(digest_limitation, after))
    return tuple(
        number
        for number, text in enumerate(before, 1)
        if digest_limitation(text) not in digests and not is_near_duplicate(text, after)
    )


def extract_key_limitations(review_text: str) -> KeyLimitations:
    """Extract the limitations of a review that a reader needs most, and shorten long ones at a clause.

    Parses "(1) ... (2) ...", "First, ... Second, ...", lists with semicolons or bullets, and running text;
    `review_text` may be LaTeX. Without a limitation ("None"), there are no points. A point that says the same
    as one before it is neither returned nor counted.
    """
    chosen: list[str] = []
    remaining_count = 0
    for point in rank_points(extract_points(review_text)):
        if is_near_duplicate(point, chosen):
            continue
        if len(chosen) < MAX_POINTS:
            chosen.append(point)
        else:
            remaining_count += 1
    return KeyLimitations(tuple(shorten_point(_strip_preamble(point)) for point in chosen), remaining_count)


def extract_points(review_text: str) -> tuple[str, ...]:
    """Return every limitation in a review, in its order and words, as plain text of any length.

    Empty for a text without limitations, such as "None".
    """
    text = to_plain_text(review_text)
    if _NO_LIMITATIONS.fullmatch(text.strip(_MARKS)):
        return ()
    marked, bullets = _LINE_BULLET.subn(" • ", review_text)
    if bullets > 1 or _ONLY_BULLET.fullmatch(review_text):
        points = _split_points(to_plain_text(marked))
        # A bullet inside a formula changes its conversion, and the points would be no spans of the text.
        if points and _is_in_order(points, text):
            return points
    return _split_points(text)


_MARKS = " .,;:!-–—*•…()[]。"
_NO_LIMITATIONS = re.compile(
    r"(?:none|n/?a|nil|null|nothing|unknown|tbd|(?:(?:none|not) )?(?:discussed|stated|reported|available|"
    r"applicable|"
    r"provided|mentioned|specified|given|noted|identified|known))?",
    re.IGNORECASE,
)
_ONLY_BULLET = re.compile(r"\s*[-*•‣◦–]\s[^\n]*\s*")
_LINE_BULLET = re.compile(r"(?m)^[ \t]*(?:[-*•‣◦–]|\(?\d{1,2}[.)])[ \t]+")


def _split_points(text: str) -> tuple[str, ...]:
    for split in (
        _split_numbered,
        _split_bulleted,
        _split_ordinals,
        _split_semicolon_list,
        _split_running_text,
    ):
        points = tuple(point for part in split(text) if _has_content(point := _strip_connectives(part)))
        if points:
            return points
    rest = _strip_connectives(text)
    return (rest,) if _WORD.search(rest) and not _is_announcement(rest) else ()


def _is_in_order(points: Iterable[str], text: str) -> bool:
    """Return True if the points are spans of the text, one after the other."""
    end = 0
    for point in points:
        start = text.find(point, end)
        if start < 0:
            return False
        end = start + len(point)
    return True


_WORD = re.compile(r"[^\W\d_]{2}")
_DENSE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")


def _has_content(point: str) -> bool:
    if (
        len(point) < MIN_POINT_LENGTH
        and len(point) + (DENSE_CHARACTER_WEIGHT - 1) * len(_DENSE.findall(point)) < MIN_POINT_LENGTH
    ):
        return False
    return bool(_WORD.search(point)) and not _ATTRIBUTED.fullmatch(point)


# Splitting lists.

_NUMBER = re.compile(
    r"(?:^|(?<=[\s:;,.。；：]))(?:[(（](?P<round>[1-9]\d?|[ivx]{1,4}|[a-h])[)）]|(?P<half>[1-9]\d?|[ivx]{1,4}|"
    r"[a-h])\)(?=\s)|"
    r"(?:(?<=[.;:,!?•]\s)|^)(?P<dot>[1-9]\d?)\.(?=\s))",
    re.IGNORECASE,
)
_REFERENCE = re.compile(
    r"\b(?:tab(?:le|\.)|fig(?:ure|\.)|eq(?:uation|\.|n\.)|sec(?:tion|\.)|step|stage|phase|part|appendix|"
    r"theorem|lemma|"
    r"assumption|algorithm|model|version|case|line|item|row|column|ref\.?)s?\s*$",
    re.IGNORECASE,
)
_LABELS = (
    tuple(str(number) for number in range(1, 100)),
    ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii"),
    tuple("abcdefgh"),
)


def _split_numbered(text: str) -> list[str]:
    """Split a text numbered (1), (2) ... into its items. Returns an empty list for a text without numbering.

    Accepts numbers, roman numerals and letters. Sentences before the first item and after the last one are
    points too.
    """
    marks = _find_longest_numbering(text)
    if len(marks) == 1 and not text[: marks[0].start()].strip():
        return _split_running_text(text[marks[0].end() :])
    if len(marks) < 2:
        return []
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    items = [text[mark.end() : end] for mark, end in zip(marks, ends, strict=True)]
    if not all(_strip_connectives(item) for item in items):
        return []  # "(1) and (2)" refers to a list elsewhere.
    return [*_split_before_list(text[: marks[0].start()]), *items[:-1], *_split_last_item(items)]


def _find_longest_numbering(text: str) -> list[re.Match[str]]:
    marks = [mark for mark in _NUMBER.finditer(text) if not _is_reference(text, mark.start())]
    chains = (
        _follow_labels([mark for mark in marks if mark.lastgroup == shape], labels)
        for labels in _LABELS
        for shape in ("round", "half", "dot")
    )
    return max(chains, key=len)


def _is_reference(text: str, start: int) -> bool:
    """Return True if a number is part of a reference, such as "Table (2)"."""
    return bool(_REFERENCE.search(text[max(0, start - 16) : start]))


def _follow_labels(marks: Iterable[re.Match[str]], labels: Sequence[str]) -> list[re.Match[str]]:
    """Return the marks that count up from the first label; other marks are skipped."""
    chain: list[re.Match[str]] = []
    for mark in marks:
        if len(chain) < len(labels) and mark[mark.lastgroup or 0].lower() == labels[len(chain)]:
            chain.append(mark)
    return chain


_LEAVING_LIST = re.compile(
    r"(?:and )?(?:finally|last(?:ly)?|additionally|in addition|furthermore|moreover|besides|"
    r"on top of that)\b|the (?:authors|paper) (?:also )?(?:acknowledges?|notes?|states?)\b",
    re.IGNORECASE,
)


def _split_last_item(items: Sequence[str]) -> list[str]:
    """Split the last item of a list from the text after the list, which is split into points.

    Where items are whole sentences, it goes on until a sentence that leaves the list ("Additionally, ...").
    Where commas stand between the items, the list ends with its sentence, unless an item has two.
    """
    last = items[-1]
    if not any(_is_closed(item) or len(split_sentences(item)) > 1 for item in items[:-1]):
        return _split_running_text(last)
    sentences, end = split_sentences(last), 0
    for position, sentence in enumerate(sentences):
        start = last.index(sentence, end)
        if position and _LEAVING_LIST.match(sentence):
            return [last[:start], *_points_of_sentences(sentences[position:])]
        end = start + len(sentence)
    return [last]


def _is_closed(item: str) -> bool:
    """Return True if an item ends like a sentence."""
    return item.rstrip().endswith((".", "。", "!", "?"))


def _split_before_list(text: str) -> list[str]:
    """Return the points before a list, without the sentence or the words that introduce it."""
    ahead = [sentence for sentence in split_sentences(text) if sentence[-1] in ".!?。"]
    if ahead and len(ahead[-1].split()) <= MAX_ANNOUNCEMENT_WORDS and _ANNOUNCED.search(ahead[-1]):
        ahead.pop()
    return _points_of_sentences(ahead)


def _split_bulleted(text: str) -> list[str]:
    parts = text.split("•")
    if len(parts) > 2 or (len(parts) == 2 and not parts[0].strip()):
        return [*_split_before_list(parts[0]), *parts[1:]]
    return []


_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")
_ORDINAL = re.compile(
    r"(?:^|(?<=[.;:]\s))(?:and\s+)?(" + "|".join(_ORDINALS) + r")(?:ly\b,?|,)\s+(?=\w)", re.IGNORECASE
)


def _split_ordinals(text: str) -> list[str]:
    """Split a text at "First,", "Second," and so on. Returns an empty list if it has no "First"."""
    marks = list(_ORDINAL.finditer(text))
    if not marks or marks[0][1].lower() != "first":
        return []
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    items = [text[mark.end() : end] for mark, end in zip(marks, ends, strict=True)]
    return [*_split_before_list(text[: marks[0].start()]), *items[:-1], *_split_last_item(items)]


_SEMICOLON = re.compile(r"[;；]")
_CAPITAL = re.compile(r"\s+[A-Z]")
_SENTENCE_START = re.compile(r"\s+(?:A|[A-Z][a-z]+(?:['’-][A-Za-z]+)*)[\s,:]")
"""A word as at the start of a sentence. An acronym begins a clause as well."""


def _split_semicolon_list(text: str) -> list[str]:
    """Split a text that is a list with semicolons into its items. Returns an empty list for any other text.

    Such a list has a capital after each of its semicolons, or is one sentence.
    """
    depths = _parenthesis_depths(text)
    cuts = [mark.start() for mark in _SEMICOLON.finditer(text) if not depths[mark.start()]]
    capitals = [cut for cut in cuts if _CAPITAL.match(text, cut + 1)]
    is_capital_list = 2 * len(capitals) >= len(cuts) and any(
        _SENTENCE_START.match(text, cut + 1) for cut in capitals
    )
    if not cuts or (not is_capital_list and len(split_sentences(text)) > 1):
        return []
    parts = _cut_at(text, capitals if is_capital_list else cuts)
    return [_strip_opening(parts[0]), *parts[1:]]


# Splitting running text.

_DEMONSTRATIVE = (
    r"(?:that|these|those)\s+(?:(?:in turn|also|often|further|likely|thus)\s+)?(?:is|are|was|were|may|might|"
    r"can|could|would|will|should|must|does|has|have|means?|makes?|limits?|leads?|restricts?|reduces?|raises?|"
    r"leaves?|creates?|suggests?|requires?|prevents?|hinders?|introduces?|implies|imply|indicates?|causes?|affects?)\b|"
    r"(?:they|its|doing so|such|(?:al)?though this|while this|"
    r"this(?! (?:paper|work|study|method|approach|model|system|benchmark)\b))\s"
)
_EXAMPLE = r"(?:for (?:example|instance)|in particular|specifically|that is|in other words|e\.g\.)[,\s]"
_WISH = (
    r"it (?:would|could|might|may|is|will) (?:also )?(?:be )?(?:very )?(?:beneficial|helpful|useful|"
    r"important|interesting|valuable|good|great|nice|better|essential|crucial|worth)\b|given that\b|"
    r"the authors (?:suggest|propose|should consider)\s|"
    r"(?:including|providing|adding|incorporating|addressing|discussing|expanding|clarifying) "
    r"[^,;]* (?:could|would)\b"
)
_REFERENCE_BACK = (
    r"(?:\S+ ){0,16}?(?:this|these|those|such) (?:\w+ )?(?:issues?|aspects?|concerns?|limitations?|points?|"
    r"topics?|areas?|impacts?|factors?|questions?|assumptions?|implications?|discussions?|details?|weaknesses|"
    r"drawbacks?|challenges?|trade-offs?|considerations?|problems?|cases?|risks?)\b"
)
_ELABORATES = re.compile(f"{_DEMONSTRATIVE}|{_EXAMPLE}|{_WISH}|{_REFERENCE_BACK}", re.IGNORECASE)
"""The start of a sentence that says more about the point before it."""


def _split_running_text(text: str) -> list[str]:
    return _points_of_sentences(split_sentences(text))


def _points_of_sentences(all_sentences: Iterable[str]) -> list[str]:
    statements = [sentence for sentence in all_sentences if not _is_announcement(sentence)]
    return [part for sentence in _join_elaborations(statements) for part in _split_clauses(sentence)]


def _join_elaborations(statements: Iterable[str]) -> list[str]:
    """Append a sentence such as "This means ..." to the one before it: it is no point of its own.

    After a Chinese or Japanese sentence it is kept apart.
    """
    groups: list[list[str]] = []
    for sentence in statements:
        if groups and _ELABORATES.match(sentence) and groups[-1][-1][-1] not in "。！？":
            groups[-1].append(sentence)
        else:
            groups.append([sentence])
    return [" ".join(group) for group in groups]


def _split_clauses(sentence: str) -> list[str]:
    """Split a sentence that lists three or more points with semicolons; leave any other in one piece.

    An announcement at its start is removed.
    """
    sentence = _strip_opening(sentence)
    parts = _split_outside_parentheses(sentence, ";；")
    return parts if len(parts) > 2 else [sentence]


def _split_outside_parentheses(text: str, signs: str) -> list[str]:
    """Split a text at signs that are not inside parentheses.

    The signs are dropped, and parts may be empty.
    """
    depths = _parenthesis_depths(text)
    return _cut_at(text, [index for index, sign in enumerate(text) if sign in signs and not depths[index]])


def _cut_at(text: str, cuts: Sequence[int]) -> list[str]:
    """Cut a text at signs, which are dropped."""
    starts = [0, *(cut + 1 for cut in cuts)]
    return [text[start:end] for start, end in zip(starts, [*cuts, len(text)], strict=True)]


def _parenthesis_depths(text: str) -> list[int]:
    """Return the number of parentheses around each character. A parenthesis counts as inside itself."""
    if "(" not in text and "（" not in text:
        return [0] * len(text)
    depths, depth = [], 0
    for sign in text:
        depth += sign in "(（"
        depths.append(depth)
        depth -= depth > 0 and sign in ")）"
    return depths


OPENING_LENGTH = 200
"""Characters of a sentence that are searched for announcing words."""
MAX_ANNOUNCEMENT_WORDS = 16
"""Words of a sentence that only announces limitations: a longer one says something."""
_LISTING = re.compile(
    r"[:：](?=\s|[^\x00-\x7f])|,? (?:including|such as|namely)\b[,:]?(?![^.]*, (?:is|are|remains?|seems?)\b)"
)
"""Words after which the limitations are listed. A list inside a sentence, which goes on after it, is none."""
_ANNOUNCED = re.compile(
    r"\b(?:limitations?|constraints?|weaknesses|shortcomings|caveats|drawbacks|(?:several|some|few|many|"
    r"various|multiple|two|"
    r"three|four|five|of|the|following|important|critical|key|main|major|open|serious|notable) (?:issues|"
    r"concerns|challenges))\b",
    re.IGNORECASE,
)
_ANNOUNCED_LAST = re.compile(
    _ANNOUNCED.pattern
    + r"(?: (?:are|is|of|in|with|to|that|the|this|these|their|its|our|work|works|paper|approach|method|study|"
    r"present|noted|"
    r"remain|exist|worth|noting|discussed|acknowledged|openly|here|clearly|follow|follows|following|as|listed|below|"
    r"stated|mentioned|"
    r"by|authors|should|be|transparently|explicitly|identified))*$",
    re.IGNORECASE,
)
_ANNOUNCING = re.compile(
    r"\b(?:several|some|a few|many|various|multiple|two|three|four|five|number of|transparent\w*|"
    r"acknowledg\w*|identif\w+|"
    r"discuss\w*|are present|there are|following|limitations? (?:is|are|include)|(?:main|key|primary|"
    r"major))\b",
    re.IGNORECASE,
)
_ATTRIBUTION = (
    r"(?:the )?(?:authors?|paper|work)(?: \w+ly)? (?:also )?(?:\w+ly )?"
    r"(?:acknowledg|not|admit|stat|mention|conced|recogni[sz]|observ|report)(?:es|s|e)?"
)
_ATTRIBUTED = re.compile(_ATTRIBUTION + r"(?: that)?", re.IGNORECASE)
_DENIED = re.compile(
    r"\b(?:not|no|never|without|fails?|neither|hardly|barely|lacks?|lacking|missing|absen(?:t|ce)|omit\w*|"
    r"inadequate\w*|insufficient\w*|incomplete|superficial\w*|limited|unclear|little|minimal\w*|only|should|"
    r"could|would|needs?|more)\b|n[’']t\b",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"(?!(?:there|here|below|these|(?:the )?following)\b)\S.*"
    r"\b(?:is|are|remains?|poses?|represents?|constitutes?|be) (?:(?:also|still|thus|itself) )?"
    r"(?:an?|another|one|the) (?!following\b)(?:\S+ ){0,4}\S+$",
    re.IGNORECASE,
)
"""A limitation with a subject: "The price is a major limitation"."""


def _is_announcement(sentence: str) -> bool:
    """Return True for a sentence that only says that limitations follow, or only names who says so."""
    bare = sentence[: OPENING_LENGTH + 1].rstrip(" .:：,")
    if (
        len(bare) > OPENING_LENGTH
        or len(bare.split()) > MAX_ANNOUNCEMENT_WORDS
        or ":" in bare
        or _DENIED.search(bare)
        or _NAMED.match(bare)
    ):
        return False
    if _ATTRIBUTED.fullmatch(bare) or _ANNOUNCED.fullmatch(bare):
        return True
    return bool(_ANNOUNCED_LAST.search(bare) and _ANNOUNCING.search(bare))


def _strip_opening(sentence: str) -> str:
    """Remove an announcement such as "The authors name several limitations:" from a sentence's start."""
    listing = _LISTING.search(sentence[:OPENING_LENGTH])
    if listing and _is_announcement(sentence[: listing.start()]) and _has_content(sentence[listing.end() :]):
        return sentence[listing.end() :]
    return sentence


# Shortening a point.

_PREAMBLE = re.compile(
    rf"(?:{_ATTRIBUTION}(?: that)?|(?:the|a|an|one|another) (?:\w+ )?"
    r"(?:limitation|weakness|drawback|shortcoming)(?: of (?:the|this) \w+)? is(?: that)?)\s+(?=\w)",
    re.IGNORECASE,
)


def _strip_preamble(point: str) -> str:
    """Remove words such as "The primary limitation is" and "The paper acknowledges" from a point's start."""
    preamble = _PREAMBLE.match(point)
    rest = point[preamble.end() :] if preamble else point
    return rest if _has_content(rest) else point


_LEAD = re.compile(
    r"(?:(?:and|but|or|also|additionally|furthermore|moreover|lastly|firstly|secondly|thirdly|"
    r"in addition)\b,?\s+|"
    r"(?:finally|besides|further|however|likewise|similarly|next|then|first and foremost|on top of that|"
    + "|".join(_ORDINALS)
    + r"),\s+)+",
    re.IGNORECASE,
)
_JOINING = frozenset(
    {"and", "or", "but", "nor", "and/or", "of", "the", "an", "such", "including", "e.g.", "i.e."}
)
_BEFORE_MORE = (
    "a as at by for from in into on onto over per than that to under upon via which who whose with within "
    "without while "
    "where when if is are was were be been has have had may might can could will would should must not no "
    "only its their "
    "these this those between among across during through toward towards about against like both either more "
    "less "
    "very particularly especially because since although though whereas until unless rather so yet"
)
_ABBREVIATED_END = re.compile(r"\.\.$|\b(?:e\.g|i\.e|etc|al)\.$")
_LEADING_ON = _JOINING | frozenset(_BEFORE_MORE.split())


def _strip_connectives(part: str) -> str:
    """Remove leading words that link a point to the one before it, and its closing sign."""
    part = part.lstrip(" ,;:.–—-•*。；：，")
    part = part[lead.end() :] if (lead := _LEAD.match(part)) else part
    part = _strip_dangling_words(part, _JOINING)
    if part.endswith((".", "。")) and not _ABBREVIATED_END.search(part[-6:]):
        part = _strip_dangling_words(part[:-1], _JOINING)
    return part[:-1] if part.endswith(")") and part.count(")") == part.count("(") + 1 else part


def _strip_dangling_words(text: str, dangling: frozenset[str]) -> str:
    """Remove trailing commas, and trailing words that need a continuation ("such as", "and")."""
    end = len(text)
    while True:
        while end and text[end - 1] in " ,;:–—-；：，、":
            end -= 1
        start = text.rfind(" ", 0, end) + 1
        word = text[start:end]
        if word not in dangling and not (word == "as" and text[:start].endswith("such ")):
            return text[:end]
        end = start


_OF_A_CLAUSE = (
    r"(?:which|where|while|though|although|whereas|as|so|but|thus|hence|making|leading|limiting|leaving|"
    r"raising|creating|indicating|highlighting|suggesting|necessitating|potentially|meaning|particularly|"
    r"especially|"
    r"including|requiring|with|without|due|because|since|rather|ranging|such|lacking|failing|entirely|"
    r"causing|"
    r"resulting|reducing|restricting|preventing|introducing|allowing)\b"
)
_CLAUSE = re.compile(rf", (?={_OF_A_CLAUSE})|: |[：，]")
_ADDED = re.compile(r", (?=(?:and|or)\b)")
_LOOSE = re.compile(r" (?=(?:where|because|since|although|though|whereas|while)\b)")
_LIST = re.compile(
    rf"(?:, (?!{_OF_A_CLAUSE}|and\b|or\b)[^\s,;:()]{{1,30}}(?: [^\s,;:()]{{1,30}}){{0,4}}){{1,8}}"
    r",? (?:and|or|and/or)\b"
)
MIN_CLAUSE_LENGTH = 40
"""Characters that must remain of a point that is cut at a clause."""
GOOD_CLAUSE_LENGTH = 64
"""Characters from which a clause is preferred to a longer prefix with an ellipsis."""
LOOKAHEAD_FACTOR = 4
"""Multiple of the maximum length that is examined for clause boundaries."""


def shorten_point(point: str, max_length: int = MAX_POINT_LENGTH) -> str:
    """Shorten a point to `max_length` characters, at the best boundary that fits. A short one is unchanged.

    Boundaries are tried in this order: a sentence or semicolon, a long clause, a subordinate clause (with an
    ellipsis), a short clause, a word (with an ellipsis). The result is a span of the point, apart from the
    ellipsis.
    """
    if len(point) <= max_length:
        return point
    text = point[: LOOKAHEAD_FACTOR * max_length]
    clauses, loose = _find_clause_ends(text, max_length), _find_loose_ends(text, max_length)
    for ends, min_length, ending in (
        (_find_stops(text, max_length), MIN_CLAUSE_LENGTH, ""),
        (clauses, GOOD_CLAUSE_LENGTH, ""),
        (loose, GOOD_CLAUSE_LENGTH, "…"),
        (clauses, MIN_CLAUSE_LENGTH, ""),
    ):
        if ends and ends[-1] >= min_length:
            return _strip_dangling_words(text[: ends[-1]], _LEADING_ON) + ending
    return _clip_at_word(text, max_length)


def _find_stops(text: str, max_length: int) -> list[int]:
    """Return the ends of sentences and the semicolons, in order: text up to there is no fragment."""
    ends, end = [mark.start() for mark in re.finditer("[;；]", text)], 0
    for sentence in split_sentences(text):
        end = text.index(sentence, end) + len(sentence)
        ends.append(end - sentence.endswith((".", "。")))
    return _filter_fitting(sorted(ends), text, max_length)


def _find_clause_ends(text: str, max_length: int) -> list[int]:
    """Return the ends of clauses, in order: commas, colons and parentheses that are not inside a list."""
    ends = [mark.start() for mark in _CLAUSE.finditer(text)]
    ends += [mark.start() for mark in _ADDED.finditer(text) if not _is_enumeration(text[: mark.start()])]
    ends += [
        start for start, end in _find_parentheses(text) if text[end : end + 1] in (".", ",", ";", ":", "")
    ]
    lists = [found.span() for found in _LIST.finditer(text)]
    return _filter_fitting(
        sorted(end for end in ends if not any(a <= end < b for a, b in lists)), text, max_length
    )


def _is_enumeration(text: str) -> bool:
    """Return True if a comma follows the last stop: another one before "and" may belong to a list."""
    return "," in text[max(text.rfind(stop) for stop in ";:.") + 1 :]


def _find_loose_ends(text: str, max_length: int) -> list[int]:
    """Return the starts of subordinate clauses without a comma, and of parentheses that are too long.

    They are in order, and all fit into `max_length`.
    """
    ends = [mark.start() for mark in _LOOSE.finditer(text)]
    ends += [start for start, end in _find_parentheses(text) if end > max_length]
    return _filter_fitting(sorted(ends), text, max_length)


def _find_parentheses(text: str) -> list[tuple[int, int]]:
    """Return the start and end of each outermost parenthesis after a space, which belongs to it."""
    depths = [*_parenthesis_depths(text), 0]
    starts = [index for index in range(1, len(text)) if depths[index] and not depths[index - 1]]
    return [(start - 1, depths.index(0, start)) for start in starts if text[start - 1] == " "]


def _filter_fitting(ends: Iterable[int], text: str, max_length: int) -> list[int]:
    """Keep the ends that fit, are outside parentheses, and leave more than an announcement."""
    depths = _parenthesis_depths(text)
    return [end for end in ends if end < max_length and not depths[end] and not _is_announcement(text[:end])]


def _clip_at_word(text: str, max_length: int) -> str:
    clipped = clip_text(text, max_length).removesuffix("…")
    depths = _parenthesis_depths(clipped)
    if depths and depths[-1] and clipped[-1] not in ")）":
        opening = len(depths) - depths[::-1].index(0) if 0 in depths else 0
        clipped = clipped[:opening] if opening >= MIN_CLAUSE_LENGTH else clipped
    return (_strip_dangling_words(clipped, _LEADING_ON) or clipped) + "…"
