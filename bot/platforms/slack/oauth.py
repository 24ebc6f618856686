"""Installation of the app from a link: Slack's OAuth, with Bolt's flow over our store and pages.

A state is ours, encrypted, ten minutes old at most, and belongs to one browser by its cookie. It is consumed
in the store, so that of several replicas one takes it. A stranger's request writes nothing.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.oauth.async_callback_options import AsyncCallbackOptions, AsyncFailureArgs, AsyncSuccessArgs
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.oauth.installation_store import Installation as SlackInstallation
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.oauth.state_store.async_state_store import AsyncOAuthStateStore
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.deadline import LongWaitError
from bot.platforms.slack.errors import is_transient_error, parse_error_response
from bot.platforms.slack.http_transport import PageHandler
from bot.platforms.slack.install_pages import InstallFailure, render_failure, render_success
from bot.platforms.slack.installed import InstalledWorkspaces, is_denied, start_digests
from bot.platforms.slack.manifest import OPTIONAL_SCOPES, scopes_of
from bot.platforms.slack.session import fetch_tokens
from bot.platforms.slack.settings import SlackSettings
from bot.platforms.slack.tokens import PLATFORM, BotTokens, seal_tokens
from bot.platforms.slack.transport import hide_slack_variables
from bot.storage import run_interactive
from bot.token_cipher import TokenCipher
from digests.errors import PaperroundError
from digests.ports import Store
from digests.ports.installations import Installation
from digests.ports.notes import Events
from digests.text import clip_text, normalize_text

log = logging.getLogger(__name__)

INSTALL_PATH, REDIRECT_PATH = "/slack/install", "/slack/oauth_redirect"

STATE_LIFETIME = timedelta(minutes=10)
"""Time in which an installation that began must end. The store remembers a consumed state for longer."""

MAX_NAME_CHARACTERS = 80

PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",  # The address has a code.
    "X-Content-Type-Options": "nosniff",
}

USED_CODES = frozenset(["invalid_code", "code_already_used", "code_expired", "missing_code"])
"""Errors of oauth.v2.access about the code: it was used, or is too old."""


class InstallError(Exception):
    """An installation that does not come about. `details` are for the log."""

    def __init__(self, failure: InstallFailure, details: str) -> None:
        super().__init__(details)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class SealedStates(AsyncOAuthStateStore):
    """States that are encrypted, and consumed once over all replicas. Implements Bolt's store of states."""

    cipher: TokenCipher
    events: Events
    clock: Callable[[], datetime]

    async def async_issue(self, *_: Any, **__: Any) -> str:
        return self.cipher.issue_state(self.clock())

    async def async_consume(self, state: str) -> bool:
        now = self.clock()
        nonce = self.cipher.read_state(state, now=now, lifetime=STATE_LIFETIME)
        return bool(nonce) and await run_interactive(self.events.record_once, f"oauth {nonce}", now=now)


@dataclass(frozen=True, slots=True)
class SealedInstallations(AsyncInstallationStore):
    """Saves installations with encrypted tokens. Implements the part of Bolt's store that its flow uses."""

    store: Store
    cipher: TokenCipher
    workspaces: InstalledWorkspaces
    clock: Callable[[], datetime]

    async def async_save(self, installation: SlackInstallation) -> None:
        """Save an installation, and start the digests again that an earlier removal stopped.

        Raises StoreError.
        """
        converted = _convert_installation(installation, self.cipher, self.clock())
        saved = await run_interactive(self.store.installations.save, converted)
        self.workspaces.forget(saved.workspace)
        installer = saved.installed_by or "somebody"
        log.info("installed in %s (%s) by %s", saved.workspace, saved.name, installer)


def _convert_installation(found: SlackInstallation, cipher: TokenCipher, now: datetime) -> Installation:
    """Return an installation as the store takes it, with encrypted tokens."""
    is_organization = bool(found.is_enterprise_install)
    workspace = str((found.enterprise_id if is_organization else found.team_id) or "")
    name = (found.enterprise_name if is_organization else found.team_name) or ""
    expires_at = found.bot_token_expires_at
    tokens = BotTokens(
        str(found.bot_token or ""),
        str(found.bot_refresh_token or ""),
        datetime.fromtimestamp(expires_at, now.tzinfo) if expires_at and found.bot_refresh_token else None,
    )
    return Installation(
        PLATFORM,
        workspace,
        clip_text(normalize_text(str(name)), MAX_NAME_CHARACTERS),
        str(found.app_id or ""),
        str(found.bot_user_id or ""),
        str(found.bot_id or ""),
        frozenset(found.bot_scopes or ()),
        str(found.user_id or ""),
        now,
        seal_tokens(cipher, workspace, tokens),
        is_organization=is_organization,
    )


