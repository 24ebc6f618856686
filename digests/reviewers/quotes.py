"""Look-up of a model's quotes in a paper, in spite of TeX, ligatures, hyphenation and lost letters. Pure."""

import re
import unicodedata

from digests.text import limit_combining_marks, to_plain_text

MIN_QUOTE_CHARACTERS = 12
"""Letters and digits of a quote; a shorter one occurs in any text."""

LETTERS_PER_EDIT = 15
"""Letters of a quote for which one edit is allowed. A shorter part must match as it is."""
MAX_EDITS = 6
"""Edits that a part of a quote may need."""
MAX_SEARCHED_LETTERS = 2000
"""Letters of a part that are compared with edits. A longer one must match as it is."""
MAX_PLACES = 4
"""Places of one piece of a quote that are compared with edits."""

_ELLIPSIS = re.compile(r"\[?(?:\.\.\.|…)\]?")
_LIGATURES = ("ffi", "ffl", "fi", "fl", "ff", "ft", "tt", "ti", "th")
"""Letters that fonts draw as one sign, which the text of a PDF may lack."""
_REVERSED_LIGATURES = tuple(letters[::-1] for letters in _LIGATURES)
_GREEK = {
    letter: unicodedata.name(letter).removeprefix("GREEK SMALL LETTER ").removeprefix("FINAL ").lower()
    for letter in map(chr, (*range(0x3B1, 0x3CA),))
} | {"λ": "lambda", "×": "x"}
_GREEK_NAMES = str.maketrans(_GREEK)


def normalize_for_quotes(text: str) -> str:
    """Return the letters and digits of a text in lower case, as the look-up of quotes compares them.

    LaTeX and HTML become plain text, accents are removed, and a Greek letter becomes its name.
    """
    plain = "\n".join(map(to_plain_text, text.splitlines()))
    if not plain.isascii():
        plain = unicodedata.normalize("NFKD", limit_combining_marks(plain))
    folded = plain.casefold().translate(_GREEK_NAMES)
    return "".join(filter(str.isalnum, folded))


def is_quoted(quote: str, comparable_text: str) -> bool:
    """Return True if the parts of a quote between its ellipses occur in the normalized text, in order.

    `comparable_text` is a result of `normalize_for_quotes`. A long part may differ by a few single letters
    and lost ligatures, but not in a digit. False for a quote with fewer than `MIN_QUOTE_CHARACTERS` letters
    and digits.
    """
    parts = [bare for part in _ELLIPSIS.split(quote) if (bare := normalize_for_quotes(part))]
    if sum(map(len, parts)) < MIN_QUOTE_CHARACTERS:
        return False
    end = 0
    for part in parts:
        end = _find_end(part, comparable_text, end)
        if end < 0:
            return False
    return True


def _find_end(part: str, text: str, start: int) -> int:
    """Return the end of a part in the text from `start` on, -1 if it does not occur there."""
    found = text.find(part, start)
    if found >= 0:
        return found + len(part)
    edits = min(len(part) // LETTERS_PER_EDIT, MAX_EDITS)
    if not edits or len(part) > MAX_SEARCHED_LETTERS:
        return -1
    # With fewer edits than pieces, one piece at least matches as it is.
    size = len(part) // (edits + 1)
    for offset in range(0, size * (edits + 1), size):
        piece, place = part[offset : offset + size], start - 1
        for _ in range(MAX_PLACES):
            place = text.find(piece, place + 1)
            if place < 0:
                break
            end = _match_around(part, text, start, (offset, place, size), edits)
            if end >= 0:
                return end
    return -1


def _match_around(part: str, text: str, start: int, found: tuple[int, int, int], edits: int) -> int:
    """Return the end of a part that is compared on both sides of a piece; -1 if that takes too many edits.

    `found` is the piece's offset in the part, its place in the text and its length.
    """
    offset, place, size = found
    room = edits * 3
    before = text[max(start, place - offset - room) : place][::-1]
    used, _ = _count_edits(part[:offset][::-1], before, edits, _REVERSED_LIGATURES)
    if used > edits:
        return -1
    rest = part[offset + size :]
    after = text[place + size : place + size + len(rest) + room]
    used_after, length = _count_edits(rest, after, edits - used, _LIGATURES)
    return place + size + length if used + used_after <= edits else -1


def _count_edits(part: str, text: str, limit: int, ligatures: tuple[str, ...]) -> tuple[int, int]:
    """Return the fewest edits that make a part the beginning of the text, and its length there.

    An edit is a letter more, less or changed, or a ligature that one side lacks. No edit touches a digit, and
    a letter that matches stands between two. The count is `limit` + 1 if that many do not suffice.
    """
    # The furthest point for each difference of the positions: each edit begins where no more letters match.
    points = {(0, 0)}
    for used in range(limit + 1):
        reached = set()
        for at, place in points:
            end, text_end = _skip_equal(part, text, at, place)
            if end == len(part):
                return used, text_end
            if end > at or not at:
                reached.add((end, text_end))
        furthest: dict[int, tuple[int, int]] = {}
        for end, text_end in reached:
            for next_point in _list_edits(part, text, end, text_end, ligatures):
                difference = next_point[0] - next_point[1]
                furthest[difference] = max(furthest.get(difference, next_point), next_point)
        points = set(furthest.values())
    return limit + 1, 0


def _skip_equal(part: str, text: str, at: int, place: int) -> tuple[int, int]:
    while at < len(part) and place < len(text) and part[at] == text[place]:
        at, place = at + 1, place + 1
    return at, place


def _list_edits(
    part: str, text: str, at: int, place: int, ligatures: tuple[str, ...]
) -> list[tuple[int, int]]:
    """Return the points after one edit. A lost ligature may begin before the first difference."""
    points = []
    is_letter = not part[at].isdigit()
    has_text = place < len(text) and not text[place].isdigit()
    if is_letter:
        points.append((at + 1, place))
    if has_text:
        points.append((at, place + 1))
    if is_letter and has_text:
        points.append((at + 1, place + 1))
    # "first" without "fi" is "rst"; in "office", "ofce", the first f matches before the difference.
    for back in (0, 1, 2):
        for letters in ligatures:
            if back < len(letters) and at >= back <= place and part.startswith(letters, at - back):
                points.append((at - back + len(letters), place - back))
            if back < len(letters) and at >= back <= place and text.startswith(letters, place - back):
                points.append((at - back, place - back + len(letters)))
    return points
