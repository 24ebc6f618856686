"""Installations of the app in workspaces and organizations, each with tokens of its own as ciphertext."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SealedTokens:
    """Encrypted tokens of one installation. `key_id` names the key, which the store never sees.

    `expires_at` is None for tokens that do not expire.
    """

    text: str = field(repr=False)
    key_id: str
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Installation:
    """The app in one workspace, or in all workspaces of an organization if `is_organization`.

    `workspace` is the platform's id of the workspace or organization, `app_id` that of the app. `scopes` are
    the rights that were granted. `installed_by` is the id of a person, empty if it was forgotten. The
    `revision` changes with every change of the tokens; `save` gives the first one. An installation that ended
    has no tokens. `problem` is a sentence about tokens that cannot be renewed, empty without one.
    """

    platform: str
    workspace: str
    name: str
    app_id: str
    bot_user: str
    bot_id: str
    scopes: frozenset[str]
    installed_by: str
    installed_at: datetime
    tokens: SealedTokens
    is_organization: bool = False
    revision: str = ""
    ended_at: datetime | None = None
    problem: str = ""


class Installations(Protocol):
    """Installations by platform and workspace. A change of tokens counts for one caller of several."""

    def list_all(self) -> Sequence[Installation]:
        """Return every installation by platform and workspace, ended ones too."""

    def find(self, platform: str, workspace: str) -> Installation | None:
        """Return the installation of a workspace or organization, None if there was none.

        A workspace without one, or with one that ended, has that of its organization, if that goes on.
        """

    def save(self, installation: Installation) -> Installation:
        """Create or replace the installation of its workspace, and return it with a new revision.

        One that ended goes on.
        """

    def replace_tokens(self, installation: Installation, tokens: SealedTokens) -> Installation | None:
        """Replace the tokens, and forget a problem. Returns the installation with its new revision.

        Returns None, changing nothing, if the revision is not that of the store any more.
        """

    def claim_renewal(
        self, installation: Installation, owner: str, *, now: datetime, lease: timedelta
    ) -> bool:
        """Lease the renewal of the tokens of this revision. Returns False while another owner has the lease.

        Also False if the revision is not that of the store any more.
        """

    def record_problem(self, installation: Installation, problem: str) -> bool:
        """Record a problem of the tokens of this revision. Returns True if it is new."""

    def end(self, installation: Installation, *, now: datetime) -> bool:
        """End the installation and delete its tokens. Returns False if the revision has changed, or it ended.

        Everything else is kept.
        """

    def add_member(self, platform: str, workspace: str, organization: str) -> None:
        """Record that a workspace belongs to an organization, which replaces an earlier one."""

    def list_members(self, platform: str, organization: str) -> Sequence[str]:
        """Return the ids of the workspaces that have the app by an organization, in order."""

    def remove_members(self, platform: str, workspaces: Sequence[str]) -> None:
        """Record that workspaces have the app no longer by their organization."""
