"""Transport of Slack's events over HTTP: signed requests to the Bolt app.

Nothing of a request is parsed before its signature is verified over the raw body.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.platforms.slack.connections import REQUEST_SECONDS, Connection, UnverifiedConnections, listen
from bot.platforms.slack.signatures import SignatureChecker
from bot.platforms.slack.transport import run_logged
from bot.present.wording import format_count

log = logging.getLogger(__name__)

EVENTS_PATH = "/slack/events"
"""Path that Slack sends its requests to."""
HEALTH_PATH = "/health"

MAX_REQUEST_BYTES = 2**20
"""Bytes of a request's body; a larger one is refused."""

REFUSALS_LOG_SECONDS = 60.0
"""Least time between two lines of the log about refused requests: an attack must not fill it."""

PageHandler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
"""Answers a GET request of a person's browser, which nobody signs."""


@dataclass(slots=True)
class HttpTransport:
    """Receives events over HTTP, and answers health checks and requests for `pages`, by path.

    A request that Slack did not sign in the last five minutes gets status 401. `refused_count`
    counts these, and those that are too large, too slow, broken off or no HTTP. A request that comes again
    with the same signature is answered, and changes nothing; `replayed_count` counts it. Each connection
    serves one request.
    """

    host: str
    port: int
    checker: SignatureChecker
    pages: Mapping[str, PageHandler] = field(default_factory=dict)
    refused_count: int = 0
    replayed_count: int = 0
    _app: AsyncApp | None = None
    _runner: web.ServerRunner | None = None
    _listener: asyncio.Server | None = None
    _unverified: UnverifiedConnections = field(init=False)
    _logged_count: int = 0
    _log_timer: asyncio.TimerHandle | None = None

    def __post_init__(self) -> None:
        self._unverified = UnverifiedConnections(self._count_refusal)

    async def start_listening(self) -> None:
        """Open the port and answer health checks. Slack's requests get status 503 until `serve` runs.

        Raises OSError if the port is in use.
        """
        server = web.Server(self._answer_request)
        self._runner = web.ServerRunner(server)
        await self._runner.setup()
        self._listener = await listen(self.host, self.port, server, self._unverified)
        log.info("health endpoint: http://%s:%d%s", self.host, self.port, HEALTH_PATH)

    async def serve(
        self, app: AsyncApp, on_connected: Callable[[], Awaitable[None]], stop: asyncio.Event
    ) -> None:
        """Pass Slack's requests to the app, run `on_connected`, and return when `stop` is set.

        Requests are passed on until `refuse_requests`.
        """
        self._app = app
        log.info("listening for Slack on http://%s:%d%s", self.host, self.port, EVENTS_PATH)
        await run_logged(on_connected())
        await stop.wait()

    async def _answer_request(self, request: web.BaseRequest) -> web.StreamResponse:
        if isinstance(request.protocol, Connection):
            request.protocol.has_head = True
        if request.path == EVENTS_PATH and request.method == "POST":
            answer = await self._answer_event(request)
        elif request.path == HEALTH_PATH and request.method in ("GET", "HEAD"):
            health = {"ok": True, "refused": self.refused_count, "replayed": self.replayed_count}
            answer = web.json_response(health)
        elif request.path in self.pages and request.method == "GET":
            answer = await _answer_page(self.pages[request.path], request)
        else:
            is_known = request.path in (EVENTS_PATH, HEALTH_PATH, *self.pages)
            answer = web.Response(status=405 if is_known else 404)
        # An idle connection would count as one that is not verified.
        answer.force_close()
        return answer

    async def _answer_event(self, request: web.BaseRequest) -> web.StreamResponse:
        signature = self.checker.read_signature(
            request.headers.getall("X-Slack-Request-Timestamp", []),
            request.headers.getall("X-Slack-Signature", []),
        )
        if signature is None:
            return self._refuse_request(401)
        if (request.content_length or 0) > MAX_REQUEST_BYTES:
            return self._refuse_request(413)
        body = await self._read_body(request)
        if not isinstance(body, bytes):
            return body
        if not self.checker.is_signed(body, signature):
            return self._refuse_request(401)
        self._unverified.discard(request.protocol)
        if self._app is None:
            return web.Response(status=503)
        if not self.checker.remember(signature):
            self.replayed_count += 1
            return web.Response()
        answer = await _dispatch_request(self._app, request, body)
        if not 200 <= answer.status < 300:
            self.checker.forget(signature)
        return answer

    async def _read_body(self, request: web.BaseRequest) -> bytes | web.Response:
        """Read the raw body. Returns the answer instead, if it is too large, too slow or broken off."""
        body = bytearray()
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                async for chunk in request.content.iter_any():
                    body += chunk
                    self._unverified.add_bytes(request.protocol, len(chunk))
                    if len(body) > MAX_REQUEST_BYTES:
                        return self._refuse_request(413)
            return bytes(body)
        except TimeoutError:
            return self._refuse_request(408)
        except Exception:  # Whatever aiohttp raises for a body that ends early or is no HTTP.
            return self._refuse_request(400)
        finally:
            body.clear()  # aiohttp keeps the error of a lost connection, and with it this frame.

    def _refuse_request(self, status: int) -> web.Response:
        """Count a refused request, and return the answer to it."""
        self._count_refusal()
        return web.Response(status=status)

    def _count_refusal(self) -> None:
        """Count a refused request. Logs a line a minute at most, and none after `close`."""
        self.refused_count += 1
        if self._log_timer is None and self._listener:
            self._log_refusals()

    def _log_refusals(self) -> None:
        new_count, self._log_timer = self.refused_count - self._logged_count, None
        if new_count:
            requests = format_count(new_count, "request")
            log.warning("refused %s that Slack did not sign (%d in all)", requests, self.refused_count)
            self._logged_count = self.refused_count
            loop = asyncio.get_running_loop()
            self._log_timer = loop.call_later(REFUSALS_LOG_SECONDS, self._log_refusals)

    def refuse_requests(self) -> None:
        """Answer new requests with status 503. Slack sends events again that got it."""
        self._app = None

    async def close(self) -> None:
        """Close the port, after the requests in progress."""
        if self._log_timer:
            self._log_timer.cancel()
        if self._listener:
            self._listener.close()
            self._listener = None
        if self._runner:
            await self._runner.cleanup()
            self._runner = None


async def _answer_page(page: PageHandler, request: web.BaseRequest) -> web.StreamResponse:
    """Answer a request for a page. An unexpected error is logged, and status 500 returned."""
    try:
        return await page(request)
    except Exception:
        log.exception("a page was not served")
        return web.Response(status=500, text="Something went wrong here: try again.")


async def _dispatch_request(app: AsyncApp, request: web.BaseRequest, body: bytes) -> web.StreamResponse:
    """Pass a verified request to the app. Returns status 400 for a body that cannot be parsed.

    An unexpected error is logged, and status 500 returned.
    """
    if (request.charset or "utf-8").lower() not in ("utf-8", "utf8"):
        return web.Response(status=400)
    try:
        bolt_request = AsyncBoltRequest(
            body=body.decode(),
            query=request.query_string,
            headers=request.headers,  # type: ignore[arg-type]
        )
    except (ValueError, RecursionError, AttributeError, TypeError, LookupError):
        # The last three: Bolt does not check the form of a body that is JSON.
        return web.Response(status=400)
    try:
        return await to_aiohttp_response(await app.async_dispatch(bolt_request))
    except Exception:
        log.exception("a request of Slack's was not served")
        return web.Response(status=500)
