"""Refusal of requests that a foreign page makes in a browser, and the headers of every answer."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Names of this machine, under which no other site can be reached."""

ANSWER_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-robots-tag", b"noindex"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)

DEFAULT_POLICY = (
    b"content-security-policy",
    b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
)
"""Policy of answers that set none of their own."""


@dataclass(frozen=True, slots=True)
class HostGuard:
    """Lets requests through that name one of `names` as their host, and no foreign origin.

    A page whose name was pointed at this machine (DNS rebinding) still sends its own name. Another port of
    this machine is a foreign origin; for other names a proxy may change the port.
    """

    app: "ASGIApp"
    names: Collection[str]

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        from starlette.datastructures import Headers
        from starlette.responses import PlainTextResponse

        async def send_with_headers(message: "Message") -> None:
            if message["type"] == "http.response.start":
                sent = {name for name, _ in message["headers"]}
                added = [each for each in (*ANSWER_HEADERS, DEFAULT_POLICY) if each[0] not in sent]
                message["headers"] = [*message["headers"], *added]
            await send(message)

        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        if find_host_name(f"//{host}") not in self.names:
            sentence = "unknown host: the operator names it with “names” under [web]\n"
            await PlainTextResponse(sentence, 421)(scope, receive, send_with_headers)
        elif origin is not None and not self._is_own_origin(origin, host):
            await PlainTextResponse("foreign origin\n", 403)(scope, receive, send_with_headers)
        else:
            await self.app(scope, receive, send_with_headers)

    def _is_own_origin(self, origin: str, host: str) -> bool:
        scheme, _, place = origin.lower().partition("://")
        is_web = scheme in ("http", "https")
        return is_web and (place == host.lower() or find_host_name(origin) in {*self.names} - LOOPBACK)


def find_host_name(address: str) -> str:
    """Return the host of an address such as //HOST:PORT in small letters, empty for no address."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
