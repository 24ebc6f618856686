"""Languages in which a digest can be told, by their codes of ISO 639-1. Pure."""

from collections.abc import Mapping

from digests.errors import InputError
from digests.text import clip_text, normalize_text

LANGUAGES: Mapping[str, str] = {
    "ar": "Arabic", "cs": "Czech", "de": "German", "es": "Spanish", "fr": "French", "hi": "Hindi",
    "id": "Indonesian", "it": "Italian", "ja": "Japanese", "ko": "Korean", "nl": "Dutch", "pl": "Polish",
    "pt": "Portuguese", "ru": "Russian", "sv": "Swedish", "tr": "Turkish", "uk": "Ukrainian",
    "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip
"""English names by code. English itself is not among them: reviews are written in it."""

ORIGINAL_WORDS = ("", "en", "english", "none", "original")
"""Words for the language of the review itself."""

_CODE_BY_NAME = {name.lower(): code for code, name in LANGUAGES.items()}


def find_language(text: str) -> str:
    """Return the code of a language that is given by its code or English name; "" stands for the original.

    Raises InputError for another word.
    """
    word = text[:40].strip().lower()
    if word in ORIGINAL_WORDS:
        return ""
    code = _CODE_BY_NAME.get(word, word)
    if code not in LANGUAGES:
        raise InputError(
            f"“{clip_text(normalize_text(text[:80]), 40)}” is no language here: write en or one of "
            f"{', '.join(LANGUAGES)}."
        )
    return code


def name_language(code: str) -> str:
    """Return the English name of a language by its code; "" is English."""
    return LANGUAGES.get(code, "English")


def is_language_name(word: str) -> bool:
    """Return True for the English name of a language, in lower case."""
    return word in _CODE_BY_NAME or word == "english"


def is_language_word(word: str) -> bool:
    """Return True for a word that `find_language` reads, in lower case and not empty."""
    return bool(word) and (word in LANGUAGES or word in _CODE_BY_NAME or word in ORIGINAL_WORDS)
