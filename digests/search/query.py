"""What people type, understood: a paper's name, or words to look for. Pure; nothing typed is ever syntax."""

import re
import unicodedata
from dataclasses import dataclass

from digests.ids import parse_paper_id
from digests.text import normalize_text, to_plain_text

MAX_WORDS = 32
"""More words than this find nothing that these do not."""

MAX_WORD_CHARACTERS = 60
"""Characters; longer ones are cut, here and in the index alike."""

MAX_QUERY_CHARACTERS = 4_000
"""Characters that are looked at: twice the longest address."""


@dataclass(frozen=True, slots=True)
class IdQuery:
    """A paper was named; `id` is without a version."""

    id: str


@dataclass(frozen=True, slots=True)
class WordQuery:
    """Words as `words_of` makes them, in the order typed, and quoted phrases, each of such words with blanks between."""

    words: tuple[str, ...]
    phrases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EmptyQuery:
    """No word was typed."""


SearchQuery = IdQuery | WordQuery | EmptyQuery


def parse_query(typed: str) -> SearchQuery:
    """What a person means by these words. Never raises."""
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
    """The text outside of quotes, and what each pair of quotes holds."""
    return _QUOTED.sub(" ", text), _QUOTED.findall(text)


def _take_words(texts: list[str], limit: int) -> list[tuple[str, ...]]:
    """The words of each text that has any, up to so many in all."""
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
"""Letters that Unicode does not take apart into a letter and an accent."""


def tokenize_text(text: str) -> list[str]:
    """The words that the index knows this text by: lower case, without accents, letters and digits only.

    "C++" and "C#" become words of their own. `text` is as `plain` makes it.
    """
    folded = _fold_text(text)
    if "+" in folded or "#" in folded:
        folded = _SYMBOL_NAMES.sub(lambda found: _SYMBOL_SPELLINGS[found[0]], folded)
    return [word[:MAX_WORD_CHARACTERS] for word in _WORD.findall(folded)]


def _fold_text(text: str) -> str:
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    bare = "".join(sign for sign in decomposed if unicodedata.category(sign) != "Mn")
    # Hangul comes apart too, and would make long words of short ones.
    return unicodedata.normalize("NFC", bare).translate(_LETTER_REPLACEMENTS)
