"""What is checked before the app starts, and by `paperround doctor`: each finding says what to do."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.findings import Finding, Level
from bot.platforms.slack.errors import explain, explain_socket, is_passing, said
from bot.platforms.slack.manifest import scopes
from config.settings import Slack

CALL_SECONDS = 10.0
CLOCK_SECONDS = 120
"""Slack's signed requests carry a time, and five minutes' difference is refused; two is time to look."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was found, and who the app is; the ids are empty when Slack did not say.

    `is_away` when Slack could not be asked just now, which says nothing against the app.
    """

    findings: tuple[Finding, ...]
    team_id: str = ""
    team: str = ""
    bot_user: str = ""
    bot_id: str = ""
    scopes: frozenset[str] = field(default_factory=frozenset)
    is_away: bool = False

    @property
    def faults(self) -> tuple[Finding, ...]:
        """What keeps the app from starting."""
        return tuple(finding for finding in self.findings if finding.level is Level.FAULT)


async def preflight(
    client: AsyncWebClient, *, settings: Slack, app_token: str, channels: Sequence[str]
) -> Report:
    """Ask Slack who we are, what we may do, and whether we are in the channels. Never raises for what Slack answers.

    With an `app_token` a socket is asked for too.
    """
    try:
        known = await _asked(client.auth_test())
        if not known.get("team_id"):
            raise _RefusedError(_not_slack("who answers does not say who we are"))
    except _RefusedError as refused:
        finding = Finding(Level.FAULT, "Slack" if refused.is_passing else "bot token", str(refused))
        return Report((finding,), is_away=refused.is_passing)
    headers = {name.lower(): value for name, value in known.headers.items()}
    granted = frozenset(
        filter(None, (scope.strip() for scope in headers.get("x-oauth-scopes", "").split(",")))
    )
    findings = [
        Finding(Level.OK, "bot token", f"Slack knows us as {known.get('user')} in {known.get('team')}."),
        *_clock(headers),
        *_missing_scopes(granted, settings),
        *([await _socket(client, app_token)] if app_token else []),
        *[await _channel(client, channel) for channel in channels],
    ]
    return Report(
        tuple(findings),
        str(known["team_id"]),
        str(known.get("team", "")),
        str(known.get("user_id", "")),
        str(known.get("bot_id", "")),
        granted,
    )


class _RefusedError(Exception):
    """Slack did not do it; the sentence says why and what to do."""

    def __init__(self, sentence: str, code: str = "") -> None:
        super().__init__(sentence)
        self.code = code

    @property
    def is_passing(self) -> bool:
        """Whether it may be otherwise in a minute."""
        return not self.code or is_passing(self.code)


async def _asked(call: Awaitable[Any]) -> Any:
    try:
        async with asyncio.timeout(CALL_SECONDS):
            return await call
    except SlackApiError as error:
        answer = said(error.response)
        code = str(answer.get("error", ""))
        if not code:
            status = getattr(error.response, "status_code", None)
            raise _RefusedError(_not_slack(f"status {status}" if status else "half an answer")) from error
        raise _RefusedError(explain(code, needed=str(answer.get("needed", ""))), code) from error
    except TimeoutError:
        raise _RefusedError(_not_slack(f"no answer within {CALL_SECONDS:.0f} seconds")) from None
    except Exception as error:  # A proxy may answer anything, and the library then raises anything.
        raise _RefusedError(_not_slack(f"{type(error).__name__}: {error}"[:200])) from error


def _not_slack(what: str) -> str:
    return f"Slack cannot be reached ({what}): check the network, platforms.slack.proxy and platforms.slack.api_base_url."


def _clock(headers: Mapping[str, str]) -> list[Finding]:
    try:
        theirs = parsedate_to_datetime(headers["date"]).astimezone(UTC)
    except (KeyError, ValueError):
        return []
    apart = abs((datetime.now(UTC) - theirs).total_seconds())
    if apart <= CLOCK_SECONDS:
        return [Finding(Level.OK, "clock", "This machine's clock agrees with Slack's.")]
    return [
        Finding(
            Level.WARNING,
            "clock",
            f"This machine's clock is {apart:.0f} seconds off Slack's: set it by NTP, or digests come at the wrong "
            "time and Slack's signed requests are refused.",
        )
    ]


def _missing_scopes(granted: frozenset[str], settings: Slack) -> list[Finding]:
    if not granted:
        return []
    missing = {scope: reason for scope, reason in scopes(settings).items() if scope not in granted}
    if not missing:
        return [Finding(Level.OK, "scopes", "The app has every scope it needs.")]
    named = "; ".join(f"{scope} ({reason})" for scope, reason in missing.items())
    level = Level.FAULT if "chat:write" in missing else Level.WARNING
    fix = "paste the output of “paperround manifest slack” on its page under App Manifest, save, and reinstall the app"
    return [Finding(level, "scopes", f"The app lacks {named}: {fix}.")]


async def _socket(client: AsyncWebClient, app_token: str) -> Finding:
    try:
        await _asked(client.apps_connections_open(app_token=app_token))
    except _RefusedError as refused:
        level = Level.WARNING if refused.is_passing else Level.FAULT
        return Finding(level, "app token", explain_socket(refused.code) if refused.code else str(refused))
    return Finding(Level.OK, "app token", "Slack opens a socket for us.")


async def _channel(client: AsyncWebClient, channel: str) -> Finding:
    try:
        known = (await _asked(client.conversations_info(channel=channel))).get("channel") or {}
    except _RefusedError as refused:
        return Finding(Level.WARNING, f"channel {channel}", str(refused))
    name = f"channel #{known.get('name', channel)}"
    if known.get("is_archived"):
        return Finding(Level.WARNING, name, explain("is_archived"))
    if not known.get("is_member"):
        return Finding(Level.WARNING, name, explain("not_in_channel"))
    return Finding(Level.OK, name, "Paperround is in it.")
