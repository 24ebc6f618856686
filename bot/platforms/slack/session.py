"""HTTP session for all calls to Slack, and web clients that use it.

A client retries only calls that a rate limit refused.
"""

import base64
from importlib.metadata import version
from typing import Any

import aiohttp
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.deadline import deadline_trace
from bot.platforms.slack.settings import SlackSettings

CONNECT_TIMEOUT_SECONDS = 10.0
MAX_CONNECTIONS = 50
RATE_LIMIT_RETRIES = 3
"""Retries of one call after a rate limit, each after the wait that Slack asks for: four tries in all.

Then the call fails, and earlier if a wait would end after the attempt's deadline.
"""


def open_session(timeout: float) -> aiohttp.ClientSession:
    """Open the session. Each request fails with TimeoutError after `timeout` seconds, sent or not.

    slack_sdk's own `timeout=` has no effect on a session that is handed to it. The environment's proxies are
    ignored.
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
    """Create a web client over the session. An empty `token` makes a client without a token of its own.

    The client retries after a rate limit only. slack_sdk's default also retries after a dropped connection,
    and could post twice.
    """
    client = AsyncWebClient(
        token=token or None,
        base_url=settings.api_base_url,
        session=session,
        retry_handlers=[AsyncRateLimitErrorRetryHandler(max_retry_count=RATE_LIMIT_RETRIES)],
        user_agent_suffix=f"paperround/{version('paperround')}",
    )
    client.proxy = settings.proxy or None  # slack_sdk took a proxy from the environment.
    return client


async def fetch_tokens(client: AsyncWebClient, client_id: str, client_secret: str, **fields: str) -> Any:
    """Call oauth.v2.access as the app, with a code or a refresh token, and return the answer.

    slack_sdk's own method uses a class that aiohttp gives up. Raises SlackApiError and errors of the network.
    """
    credentials = base64.b64encode(f"{client_id}:{client_secret}".encode()).decode()
    headers = {"Authorization": f"Basic {credentials}"}
    return await client.api_call("oauth.v2.access", data=fields, headers=headers)
