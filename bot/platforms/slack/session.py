"""HTTP session for Slack: one shared session with its own timeouts.

Only calls that a rate limit refused are retried.
"""

from importlib.metadata import version

import aiohttp
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.deadline import deadline_trace
from bot.platforms.slack.settings import SlackSettings

CONNECT_TIMEOUT_SECONDS = 10.0
MAX_CONNECTIONS = 50
RATE_LIMIT_RETRIES = 3
"""Slack's own word on when to come back is kept so many times before the call fails."""


def open_session(timeout: float) -> aiohttp.ClientSession:
    """Open a session for all calls.

    `timeout` is in seconds per call; slack_sdk's own `timeout=` has no effect on it.
    """
    limits = aiohttp.ClientTimeout(total=timeout, connect=min(CONNECT_TIMEOUT_SECONDS, timeout))
    return aiohttp.ClientSession(
        timeout=limits,
        connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS),
        trace_configs=[deadline_trace(timeout)],
        trust_env=False,
    )


def create_web_client(
    token: str, *, settings: SlackSettings, session: aiohttp.ClientSession
) -> AsyncWebClient:
    """Create a client that does not post twice. The library's default would retry after a dropped connection."""
    client = AsyncWebClient(
        token=token or None,
        base_url=settings.api_base_url,
        session=session,
        retry_handlers=[AsyncRateLimitErrorRetryHandler(max_retry_count=RATE_LIMIT_RETRIES)],
        user_agent_suffix=f"paperround/{version('paperround')}",
    )
    client.proxy = settings.proxy or None  # The library has taken one from the environment.
    return client
