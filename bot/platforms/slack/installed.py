"""The Slack workspaces that installed the app from its link: found in the store, each with its own token.

A workspace is read from the store when somebody needs it, and again after `FRESH_SECONDS`: so every replica
sees a new installation, a new token and an end without a restart.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import aiohttp
from slack_sdk.errors import SlackApiError

from bot.platforms.slack.errors import is_token_error, parse_error_response
from bot.platforms.slack.profiles import ProfileCache
from bot.platforms.slack.session import create_web_client
from bot.platforms.slack.settings import SlackSettings
from bot.platforms.slack.token_renewal import TokenRenewal
from bot.platforms.slack.tokens import PLATFORM, open_tokens
from bot.platforms.slack.workspaces import DeniedError, NotInstalledError, SlackWorkspace
from bot.storage import run_background, run_interactive
from bot.token_cipher import TokenCipher, TokenKeyError
from digests.errors import PaperroundError
from digests.ports import Store
from digests.ports.installations import Installation
from digests.ports.workspaces import DENIED_REASON

log = logging.getLogger(__name__)

FRESH_SECONDS = 10.0
"""Age from which a workspace in memory is compared with the store."""
MAX_CACHED_WORKSPACES = 1000
"""Workspaces in memory: those that were used last."""
MAX_PROFILES_PER_WORKSPACE = 100
"""People of one workspace whose profiles are in memory."""

REMOVED_REASON = (
    "Paperround was removed from this workspace; the digest starts again when it is installed there again."
)
"""Reason of digests that are stopped because their workspace removed the app."""
NOT_INSTALLED = "Paperround is not installed in this workspace, or not any more: {link} installs it."


@dataclass(frozen=True, slots=True)
class _Cached:
    """A workspace in memory, with the instant at which the store was read."""

    workspace: SlackWorkspace
    read_at: datetime


@dataclass(slots=True)
class InstalledWorkspaces:
    """Implements `bot.platforms.slack.workspaces.WorkspaceFinder` over the installations in the store."""

    store: Store
    cipher: TokenCipher
    renewal: TokenRenewal
    settings: SlackSettings
    session: aiohttp.ClientSession
    clock: Callable[[], datetime]
    install_link: str
    is_by_link: bool = True
    _cache: "OrderedDict[str, _Cached]" = field(default_factory=OrderedDict)

    async def find(self, team_id: str) -> SlackWorkspace:
        cached = self._cache.get(team_id)
        if cached and abs(self.clock() - cached.read_at) < timedelta(seconds=FRESH_SECONDS):
            return cached.workspace
        now = self.clock()
        try:
            installation = await run_background(self._read_installation, team_id)
        except DeniedError:
            self._cache.pop(team_id, None)
            raise
        if not installation or installation.ended_at:
            self._cache.pop(team_id, None)
            raise NotInstalledError(REMOVED_REASON)
        installation = await self.renewal.ensure_valid(installation)
        await self._require_usable(installation)
        is_same = cached and cached.workspace.revision == installation.revision
        workspace = cached.workspace if cached and is_same else self._open(installation, team_id)
        self._cache[team_id] = _Cached(workspace, now)
        self._cache.move_to_end(team_id)
        if len(self._cache) > MAX_CACHED_WORKSPACES:
            self._cache.popitem(last=False)
        return workspace

    def _read_installation(self, team_id: str) -> Installation | None:
        """Return the installation of a team; for an empty id the only one. Blocks.

        Raises DeniedError for a team that is denied, or whose installation's organization is, and
        PaperroundError.
        """
        installation = self._find_installation(team_id)
        if is_denied(self.store, team_id, installation.workspace if installation else ""):
            raise DeniedError(DENIED_REASON)
        return installation

    def _find_installation(self, team_id: str) -> Installation | None:
        if team_id:
            return self.store.installations.find(PLATFORM, team_id)
        live = [each for each in self._list_live() if not each.is_organization]
        if len(live) == 1:
            return live[0]
        raise PaperroundError(
            "The settings name no workspace for this channel, and Paperround is in "
            f'{len(live)} workspaces: add workspace = "T…" to its table.'
        )

    def _list_live(self) -> list[Installation]:
        listed = self.store.installations.list_all()
        return [each for each in listed if each.platform == PLATFORM and not each.ended_at]

    async def _require_usable(self, installation: Installation) -> None:
        """Raise NotInstalledError if the token has expired and Slack does not renew it.

        The installation ends then: only a new one helps.
        """
        expires_at = installation.tokens.expires_at
        if not expires_at or expires_at > self.clock():
            return
        if installation.problem:
            await self.end(installation, installation.problem)
            raise NotInstalledError(REMOVED_REASON)
        raise PaperroundError("The workspace's token has expired, and Slack has not renewed it yet.")

    def _open(self, installation: Installation, team_id: str) -> SlackWorkspace:
        """Return the workspace with a client of its own. Raises TokenKeyError."""
        token = open_tokens(self.cipher, installation).access
        client = create_web_client(token, settings=self.settings, session=self.session)
        return SlackWorkspace(
            client,
            ProfileCache(client, self.clock, MAX_PROFILES_PER_WORKSPACE),
            team_id=team_id or installation.workspace,
            name=installation.name,
            bot_user=installation.bot_user,
            bot_id=installation.bot_id,
            app_id=installation.app_id,
            organization=installation.workspace if installation.is_organization else "",
            revision=installation.revision,
        )

    async def open_installation(self, installation: Installation) -> SlackWorkspace:
        """Return the workspace of an installation, denied or not, with a token that is valid now.

        Raises PaperroundError.
        """
        installation = await self.renewal.ensure_valid(installation)
        await self._require_usable(installation)
        return self._open(installation, installation.workspace)

    async def admit(self, team_id: str, organization: str = "") -> SlackWorkspace | None:
        if not team_id:
            return None
        try:
            return await self._find_or_join(team_id, organization)
        except NotInstalledError:
            return None
        except TokenKeyError as error:
            log.error("a request of a workspace is not served: %s", error)
            return None

    async def _find_or_join(self, team_id: str, organization: str) -> SlackWorkspace:
        """Return the workspace; one of an organization is recorded when it first sends a request."""
        try:
            return await self.find(team_id)
        except DeniedError:
            raise
        except NotInstalledError:
            if not organization or organization == team_id:
                raise
            installations = self.store.installations
            whole = await run_interactive(installations.find, PLATFORM, organization)
            if not whole or whole.ended_at or not whole.is_organization:
                raise
            await run_interactive(installations.add_member, PLATFORM, team_id, organization)
            return await self.find(team_id)

    async def describe_refusal(self, team_id: str, organization: str = "") -> str:
        if await run_interactive(is_denied, self.store, team_id, organization):
            return DENIED_REASON
        return NOT_INSTALLED.format(link=self.install_link)

    async def list_team_ids(self) -> Sequence[str]:
        def list_served() -> list[str]:
            denied = self.store.workspaces.list_denied(PLATFORM)
            return [each.workspace for each in self._list_live() if each.workspace not in denied]

        return await run_interactive(list_served)

    async def record_removal(self, team_id: str, event: str, at: datetime) -> bool:
        """End the installation of a workspace or organization, unless the event is about an earlier one.

        Slack sends an event again for minutes, and in no fixed order: a token that still works, and is newer
        than the event, belongs to a new installation.
        """
        installation = await run_interactive(self.store.installations.find, PLATFORM, team_id)
        if not installation or installation.ended_at or installation.workspace != team_id:
            return False
        if installation.installed_at > at and await self._is_token_valid(installation):
            log.info("%s of %s is about an earlier installation", event, team_id)
            return False
        return await self.end(installation, f"Slack took the app's rights away ({event})")

    async def record_team_access(self, organization: str, team_ids: Sequence[str], is_granted: bool) -> None:
        installations = self.store.installations
        found = await run_interactive(installations.find, PLATFORM, organization)
        if not found or found.ended_at or not found.is_organization:
            return
        for team in team_ids:
            if is_granted:
                await run_interactive(installations.add_member, PLATFORM, team, organization)
                await run_interactive(start_digests, self.store, team, self.clock())
            else:
                await run_interactive(installations.remove_members, PLATFORM, [team])
                await run_interactive(stop_digests, self.store, team, self.clock())
            self._cache.pop(team, None)

    async def _is_token_valid(self, installation: Installation) -> bool:
        """Return False if Slack refuses the installation's token, True if it does not or cannot be asked."""
        try:
            workspace = self._open(installation, installation.workspace)
            await workspace.client.auth_test()
        except SlackApiError as error:
            return not is_token_error(str(parse_error_response(error.response).get("error", "")))
        except Exception as error:  # Whatever the network raises; and a key may be missing.
            log.warning("the token of %s could not be checked: %s", installation.workspace, error)
        return True

    async def record_revoked_token(self, workspace: SlackWorkspace, code: str) -> None:
        key = workspace.organization or workspace.team_id
        try:
            installation = await run_background(self.store.installations.find, PLATFORM, key)
            # A token that was replaced meanwhile says nothing about the new one.
            if installation and installation.revision == workspace.revision:
                await self.end(installation, f"Slack does not take the token any more ({code})")
        except PaperroundError as error:
            log.warning("that %s has no valid token could not be recorded: %s", key, error)

    async def end(self, installation: Installation, reason: str) -> bool:
        """End an installation: its workspaces get nothing more, and their digests stop.

        Returns False if it had ended, or was replaced meanwhile. Raises StoreError.
        """
        now = self.clock()
        if not await run_background(self.store.installations.end, installation, now=now):
            return False
        self.forget(installation.workspace)
        log.error("%s (%s): %s", installation.workspace, installation.name, reason)
        stopped = await run_background(stop_digests, self.store, installation.workspace, now)
        for team in stopped:
            self._cache.pop(team, None)
        return True

    def forget(self, team_id: str) -> None:
        """Read a workspace, or those of an organization, from the store again when it is next needed."""
        for team in [
            team for team, cached in self._cache.items() if team_id in (team, cached.workspace.organization)
        ]:
            del self._cache[team]


