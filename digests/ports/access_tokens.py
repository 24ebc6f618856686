"""Access tokens: what a program, or the operator's browser, proves itself with over HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class TokenUse(StrEnum):
    """The one use of a token. It is refused for any other."""

    MCP = "mcp"
    """Look-ups of a program for one workspace."""
    WEB = "web"
    """The operator's page, which shows all workspaces."""


@dataclass(frozen=True, slots=True)
class TokenScope:
    """The workspace that a token is bound to, or one of its channels. A token for the page has none."""

    platform: str = ""
    workspace: str = ""
    channel: str = ""

    def __str__(self) -> str:
        return ":".join(filter(None, (self.platform, self.workspace, self.channel)))


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token without its secret, for people to read.

    `created_by` and `revoked_by` name accounts of the machine. `last_used_at` is exact to a minute.
    `is_restored` says that the store was restored from a backup after the token was created.
    """

    id: int
    use: TokenUse
    scope: TokenScope
    label: str
    created_at: datetime
    created_by: str
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str = ""
    is_restored: bool = False

    @property
    def is_valid(self) -> bool:
        """Return False for a token that nobody can use any more."""
        return not self.revoked_at and not self.is_restored


class AccessTokens(Protocol):
    """Tokens of all replicas. The store keeps a hash of each, from which nobody finds the token."""

    def create(
        self, use: TokenUse, scope: TokenScope, *, label: str, by: str, now: datetime
    ) -> tuple[AccessToken, str]:
        """Create a token, and return it with its text. The text is kept nowhere."""

    def authenticate(self, text: str, use: TokenUse, *, now: datetime) -> AccessToken | None:
        """Return the token with this text, and note that it was used; None if it is not valid for this use.

        A token of a workspace that is denied is not valid. Nor is one that is older than the restoration of
        the store: it may have been revoked since the backup. Hashes are compared in constant time.
        """

    def list_all(self) -> Sequence[AccessToken]:
        """Return every token, oldest first, revoked ones too."""

    def revoke(self, id: int, *, by: str, now: datetime) -> AccessToken | None:  # noqa: A002
        """Revoke a token at once, for all replicas; return it, None if there is none. Again is no error."""
