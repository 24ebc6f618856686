"""The app as it is installed from a link, in many workspaces: put together, kept up, and checked."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import aiohttp

from bot.chat.findings import Finding, Severity
from bot.periodic import every
from bot.platforms.slack.client import SlackPlatform
from bot.platforms.slack.errors import is_token_error
from bot.platforms.slack.installed import InstalledWorkspaces
from bot.platforms.slack.oauth import INSTALL_PATH, InstallPages
from bot.platforms.slack.preflight import RefusedError, await_answer, run_preflight
from bot.platforms.slack.scope_notices import ScopeNotices
from bot.platforms.slack.session import create_web_client
from bot.platforms.slack.settings import SlackSecrets, SlackSettings
from bot.platforms.slack.token_renewal import TokenRenewal
from bot.platforms.slack.tokens import PLATFORM
from bot.present.wording import format_count
from bot.storage import run_background
from bot.token_cipher import TokenCipher
from digests.errors import PaperroundError
from digests.ports import Store
from digests.subscription import Channel

log = logging.getLogger(__name__)

UPKEEP_SECONDS = 60.0
"""Interval at which tokens that are about to expire, and notices that are due, are looked for."""
CHECKS_AT_ONCE = 8
"""Workspaces that are checked at the same time."""


@dataclass(frozen=True, slots=True)
class InstallLink:
    """The parts of an app that workspaces install from its link."""

    workspaces: InstalledWorkspaces
    renewal: TokenRenewal
    pages: InstallPages
    settings: SlackSettings

    async def keep_up(self, platform: SlackPlatform, stop: asyncio.Event) -> None:
        """Renew tokens before they expire, and tell installers what is to be done, until `stop` is set.

        Both every `UPKEEP_SECONDS`. Errors are logged.
        """
        store, link = self.workspaces.store, self.workspaces.install_link
        notices = ScopeNotices(store, platform, self.settings, link, self.workspaces.clock)

        async def run_round() -> None:
            await self.renewal.renew_due_tokens(stop)
            await notices.send_due_notices(stop)

        await every(UPKEEP_SECONDS, run_round, stop, name="upkeep of installations")


def open_link(
    settings: SlackSettings,
    secrets: SlackSecrets,
    store: Store,
    session: aiohttp.ClientSession,
    clock: Callable[[], datetime],
) -> InstallLink:
    """Put the parts together over one session. Raises SettingsError for a key of another form."""
    cipher = TokenCipher(secrets.token_keys)
    client = create_web_client("", settings=settings, session=session)
    identity = (secrets.client_id, secrets.client_secret)
    renewal = TokenRenewal(store.installations, cipher, client, *identity, clock)
    link = f"{settings.public_url}{INSTALL_PATH}"
    workspaces = InstalledWorkspaces(store, cipher, renewal, settings, session, clock, link)
    pages = InstallPages(settings, *identity, client, store, cipher, workspaces, clock)
    return InstallLink(workspaces, renewal, pages, settings)


async def check_installations(
    link: InstallLink, settings: SlackSettings, channels: Sequence[Channel]
) -> Sequence[Finding]:
    """Check the app in every workspace that installed it, with its channels, some at a time.

    Returns the problems, each with the workspace, and how many workspaces have none. Never raises for a
    workspace: it is a finding. Raises StoreError.
    """
    team_ids = await link.workspaces.list_team_ids()
    slots = asyncio.Semaphore(CHECKS_AT_ONCE)
    check = partial(_check_workspace, link, settings, channels, slots)
    checked = await asyncio.gather(*map(check, team_ids))
    problems = [finding for findings in checked for finding in findings]
    healthy = sum(not findings for findings in checked)
    lost = await run_background(_list_unreadable_channels, link.workspaces.store, channels)
    summary = f"{format_count(healthy, 'workspace')} of {len(team_ids)} have no problem."
    if not team_ids:
        summary = f"No workspace has installed the app yet: {link.workspaces.install_link} installs it."
    return [Finding(Severity.OK, "installations", summary), *problems, *lost]


async def _check_workspace(
    link: InstallLink,
    settings: SlackSettings,
    channels: Sequence[Channel],
    slots: asyncio.Semaphore,
    team_id: str,
) -> Sequence[Finding]:
    """Return the problems of the app in one workspace."""
    async with slots:
        try:
            workspace = await link.workspaces.find(team_id)
        except PaperroundError as error:
            return [Finding(Severity.FAULT, team_id, str(error))]
        own = [each.channel for each in channels if each.workspace == team_id and not each.is_direct]
        report = await run_preflight(workspace, settings=settings, app_token="", channels=own)
    name = f"{team_id} ({workspace.name})" if workspace.name else team_id
    return [
        Finding(finding.severity, f"{name}, {finding.subject}", finding.sentence)
        for finding in report.findings
        if finding.severity is not Severity.OK
    ]


async def uninstall_app(link: InstallLink, secrets: SlackSecrets, workspace: str) -> Finding:
    """Remove the app from a workspace or organization, and end its installation. Failures are findings.

    What the workspace has in the store is kept for the time of grace, as if its admins had removed the app.
    """
    subject = f"workspace {workspace}"
    find_installation = link.workspaces.store.installations.find
    installation = await run_background(find_installation, PLATFORM, workspace)
    if not installation or installation.ended_at or installation.workspace != workspace:
        return Finding(Severity.OK, subject, "Paperround is not installed in it.")
    try:
        client = (await link.workspaces.open_installation(installation)).client
        identity = {"client_id": secrets.client_id, "client_secret": secrets.client_secret}
        await await_answer(client.api_call("apps.uninstall", data=identity))
    except RefusedError as refused:
        if refused.is_transient or not is_token_error(refused.code):
            return Finding(Severity.FAULT, subject, str(refused))
    except PaperroundError as error:
        return Finding(Severity.FAULT, subject, str(error))
    # Its token may have been renewed for the call.
    installation = await run_background(find_installation, PLATFORM, workspace) or installation
    await link.workspaces.end(installation, "the operator removed the app")
    return Finding(Severity.OK, subject, "Paperround has left it, and its token is deleted.")


def _list_unreadable_channels(store: Store, channels: Sequence[Channel]) -> list[Finding]:
    """Return a finding for each channel whose workspace has not installed the app. Blocks."""
    findings = []
    for channel in channels:
        found = store.installations.find(channel.platform, channel.workspace) if channel.workspace else None
        if channel.workspace and (not found or found.ended_at):
            sentence = "Paperround is not installed in its workspace, so it gets no digest."
            findings.append(Finding(Severity.WARNING, f"channel {channel.channel}", sentence))
    return findings
