"""How Slack reaches the bot: a socket that is watched and rebuilt, or signed requests over HTTP."""

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

from bot.platforms.slack.errors import explain_socket, said
from digests.errors import PaperroundError

log = logging.getLogger(__name__)

EVENTS_PATH = "/slack/events"
HEALTH_PATH = "/health"

PING_SECONDS = 10.0
"""Between our pings; Slack's library calls a socket stale after four of them without an answer."""
HELLO_SECONDS = 20.0
"""A socket that has not said hello by then is given up: Slack greets at once."""
UNWELL_SECONDS = 5.0
"""A socket that is not connected for so long is rebuilt: Slack's library by itself takes less than one second, or never
comes back, since after a refusal it tries the same single-use ticket again."""
LOOK_SECONDS = 1.0
FIRST_WAIT, LONGEST_WAIT = 1.0, 300.0
"""Seconds between tries to connect, doubling: apps.connections.open takes about one call a minute for long."""
REQUEST_BYTES = 2**20


def bolt_app(client: AsyncWebClient, authorized: AuthorizeResult, signing_secret: str) -> AsyncApp:
    """Slack's own framework over our client. Nothing is read from the environment, which Bolt would do in many places."""
    quiet = logging.getLogger("paperround.slack_bolt")
    quiet.setLevel(logging.CRITICAL)

    async def authorize(**_: Any) -> AuthorizeResult:
        return authorized

    with _without_slack_variables():
        return AsyncApp(
            name="paperround",
            logger=quiet,
            client=client,
            authorize=authorize,
            signing_secret=signing_secret or "none: requests over HTTP are not taken",
        )


@contextlib.contextmanager
def _without_slack_variables() -> Iterator[None]:
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("SLACK_")}
    try:
        yield
    finally:
        os.environ.update(hidden)


@dataclass(slots=True)
class SocketTransport:
    """Socket Mode. Each connection gets a ticket of its own; one that stays silent is thrown away with all it holds."""

    app: AsyncApp
    client: AsyncWebClient
    app_token: str
    on_connected: Callable[[], Awaitable[None]]
    ping_seconds: float = PING_SECONDS
    hello_seconds: float = HELLO_SECONDS
    unwell_seconds: float = UNWELL_SECONDS
    _handler: AsyncSocketModeHandler | None = None
    _catching_up: asyncio.Task[None] | None = None

    async def serve(self, stop: asyncio.Event) -> None:
        """Stay connected until told to stop. A refusal of Slack's is logged as a sentence, and tried again later."""
        wait = FIRST_WAIT
        while not stop.is_set():
            try:
                await self._one_connection(stop)
                wait = FIRST_WAIT
            except SlackApiError as error:
                code = str(said(error.response).get("error", ""))
                log.error(
                    "Slack's socket cannot be opened: %s Trying again in %.0f seconds.",
                    explain_socket(code),
                    wait,
                )
            except (aiohttp.ClientError, OSError, ValueError, AttributeError, LookupError) as error:
                # The last three: slack_sdk takes whatever is JSON for an object, with all that belongs into it.
                kind = str(error) or type(error).__name__
                log.error("Slack's socket is not there (%s); trying again in %.0f seconds.", kind, wait)
            await _sleep(wait, stop)
            wait = min(wait * 2, LONGEST_WAIT)

    async def _one_connection(self, stop: asyncio.Event) -> None:
        """From the ticket to the end of the connection. Raises when it never said hello, returns when it fell ill."""
        ticket = await self.client.apps_connections_open(app_token=self.app_token)
        handler = AsyncSocketModeHandler(
            self.app, self.app_token, self.app.logger, self.client, ping_interval=self.ping_seconds
        )
        handler.client.proxy = self.client.proxy
        handler.client.wss_uri = ticket["url"]
        hello = asyncio.Event()
        connections = 0

        async def heard(message: aiohttp.WSMessage) -> None:
            nonlocal connections
            if '"hello"' in str(message.data)[:200]:
                connections += 1
                log.info("Slack's socket is connected")
                hello.set()
                if connections > 1:
                    await self._connected()

        handler.client.on_message_listeners.append(heard)
        self._handler = handler
        try:
            async with asyncio.timeout(self.hello_seconds):
                await handler.connect_async()  # type: ignore[no-untyped-call]
                await hello.wait()
            await self._connected()
            await self._watch(handler, stop)
        finally:
            if not stop.is_set():
                await self.close()

    async def _connected(self) -> None:
        """What was missed is asked for beside the work, so that a slow answer holds nothing up."""
        self._catching_up = asyncio.create_task(_logged(self.on_connected()))

    async def _watch(self, handler: AsyncSocketModeHandler, stop: asyncio.Event) -> None:
        well_at = time.monotonic()
        while not stop.is_set():
            await _sleep(min(LOOK_SECONDS, self.ping_seconds), stop)
            if await handler.client.is_connected():
                well_at = time.monotonic()
            elif time.monotonic() - well_at > self.unwell_seconds:
                log.warning(
                    "Slack's socket has been away for %.0f seconds; it is built anew", self.unwell_seconds
                )
                return

    def refuse(self) -> None:
        """Take nothing new: what is not acknowledged, Slack brings again."""
        if self._handler:
            self._handler.client.socket_mode_request_listeners.clear()

    async def close(self) -> None:
        """End the connection and all that belongs to it."""
        if self._catching_up:
            self._catching_up.cancel()
        if self._handler:
            client = self._handler.client
            tasks = [client.message_processor, client.current_session_monitor, client.message_receiver]
            await self._handler.close_async()  # type: ignore[no-untyped-call]
            await asyncio.gather(*(task for task in tasks if task), return_exceptions=True)
            self._handler = None