class InstallFlow(AsyncOAuthFlow):
    """Bolt's flow, which tells the reasons of a failure apart, and takes tokens of one app alone."""

    def __init__(
        self,
        client: AsyncWebClient,
        settings: AsyncOAuthSettings,
        store: Store,
        clock: Callable[[], datetime],
    ) -> None:
        super().__init__(client=client, settings=settings, logger=logging.getLogger("paperround.slack_bolt"))
        self._store, self._clock = store, clock

    async def build_authorize_url(self, state: str, request: AsyncBoltRequest) -> str:
        """Return the address of Slack's page that asks for the rights. The request adds nothing to it."""
        query = {
            "client_id": self.settings.client_id,
            "scope": ",".join(self.settings.scopes or ()),
            "redirect_uri": self.settings.redirect_uri or "",
            "state": state,
        }
        return f"{self.settings.authorization_url}?{urlencode(query)}"

    async def run_installation(self, code: str) -> SlackInstallation:
        """Exchange a code for a token, and check the token. Raises InstallError and StoreError."""
        answer = await self._exchange_code(code)
        token = str(answer.get("access_token") or "")
        if not token.startswith(("xoxb-", "xoxe.xoxb-")):
            raise InstallError(InstallFailure.SET_UP, "Slack granted no bot token")
        scopes = str(answer.get("scope") or "")
        if "chat:write" not in scopes.split(","):
            raise InstallError(InstallFailure.TOO_FEW_SCOPES, f"Slack granted {scopes or 'no scopes'}")
        enterprise, team = answer.get("enterprise") or {}, answer.get("team") or {}
        is_organization = bool(answer.get("is_enterprise_install"))
        await self._require_own_app(str(answer.get("app_id") or ""))
        identity = await self._call(self.client.auth_test(token=token))
        key = "enterprise_id" if is_organization else "team_id"
        granted = (enterprise if is_organization else team).get("id")
        if not granted or identity.get(key) != granted:
            raise InstallError(InstallFailure.WRONG_APP, "the token is of another workspace than Slack said")
        places = str(team.get("id") or ""), str(enterprise.get("id") or "")
        if await run_interactive(is_denied, self._store, *places):
            raise InstallError(InstallFailure.NOT_SERVED, f"{granted} is denied")
        expires_in = answer.get("expires_in")
        return SlackInstallation(
            app_id=answer.get("app_id"),
            enterprise_id=enterprise.get("id"),
            enterprise_name=enterprise.get("name"),
            team_id=team.get("id"),
            team_name=team.get("name"),
            bot_token=token,
            bot_id=identity.get("bot_id"),
            bot_user_id=answer.get("bot_user_id"),
            bot_scopes=scopes,
            bot_refresh_token=answer.get("refresh_token"),
            bot_token_expires_at=int(self._clock().timestamp()) + int(expires_in) if expires_in else None,
            user_id=str((answer.get("authed_user") or {}).get("id") or ""),
            is_enterprise_install=is_organization,
        )

    async def _exchange_code(self, code: str) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = await self._call(
            fetch_tokens(
                self.client,
                self.settings.client_id,
                self.settings.client_secret,
                code=code,
                redirect_uri=self.settings.redirect_uri or "",
            )
        )
        return answer

    async def _call(self, call: Any) -> Any:
        """Return the answer to a call. Raises InstallError for every failure."""
        try:
            return await call
        except SlackApiError as error:
            code = str(parse_error_response(error.response).get("error", ""))
            if code in USED_CODES:
                raise InstallError(InstallFailure.USED, f"Slack refused the code ({code})") from None
            if not code or is_transient_error(code):
                raise InstallError(InstallFailure.UNREACHABLE, f"Slack failed ({code})") from None
            raise InstallError(
                InstallFailure.SET_UP, f"Slack refused the exchange of a code ({code})"
            ) from None
        except (
            aiohttp.ClientError,
            LongWaitError,
            TimeoutError,
            OSError,
            ValueError,
            AttributeError,
        ) as error:
            kind = type(error).__name__
            raise InstallError(InstallFailure.UNREACHABLE, f"Slack did not answer ({kind})") from None

    async def _require_own_app(self, app_id: str) -> None:
        """Raise InstallError if other workspaces have installed another app: a signing secret is of one."""
        listed = await run_interactive(self._store.installations.list_all)
        known = {each.app_id for each in listed if each.platform == PLATFORM and not each.ended_at}
        if known and app_id not in known:
            raise InstallError(
                InstallFailure.WRONG_APP,
                f"the token is of the app {app_id or '(unnamed)'}, and the installations are of "
                f"{', '.join(sorted(known))}: check SLACK_CLIENT_ID",
            )


