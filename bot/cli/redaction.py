"""Removal of secrets from logs and failures. It is the last defence: sentences are written without secrets.

Values that are known to be secret are removed wherever they stand, and other addresses lose what may be one.
"""

import base64
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from bot.platforms.registry import find_platforms
from config.secrets import REVIEWER_KEY_VARIABLE, find_settings_secrets, read_token_keys

if TYPE_CHECKING:
    from config.settings import Settings

MIN_SECRET_CHARACTERS = 8
"""Shortest value that is removed: a shorter one would be found in ordinary words."""

MIN_TOKEN_CHARACTERS = 20
"""Shortest word that begins like a token of a platform and is removed."""

REPLACEMENT = "(secret)"

_ADDRESS_ENDS = "\"'<>“”`"

PASSWORD_VARIABLE = "PGPASSWORD"  # noqa: S105 (the variable's name)
"""Variable from which PostgreSQL's client library takes the password of the store."""

_known: set[str] = set()


def remember_environment(environment: Mapping[str, str]) -> None:
    """Let `hide_secrets` remove the values of all variables that hold a secret of ours."""
    keys = (name for name in environment if name.startswith(f"{REVIEWER_KEY_VARIABLE}_"))
    variables = {PASSWORD_VARIABLE, REVIEWER_KEY_VARIABLE, *keys}
    variables.update(name for spec in find_platforms().values() for name in spec.secret_variables)
    _remember(environment.get(name, "").strip() for name in variables)
    _remember(read_token_keys(environment))


def remember_settings(settings: "Settings") -> None:
    """Let `hide_secrets` remove passwords and tokens in addresses of the settings."""
    _remember(find_settings_secrets(settings))


def _remember(secrets: Iterable[str]) -> None:
    for secret in secrets:
        if len(secret) >= MIN_SECRET_CHARACTERS:
            data = os.fsencode(secret)  # A variable may hold bytes that are no UTF-8.
            encoded = base64.b64encode(data).decode().rstrip("=")
            _known.update((secret, quote(data, safe=""), quote_plus(data), encoded))


def hide_known_secrets(text: str) -> str:
    """Return a text without known secrets, and without tokens of platforms, which may be in the store.

    Addresses stay, with their queries.
    """
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, REPLACEMENT)
    for prefix in _list_secret_prefixes():
        if prefix in text:
            before, *parts = text.split(prefix)
            text = before + "".join(_strip_token(prefix, part) for part in parts)
    return text


def _strip_token(prefix: str, rest: str) -> str:
    """Return the text from a token's prefix on without the token. A prefix alone, as in a sentence, stays."""
    end = next(
        (
            place
            for place, sign in enumerate(rest)
            if not (sign.isascii() and (sign.isalnum() or sign in "-."))
        ),
        len(rest),
    )
    is_token = len(prefix) + end >= MIN_TOKEN_CHARACTERS
    return REPLACEMENT + rest[end:] if is_token else prefix + rest


def hide_secrets(text: str) -> str:
    """Return a text without known secrets, and without passwords and queries of addresses. Never raises."""
    return "://".join(_strip_addresses(hide_known_secrets(text).split("://")))


@cache
def _list_secret_prefixes() -> tuple[str, ...]:
    return tuple(prefix for spec in find_platforms().values() for prefix in spec.secret_prefixes)


@cache
def _list_secret_paths() -> tuple[str, ...]:
    return tuple(path for spec in find_platforms().values() for path in spec.secret_paths)


def _strip_addresses(parts: list[str]) -> Iterator[str]:
    """Yield the parts of a text that was split at "://", with each address cut to host, port and path."""
    yield parts[0]
    for before, part in pairwise(parts):
        ends = (place for place, sign in enumerate(part) if sign.isspace() or sign in _ADDRESS_ENDS)
        end = next(ends, len(part))
        yield _strip_address(part[:end], before.lower().endswith(("http", "https"))) + part[end:]


def _strip_address(rest: str, is_web: bool) -> str:
    """Return the rest of an address after its scheme, and nothing of it after a secret path.

    A user without a password may stand in a store's.
    """
    from digests.sources.http.addresses import describe_address

    for marker in _list_secret_paths():
        before, found, after = rest.partition(marker)
        if after:
            rest = f"{before}{found}…"
    user, at, _ = rest.partition("/")[0].rpartition("@")
    may_stay = not at or (not is_web and ":" not in user)
    if may_stay and "?" not in rest and "#" not in rest and rest.count("@") == len(at):
        return rest
    shown = describe_address(f"http://{rest}")
    return shown.removeprefix("http://") if shown.startswith("http://") else "…"
