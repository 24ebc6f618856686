"""Transports for Slack's events: a supervised socket, or signed requests over HTTP."""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.platforms.slack.errors import explain_socket_error, parse_error_response
from digests.errors import PaperroundError

log = logging.getLogger(__name__)

EVENTS_PATH = "/slack/events"
HEALTH_PATH = "/health"

PING_SECONDS = 10.0
"""Between our pings; Slack's library calls a socket stale after four of them without an answer."""
HELLO_TIMEOUT_SECONDS = 20.0
"""A socket that has not said hello by then is given up: Slack greets at once."""
RECONNECT_AFTER_SECONDS = 5.0
"""Seconds without a connection before the socket is rebuilt.

Slack's library reconnects in less than one second or never, since after a refusal it tries the same single-use ticket again."""
POLL_SECONDS = 1.0
MIN_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 1.0, 300.0
"""Seconds between attempts to connect, doubling: apps.connections.open allows about one call a minute."""
MAX_REQUEST_BYTES = 2**20


def build_bolt_app(client: AsyncWebClient, authorization: AuthorizeResult, signing_secret: str) -> AsyncApp:
    """Build a Bolt app over our client.

    Nothing is read from the environment, which Bolt would do in many places.
    """
    silent_logger = logging.getLogger("paperround.slack_bolt")
    silent_logger.setLevel(logging.CRITICAL)

    async def authorize(**_: Any) -> AuthorizeResult:
        return authorization

    with _hide_slack_variables():
        return AsyncApp(
            name="paperround",
            logger=silent_logger,
            client=client,
            authorize=authorize,
            signing_secret=signing_secret or "none: requests over HTTP are not taken",
        )


@contextlib.contextmanager
def _hide_slack_variables() -> Iterator[None]:
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("SLACK_")}
    try:
        yield
    finally:
        os.environ.update(hidden)


@dataclass(slots=True)
class SocketTransport:
    """Socket Mode transport.

    Each connection gets its own ticket; a silent connection is discarded with its resources.
    """

    app: AsyncApp
    client: AsyncWebClient
    app_token: str
    on_connected: Callable[[], Awaitable[None]]
    ping_seconds: float = PING_SECONDS
    hello_timeout_seconds: float = HELLO_TIMEOUT_SECONDS
    reconnect_after_seconds: float = RECONNECT_AFTER_SECONDS
    _handler: AsyncSocketModeHandler | None = None
    _catch_up_task: asyncio.Task[None] | None = None

    async def serve(self, stop: asyncio.Event) -> None:
        """Stay connected until `stop` is set. A refusal by Slack is logged and retried later."""
        wait = MIN_BACKOFF_SECONDS
        while not stop.is_set():
            try:
                await self._run_connection(stop)
                wait = MIN_BACKOFF_SECONDS
            except SlackApiError as error:
                code = str(parse_error_response(error.response).get("error", ""))
                log.error(
                    "Slack's socket cannot be opened: %s Trying again in %.0f seconds.",
                    explain_socket_error(code),
                    wait,
                )
            except (aiohttp.ClientError, OSError, ValueError, AttributeError, LookupError) as error:
                # The last three: slack_sdk takes whatever is JSON for an object, with all that belongs into it.
                kind = str(error) or type(error).__name__
                log.error("Slack's socket is not there (%s); trying again in %.0f seconds.", kind, wait)
            await _sleep_or_stop(wait, stop)
            wait = min(wait * 2, MAX_BACKOFF_SECONDS)

    async def _run_connection(self, stop: asyncio.Event) -> None:
        """Run one connection from its ticket to its end.

        Raises if it never said hello, returns when it became unhealthy.
        """
        ticket = await self.client.apps_connections_open(app_token=self.app_token)
        handler = AsyncSocketModeHandler(
            self.app, self.app_token, self.app.logger, self.client, ping_interval=self.ping_seconds
        )
        handler.client.proxy = self.client.proxy
        handler.client.wss_uri = ticket["url"]
        hello = asyncio.Event()
        connections = 0

        async def on_message(message: aiohttp.WSMessage) -> None:
            nonlocal connections
            if '"hello"' in str(message.data)[:200]:
                connections += 1
                log.info("Slack's socket is connected")
                hello.set()
                if connections > 1:
                    await self._start_catch_up()

        handler.client.on_message_listeners.append(on_message)
        self._handler = handler
        try:
            async with asyncio.timeout(self.hello_timeout_seconds):
                await handler.connect_async()  # type: ignore[no-untyped-call]
                await hello.wait()
            await self._start_catch_up()
            await self._watch_connection(handler, stop)
        finally:
            if not stop.is_set():
                await self.close()

    async def _start_catch_up(self) -> None:
        """Start to fetch missed events in the background, so that a slow response delays nothing."""
        self._catch_up_task = asyncio.create_task(_run_logged(self.on_connected()))

    async def _watch_connection(self, handler: AsyncSocketModeHandler, stop: asyncio.Event) -> None:
        connected_at = time.monotonic()
        while not stop.is_set():
            await _sleep_or_stop(min(POLL_SECONDS, self.ping_seconds), stop)
            if await handler.client.is_connected():
                connected_at = time.monotonic()
            elif time.monotonic() - connected_at > self.reconnect_after_seconds:
                log.warning(
                    "Slack's socket has been away for %.0f seconds; it is built anew",
                    self.reconnect_after_seconds,
                )
                return

    def refuse_requests(self) -> None:
        """Refuse new requests. Slack sends unacknowledged events again."""
        if self._handler:
            self._handler.client.socket_mode_request_listeners.clear()

    async def close(self) -> None:
        """Close the connection and release its resources."""
        if self._catch_up_task:
            self._catch_up_task.cancel()
        if self._handler:
            client = self._handler.client
            tasks = [client.message_processor, client.current_session_monitor, client.message_receiver]
            await self._handler.close_async()  # type: ignore[no-untyped-call]
            await asyncio.gather(*(task for task in tasks if task), return_exceptions=True)
            self._handler = None


