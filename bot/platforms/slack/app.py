"""The Slack app from start to end: check the set-up, serve people, finish running work."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import aiohttp

from bot.chat.findings import Finding, Severity
from bot.conversation.answers import Answers
from bot.platforms.slack.block_check import check_blocks
from bot.platforms.slack.client import SlackPlatform
from bot.platforms.slack.container_refusals import ContainerRefusals
from bot.platforms.slack.http_transport import HttpTransport
from bot.platforms.slack.leaving import leave_channel
from bot.platforms.slack.link import InstallLink, check_installations, open_link, uninstall_app
from bot.platforms.slack.listeners import SlackListeners
from bot.platforms.slack.preflight import PreflightReport, run_preflight
from bot.platforms.slack.render import render
from bot.platforms.slack.session import create_web_client, open_session
from bot.platforms.slack.settings import SlackSecrets, SlackSettings
from bot.platforms.slack.signatures import SignatureChecker
from bot.platforms.slack.transport import (
    MAX_BACKOFF_SECONDS,
    MIN_BACKOFF_SECONDS,
    SocketTransport,
    build_bolt_app,
)
from bot.platforms.slack.workspaces import SlackWorkspaces, WorkspaceFinder
from bot.present.sample import present_sample_digest
from digests.errors import InputError, PaperroundError
from digests.ports import Store
from digests.subscription import Channel, DigestStyle

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _OpenState:
    """Resources that `open` created and `close` releases, and the report of the preflight.

    With a `link`, there is no report: workspaces are checked when they install the app.
    """

    platform: SlackPlatform
    session: aiohttp.ClientSession
    report: PreflightReport | None
    link: InstallLink | None = None


@dataclass(slots=True)
class SlackApp:
    """Implements `bot.platforms.app.ChatApp` for Slack.

    `timeout` is in seconds, for each call. The store keeps what a workspace refuses, and installations.
    """

    settings: SlackSettings
    secrets: SlackSecrets
    timeout: float
    clock: Callable[[], datetime]
    store: Store | None = None
    name: str = "slack"
    _open_state: _OpenState | None = None

    @property
    def is_exclusive(self) -> bool:
        """True for Socket Mode: Slack would spread its events over the sockets of several replicas."""
        return transport_of(self.settings, self.secrets) == "socket"

    async def check(self, channels: Sequence[Channel]) -> Sequence[Finding]:
        async with open_session(self.timeout) as session:
            if link := self._open_link(session):
                return await check_installations(link, self.settings, channels)
            workspaces, ids = (
                self._create_workspaces(session),
                [each.channel for each in channels if not each.is_direct],
            )
            report = await self._run_preflight(workspaces, ids)
            if report.faults:
                return report.findings
            sample = present_sample_digest(Channel(self.name, ""), self.clock().date())
            pages = render(sample, DigestStyle.THREAD)
            return (*report.findings, *await check_blocks(report.workspace.client, pages))

    async def leave_channel(self, channel: Channel) -> Finding:
        async with open_session(self.timeout) as session:
            try:
                workspace = await self._open_workspaces(session).find(channel.workspace)
            except PaperroundError as error:
                return Finding(Severity.WARNING, f"channel {channel.channel}", str(error))
            return await leave_channel(workspace.client, channel.channel)

    async def leave_workspace(self, workspace: str, channels: Sequence[Channel]) -> Finding:
        async with open_session(self.timeout) as session:
            if link := self._open_link(session):
                return await uninstall_app(link, self.secrets, workspace)
            client = (await self._create_workspaces(session).find(workspace)).client
            left = [await leave_channel(client, each.channel) for each in channels if not each.is_direct]
        remaining = [finding for finding in left if finding.severity is not Severity.OK]
        where = "; ".join(f"{each.subject}: {each.sentence}" for each in remaining)
        sentence = (
            f"{where or f'Paperround has left its {len(left):,} known channels.'} Slack lets people alone "
            "remove an app: an admin does it under Manage apps of the workspace, which revokes the token."
        )
        return Finding(Severity.WARNING, f"workspace {workspace}", sentence)

    def _open_workspaces(self, session: aiohttp.ClientSession) -> WorkspaceFinder:
        link = self._open_link(session)
        return link.workspaces if link else self._create_workspaces(session)

    def _create_workspaces(self, session: aiohttp.ClientSession) -> SlackWorkspaces:
        return SlackWorkspaces(self.secrets.bot_token, self.settings, session, self.clock)

    def _open_link(self, session: aiohttp.ClientSession) -> InstallLink | None:
        """Open the installations from a link, or return None if the app has one bot token."""
        if not self.secrets.is_installed_by_link or not self.store:
            return None
        return open_link(self.settings, self.secrets, self.store, session, self.clock)

    def _open_platform(self, workspaces: WorkspaceFinder) -> SlackPlatform:
        notes = self.store.notes if self.store else None
        refusals = ContainerRefusals(notes, self.clock)
        return SlackPlatform(workspaces, refusals, with_quotes=self.settings.quotes_in_cards)

    async def _run_preflight(self, workspaces: SlackWorkspaces, channels: Sequence[str]) -> PreflightReport:
        """Check the workspace of the bot token, and record its identity."""
        socket = transport_of(self.settings, self.secrets) == "socket"
        report = await run_preflight(
            await workspaces.find(""),
            settings=self.settings,
            app_token=self.secrets.app_token if socket else "",
            channels=channels,
        )
        workspaces.record_identity(report.workspace)
        return report

    async def open(self) -> SlackPlatform:
        """Run the preflight and return the platform that posts. Raises InputError, one line for each fault.

        If Slack cannot be reached, the platform is returned all the same, and `serve` repeats the preflight.
        Workspaces that installed the app from its link are not checked: there may be hundreds.
        """
        session = open_session(self.timeout)
        if link := self._open_link(session):
            platform = self._open_platform(link.workspaces)
            self._open_state = _OpenState(platform, session, None, link)
            return platform
        workspaces = self._create_workspaces(session)
        platform = self._open_platform(workspaces)
        report = await self._run_preflight(workspaces, ())
        self._open_state = _OpenState(platform, session, report)
        if report.faults and not report.is_unreachable:
            await self.close()
            raise InputError("\n".join(f"{fault.subject}: {fault.sentence}" for fault in report.faults))
        _log_report(report)
        return platform

    async def _wait_for_identity(self, state: _OpenState, stop: asyncio.Event) -> bool:
        """Repeat the preflight until Slack names the workspace. Returns False if `stop` is set first.

        Waits longer after each one, up to `MAX_BACKOFF_SECONDS`.
        """
        report, wait = state.report, MIN_BACKOFF_SECONDS
        workspaces = state.platform.workspaces
        if not report or not isinstance(workspaces, SlackWorkspaces):
            return True
        while not report.workspace.team_id:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), wait)
            if stop.is_set():
                return False
            report, wait = (
                await self._run_preflight(workspaces, ()),
                min(wait * 2, MAX_BACKOFF_SECONDS),
            )
            _log_report(report)
        return True

    async def serve(self, answers: Answers, stop: asyncio.Event) -> None:
        """Serve people until `stop` is set, then finish running work, up to a limit.

        Raises OSError if the HTTP port is in use, and RuntimeError before `open`.
        """
        if not self._open_state:
            raise RuntimeError("open the app before it is served")
        state, http = self._open_state, self._create_http_transport(self._open_state.link)
        try:
            if http:  # Before Slack answers: an orchestrator asks for our health from the start.
                await http.start_listening()
            if await self._wait_for_identity(state, stop):
                await self._serve_people(answers, state, http, stop)
        finally:
            if http:
                await http.close()

    async def _serve_people(
        self, answers: Answers, state: _OpenState, http: HttpTransport | None, stop: asyncio.Event
    ) -> None:
        """Serve people over HTTP if `http` is given, else over a socket."""
        listeners = SlackListeners(answers, state.platform, self.settings, self.clock)
        tokenless_client = create_web_client("", settings=self.settings, session=state.session)
        app = build_bolt_app(tokenless_client, state.platform.workspaces, self.secrets.signing_secret)
        listeners.register_handlers(app)
        await listeners.presence.record_presence()
        upkeep = asyncio.create_task(state.link.keep_up(state.platform, stop)) if state.link else None
        catch_up = listeners.marks.catch_up
        transport = http or SocketTransport(app, tokenless_client, self.secrets.app_token, catch_up)
        try:
            if isinstance(transport, HttpTransport):
                await transport.serve(app, catch_up, stop)
            else:
                await transport.serve(stop)
        finally:
            transport.refuse_requests()
            await listeners.dispatcher.drain_tasks()
            await transport.close()
            if upkeep:
                await upkeep

    def _create_http_transport(self, link: InstallLink | None) -> HttpTransport | None:
        if transport_of(self.settings, self.secrets) == "socket":
            return None
        checker = SignatureChecker(self.secrets.signing_secret)
        pages = link.pages.list_pages() if link else {}
        return HttpTransport(self.settings.http_host, self.settings.http_port, checker, pages)

    async def close(self) -> None:
        if self._open_state:
            await self._open_state.session.close()
            self._open_state = None


def _log_report(report: PreflightReport) -> None:
    """Log the problems that the preflight found, and the name of the workspace."""
    for finding in report.findings:
        if finding.severity is not Severity.OK:
            log.warning("%s: %s", finding.subject, finding.sentence)
    if report.workspace.team_id:
        log.info("Slack: the app is in the workspace %s", report.workspace.name)
    else:
        log.warning("People get no answers in Slack until it can be reached; digests are still attempted.")


def transport_of(settings: SlackSettings, secrets: SlackSecrets) -> str:
    """Return "socket" or "http", the transport that is set or that the secrets allow.

    Raises InputError if the secret for that transport is not set.
    """
    kind = settings.transport
    if kind == "auto":
        kind = "socket" if secrets.app_token else "http"
    if kind == "socket" and secrets.is_installed_by_link:
        raise InputError(
            "platforms.slack.transport is socket, which serves a single workspace: an install by a link "
            "(SLACK_CLIENT_ID) needs http."
        )
    if kind == "socket" and not secrets.app_token:
        raise InputError(
            "platforms.slack.transport is socket, but the environment has no SLACK_APP_TOKEN: make an "
            "app-level token with the scope connections:write on the app's page (Basic Information) "
            "and set it."
        )
    if secrets.is_installed_by_link:
        _require_link_settings(settings, secrets)
        return "http"
    if kind == "http" and not secrets.signing_secret:
        raise InputError(
            "Slack cannot reach Paperround: set SLACK_APP_TOKEN (an app-level token, for Socket Mode) or "
            "SLACK_SIGNING_SECRET (for requests over HTTP)."
        )
    return kind


def _require_link_settings(settings: SlackSettings, secrets: SlackSecrets) -> None:
    """Raise InputError if an install by a link lacks something besides its secrets."""
    if not secrets.signing_secret:
        raise InputError(
            "SLACK_CLIENT_ID is set, but SLACK_SIGNING_SECRET is not: the app's page shows both under Basic "
            "Information, App Credentials."
        )
    if not settings.public_url:
        raise InputError(
            "SLACK_CLIENT_ID is set, but public_url under [platforms.slack] is not: it is the address under "
            'which browsers reach this Paperround, such as "https://bot.example.org".'
        )
