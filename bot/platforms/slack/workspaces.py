"""The Slack workspaces that the app is installed in, each with its identity, client and profiles."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import aiohttp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.platforms.slack.profiles import ProfileCache
from bot.platforms.slack.session import create_web_client
from bot.platforms.slack.settings import SlackSettings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SlackWorkspace:
    """One workspace that the app is installed in.

    `client` carries the workspace's bot token, and waits when a rate limit refuses a call. `bot_user` and
    `bot_id` are the ids of the app in the workspace. Ids and name are empty until Slack has given them.
    """

    client: AsyncWebClient
    profiles: ProfileCache
    team_id: str = ""
    name: str = ""
    bot_user: str = ""
    bot_id: str = ""

    @property
    def token(self) -> str:
        """The workspace's bot token."""
        return str(self.client.token or "")

    @property
    def authorization(self) -> AuthorizeResult:
        """The app's rights in the workspace, as Bolt takes them."""
        return AuthorizeResult(
            enterprise_id=None,
            team_id=self.team_id,
            bot_user_id=self.bot_user,
            bot_id=self.bot_id,
            bot_token=self.client.token,
        )


class SlackWorkspaces:
    """Finds the workspace of a channel or a request: always the one of `SLACK_BOT_TOKEN`."""

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

    async def admit(self, team_id: str) -> SlackWorkspace | None:
        """Return the workspace that a request comes from; None if it is not served.

        Slack names the workspace in which the app is installed, in a shared channel too. Only the token's
        own is served.
        """
        return self._workspace if team_id and team_id == self._workspace.team_id else None

    def record_identity(self, workspace: SlackWorkspace) -> None:
        """Replace the workspace by a copy with the ids and the name that Slack gave."""
        self._workspace = workspace

    async def record_removal(self, team_id: str, event: str) -> None:
        """Log that a workspace took the app's rights away, by an event such as app_uninstalled.

        The token is still used: it may become valid again.
        """
        log.error(
            "Slack took the app's rights away (%s): nothing can be posted there until the app is installed "
            "again and SLACK_BOT_TOKEN is set to its new token.",
            event,
        )