async def _run_logged(work: Awaitable[None]) -> None:
    try:
        await work
    except PaperroundError as error:
        log.warning("what happened in Slack meanwhile is not known yet: %s", error)
    except Exception:
        log.exception("catching up with Slack failed")


async def _sleep_or_stop(seconds: float, stop: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


@dataclass(slots=True)
class HttpTransport:
    """HTTP transport.

    Requests not signed by Slack within five minutes are refused and counted, and never parsed.
    """

    host: str
    port: int
    refused_count: int = 0
    _app: AsyncApp | None = None
    _runner: web.AppRunner | None = None

    async def start_listening(self) -> None:
        """Answer health checks. Requests from Slack are refused until `serve` runs.

        Raises OSError if the port is in use.
        """
        site = web.Application(client_max_size=MAX_REQUEST_BYTES)
        site.router.add_post(EVENTS_PATH, self._handle_events)
        site.router.add_get(HEALTH_PATH, self._handle_health)
        self._runner = web.AppRunner(site, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, self.port).start()
        log.info("health is told at http://%s:%d%s", self.host, self.port, HEALTH_PATH)

    async def serve(
        self, app: AsyncApp, on_connected: Callable[[], Awaitable[None]], stop: asyncio.Event
    ) -> None:
        """Pass Slack's requests to the app until `stop` is set."""
        self._app = app
        log.info("listening for Slack on http://%s:%d%s", self.host, self.port, EVENTS_PATH)
        await _run_logged(on_connected())
        await stop.wait()

    async def _handle_events(self, request: web.Request) -> web.StreamResponse:
        if self._app is None:
            return web.Response(status=503)
        answer = await self._app.async_dispatch(await to_bolt_request(request))
        if answer.status == 401:
            self.refused_count += 1
            if (
                self.refused_count & (self.refused_count - 1) == 0
            ):  # At 1, 2, 4, 8 ...: an attack must not fill the log.
                log.warning("refused %d requests that Slack did not sign", self.refused_count)
        return await to_aiohttp_response(answer)

    async def _handle_health(self, _: web.Request) -> web.Response:
        return web.json_response({"ok": True, "refused": self.refused_count})

    def refuse_requests(self) -> None:
        """Refuse new requests. Slack sends the events again."""
        self._app = None

    async def close(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()
            self._runner = None
