"""Transport of Slack's events over HTTP: signed requests to the Bolt app."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp

from bot.platforms.slack.transport import run_logged

log = logging.getLogger(__name__)

EVENTS_PATH = "/slack/events"
"""Path that Slack sends its requests to."""
HEALTH_PATH = "/health"

MAX_REQUEST_BYTES = 2**20
"""Bytes of a request's body; a larger one is refused."""


@dataclass(slots=True)
class HttpTransport:
    """Receives events over HTTP, and answers health checks.

    The Bolt app refuses requests that Slack did not sign in the last five minutes; `refused_count` counts
    them.
    """

    host: str
    port: int
    refused_count: int = 0
    _app: AsyncApp | None = None
    _runner: web.AppRunner | None = None

    async def start_listening(self) -> None:
        """Open the port and answer health checks. Slack's requests get status 503 until `serve` runs.

        Raises OSError if the port is in use.
        """
        site = web.Application(client_max_size=MAX_REQUEST_BYTES)
        site.router.add_post(EVENTS_PATH, self._handle_events)
        site.router.add_get(HEALTH_PATH, self._handle_health)
        self._runner = web.AppRunner(site, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.host, self.port).start()
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

    async def _handle_events(self, request: web.Request) -> web.StreamResponse:
        if self._app is None:
            return web.Response(status=503)
        answer = await self._app.async_dispatch(await to_bolt_request(request))
        if answer.status == 401:
            self.refused_count += 1
            is_power_of_two = self.refused_count & (self.refused_count - 1) == 0
            if is_power_of_two:  # An attack must not fill the log.
                log.warning("refused %d requests that Slack did not sign", self.refused_count)
        return await to_aiohttp_response(answer)

    async def _handle_health(self, _: web.Request) -> web.Response:
        return web.json_response({"ok": True, "refused": self.refused_count})

    def refuse_requests(self) -> None:
        """Answer new requests with status 503. Slack sends events again that got it."""
        self._app = None

    async def close(self) -> None:
        """Close the port, after the requests in progress."""
        if self._runner:
            await self._runner.cleanup()
            self._runner = None