async def _logged(work: Awaitable[None]) -> None:
    try:
        await work
    except PaperroundError as error:
        log.warning("what happened in Slack meanwhile is not known yet: %s", error)
    except Exception:
        log.exception("catching up with Slack failed")


async def _sleep(seconds: float, stop: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


@dataclass(slots=True)
class HttpTransport:
    """Signed requests. What is not signed by Slack within five minutes is refused and counted, and never looked at."""

    host: str
    port: int
    refused: int = 0
    _app: AsyncApp | None = None
    _runner: web.AppRunner | None = None

    async def listen(self) -> None:
        """Tell who asks that the process is well; what Slack sends is turned away until it is served.

        Raises OSError when the port is taken.
        """
        site = web.Application(client_max_size=REQUEST_BYTES)
        site.router.add_post(EVENTS_PATH, self._events)
        site.router.add_get(HEALTH_PATH, self._health)
        self._runner = web.AppRunner(site, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, self.port).start()
        log.info("health is told at http://%s:%d%s", self.host, self.port, HEALTH_PATH)

    async def serve(
        self, app: AsyncApp, on_connected: Callable[[], Awaitable[None]], stop: asyncio.Event
    ) -> None:
        """Let the app answer what Slack sends, until told to stop."""
        self._app = app
        log.info("listening for Slack on http://%s:%d%s", self.host, self.port, EVENTS_PATH)
        await _logged(on_connected())
        await stop.wait()

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if self._app is None:
            return web.Response(status=503)
        answer = await self._app.async_dispatch(await to_bolt_request(request))
        if answer.status == 401:
            self.refused += 1
            if self.refused & (self.refused - 1) == 0:  # At 1, 2, 4, 8 ...: an attack must not fill the log.
                log.warning("refused %d requests that Slack did not sign", self.refused)
        return await to_aiohttp_response(answer)

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"ok": True, "refused": self.refused})

    def refuse(self) -> None:
        """Take nothing new: Slack brings events again."""
        self._app = None

    async def close(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()
            self._runner = None
