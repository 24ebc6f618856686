"""Names of authors: matching through accents, order and initials. Pure.

The cost is linear in the length of the names.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from digests.text import limit_combining_marks

MAX_NAME_CHARACTERS = 200
"""Characters of a name that are read. A longer one is a list or an attack."""

_WORD = re.compile(r"[^\W\d_]+")
_LETTER_REPLACEMENTS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "ı": "i"})
"""Replacements for letters that Unicode does not decompose into a letter and an accent."""

_SUFFIXES = frozenset(("jr", "sr", "ii", "iii", "iv"))


def straighten_name(name: str) -> str:
    """Return a name with its family name last: "Bengio, Yoshua" becomes "Yoshua Bengio"."""
    family, comma, given = name.partition(",")
    return f"{given.strip()} {family.strip()}".strip() if comma else name


@dataclass(frozen=True, slots=True)
class AuthorMatcher:
    """Names of followed authors, compiled for matching the authors of many papers.

    `readings` has, by family name, the given names and the name as a person wrote it.
    """

    readings: Mapping[str, Sequence[tuple[tuple[str, ...], str]]]

    @staticmethod
    def from_names(names: Iterable[str]) -> "AuthorMatcher":
        """Compile names. A name without letters matches nobody."""
        readings: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        for name in names:
            for family, given in _read_name(name):
                readings.setdefault(family, []).append((given, name))
        return AuthorMatcher(readings)

    def find_followed(self, authors: Iterable[str]) -> str | None:
        """Return the followed name, as a person wrote it, of the first author who has it; None without one.

        Case and accents do not count. Initials stand for given names, and a family name may come first.
        Middle names may be missing on one side; where both have them, they must agree. A followed family name
        without given names matches everybody of that name.
        """
        for author in authors if self.readings else ():
            for family, given in _read_name(author):
                for followed_given, name in self.readings.get(family, ()):
                    if _is_same_person(followed_given, given):
                        return name
        return None


def _read_name(name: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return the readings of a name: its family name and its given names, all folded.

    The family name is the last word, or the first one: some names are written so.
    """
    words = _WORD.findall(_fold_name(straighten_name(name[:MAX_NAME_CHARACTERS])))
    while len(words) > 2 and words[-1] in _SUFFIXES:
        del words[-1]
    readings = [(words[-1], tuple(words[:-1])), (words[0], tuple(words[1:]))] if words else []
    return [reading for reading in dict.fromkeys(readings) if len(reading[0]) > 1]


def _fold_name(name: str) -> str:
    """Return a name in lower case without accents."""
    if name.isascii():
        return name.lower()
    decomposed = unicodedata.normalize("NFKD", limit_combining_marks(name).casefold())
    return "".join(sign for sign in decomposed if unicodedata.category(sign) != "Mn").translate(
        _LETTER_REPLACEMENTS
    )


def _is_same_person(followed: tuple[str, ...], given: tuple[str, ...]) -> bool:
    """Return True if an author's given names fit the followed ones: each equals, or is its initial.

    Everybody fits if none are followed. An author without given names fits only then.
    """
    if not followed:
        return True
    return bool(given) and all(
        ours == theirs or (min(len(ours), len(theirs)) == 1 and ours[0] == theirs[0])
        for ours, theirs in zip(followed, given, strict=False)
    )