def stop_digests(store: Store, workspace: str, now: datetime) -> Sequence[str]:
    """Stop the digests of a workspace or of an organization's workspaces, and record the removal.

    Returns the ids of the workspaces. One that has another installation goes on. Raises StoreError. Blocks.
    """
    members = store.installations.list_members(PLATFORM, workspace)
    gone = [each for each in (workspace, *members) if not _is_installed(store, each)]
    for subscription in store.subscriptions.list_active():
        channel = subscription.channel
        if channel.platform == PLATFORM and channel.workspace in gone:
            store.subscriptions.stop(channel, REMOVED_REASON)
    store.workspaces.record_removal(PLATFORM, gone, now=now)
    return gone


def start_digests(store: Store, workspace: str, now: datetime) -> int:
    """Start the digests that `stop_digests` stopped, and return how many. Raises StoreError. Blocks.

    Those that were stopped for another reason, or paused, stay so.
    """
    back = [workspace, *store.installations.list_members(PLATFORM, workspace)]
    count = 0
    for subscription in store.subscriptions.list_active():
        channel = subscription.channel
        if (
            channel.platform == PLATFORM
            and channel.workspace in back
            and subscription.stop_reason == REMOVED_REASON
        ):
            count += store.subscriptions.start(channel, now=now)
    store.workspaces.record_return(PLATFORM, back)
    return count


def is_denied(store: Store, *workspaces: str) -> bool:
    """Return True if one of these workspaces and organizations is denied. Raises StoreError. Blocks."""
    return not store.workspaces.list_denied(PLATFORM).isdisjoint(workspaces)


def _is_installed(store: Store, workspace: str) -> bool:
    found = store.installations.find(PLATFORM, workspace)
    return bool(found and not found.ended_at)
