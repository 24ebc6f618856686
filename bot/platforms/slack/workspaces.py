"""The Slack workspaces that the app is installed in, each with its identity, client and profiles."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import aiohttp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.platforms.slack.profiles import ProfileCache
from bot.platforms.slack.session import create_web_client
from bot.platforms.slack.settings import SlackSettings
from digests.errors import PaperroundError

log = logging.getLogger(__name__)

FOREIGN_WORKSPACE = "This Paperround belongs to another workspace and does not serve this one."


class NotInstalledError(PaperroundError):
    """A workspace that the app is not installed in, or not any more."""


class DeniedError(NotInstalledError):
    """A workspace that the operator denied, whether the app is installed in it or not."""


@dataclass(frozen=True, slots=True)
class SlackWorkspace:
    """One workspace that the app is installed in.

    `client` carries the workspace's bot token, and waits when a rate limit refuses a call. `bot_user` and
    `bot_id` are the ids of the app in the workspace. Ids and name are empty until Slack has given them.
    `organization` is the id of the organization whose token it is, or empty. `revision` is that of the token.
    """

    client: AsyncWebClient
    profiles: ProfileCache
    team_id: str = ""
    name: str = ""
    bot_user: str = ""
    bot_id: str = ""
    app_id: str = ""
    organization: str = ""
    revision: str = ""

    @property
    def token(self) -> str:
        """The workspace's bot token."""
        return str(self.client.token or "")

    @property
    def is_by_link(self) -> bool:
        """True if the workspace installed the app from its link, and the store has its token."""
        return bool(self.revision)

    @property
    def authorization(self) -> AuthorizeResult:
        """The app's rights in the workspace, as Bolt takes them."""
        return AuthorizeResult(
            enterprise_id=self.organization or None,
            team_id=self.team_id,
            bot_user_id=self.bot_user,
            bot_id=self.bot_id,
            bot_token=self.client.token,
        )


class WorkspaceFinder(Protocol):
    """Finds the workspace of a channel or a request."""

    @property
    def is_by_link(self) -> bool:
        """True if workspaces install the app from its link."""

    async def find(self, team_id: str) -> SlackWorkspace:
        """Return the workspace with this team id; an empty id stands for the only one.

        Raises NotInstalledError if the app is not installed there, DeniedError if the workspace is denied,
        and PaperroundError if it cannot be served now.
        """

    async def admit(self, team_id: str, organization: str = "") -> SlackWorkspace | None:
        """Return the workspace that a request comes from; None if it is not served.

        `organization` is the id of its organization, or empty. Raises StoreError.
        """

    async def describe_refusal(self, team_id: str, organization: str = "") -> str:
        """Return the sentence for people of a workspace that is not served. Raises StoreError."""

    async def list_team_ids(self) -> Sequence[str]:
        """Return the ids of all workspaces and organizations that are served. Raises StoreError."""

    async def record_removal(self, team_id: str, event: str, at: datetime) -> bool:
        """Record that Slack took the app's rights in a workspace away, by an event such as app_uninstalled.

        Returns False if the event, of the time `at`, is about an earlier installation. Raises StoreError.
        """

    async def record_team_access(self, organization: str, team_ids: Sequence[str], is_granted: bool) -> None:
        """Record that workspaces of an organization got the app, or lost it. Raises StoreError."""

    async def record_revoked_token(self, workspace: SlackWorkspace, code: str) -> None:
        """Record that Slack refused a call because the workspace's token is revoked. Never raises."""


class SlackWorkspaces:
    """Finds the workspace of a channel or a request: always the one of `SLACK_BOT_TOKEN`.

    Implements `WorkspaceFinder`.
    """

    is_by_link = False

    def __init__(
        self,
        bot_token: str,
        settings: SlackSettings,
        session: aiohttp.ClientSession,
        clock: Callable[[], datetime],
    ) -> None:
        client = create_web_client(bot_token, settings=settings, session=session)
        self._workspace = SlackWorkspace(client, ProfileCache(client, clock))

    async def find(self, team_id: str) -> SlackWorkspace:
        """Return the workspace with this team id.

        Any id finds the only workspace: a channel of the settings may name none. Requests are let in by
        `admit`.
        """
        return self._workspace

    async def admit(self, team_id: str, organization: str = "") -> SlackWorkspace | None:
        """Return the workspace that a request comes from; None if it is not served.

        Slack names the workspace in which the app is installed, in a shared channel too. Only the token's
        own is served.
        """
        return self._workspace if team_id and team_id == self._workspace.team_id else None

    def record_identity(self, workspace: SlackWorkspace) -> None:
        """Replace the workspace by a copy with the ids and the name that Slack gave."""
        self._workspace = workspace

    async def describe_refusal(self, team_id: str, organization: str = "") -> str:
        return FOREIGN_WORKSPACE

    async def list_team_ids(self) -> Sequence[str]:
        return [self._workspace.team_id]

    async def record_removal(self, team_id: str, event: str, at: datetime) -> bool:
        """Log that a workspace took the app's rights away. The token is still used: it may be valid again."""
        log.error(
            "Slack took the app's rights away (%s): nothing can be posted there until the app is installed "
            "again and SLACK_BOT_TOKEN is set to its new token.",
            event,
        )
        return True

    async def record_team_access(self, organization: str, team_ids: Sequence[str], is_granted: bool) -> None:
        """Do nothing: only an installation by a link is one of a whole organization."""

    async def record_revoked_token(self, workspace: SlackWorkspace, code: str) -> None:
        """Do nothing: the operator sees the failure, and the token is still used."""
