"""Tokens of an installation, and their ciphertext in the store."""

from dataclasses import dataclass, field
from datetime import datetime

from bot.token_cipher import TokenCipher
from digests.ports.installations import Installation, SealedTokens

PLATFORM = "slack"
"""Name of the platform in the store."""


@dataclass(frozen=True, slots=True)
class BotTokens:
    """A bot token, and the refresh token that renews it once; empty where tokens do not expire."""

    access: str = field(repr=False)
    refresh: str = field(default="", repr=False)
    expires_at: datetime | None = None


def seal_tokens(cipher: TokenCipher, workspace: str, tokens: BotTokens) -> SealedTokens:
    """Encrypt the tokens of a workspace or organization."""
    values = {"access": tokens.access, "refresh": tokens.refresh}
    text = cipher.encrypt(f"{PLATFORM}:{workspace}", values)
    return SealedTokens(text, cipher.key_id, tokens.expires_at)


def open_tokens(cipher: TokenCipher, installation: Installation) -> BotTokens:
    """Decrypt the tokens of an installation. Raises TokenKeyError, which names a missing key."""
    sealed = installation.tokens
    owner = f"{PLATFORM}:{installation.workspace}"
    values = cipher.decrypt(owner, sealed.text, sealed.key_id)
    return BotTokens(values.get("access", ""), values.get("refresh", ""), sealed.expires_at)
