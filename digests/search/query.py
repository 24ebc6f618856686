"""What people type, understood: a paper's name, or words to look for. Pure; nothing typed is ever syntax."""

import re
import unicodedata
from dataclasses import dataclass

from digests.ids import names_paper
from digests.text import plain, tidy

MOST_WORDS = 32
"""More words than this find nothing that these do not."""

LONGEST_WORD = 60
"""Characters; longer ones are cut, here and in the index alike."""

LONGEST_QUERY = 4_000
"""Characters that are looked at: twice the longest address."""


@dataclass(frozen=True, slots=True)
class ById:
    """A paper was named; `id` is without a version."""

    id: str


@dataclass(frozen=True, slots=True)
class ByWords:
    """Words as `words_of` makes them, in the order typed, and quoted phrases, each of such words with blanks between."""

    words: tuple[str, ...]
    phrases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Nothing:
    """No word was typed."""


Query = ById | ByWords | Nothing


def understand(words: str) -> Query:
    """What a person means by these words. Never raises."""
    text = tidy(words.strip()[:LONGEST_QUERY])
    if named := names_paper(text):
        return ById(named.id)
    loose, quoted = _unquoted(plain(text))
    phrases = _first(quoted, MOST_WORDS)
    single = _first([loose], MOST_WORDS - sum(map(len, phrases)))
    if not phrases and not single:
        return Nothing()
    return ByWords(single[0] if single else (), tuple(" ".join(phrase) for phrase in phrases))


_QUOTED = re.compile('["“”„«»]([^"“”„«»]*)["“”„«»]')


def _unquoted(text: str) -> tuple[str, list[str]]:
    """The text outside of quotes, and what each pair of quotes holds."""
    return _QUOTED.sub(" ", text), _QUOTED.findall(text)


def _first(texts: list[str], most: int) -> list[tuple[str, ...]]:
    """The words of each text that has any, up to so many in all."""
    found: list[tuple[str, ...]] = []
    for text in texts:
        words = tuple(words_of(text)[:most])
        most -= len(words)
        if words:
            found.append(words)
    return found


_WORD = re.compile(r"[^\W_]+")
_SIGNED = re.compile(r"(?<!\w)(?:c\+\+|[cf]#(?!\w))")
_SPELT = {"c++": " cpp ", "c#": " csharp ", "f#": " fsharp "}
_UNDIVIDED = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ħ": "h", "ı": "i", "ŋ": "n"}
)
"""Letters that Unicode does not take apart into a letter and an accent."""


def words_of(text: str) -> list[str]:
    """The words that the index knows this text by: lower case, without accents, letters and digits only.

    "C++" and "C#" become words of their own. `text` is as `plain` makes it.
    """
    folded = _folded(text)
    if "+" in folded or "#" in folded:
        folded = _SIGNED.sub(lambda found: _SPELT[found[0]], folded)
    return [word[:LONGEST_WORD] for word in _WORD.findall(folded)]


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    bare = "".join(sign for sign in apart if unicodedata.category(sign) != "Mn")
    # Hangul comes apart too, and would make long words of short ones.
    return unicodedata.normalize("NFC", bare).translate(_UNDIVIDED)