@dataclass(slots=True)
class InstallPages:
    """Answers the two addresses of an installation: its begin, and its end after Slack's page."""

    settings: SlackSettings
    client_id: str
    client_secret: str = field(repr=False)
    client: AsyncWebClient
    store: Store
    cipher: TokenCipher
    workspaces: InstalledWorkspaces
    clock: Callable[[], datetime]
    _flow: InstallFlow = field(init=False)

    def __post_init__(self) -> None:
        address = self.settings.api_base_url.rstrip("/").removesuffix("/api")
        with hide_slack_variables():
            settings = AsyncOAuthSettings(
                client_id=self.client_id,
                client_secret=self.client_secret,
                scopes=sorted(scopes_of(self.settings)),
                user_scopes=[],
                redirect_uri=f"{self.settings.public_url}{REDIRECT_PATH}",
                install_path=INSTALL_PATH,
                install_page_rendering_enabled=False,
                redirect_uri_path=REDIRECT_PATH,
                callback_options=AsyncCallbackOptions(self._show_success, self._show_failure),
                authorization_url=f"{address}/oauth/v2/authorize",
                installation_store=SealedInstallations(self.store, self.cipher, self.workspaces, self.clock),
                installation_store_bot_only=True,
                state_store=SealedStates(self.cipher, self.store.events, self.clock),
                state_expiration_seconds=int(STATE_LIFETIME.total_seconds()),
            )
        self._flow = InstallFlow(self.client, settings, self.store, self.clock)

    def list_pages(self) -> Mapping[str, PageHandler]:
        """Return the handlers by path."""
        return {INSTALL_PATH: self.begin_installation, REDIRECT_PATH: self.end_installation}

    async def begin_installation(self, request: web.BaseRequest) -> web.StreamResponse:
        """Send the browser to Slack's page, with a new state and its cookie."""
        answer = await self._flow.handle_installation(_read_request(request))
        return await _send_response(answer)

    async def end_installation(self, request: web.BaseRequest) -> web.StreamResponse:
        """Take the code that Slack gave the browser, and show the page of its success or failure."""
        try:
            answer = await self._flow.handle_callback(_read_request(request))
        except InstallError as error:
            answer = self._build_failure(error.failure, str(error))
        except PaperroundError as error:
            answer = self._build_failure(InstallFailure.NOT_STORED, str(error))
        answer.headers["set-cookie"] = [self._flow.settings.state_utils.build_set_cookie_for_deletion()]
        return await _send_response(answer)

    async def _show_success(self, arguments: AsyncSuccessArgs) -> BoltResponse:
        installation = arguments.installation
        is_organization = bool(installation.is_enterprise_install)
        workspace = str((installation.enterprise_id if is_organization else installation.team_id) or "")
        started = await run_interactive(start_digests, self.store, workspace, self.clock())
        name = installation.enterprise_name if is_organization else installation.team_name
        link = {"app": installation.app_id or ""} | ({} if is_organization else {"team": workspace})
        page = render_success(
            clip_text(normalize_text(str(name or "")), MAX_NAME_CHARACTERS),
            link=f"https://slack.com/app_redirect?{urlencode(link)}",
            paper_command=self.settings.paper_command,
            digest_command=self.settings.digest_command,
            is_organization=is_organization,
            left_out={
                scope: reason
                for scope, reason in OPTIONAL_SCOPES.items()
                if scope not in (installation.bot_scopes or ())
            },
            started_count=started,
        )
        return _build_page(200, page)

    async def _show_failure(self, arguments: AsyncFailureArgs) -> BoltResponse:
        """Show the page for a reason that Bolt's flow or the query of Slack's redirect gives."""
        failure = {
            "access_denied": InstallFailure.DENIED,
            "invalid_browser": InstallFailure.OTHER_BROWSER,
            "invalid_state": InstallFailure.USED,
            "missing_code": InstallFailure.USED,
        }.get(arguments.reason, InstallFailure.SET_UP)
        if failure is InstallFailure.SET_UP and not self._is_ours(arguments.request):
            return _build_page(*render_failure(failure, INSTALL_PATH))
        return self._build_failure(failure, f"the browser came back with {arguments.reason[:60]!r}")

    def _is_ours(self, request: AsyncBoltRequest) -> bool:
        """Return True if a request has a state of ours, and comes from the browser that got it."""
        (state, *_) = request.query.get("state") or ("",)
        is_browser = self._flow.settings.state_utils.is_valid_browser(state, request.headers)
        return is_browser and bool(self.cipher.read_state(state, now=self.clock(), lifetime=STATE_LIFETIME))

    def _build_failure(self, failure: InstallFailure, details: str) -> BoltResponse:
        """Return the page of a failure. Its details are logged unless a stranger can cause it at will."""
        if failure in (InstallFailure.WRONG_APP, InstallFailure.UNREACHABLE, InstallFailure.NOT_STORED):
            log.error("an installation failed: %s", details)
        elif failure is InstallFailure.SET_UP:
            log.error("an installation failed: %s (docs/slack.md, Install by a link)", details)
        return _build_page(*render_failure(failure, INSTALL_PATH))


def _build_page(status: int, page: str) -> BoltResponse:
    return BoltResponse(status=status, body=page, headers={"content-type": ["text/html; charset=utf-8"]})


def _read_request(request: web.BaseRequest) -> AsyncBoltRequest:
    return AsyncBoltRequest(body="", query=request.query_string, headers=request.headers)  # type: ignore[arg-type]


async def _send_response(answer: BoltResponse) -> web.Response:
    response = await to_aiohttp_response(answer)
    response.headers.update(PAGE_HEADERS)
    return response
