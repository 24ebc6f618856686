"""Look-ups for programs over HTTP. The token of a request decides the workspace."""

import logging
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bot.conversation.fair_use import FairUse, LimitReachedError, Use
from bot.web.paper_tools import PaperTools, build_server
from bot.web.token_gate import TokenGate
from digests.errors import PaperroundError
from digests.ports.access_tokens import AccessToken, TokenUse
from digests.subscription import Channel

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
    from starlette.responses import Response
    from starlette.types import Receive, Scope, Send

    from bot.services import Services

log = logging.getLogger(__name__)

MAX_AT_ONCE = 8
"""Requests of one token at a time. A stream that a program leaves open counts until its time is over."""

BODY_BYTES = 64 * 1024
"""Largest request of a program. The tools take some words."""

_caller: ContextVar[Channel] = ContextVar("_caller")
"""The place that the token of the current request is bound to."""


@dataclass(slots=True)
class McpEndpoint:
    """The ASGI application of one path. Use it inside of `open_endpoint`.

    No request relies on an earlier one, so that any replica may answer it, and a revoked token ends at once.
    """

    services: "Services"
    sessions: "StreamableHTTPSessionManager"
    fair_use: FairUse
    gate: TokenGate
    _in_progress: Counter[int] = field(default_factory=Counter)

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        from starlette.responses import PlainTextResponse

        if scope["method"] != "POST":
            refusal = PlainTextResponse("POST only\n", 405, {"Allow": "POST"})
            return await refusal(scope, receive, send)
        try:
            token = await self._authenticate(scope)
        except LimitReachedError as error:
            return await _build_refusal(error)(scope, receive, send)
        except PaperroundError as error:
            log.warning("a program was not answered: %s", error)
            return await PlainTextResponse("the store does not answer\n", 503)(scope, receive, send)
        if token is None:
            sentence = "a valid token is needed: the operator makes one with “paperround token create mcp”\n"
            refusal = PlainTextResponse(sentence, 401, {"WWW-Authenticate": 'Bearer realm="paperround"'})
            return await refusal(scope, receive, send)
        place = Channel(token.scope.platform, token.scope.channel, token.scope.workspace)
        try:
            self._require_turn(token, place)
        except LimitReachedError as error:
            return await _build_refusal(error)(scope, receive, send)
        self._in_progress[token.id] += 1
        # Whatever the SDK starts for this request, a task or a thread, gets a copy of this context.
        former = _caller.set(place)
        try:
            await self.sessions.handle_request(scope, receive, send)
        finally:
            _caller.reset(former)
            self._in_progress[token.id] -= 1
            self._in_progress += Counter()  # Drops the counts that are zero.

    def _require_turn(self, token: AccessToken, place: Channel) -> None:
        """Raise LimitReachedError for a token with too many requests, at once or in the last minutes."""
        if self._in_progress[token.id] >= MAX_AT_ONCE:
            raise LimitReachedError(f"At most {MAX_AT_ONCE} requests at a time; try again in 1 second.", 1)
        self.fair_use.take_token(Use.PROGRAM, place, f"token {token.id}")

    async def _authenticate(self, scope: "Scope") -> AccessToken | None:
        """Return the valid token of a request, None without one. Raises LimitReachedError and StoreError."""
        from starlette.datastructures import Headers

        kind, _, text = Headers(scope=scope).get("authorization", "").partition(" ")
        if kind.lower() != "bearer":
            return None
        return await self.gate.authenticate(text.strip(), TokenUse.MCP, scope)


def _build_refusal(error: LimitReachedError) -> "Response":
    from starlette.responses import PlainTextResponse

    return PlainTextResponse(f"{error}\n", 429, {"Retry-After": str(error.seconds)})


@asynccontextmanager
async def open_endpoint(services: "Services", fair_use: FairUse | None = None) -> AsyncIterator[McpEndpoint]:
    """Open the endpoint for the time of the block. Raises InputError if the library is not installed.

    `fair_use` counts the requests, and the tries of tokens. Without it each has counts of its own, so that
    tries from many addresses push out no count of a program.
    """

    def find_tools() -> PaperTools:
        return PaperTools(services, _caller.get())

    server = build_server(find_tools, has_queue=True)
    from mcp.server.transport_security import TransportSecuritySettings

    # Hosts and origins are checked for the whole port.
    unchecked = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    server.streamable_http_app(
        json_response=True,
        stateless_http=True,
        max_request_body_size=BODY_BYTES,
        transport_security=unchecked,
    )
    async with server.session_manager.run():
        tokens, clock = services.store.access_tokens, services.delivery_context.clock
        gate = TokenGate(tokens, clock, fair_use or FairUse())
        yield McpEndpoint(services, server.session_manager, fair_use or FairUse(), gate)
