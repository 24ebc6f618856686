"""Encryption of the tokens in the store, with keys that only the environment has.

The first key encrypts; the others still decrypt, until everything is encrypted with the first one.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from config.problems import SettingsError
from config.secrets import TOKEN_KEYS_VARIABLE
from digests.errors import PaperroundError

KEY_ID_CHARACTERS = 8
"""Characters of a key's id: enough to tell keys apart, and useless for a guess at the key."""


class TokenKeyError(PaperroundError):
    """Tokens that none of the keys decrypts."""


class TokenCipher:
    """Encrypts and decrypts tokens, and the state of an installation that is under way.

    A ciphertext belongs to one owner, such as `platform:workspace`: in the row of another it is refused.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        """Take the keys, the newest first. Raises SettingsError without one, and for what is no key."""
        if not keys:
            raise SettingsError(f"{TOKEN_KEYS_VARIABLE} holds no key: “paperround keys new” prints one.")
        for number, key in enumerate(keys, 1):
            if not _is_key(key):
                raise SettingsError(
                    f"{TOKEN_KEYS_VARIABLE}: word {number} of {len(keys)} is no key. One has 44 characters, "
                    "as “paperround keys new” prints it; several are separated by commas, the newest first."
                )
        self.key_ids = tuple(map(identify_key, keys))
        self._ciphers = MultiFernet([Fernet(key) for key in keys])

    @property
    def key_id(self) -> str:
        """The id of the key that encrypts."""
        return self.key_ids[0]

    def encrypt(self, owner: str, values: Mapping[str, str]) -> str:
        """Return the ciphertext of some values of an owner."""
        content = json.dumps({"for": owner, "values": dict(values)})
        return self._ciphers.encrypt(content.encode()).decode()

    def decrypt(self, owner: str, text: str, key_id: str) -> dict[str, str]:
        """Return the values of an owner. Raises TokenKeyError, which names the key that is missing."""
        try:
            content = json.loads(self._ciphers.decrypt(text.encode()))
        except (InvalidToken, ValueError):
            raise TokenKeyError(self._explain_failure(owner, key_id)) from None
        if content["for"] != owner:
            raise TokenKeyError(f"The tokens in the row of {owner} are those of {content['for']}: not used.")
        return dict(content["values"])

    def _explain_failure(self, owner: str, key_id: str) -> str:
        if key_id in self.key_ids:
            return (
                f"The tokens of {owner} are damaged: the key {key_id} is there, and does not decrypt them. "
                "Install the app there again."
            )
        known = ", ".join(self.key_ids)
        return (
            f"The tokens of {owner} were encrypted with the key {key_id}, and {TOKEN_KEYS_VARIABLE} has only "
            f"{known}: add that key behind the others. If it is lost, install the app there again; "
            "everything but the tokens is kept."
        )

    def issue_state(self, now: datetime) -> str:
        """Return a new state for an installation that begins now: letters, digits, "-" and "_"."""
        content = {"state": secrets.token_hex(16), "at": now.timestamp()}
        return self._ciphers.encrypt(json.dumps(content).encode()).decode().rstrip("=")

    def read_state(self, state: str, *, now: datetime, lifetime: timedelta) -> str:
        """Return the nonce of a state that we issued less than `lifetime` ago; else an empty string."""
        try:
            content = json.loads(self._ciphers.decrypt((state + "=" * (-len(state) % 4)).encode()))
            age = now.timestamp() - content["at"]
        except (InvalidToken, ValueError, KeyError):
            return ""
        return str(content["state"]) if abs(age) < lifetime.total_seconds() else ""


def create_key() -> str:
    """Return a new random key."""
    return Fernet.generate_key().decode()


def identify_key(key: str) -> str:
    """Return the id of a key, by which messages and the store name it."""
    return hashlib.sha256(f"paperround token key {key}".encode()).hexdigest()[:KEY_ID_CHARACTERS]


def _is_key(text: str) -> bool:
    try:
        Fernet(text)
    except ValueError:
        return False
    return True
