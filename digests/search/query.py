"""Parser for search queries: ids of papers, or words with filters. Pure."""

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import date

from digests.ids import find_paper_ids
from digests.search.filters import Filter, Guess, Sort, read_filters
from digests.search.frames import (
    LIMITATION_WORDS,
    STOP_WORDS,
    strip_frames,
    take_limitations,
    take_similar,
)
from digests.text import limit_combining_marks, normalize_text, to_plain_text

MAX_WORDS = 32
"""Words of a query that are used: further ones do not help to find a paper."""

MAX_CHECKED_WORDS, MIN_CHECKED_LETTERS = 6, 4
"""Words of a query that may be misspelt, the rarest ones, and the letters of the shortest of them.

Each takes a millisecond of a search.
"""

MAX_WORD_CHARACTERS = 60
"""Characters of a word. Longer words are cut, both here and in the index."""

MAX_QUERY_CHARACTERS = 4_000
"""Characters of a query that are read: twice the longest address."""


@dataclass(frozen=True, slots=True)
class IdQuery:
    """Query for papers by their ids, without versions; the papers need not be known.

    `wants_limitations` is True for a question such as "limitations of 2402.01306", and `wants_similar` for
    "papers like 2402.01306", whose `filters` the similar papers match.
    """

    ids: tuple[str, ...]
    wants_limitations: bool = False
    wants_similar: bool = False
    filters: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class WordQuery:
    """Query for words, in the order typed, and quoted phrases. A phrase is words joined by spaces.

    All words are as `tokenize_text` makes them. `optional_words` are stop words and frames ("papers about"):
    they only rank. `title` has all words as typed, in case they are a title. Without words and phrases, the
    `filters` alone choose; `guesses` are filters that the words suggest. `sort` is None if nobody named an
    order. `faults` are sentences about what was left out. `wants_limitations` is True for a
    question such as "what are the limitations of DPO?", and `wants_similar` for "papers similar to DPO".
    `typed` is the text as it was typed.
    """

    words: tuple[str, ...]
    phrases: tuple[str, ...] = ()
    optional_words: tuple[str, ...] = ()
    title: str = ""
    filters: tuple[Filter, ...] = ()
    guesses: tuple[Guess, ...] = ()
    sort: Sort | None = None
    faults: tuple[str, ...] = ()
    wants_limitations: bool = False
    wants_similar: bool = False
    typed: str = ""

    @property
    def all_filters(self) -> tuple[Filter, ...]:
        """Filters that were typed, and those that were guessed."""
        return (*self.filters, *(guess.filter for guess in self.guesses))

    @property
    def meant_words(self) -> tuple[str, ...]:
        """The words, and then those of the phrases."""
        return (*self.words, *(word for phrase in self.phrases for word in phrase.split()))

    def without_guesses(self) -> "WordQuery":
        """Return the query with the words of its guesses in place of them."""
        guessed = tuple(word for guess in self.guesses for word in guess.words)
        words, optional = _split_stop_words(tuple(tokenize_text(" ".join(guessed))))
        return replace(
            self,
            words=(*self.words, *words)[:MAX_WORDS],
            optional_words=(*self.optional_words, *optional)[:MAX_WORDS],
            guesses=(),
        )


@dataclass(frozen=True, slots=True)
class EmptyQuery:
    """Query without any word. `faults` are sentences about filters that could not be read."""

    faults: tuple[str, ...] = ()


SearchQuery = IdQuery | WordQuery | EmptyQuery


def parse_query(typed: str, today: date) -> SearchQuery:
    """Parse a person's input: ids or addresses of papers, filters, words and phrases, or nothing.

    Never raises. `today` is the day to which "this week" refers. Only the first `MAX_QUERY_CHARACTERS` and
    `MAX_WORDS` are used; phrases come before loose words.
    """
    text = normalize_text(typed.strip()[:MAX_QUERY_CHARACTERS])
    if named := find_paper_ids(text):
        words = tuple(tokenize_text(text)[:MAX_WORDS])
        wants_limitations = not LIMITATION_WORDS.isdisjoint(words) or take_limitations(words)[1]
        wants_similar = take_similar(words)[1]
        filters = read_filters(to_plain_text(text), today).filters if wants_similar else ()
        return IdQuery(tuple(reference.id for reference in named), wants_limitations, wants_similar, filters)
    plain = to_plain_text(text)
    typed_words = tokenize_text(plain)
    reading = read_filters(plain, today)
    loose, quoted = _split_quotes(reading.rest)
    phrases = _take_words(quoted, MAX_WORDS)
    single = _take_words([loose], MAX_WORDS - sum(map(len, phrases)))
    guessed = tokenize_text(" ".join(word for guess in reading.guesses for word in guess.words))
    has_filters = bool(reading.filters or reading.guesses)
    has_others = bool(phrases) or has_filters or reading.sort is not None
    meant = strip_frames(single[0] if single else (), has_others=has_others)
    sort = reading.sort or (None if phrases else meant.sort)
    if not (phrases or meant.words or has_filters or sort):
        return EmptyQuery(reading.faults)
    cut = (f"Searched for the first {MAX_WORDS} words alone.",) if len(typed_words) > MAX_WORDS else ()
    return WordQuery(
        meant.words,
        tuple(" ".join(phrase) for phrase in phrases),
        (*meant.optional_words, *guessed)[:MAX_WORDS],
        " ".join(typed_words[:MAX_WORDS]),
        reading.filters,
        reading.guesses,
        sort,
        (*reading.faults, *cut),
        meant.wants_limitations,
        meant.wants_similar,
        text,
    )


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


def _split_stop_words(words: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    kept = tuple(word for word in words if word not in STOP_WORDS)
    return (kept, tuple(word for word in words if word in STOP_WORDS)) if kept else (words, ())


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
