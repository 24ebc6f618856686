"""Secrets: read from the environment only, and refused in the settings file."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from config.problems import KeyPath, SettingsError

if TYPE_CHECKING:
    from pydantic import BaseModel

REVIEWER_KEY_VARIABLE = "PAPERROUND_REVIEWER_KEY"

TOKEN_KEYS_VARIABLE = "PAPERROUND_TOKEN_KEYS"  # noqa: S105 (the variable's name)
"""Variable with the keys that encrypt tokens in the store, the newest first, separated by commas."""

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


def find_settings_secrets(settings: "BaseModel") -> Iterator[str]:
    """Yield the secrets in addresses of the settings, as they are written and decoded.

    They are passwords, pairs of user and password, and values of a query whose keys look like those of a
    secret.
    """
    from pydantic import BaseModel

    pending: list[object] = [settings]
    for value in pending:
        if isinstance(value, BaseModel):
            pending += [getattr(value, name) for name in type(value).model_fields]
        elif isinstance(value, list | tuple):
            pending += value
        elif isinstance(value, str) and "://" in value:
            yield from _find_address_secrets(value)


def _find_address_secrets(address: str) -> Iterator[str]:
    try:
        parts = urlsplit(address)
    except ValueError:
        return
    if parts.password:
        pair = f"{parts.username or ''}:{parts.password}"
        yield from (parts.password, unquote(parts.password), pair, unquote(pair))
    for key, value in parse_qsl(parts.query):
        if SECRET_KEY_PATTERN.search(key):
            yield value


def read_reviewer_key(environment: Mapping[str, str], number: int = 0) -> str:
    """Return the key of the reviewer's server, from `PAPERROUND_REVIEWER_KEY`; empty if it is not set.

    With a number over 0, that of the panel's entry, from the variable that ends with it. White space around
    the key is removed. Raises SettingsError if it has white space inside or is not ASCII.
    """
    variable = f"{REVIEWER_KEY_VARIABLE}_{number}" if number else REVIEWER_KEY_VARIABLE
    key = environment.get(variable, "").strip()
    if not is_single_ascii_word(key):
        raise SettingsError(f"{variable} holds more than a key; set it to the key alone.")
    return key


def read_token_keys(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the keys that encrypt tokens in the store, the newest first; empty if none is set."""
    return tuple(environment.get(TOKEN_KEYS_VARIABLE, "").replace(",", " ").split())


def is_single_ascii_word(secret: str) -> bool:
    """Return True if `secret` can go into a header as it is: ASCII without white space.

    True for an empty one.
    """
    return secret.isascii() and not any(character.isspace() for character in secret)
