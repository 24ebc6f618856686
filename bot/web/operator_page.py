"""The operator's read-only page: sign-in by a token, and the addresses of its pages."""

import asyncio
import base64
import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from html.parser import HTMLParser
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from bot.conversation.fair_use import LimitReachedError
from bot.services import build_answers, find_budget_limit
from bot.storage import run_interactive
from bot.web.guard import LOOPBACK, find_host_name
from bot.web.pages import (
    DIGESTS_PER_PAGE,
    MAX_TROUBLES,
    DigestData,
    OverviewData,
    ReviewerUse,
    render_digest,
    render_digests,
    render_login,
    render_overview,
    render_problem,
)
from bot.web.token_gate import TokenGate
from digests.build import build_unsent
from digests.errors import PaperroundError
from digests.model import QueuedPaper
from digests.ports.access_tokens import TokenUse
from digests.ports.delivery_reports import ChannelStatus
from digests.ports.overview import DigestFilter, DigestPage
from digests.workspace_names import find_workspace_names

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from bot.services import Services

log = logging.getLogger(__name__)

COOKIE = "paperround_token"

FORM_BYTES = 4096
"""Largest form of the sign-in."""

WORDS_CHARACTERS = 200
"""Characters of a search that are read."""

MAX_KEY = 2**31 - 1
"""Largest key of a digest in the store."""

MAX_PAGE = 1_000_000
"""Largest page of the list that is asked for."""

EDITIONS = 14
"""Editions on the page of a digest."""

QUEUED_PAPERS = 10
"""Papers of the queue on the page of a digest."""

AT_ONCE = 3
"""Pages that are made at a time: people's commands need the other threads."""

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Policy of the pages: no script at all, one style sheet, forms to this site alone."""

Handler = Callable[["Request"], Awaitable["Response"]]


@dataclass(slots=True)
class OperatorPage:
    """Handlers of the pages. Each is for a browser with a valid token in its cookie."""

    services: "Services"
    gate: TokenGate
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    def list_routes(self) -> "list[Route]":
        """Return the routes of all pages."""
        from starlette.routing import Route

        return [
            Route("/", self._signed_in(self._show_overview)),
            Route("/digests", self._signed_in(self._show_digests)),
            Route("/digests/{key}", self._signed_in(self._show_digest)),
            Route("/digests/{key}/preview", self._signed_in(self._show_preview)),
            Route("/login", self._sign_in, methods=["POST"]),
            Route("/logout", self._sign_out, methods=["POST"]),
            Route("/site.css", _show_style),
        ]

    def _signed_in(self, show: Callable[["Request"], "Response"]) -> Handler:
        """Return a handler that shows a page, made in a thread of the store; the sign-in without a token."""

        async def answer(request: "Request") -> "Response":
            text = request.cookies.get(COOKIE, "")
            try:
                async with self._turns:
                    if not text or not await self._is_valid(text, request):
                        return _answer_page(render_login(), 401 if text else 200)
                    return await run_interactive(show, request)
            except LimitReachedError as error:
                return _answer_too_many(error)
            except PaperroundError as error:
                log.warning("a page was not shown: %s", error)
                return _answer_page(render_problem("No answer", str(error)), 503)

        return answer

    async def _is_valid(self, text: str, request: "Request") -> bool:
        """Return True for a valid token of the page. Raises LimitReachedError and StoreError."""
        return await self.gate.authenticate(text, TokenUse.WEB, request.scope) is not None

    async def _sign_in(self, request: "Request") -> "Response":
        """Put the token of the form into a cookie, which no script can read and no other site sends."""
        from starlette.responses import RedirectResponse

        token = await _read_token(request)
        try:
            async with self._turns:
                is_valid = await self._is_valid(token, request)
        except LimitReachedError as error:
            return _answer_too_many(error)
        except PaperroundError as error:
            log.warning("nobody could sign in: %s", error)
            return _answer_page(render_problem("No answer", "The store does not answer."), 503)
        if not is_valid:
            problem = "This token is not valid: it may have been revoked, or be for programs."
            return _answer_page(render_login(problem), 403)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(COOKIE, token, httponly=True, samesite="lax", secure=_needs_https(request))
        return answer

    async def _sign_out(self, _: "Request") -> "Response":
        from starlette.responses import RedirectResponse

        answer = RedirectResponse("/", 303)
        answer.delete_cookie(COOKIE, httponly=True, samesite="lax")
        return answer

    def _show_overview(self, _: "Request") -> "Response":
        store, now = self.services.store, self.services.delivery_context.clock()
        wanted = DigestFilter(is_in_trouble=True)
        troubled = store.overview.list_digests(wanted, now=now, offset=0, limit=MAX_TROUBLES)
        data = OverviewData(
            now,
            store.overview.list_workspaces(),
            find_workspace_names(store),
            troubled,
            store.health.latest_reports(),
            self._load_reviewer(now),
        )
        return _answer_page(render_overview(data))

    def _load_reviewer(self, now: datetime) -> ReviewerUse | None:
        limit = find_budget_limit(self.services.settings)
        if limit is None:
            return None
        store = self.services.store
        spent = store.budget.spending_on(now.date())
        return ReviewerUse(spent, limit, sum(store.review_queue.count_waiting().values()))

    def _show_digests(self, request: "Request") -> "Response":
        query = request.query_params
        words, platform, workspace = (
            query.get(name, "")[:WORDS_CHARACTERS].strip() for name in ("find", "platform", "workspace")
        )
        wanted = DigestFilter(words, platform, workspace, query.get("show") == "trouble")
        overview, now = self.services.store.overview, self.services.delivery_context.clock()

        def load(page: int) -> DigestPage:
            offset = (page - 1) * DIGESTS_PER_PAGE
            return overview.list_digests(wanted, now=now, offset=offset, limit=DIGESTS_PER_PAGE)

        page = min(_parse_number(query.get("page", "")) or 1, MAX_PAGE)
        found = load(page)
        if page > 1 and not found.digests:
            page = max(1, -(-found.count // DIGESTS_PER_PAGE))
            found = load(page)
        return _answer_page(
            render_digests(found, wanted, page, find_workspace_names(self.services.store), now)
        )

    def _show_digest(self, request: "Request") -> "Response":
        status = self._find_status(request)
        if not status:
            return _answer_missing()
        store, now = self.services.store, self.services.delivery_context.clock()
        data = DigestData(now, status, find_workspace_names(self.services.store))
        if status.subscription:
            channel = status.channel
            queue = [] if channel.is_direct else list(self._load_queue(channel.platform, status))
            papers = store.library.get([each.paper for each in queue[:QUEUED_PAPERS]])
            shown = [(each, papers[each.paper]) for each in queue[:QUEUED_PAPERS] if each.paper in papers]
            history = store.delivery_reports.history(status.subscription, EDITIONS)
            data = replace(data, history=history, queue=shown, queue_count=len(queue))
        return _answer_page(render_digest(data))

    def _load_queue(self, platform: str, status: ChannelStatus) -> Sequence[QueuedPaper]:
        return build_answers(self.services, platform).queue.load_queue(status.channel)

    def _show_preview(self, request: "Request") -> "Response":
        """Show the next edition as it would be now, drawn as its platform does."""
        from bot.web.preview_page import render_digest_page

        status = self._find_status(request)
        if not status or not status.subscription or not status.next_edition:
            return _answer_missing()
        subscription, context = status.subscription, self.services.delivery_context
        digest = build_unsent(
            subscription,
            status.next_edition,
            store=context.store,
            policy=context.digest_policy,
            now=context.clock(),
            find_likeness=context.find_likeness,
        )
        page = render_digest_page(
            digest,
            self.services.settings,
            only=status.channel.platform,
            back=f"/digests/{status.key}",
            note="As of now: papers that come in until its hour are not in it yet.",
        )
        return _answer_page(page, policy=build_style_policy(page))

    def _find_status(self, request: "Request") -> ChannelStatus | None:
        key = _parse_number(request.path_params["key"])
        return self.services.store.overview.find_digest(key) if key else None


async def _read_token(request: "Request") -> str:
    """Return the token of the sign-in form, empty if there is none or the form is too large."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES:
            return ""
    try:
        return parse_qs(body.decode("ascii"), max_num_fields=4).get("token", [""])[0].strip()
    except ValueError:
        return ""


