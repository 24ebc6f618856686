"""A Slack with several workspaces and one app that they install from a link, over real HTTP.

It has Slack's page that asks for the rights, the exchange of codes, tokens that expire, and a token of its
own for each workspace, which is checked on every call.
"""

import base64
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from aiohttp import web

from tests.fakes.slack import ALL_SCOPES, FakeSlack, Json, SlackFault
from tests.fakes.wire import stop_server

AUTHORIZE_PATH = "/oauth/v2/authorize"
CODE_SECONDS = 600.0
TOKEN_SECONDS = 12 * 3600


@dataclass(slots=True)
class _Grant:
    """A code, or a refresh token, that can be exchanged once."""

    place: str
    scopes: frozenset[str]
    user: str
    redirect_uri: str
    created_at: float


@dataclass(slots=True)
class _Token:
    """A bot token of a workspace, or of an organization if `place` is one."""

    place: str
    scopes: frozenset[str]
    expires_at: float | None = None
    error: str = ""


@dataclass(slots=True)
class FakeSlackLink:
    """Several workspaces by id, each a `FakeSlack`, and one app. Use as an async context manager.

    With `rotates_tokens` a token expires after `TOKEN_SECONDS` of the clock, and comes with a refresh token,
    which is valid once. `granting_app` is the id of the app in the answers. `optional_scopes` can be refused
    on the page. `exchange_faults` are the faults of the next exchanges.
    """

    clock: Callable[[], float] = time.time
    client_id: str = "111.222"
    client_secret: str = "cl13nt"
    signing_secret: str = "s3cret"
    redirect_uris: set[str] = field(default_factory=set)
    granting_app: str = "A1"
    rotates_tokens: bool = False
    optional_scopes: frozenset[str] = frozenset({"channels:history", "groups:history", "files:write"})
    app_scopes: frozenset[str] = ALL_SCOPES
    port: int = 0
    http_endpoint: str = ""
    teams: dict[str, FakeSlack] = field(default_factory=dict)
    tokens: dict[str, _Token] = field(default_factory=dict)
    exchange_faults: list[SlackFault] = field(default_factory=list)
    refused_calls: list[tuple[str, str]] = field(default_factory=list)
    """Methods with the error, of calls whose token was refused."""
    refused_exchanges: list[str] = field(default_factory=list)
    """Errors of refused exchanges, in order."""
    protocol_errors: list[str] = field(default_factory=list)
    url: str = ""
    _codes: dict[str, _Grant] = field(default_factory=dict)
    _used: set[str] = field(default_factory=set)
    _refresh_tokens: dict[str, tuple[str, _Grant]] = field(default_factory=dict)
    _runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=2**22)
        app.router.add_route("*", "/api/oauth.v2.access", self._exchange)
        app.router.add_route("*", "/api/{method}", self._serve_api)
        app.router.add_post("/response/{team}/{id}", self._serve_response_url)
        app.router.add_get(AUTHORIZE_PATH, self._serve_page)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}/api/"
        return self

    async def __aexit__(self, *_: object) -> None:
        for team in self.teams.values():
            await team.__aexit__()
        if self._runner:
            await stop_server(self._runner)

    def add_team(self, team_id: str, *, name: str = "", enterprise_id: str = "", **fields: Any) -> FakeSlack:
        """Add a workspace that has not installed the app yet."""
        team = FakeSlack(
            bot_token=f"none of {team_id}", app_token="none", team_id=team_id,
            name=name or f"Lab {team_id}", enterprise_id=enterprise_id, bot_user=f"UBOT{team_id}",
            bot_id=f"BBOT{team_id}", signing_secret=self.signing_secret, http_endpoint=self.http_endpoint,
            **fields,
        )  # fmt: skip
        team.port, team.response_path = self.port, f"response/{team_id}"
        self.teams[team_id] = team
        return team

    def issue_token(self, place: str) -> str:
        """Return a token of a workspace, as if the app had been installed there."""
        return self._issue(_Grant(place, self.app_scopes, "UADA", "", self.clock()))

    # The page that asks for the rights.

    def allow(
        self, page: str, place: str, *, user: str = "UADA", without: frozenset[str] = frozenset()
    ) -> str:
        """Allow the rights on the page at this address, and return the address that the browser goes to.

        `place` is the workspace, or the organization. `without` are optional rights that are refused.
        """
        query = self._read_page(page)
        wanted = frozenset(query["scope"].split(","))
        if unknown := wanted - self.app_scopes:
            raise AssertionError(f"Slack shows “invalid_scope”: {unknown}")
        assert without <= self.optional_scopes, "Slack lets nobody refuse these"
        code = secrets.token_hex(8)
        granted = wanted - without
        self._codes[code] = _Grant(place, granted, user, query["redirect_uri"], self.clock())
        return self._build_redirect(query, code=code)

    async def _serve_page(self, request: web.Request) -> web.StreamResponse:
        """Show the page to a browser, with a link for each workspace; with `in`, allow the rights there."""
        query = {name: value for name, value in request.query.items() if name != "in"}
        page = f"{AUTHORIZE_PATH}?{urlencode(query)}"
        try:
            if place := request.query.get("in"):
                raise web.HTTPFound(self.allow(page, place))
            self._read_page(page)
        except (AssertionError, KeyError) as error:
            return web.Response(status=400, text=f"Slack refuses: {error}")
        links = "".join(
            f'<li><a href="{escape(f"{page}&in={place}")}">Allow in {escape(team.name)}</a></li>'
            for place, team in self.teams.items()
        )
        return web.Response(text=f"<h1>Slack asks for rights</h1><ul>{links}</ul>", content_type="text/html")

    def deny(self, page: str, error: str = "access_denied") -> str:
        """Refuse the rights, and return the address that the browser goes to."""
        return self._build_redirect(self._read_page(page), error=error)

    def _read_page(self, page: str) -> Mapping[str, str]:
        parts = urlsplit(page)
        assert parts.path == AUTHORIZE_PATH, page
        query = dict(parse_qsl(parts.query))
        assert query["client_id"] == self.client_id, "Slack shows “invalid_client_id”"
        assert query["redirect_uri"] in self.redirect_uris, "Slack shows “bad_redirect_uri”"
        return query

    def _build_redirect(self, query: Mapping[str, str], **answer: str) -> str:
        return f"{query['redirect_uri']}?{urlencode({**answer, 'state': query['state']})}"

    # The exchange.

    async def _exchange(self, request: web.Request) -> web.StreamResponse:
        form = dict(parse_qsl(await request.text()))
        kind, _, credentials = request.headers.get("Authorization", "").partition(" ")
        decoded = base64.b64decode(credentials).decode() if kind == "Basic" else ""
        fault = self.exchange_faults.pop(0) if self.exchange_faults else None
        if fault is SlackFault.SERVER_ERROR:
            return web.Response(status=500, text="oops")
        if fault is SlackFault.GARBAGE:
            return web.Response(text="<html>captive portal</html>", content_type="text/html")
        if fault is SlackFault.DROP_BEFORE:
            return self._drop(request)
        if decoded.partition(":")[0] != self.client_id:
            answer: Json = {"ok": False, "error": "invalid_client_id"}
        elif decoded.partition(":")[2] != self.client_secret:
            answer = {"ok": False, "error": "bad_client_secret"}
        elif form.get("grant_type") == "refresh_token":
            answer = self._refresh(form.get("refresh_token", ""))
        else:
            answer = self._redeem_code(form)
        self.refused_exchanges += [str(answer["error"])] if "error" in answer else []
        return self._drop(request) if fault is SlackFault.DROP_AFTER else web.json_response(answer)

    def _drop(self, request: web.Request) -> web.Response:
        if request.transport:
            request.transport.abort()
        return web.Response()

    def _redeem_code(self, form: Mapping[str, str]) -> Json:
        code = form.get("code", "")
        if code in self._used:
            return {"ok": False, "error": "code_already_used"}
        grant = self._codes.pop(code, None)
        if not grant or self.clock() - grant.created_at > CODE_SECONDS:
            return {"ok": False, "error": "invalid_code"}
        if form.get("redirect_uri") != grant.redirect_uri:
            return {"ok": False, "error": "bad_redirect_uri"}
        self._used.add(code)
        return self._describe(self._issue(grant), grant)

    def _refresh(self, refresh_token: str) -> Json:
        token, grant = self._refresh_tokens.pop(refresh_token, ("", None))
        if not grant or self.tokens[token].error:
            return {"ok": False, "error": "invalid_refresh_token"}
        return self._describe(self._issue(grant), grant)

    def _issue(self, grant: _Grant) -> str:
        """Return a token. Without rotation a workspace that installs again gets its valid one again."""
        if not self.rotates_tokens:
            for text, known in self.tokens.items():
                if known.place == grant.place and not known.error:
                    known.scopes = grant.scopes
                    self._use_token(text, grant.place, grant.scopes)
                    return text
        text = f"{'xoxe.' if self.rotates_tokens else ''}xoxb-{grant.place}-{secrets.token_hex(8)}"
        expires_at = self.clock() + TOKEN_SECONDS if self.rotates_tokens else None
        self.tokens[text] = _Token(grant.place, grant.scopes, expires_at)
        self._use_token(text, grant.place, grant.scopes)
        return text

    def _use_token(self, text: str, place: str, scopes: frozenset[str]) -> None:
        for team in self._list_teams(place):
            team.tokens.add(text)
            team.scopes = set(scopes)
            team.is_enterprise_install = place not in self.teams

    def _list_teams(self, place: str) -> list[FakeSlack]:
        """Return the workspace, or those of an organization."""
        return [team for team in self.teams.values() if place in (team.team_id, team.enterprise_id)]

    def _describe(self, token: str, grant: _Grant) -> Json:
        teams = self._list_teams(grant.place)
        is_organization = grant.place not in self.teams
        enterprise = teams[0].enterprise_id
        answer: Json = {
            "ok": True, "access_token": token, "token_type": "bot", "scope": ",".join(sorted(grant.scopes)),
            "bot_user_id": teams[0].bot_user, "app_id": self.granting_app,
            "team": None if is_organization else {"id": grant.place, "name": teams[0].name},
            "enterprise": {"id": enterprise, "name": f"Org {enterprise}"} if enterprise else None,
            "authed_user": {"id": grant.user}, "is_enterprise_install": is_organization,
        }  # fmt: skip
        if self.rotates_tokens:
            refresh = f"xoxe-1-{secrets.token_hex(8)}"
            self._refresh_tokens[refresh] = token, grant
            answer |= {"refresh_token": refresh, "expires_in": TOKEN_SECONDS}
        return answer

    # The calls.

    async def _serve_api(self, request: web.Request) -> web.StreamResponse:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if error := self._find_token_error(token):
            self.refused_calls.append((request.match_info["method"], error))
            return web.json_response({"ok": False, "error": error})
        teams = self._list_teams(self.tokens[token].place)
        if request.match_info["method"] == "apps.uninstall":
            return await self._uninstall_by_app(request, token)
        return await (await self._choose_team(request, teams))._serve_api(request)

    def _find_token_error(self, token: str) -> str:
        known = self.tokens.get(token)
        if not known:
            return "invalid_auth" if token else "not_authed"
        if known.error:
            return known.error
        is_expired = known.expires_at is not None and self.clock() >= known.expires_at
        return "token_expired" if is_expired else ""

    async def _choose_team(self, request: web.Request, teams: list[FakeSlack]) -> FakeSlack:
        """Return the workspace of a call with an organization's token: that of its channel or person."""
        if len(teams) == 1:
            return teams[0]
        text = f"{await request.text()}&{request.query_string}"
        named = [
            team
            for team in teams
            if any(name in text for name in (team.team_id, *team.channels, *team.users))
        ]
        return (named or teams)[0]

    async def _uninstall_by_app(self, request: web.Request, token: str) -> web.Response:
        form = dict(parse_qsl(await request.text())) | dict(request.query)
        if form.get("client_secret") != self.client_secret:
            return web.json_response({"ok": False, "error": "bad_client_secret"})
        self.revoke(self.tokens[token].place)
        return web.json_response({"ok": True})

    async def _serve_response_url(self, request: web.Request) -> web.StreamResponse:
        return await self.teams[request.match_info["team"]]._serve_response_url(request)

    # What admins do.

    def revoke(self, place: str, error: str = "account_inactive") -> None:
        """Make every token of a workspace or organization invalid, without a word to the app."""
        for token in self.tokens.values():
            if token.place == place:
                token.error = error

    async def uninstall(
        self, place: str, *, order: tuple[str, ...] = ("tokens_revoked", "app_uninstalled")
    ) -> None:
        """Remove the app from a workspace or organization, and send the events."""
        self.revoke(place)
        team = self._list_teams(place)[0]
        for kind in order:
            await self.deliver_removal(team, place, kind)

    async def deliver_removal(
        self, team: FakeSlack, place: str, kind: str, *, at: float | None = None
    ) -> None:
        """Send the event of a removal, as of the time `at`."""
        event: Json = {"type": kind}
        if kind == "tokens_revoked":
            event["tokens"] = {"oauth": [], "bot": [team.bot_user]}
        body = team.build_event_body(event)
        if place not in self.teams:
            body["team_id"] = None
        await team.deliver_event(body | {"event_time": int(self.clock() if at is None else at)})
