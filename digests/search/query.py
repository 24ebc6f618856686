"""Parser for search queries: a paper's id, or words. Pure. There is no query syntax beyond quotes."""

import re
import unicodedata
from dataclasses import dataclass

from digests.ids import parse_paper_id
from digests.text import limit_combining_marks, normalize_text, to_plain_text

MAX_WORDS = 32
"""Words of a query that are used: further ones do not help to find a paper."""

MAX_WORD_CHARACTERS = 60
"""Characters of a word. Longer words are cut, both here and in the index."""

MAX_QUERY_CHARACTERS = 4_000
"""Characters of a query that are read: twice the longest address."""


@dataclass(frozen=True, slots=True)
class IdQuery:
    """Query for one paper. `id` is a paper's id without its version; the paper need not be known."""

    id: str


@dataclass(frozen=True, slots=True)
class WordQuery:
    """Query for words, in the order typed, and quoted phrases. A phrase is words joined by spaces.

    All words are as `tokenize_text` makes them.
    """

    words: tuple[str, ...]
    phrases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EmptyQuery:
    """Query without any word."""


SearchQuery = IdQuery | WordQuery | EmptyQuery


def parse_query(typed: str) -> SearchQuery:
    """Parse a person's input: a paper's id or address, words and quoted phrases, or nothing. Never raises.

    Only the first `MAX_QUERY_CHARACTERS` and `MAX_WORDS` are used; phrases come before loose words.
    """
    text = normalize_text(typed.strip()[:MAX_QUERY_CHARACTERS])
    if named := parse_paper_id(text):
        return IdQuery(named.id)
    loose, quoted = _split_quotes(to_plain_text(text))
    phrases = _take_words(quoted, MAX_WORDS)
    single = _take_words([loose], MAX_WORDS - sum(map(len, phrases)))
    if not phrases and not single:
        return EmptyQuery()
    return WordQuery(single[0] if single else (), tuple(" ".join(phrase) for phrase in phrases))


_QUOTED = re.compile('["“”„«»]([^"“”„«»]*)["“”„«»]')


def _split_quotes(text: str) -> tuple[str, list[str]]:
    """Return the text outside of quotes, and the text inside each pair of quotes."""
    return _QUOTED.sub(" ", text), _QUOTED.findall(text)


def _take_words(texts: list[str], limit: int) -> list[tuple[str, ...]]:
    """Return the words of each text, at most `limit` in total. Texts without words are left out."""
    taken: list[tuple[str, ...]] = []
    for text in texts:
        words = tuple(tokenize_text(text)[:limit])
        limit -= len(words)
        if words:
            taken.append(words)
    return taken


_WORD = re.compile(r"[^\W_]+")
_SYMBOL_NAMES = re.compile(r"(?<!\w)(?:c\+\+|[cf]#(?!\w))")
_SYMBOL_SPELLINGS = {"c++": " cpp ", "c#": " csharp ", "f#": " fsharp "}
_LETTER_REPLACEMENTS = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ħ": "h", "ı": "i", "ŋ": "n"}
)
"""Replacements for letters that Unicode does not decompose into a letter and an accent."""


def tokenize_text(text: str) -> list[str]:
    """Split a text into the words that the index uses: lower case, no accents, letters and digits only.

    "C++" and "C#" become "cpp" and "csharp". `text` is a result of `to_plain_text`.
    """
    folded = _fold_text(text)
    if "+" in folded or "#" in folded:
        folded = _SYMBOL_NAMES.sub(lambda found: _SYMBOL_SPELLINGS[found[0]], folded)
    return [word[:MAX_WORD_CHARACTERS] for word in _WORD.findall(folded)]


def _fold_text(text: str) -> str:
    if text.isascii():
        return text.lower()
    compatible = unicodedata.normalize("NFKD", limit_combining_marks(text))
    decomposed = unicodedata.normalize("NFKD", compatible.casefold())
    bare = "".join(sign for sign in decomposed if unicodedata.category(sign) != "Mn")
    # NFKD also decomposes Hangul syllables, which would turn short words into long ones.
    return unicodedata.normalize("NFC", bare).translate(_LETTER_REPLACEMENTS)
