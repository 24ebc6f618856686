"""Checks of the Slack set-up, before the app starts and for `paperround doctor`.

Each problem names its remedy.
"""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.findings import Finding, Severity
from bot.platforms.slack.errors import (
    explain_error,
    explain_socket_error,
    is_transient_error,
    parse_error_response,
)
from bot.platforms.slack.manifest import HISTORY_COST, HISTORY_SCOPES, OPTIONAL_SCOPES, scopes_of
from bot.platforms.slack.settings import SlackSettings
from bot.platforms.slack.workspaces import SlackWorkspace

CALL_TIMEOUT_SECONDS = 10.0
MAX_CLOCK_SKEW_SECONDS = 120
"""Seconds between this clock and Slack's above which the check warns. A signed request is refused at 300."""


@dataclass(frozen=True, slots=True)
class PreflightReport:
    """Findings of the checks, and the workspace with the identity that Slack gave, unchanged without one.

    `is_unreachable` means that the only finding, a fault, is no fault of the set-up: Slack could not be
    reached or failed.
    """

    findings: tuple[Finding, ...]
    workspace: SlackWorkspace
    is_unreachable: bool = False

    @property
    def faults(self) -> tuple[Finding, ...]:
        """The findings that are faults, and not only warnings."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.FAULT)


async def run_preflight(
    workspace: SlackWorkspace, *, settings: SlackSettings, app_token: str, channels: Sequence[str]
) -> PreflightReport:
    """Check the app in one workspace: token, clock, scopes, and membership in `channels`, given by their ids.

    With an `app_token` the check also requests a socket. If the bot token is not accepted, that is the only
    finding. Never raises, whatever Slack or a proxy answers.
    """
    client = workspace.client
    try:
        identity = await await_answer(client.auth_test(), by_link=workspace.is_by_link)
        if not identity.get("team_id"):
            raise RefusedError(_explain_unreachable("the answer names no workspace"))
    except RefusedError as refused:
        finding = Finding(Severity.FAULT, "Slack" if refused.is_transient else "bot token", str(refused))
        return PreflightReport((finding,), workspace, is_unreachable=refused.is_transient)
    headers = {name.lower(): value for name, value in identity.headers.items()}
    granted = frozenset(
        filter(None, (scope.strip() for scope in headers.get("x-oauth-scopes", "").split(",")))
    )
    findings = [
        Finding(
            Severity.OK, "bot token", f"Slack knows us as {identity.get('user')} in {identity.get('team')}."
        ),
        *_check_clock(headers),
        *_check_scopes(granted, settings, by_link=workspace.is_by_link),
        *([await _check_socket(client, app_token)] if app_token else []),
        *[await _check_channel(client, channel) for channel in channels],
    ]
    identified = replace(
        workspace,
        team_id=str(identity["team_id"]),
        name=str(identity.get("team", "")),
        bot_user=str(identity.get("user_id", "")),
        bot_id=str(identity.get("bot_id", "")),
    )
    return PreflightReport(tuple(findings), identified)


class RefusedError(Exception):
    """A call failed. The message gives the reason and the remedy.

    `code` is Slack's error code, "" if Slack did not answer in its own format.
    """

    def __init__(self, sentence: str, code: str = "") -> None:
        super().__init__(sentence)
        self.code = code

    @property
    def is_transient(self) -> bool:
        """Return True if the same call may succeed later."""
        return not self.code or is_transient_error(self.code)


async def await_answer(call: Awaitable[Any], *, by_link: bool = False) -> Any:
    """Return the answer to a call. Raises RefusedError for every failure, a time-out included."""
    try:
        async with asyncio.timeout(CALL_TIMEOUT_SECONDS):
            return await call
    except SlackApiError as error:
        answer = parse_error_response(error.response)
        code = str(answer.get("error", ""))
        if not code:
            status = getattr(error.response, "status_code", None)
            raise RefusedError(
                _explain_unreachable(f"status {status}" if status else "half an answer")
            ) from error
        raise RefusedError(
            explain_error(code, needed=str(answer.get("needed", "")), by_link=by_link), code
        ) from error
    except TimeoutError:
        raise RefusedError(
            _explain_unreachable(f"no answer within {CALL_TIMEOUT_SECONDS:.0f} seconds")
        ) from None
    except Exception as error:  # A proxy may answer anything, and the library then raises anything.
        raise RefusedError(_explain_unreachable(f"{type(error).__name__}: {error}"[:200])) from error


def _explain_unreachable(reason: str) -> str:
    remedy = "check the network, platforms.slack.proxy and platforms.slack.api_base_url."
    return f"Slack cannot be reached ({reason}): {remedy}"


def _check_clock(headers: Mapping[str, str]) -> list[Finding]:
    """Compare this machine's clock with the Date header of Slack's answer. No header, no finding."""
    try:
        slack_time = parsedate_to_datetime(headers["date"]).astimezone(UTC)
    except (KeyError, ValueError):
        return []
    skew_seconds = abs((datetime.now(UTC) - slack_time).total_seconds())
    if skew_seconds <= MAX_CLOCK_SKEW_SECONDS:
        return [Finding(Severity.OK, "clock", "This machine's clock agrees with Slack's.")]
    return [
        Finding(
            Severity.WARNING,
            "clock",
            f"This machine's clock is {skew_seconds:.0f} seconds off Slack's: set it by NTP, or digests come "
            "at the wrong time and Slack's signed requests are refused.",
        )
    ]


def _check_scopes(granted: frozenset[str], settings: SlackSettings, *, by_link: bool) -> list[Finding]:
    """Name the missing scopes: a fault if chat:write is among them, else a warning.

    Returns no finding if Slack did not name the granted scopes.
    """
    if not granted:
        return []
    lacking = {scope: reason for scope, reason in scopes_of(settings).items() if scope not in granted}
    missing = {scope: reason for scope, reason in lacking.items() if scope not in OPTIONAL_SCOPES}
    if not missing:
        left_out = "; ".join(f"{scope} ({reason})" for scope, reason in lacking.items())
        also = f" It goes without the optional {left_out}." if left_out else ""
        also += f" {HISTORY_COST}" if lacking.keys() & HISTORY_SCOPES else ""
        return [Finding(Severity.OK, "scopes", f"The app has every scope it needs.{also}")]
    named = "; ".join(f"{scope} ({reason})" for scope, reason in missing.items())
    level = Severity.FAULT if "chat:write" in missing else Severity.WARNING
    remedy = (
        "paste the output of “paperround manifest slack” on its page under App Manifest, save, "
        "and reinstall the app"
    )
    if by_link:
        remedy = "whoever installed it opens the app's link again; what needs no further scope goes on"
    return [Finding(level, "scopes", f"The app lacks {named}: {remedy}.")]


async def _check_socket(client: AsyncWebClient, app_token: str) -> Finding:
    try:
        await await_answer(client.apps_connections_open(app_token=app_token))
    except RefusedError as refused:
        level = Severity.WARNING if refused.is_transient else Severity.FAULT
        return Finding(
            level, "app token", explain_socket_error(refused.code) if refused.code else str(refused)
        )
    return Finding(Severity.OK, "app token", "Slack opens a socket for us.")


async def _check_channel(client: AsyncWebClient, channel: str) -> Finding:
    try:
        info = (await await_answer(client.conversations_info(channel=channel))).get("channel") or {}
    except RefusedError as refused:
        return Finding(Severity.WARNING, f"channel {channel}", str(refused))
    name = f"channel #{info.get('name', channel)}"
    if info.get("is_archived"):
        return Finding(Severity.WARNING, name, explain_error("is_archived"))
    if not info.get("is_member"):
        return Finding(Severity.WARNING, name, explain_error("not_in_channel"))
    return Finding(Severity.OK, name, "Paperround is in it.")