def _needs_https(request: "Request") -> bool:
    """Return True unless the browser came to this machine without HTTPS.

    Other hosts are reached through a proxy with HTTPS. One that replaces the host leaves the origin.
    """
    is_local = find_host_name(f"//{request.headers.get('host', '')}") in LOOPBACK
    return not is_local or request.headers.get("origin", "").startswith("https:")


def _parse_number(text: str) -> int | None:
    """Return a positive number of the store's size, None for another text."""
    is_number = text.isascii() and text.isdigit() and len(text) <= 10 and 0 < int(text) <= MAX_KEY
    return int(text) if is_number else None


async def _show_style(_: "Request") -> "Response":
    from starlette.responses import Response

    return Response(files("bot.web").joinpath("site.css").read_bytes(), media_type="text/css")


def _answer_missing() -> "Response":
    return _answer_page(
        render_problem("Not found", "There is no such digest, or no next edition of it."), 404
    )


def _answer_too_many(error: LimitReachedError) -> "Response":
    answer = _answer_page(render_login(str(error)), 429)
    answer.headers["Retry-After"] = str(error.seconds)
    return answer


def _answer_page(page: str, status: int = 200, *, policy: str = PAGE_POLICY) -> "Response":
    from starlette.responses import HTMLResponse

    return HTMLResponse(page, status, {"Content-Security-Policy": policy})


class _StyleReader(HTMLParser):
    """Collects the style sheets and the style attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.sheets: list[str] = []
        self.attributes: set[str] = set()
        self._is_in_sheet = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_in_sheet = tag == "style"
        self.attributes.update(value for name, value in attrs if name == "style" and value)

    def handle_endtag(self, tag: str) -> None:
        self._is_in_sheet = False

    def handle_data(self, data: str) -> None:
        if self._is_in_sheet:
            self.sheets.append(data)


def build_style_policy(page: str) -> str:
    """Build a policy that allows the styles of a page of ours, each by its hash, and nothing else."""
    reader = _StyleReader()
    reader.feed(page)
    reader.close()
    hashes = [
        f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'"
        for style in ("".join(reader.sheets), *sorted(reader.attributes))
    ]
    return PAGE_POLICY.replace("style-src 'self'", f"style-src 'unsafe-hashes' {' '.join(hashes)}")
