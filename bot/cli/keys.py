"""`paperround keys`: the keys that encrypt tokens in the store, and their rotation."""

import argparse
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.cli.terminal import EXIT_FAILED, EXIT_OK, build_cli_services, print_lines
from bot.present.wording import format_count
from config.secrets import TOKEN_KEYS_VARIABLE, read_token_keys
from digests.errors import InputError
from digests.ports.installations import Installation, Installations, SealedTokens

if TYPE_CHECKING:
    from bot.token_cipher import TokenCipher


def run_command(options: argparse.Namespace) -> int:
    """List the keys, print a new one, or encrypt all tokens with the first one.

    Raises InputError without the package that encrypts, SettingsError and StoreError.
    """
    try:
        from bot.token_cipher import TokenCipher, create_key
    except ImportError as error:
        raise InputError(
            f"{error.name} is not installed, which encrypts tokens: install the extra of your platform, "
            "as the README says."
        ) from error
    if options.action == "new":
        print_lines(create_key())
        return EXIT_OK
    services = build_cli_services(options)
    cipher = TokenCipher(read_token_keys(os.environ))
    installations = services.store.installations
    if options.action == "rotate":
        rotation = rotate_keys(installations, cipher)
        print_lines(*rotation.describe(cipher.key_id))
        return EXIT_FAILED if rotation.failures else EXIT_OK
    print_lines(*list_keys(installations, cipher))
    return EXIT_OK


@dataclass(slots=True)
class Rotation:
    """Result of a rotation: the number of installations by what became of them, and sentences of failures."""

    changed: int = 0
    unchanged: int = 0
    failures: list[str] = field(default_factory=list)

    def describe(self, key_id: str) -> list[str]:
        """Return the lines about it."""
        done = format_count(self.changed, "installation")
        lines = [*self.failures, f"The tokens of {done} were encrypted with the key {key_id}."]
        if self.unchanged:
            lines.append(f"{format_count(self.unchanged, 'installation')} had it already.")
        if not self.failures:
            lines.append(
                f"No token needs another key any more: leave only {key_id} in {TOKEN_KEYS_VARIABLE}."
            )
        return lines


def rotate_keys(installations: Installations, cipher: "TokenCipher") -> Rotation:
    """Encrypt the tokens of every installation with the first key. Safe beside a running bot.

    Tokens that change meanwhile are read again. What no key decrypts stays as it is, and is a failure.
    Raises StoreError.
    """
    from bot.token_cipher import TokenKeyError

    rotation = Rotation()
    for listed in installations.list_all():
        installation: Installation | None = listed
        while installation and not installation.ended_at:
            if installation.tokens.key_id == cipher.key_id:
                rotation.unchanged += 1
                break
            try:
                tokens = _encrypt_again(installation, cipher)
            except TokenKeyError as error:
                rotation.failures.append(str(error))
                break
            if installations.replace_tokens(installation, tokens):
                rotation.changed += 1
                break
            installation = _read_again(installation, installations)
    return rotation


def _encrypt_again(installation: Installation, cipher: "TokenCipher") -> SealedTokens:
    owner, tokens = f"{installation.platform}:{installation.workspace}", installation.tokens
    values = cipher.decrypt(owner, tokens.text, tokens.key_id)
    return SealedTokens(cipher.encrypt(owner, values), cipher.key_id, tokens.expires_at)


def _read_again(installation: Installation, installations: Installations) -> Installation | None:
    found = installations.find(installation.platform, installation.workspace)
    return found if found and found.workspace == installation.workspace else None


def list_keys(installations: Installations, cipher: "TokenCipher") -> list[str]:
    """Return a line for each key of the environment, and for each that is missing there."""
    counts: Mapping[str, int] = Counter(
        each.tokens.key_id for each in installations.list_all() if not each.ended_at
    )
    missing = [key_id for key_id in counts if key_id not in cipher.key_ids]
    return [
        *(
            f"{key_id}  {'encrypts' if key_id == cipher.key_id else 'decrypts'}  "
            f"{format_count(counts.get(key_id, 0), 'installation')}"
            for key_id in cipher.key_ids
        ),
        *(
            f"{key_id}  is missing in {TOKEN_KEYS_VARIABLE}: the tokens of "
            f"{format_count(counts[key_id], 'installation')} cannot be read"
            for key_id in missing
        ),
    ]
