"""Secrets: read from the environment only, and refused in the settings file."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from config.problems import KeyPath, SettingsError

SECRET_KEY_PATTERN = re.compile(
    "token(?!s_(per|a)_day)|secret|passw|credential|(^|[_-]|api)keys?$", re.IGNORECASE
)
"""Names of keys that would hold a secret.

`tokens_per_day`, once `tokens_a_day`, is none: it counts tokens.
"""


def find_secrets(document: Mapping[str, Any]) -> Iterator[KeyPath]:
    """Yield the place of each key in a settings document whose name looks like that of a secret.

    Searches all tables and lists, but nothing below such a key. Values are not looked at.
    """
    pending: list[tuple[KeyPath, object]] = [((), document)]
    for loc, value in pending:
        if loc and isinstance(loc[-1], str) and SECRET_KEY_PATTERN.search(loc[-1]):
            yield loc
        elif isinstance(value, dict):
            pending += [((*loc, key), inner) for key, inner in value.items()]
        elif isinstance(value, list):
            pending += [((*loc, number), inner) for number, inner in enumerate(value)]


def read_reviewer_key(environment: Mapping[str, str]) -> str:
    """Return the key of the reviewer's server, from `PAPERROUND_REVIEWER_KEY`; empty if it is not set.

    White space around it is removed. Raises SettingsError if it has white space inside or is not ASCII.
    """
    key = environment.get("PAPERROUND_REVIEWER_KEY", "").strip()
    if not is_single_ascii_word(key):
        raise SettingsError("PAPERROUND_REVIEWER_KEY holds more than a key; set it to the key alone.")
    return key


def is_single_ascii_word(secret: str) -> bool:
    """Return True if `secret` can go into a header as it is: ASCII without white space.

    True for an empty one.
    """
    return secret.isascii() and not any(character.isspace() for character in secret)
