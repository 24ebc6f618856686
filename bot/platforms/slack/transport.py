"""The Bolt app, and the transport of Slack's events to it over a supervised socket."""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import aiohttp
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.async_context import AsyncBoltContext
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.platforms.slack.errors import explain_socket_error, parse_error_response
from bot.platforms.slack.foreign import ForeignRequestFilter
from bot.platforms.slack.workspaces import WorkspaceFinder
from digests.errors import PaperroundError

log = logging.getLogger(__name__)

PING_SECONDS = 10.0
"""Seconds between pings. Slack's library calls a socket stale after four pings without an answer."""
HELLO_TIMEOUT_SECONDS = 20.0
"""Seconds to wait for the hello of a new socket, which Slack sends at once. Then the socket is given up."""
RECONNECT_AFTER_SECONDS = 5.0
"""Seconds without a connection after which the socket is replaced.

Slack's library reconnects within one second or never: after a refusal it repeats the same ticket, which is
valid once.
"""
POLL_SECONDS = 1.0
"""Longest time in seconds between two looks at the connection."""
MIN_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 1.0, 300.0
"""First and longest wait in seconds between attempts to connect; each wait is twice the one before.

apps.connections.open allows about one call a minute."""


def build_bolt_app(client: AsyncWebClient, workspaces: WorkspaceFinder, signing_secret: str) -> AsyncApp:
    """Build the Bolt app over a client without a token.

    A listener with a parameter `workspace` gets the `SlackWorkspace` of its request. The events
    app_uninstalled and tokens_revoked have none, because Bolt does not authorize them. A request of a
    workspace that is not served reaches no listener.

    The environment's SLACK_* variables are hidden meanwhile, because Bolt would read settings from them.
    An empty `signing_secret` is for Socket Mode, whose requests are not signed.
    """
    silent_logger = logging.getLogger("paperround.slack_bolt")
    silent_logger.setLevel(logging.CRITICAL)

    async def authorize(
        context: AsyncBoltContext, team_id: str | None, enterprise_id: str | None
    ) -> AuthorizeResult:
        workspace = await workspaces.admit(team_id or "", enterprise_id or "")
        if not workspace:
            return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id)  # The filter refuses it.
        context["workspace"] = workspace
        return workspace.authorization

    with hide_slack_variables():
        app = AsyncApp(
            name="paperround",
            logger=silent_logger,
            client=client,
            authorize=authorize,
            signing_secret=signing_secret or "none: requests over HTTP are not taken",
        )
    app.middleware(ForeignRequestFilter(workspaces, client).filter_request)
    return app


@contextlib.contextmanager
def hide_slack_variables() -> Iterator[None]:
    """Take the SLACK_* variables out of the environment for the duration of the block."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("SLACK_")}
    try:
        yield
    finally:
        os.environ.update(hidden)


@dataclass(slots=True)
class SocketTransport:
    """Receives events over Socket Mode, and replaces a connection that is lost.

    Each new connection gets its own ticket from Slack. `on_connected` runs in the background after each
    connection, also after one that Slack's library made by itself.
    """

    app: AsyncApp
    client: AsyncWebClient
    app_token: str = field(repr=False)
    on_connected: Callable[[], Awaitable[None]]
    ping_seconds: float = PING_SECONDS
    hello_timeout_seconds: float = HELLO_TIMEOUT_SECONDS
    reconnect_after_seconds: float = RECONNECT_AFTER_SECONDS
    _handler: AsyncSocketModeHandler | None = None
    _catch_up_task: asyncio.Task[None] | None = None

    async def serve(self, stop: asyncio.Event) -> None:
        """Stay connected until `stop` is set, with a growing wait between attempts. Failures are logged.

        The last connection stays open, for answers in progress, until `close`.
        """
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
                # The last three: slack_sdk does not check the form of an answer that is JSON.
                kind = str(error) or type(error).__name__
                log.error("Slack's socket cannot be opened (%s); trying again in %.0f seconds.", kind, wait)
            await _sleep_or_stop(wait, stop)
            wait = min(wait * 2, MAX_BACKOFF_SECONDS)

    async def _run_connection(self, stop: asyncio.Event) -> None:
        """Request a ticket, connect, and return when the connection is lost or `stop` is set.

        A lost connection is closed. Raises SlackApiError if Slack refuses the ticket, TimeoutError if the
        socket says no hello, and errors of the network.
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
        """Start `on_connected` as a task, so that its slow calls delay no look at the connection."""
        self._catch_up_task = asyncio.create_task(run_logged(self.on_connected()))

    async def _watch_connection(self, handler: AsyncSocketModeHandler, stop: asyncio.Event) -> None:
        """Return when the socket has had no connection for `reconnect_after_seconds`, or `stop` is set."""
        connected_at = time.monotonic()
        while not stop.is_set():
            await _sleep_or_stop(min(POLL_SECONDS, self.ping_seconds), stop)
            if await handler.client.is_connected():
                connected_at = time.monotonic()
            elif time.monotonic() - connected_at > self.reconnect_after_seconds:
                log.warning(
                    "Slack's socket has been away for %.0f seconds; opening a new one",
                    self.reconnect_after_seconds,
                )
                return

    def refuse_requests(self) -> None:
        """Take no more requests from the socket. Slack sends events again that were not acknowledged."""
        if self._handler:
            self._handler.client.socket_mode_request_listeners.clear()

    async def close(self) -> None:
        """Cancel a running `on_connected`, close the connection, and wait for the tasks of slack_sdk."""
        if self._catch_up_task:
            self._catch_up_task.cancel()
        if self._handler:
            client = self._handler.client
            tasks = [client.message_processor, client.current_session_monitor, client.message_receiver]
            await self._handler.close_async()  # type: ignore[no-untyped-call]
            await asyncio.gather(*(task for task in tasks if task), return_exceptions=True)
            self._handler = None


async def run_logged(work: Awaitable[None]) -> None:
    """Await the work. An error is logged and not raised."""
    try:
        await work
    except PaperroundError as error:
        log.warning("reactions missed in Slack could not be read yet: %s", error)
    except Exception:
        log.exception("reading the reactions missed in Slack failed")


async def _sleep_or_stop(seconds: float, stop: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
