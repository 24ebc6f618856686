"""Secrets: read from the environment only, and refused in the settings file."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from config.problems import KeyPath, SettingsError

SECRET_KEY_PATTERN = re.compile(
    "token(?!s_(per|a)_day)|secret|passw|credential|(^|[_-]|api)keys?$", re.IGNORECASE
)
"""Names of keys that would hold a secret. `tokens_per_day`, once `tokens_a_day`, counts tokens of text."""


def find_secrets(document: Mapping[str, Any]) -> Iterator[KeyPath]:
    """Yield the place of each key of a settings document that looks like a secret."""
    pending: list[tuple[KeyPath, object]] = [((), document)]
    for loc, value in pending:
        if loc and isinstance(loc[-1], str) and SECRET_KEY_PATTERN.search(loc[-1]):
            yield loc
        elif isinstance(value, dict):
            pending += [((*loc, key), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            pending += [((*loc, number), inner) for number, inner in enumerate(value)]


def read_reviewer_key(environment: Mapping[str, str]) -> str:
    """Return the key of the reviewer's server; empty if there is none.

    Raises SettingsError for text that cannot be a key.
    """
    key = environment.get("PAPERROUND_REVIEWER_KEY", "").strip()
    if not is_single_ascii_word(key):
        raise SettingsError("PAPERROUND_REVIEWER_KEY holds more than a key; set it to the key alone.")
    return key


def is_single_ascii_word(secret: str) -> bool:
    """Return True if `secret` can go into a header as it is: ASCII without white space."""
    return secret.isascii() and not any(character.isspace() for character in secret)
