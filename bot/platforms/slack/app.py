"""The Slack app, put together: checked before it starts, drained before it stops."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import aiohttp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.answer import Answers
from bot.findings import Finding, Level
from bot.platforms.slack.client import SlackPlatform
from bot.platforms.slack.listeners import Listeners
from bot.platforms.slack.preflight import Report, preflight
from bot.platforms.slack.session import open_session, web_client
from bot.platforms.slack.transport import (
    FIRST_WAIT,
    LONGEST_WAIT,
    HttpTransport,
    SocketTransport,
    bolt_app,
)
from config.secrets import SlackSecrets
from config.settings import Slack
from digests.errors import InputError

log = logging.getLogger(__name__)

DRAIN_SECONDS = 10.0
"""What is under way may take so long at the end; a container is killed after ten to thirty seconds."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """What `open` made."""

    platform: SlackPlatform
    session: aiohttp.ClientSession
    report: Report


@dataclass(slots=True)
class SlackApp:
    """Keeps the contract of `bot.platforms.App`."""

    settings: Slack
    secrets: SlackSecrets
    time_out: float
    clock: Callable[[], datetime]
    name: str = "slack"
    _opened: _Opened | None = None

    @property
    def exclusive(self) -> bool:
        return transport_of(self.settings, self.secrets) == "socket"

    async def check(self, channels: Sequence[str]) -> Sequence[Finding]:
        async with open_session(self.time_out) as session:
            client = web_client(self.secrets.bot_token, settings=self.settings, session=session)
            return (await self._checked(client, channels)).findings

    async def _checked(self, client: AsyncWebClient, channels: Sequence[str]) -> Report:
        socket = transport_of(self.settings, self.secrets) == "socket"
        return await preflight(
            client,
            settings=self.settings,
            app_token=self.secrets.app_token if socket else "",
            channels=channels,
        )

    async def open(self) -> SlackPlatform:
        """Where Slack cannot be reached just now, digests are tried all the same, and `serve` asks again who we are."""
        session = open_session(self.time_out)
        posting = web_client(self.secrets.bot_token, settings=self.settings, session=session)
        platform = SlackPlatform(posting)
        report = await self._checked(posting, ())
        self._opened = _Opened(platform, session, report)
        if report.faults and not report.is_away:
            await self.close()
            raise InputError("\n".join(f"{fault.subject}: {fault.sentence}" for fault in report.faults))
        _tell(report)
        return platform

    async def _known(self, opened: _Opened, stop: asyncio.Event) -> Report | None:
        """Who we are in Slack, asked until it says so; None when told to stop before."""
        report, wait = opened.report, FIRST_WAIT
        while not report.team_id:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), wait)
            if stop.is_set():
                return None
            report, wait = await self._checked(opened.platform.client, ()), min(wait * 2, LONGEST_WAIT)
            _tell(report)
        return report

    async def serve(self, answers: Answers, stop: asyncio.Event) -> None:
        """Raises OSError when the port for Slack's requests is taken."""
        if not self._opened:
            raise RuntimeError("open the app before it is served")
        opened, http = self._opened, self._http()
        try:
            if http:  # Before Slack answers: whoever runs us asks whether we are well from the start.
                await http.listen()
            if report := await self._known(opened, stop):
                await self._answer(report, answers, opened, http, stop)
        finally:
            if http:
                await http.close()

    async def _answer(
        self,
        report: Report,
        answers: Answers,
        opened: _Opened,
        http: HttpTransport | None,
        stop: asyncio.Event,
    ) -> None:
        platform = opened.platform
        listeners = Listeners(
            answers, platform, platform.client, self.settings, report.team_id, report.bot_user, self.clock
        )
        nameless = web_client("", settings=self.settings, session=opened.session)
        authorized = AuthorizeResult(
            enterprise_id=None,
            team_id=report.team_id,
            bot_user_id=report.bot_user,
            bot_id=report.bot_id,
            bot_token=self.secrets.bot_token,
        )
        app = bolt_app(nameless, authorized, self.secrets.signing_secret)
        listeners.register(app)
        transport = http or SocketTransport(app, nameless, self.secrets.app_token, listeners.catch_up)
        try:
            if isinstance(transport, HttpTransport):
                await transport.serve(app, listeners.catch_up, stop)
            else:
                await transport.serve(stop)
        finally:
            transport.refuse()
            await listeners.drain(DRAIN_SECONDS)
            await transport.close()

    def _http(self) -> HttpTransport | None:
        if transport_of(self.settings, self.secrets) == "socket":
            return None
        return HttpTransport(self.settings.http_host, self.settings.http_port)

    async def close(self) -> None:
        if self._opened:
            await self._opened.session.close()
            self._opened = None


def _tell(report: Report) -> None:
    """Log what keeps the app from a part of its work, and who it is."""
    for finding in report.findings:
        if finding.level is not Level.OK:
            log.warning("%s: %s", finding.subject, finding.sentence)
    if report.team_id:
        log.info("Slack: the app is in the workspace %s", report.team)
    else:
        log.warning("Nobody is answered in Slack until it is asked again, in a while; digests are tried.")


def transport_of(settings: Slack, secrets: SlackSecrets) -> str:
    """ "socket" or "http". Raises InputError when the secret that it needs is not there."""
    kind = settings.transport
    if kind == "auto":
        kind = "socket" if secrets.app_token else "http"
    if kind == "socket" and not secrets.app_token:
        raise InputError(
            "platforms.slack.transport is socket, but the environment has no SLACK_APP_TOKEN: make an app-level token "
            "with the scope connections:write on the app's page (Basic Information) and set it."
        )
    if kind == "http" and not secrets.signing_secret:
        raise InputError(
            "Slack cannot reach Paperround: set SLACK_APP_TOKEN (an app-level token, for Socket Mode) or "
            "SLACK_SIGNING_SECRET (for requests over HTTP)."
        )
    return kind
