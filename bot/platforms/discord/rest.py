"""How we call Discord: discord.py's own HTTP client without a gateway, whose failures become PostErrors."""

import asyncio
import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.platforms import Outcome, PostError
from bot.platforms.discord.errors import CHANNEL_ERRORS, NOT_KNOWN, explain
from bot.platforms.punctual import punctual
from config.settings import Discord

LONGEST_RATE_LIMIT = 30.0
"""Seconds that a rate limit is waited for; discord.py takes no less. A longer one fails the call at once."""


def use_addresses(settings: Discord) -> None:
    """Point discord.py at other servers than Discord's own, where the settings say so; it has no argument for that."""
    fresh = Discord()
    if settings.api_base_url != fresh.api_base_url:
        Route.BASE = settings.api_base_url
    if settings.gateway_url != fresh.gateway_url:
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(settings.gateway_url)


class _Once(discord.File):
    """Rides along with a request that must not be sent again: discord.py rewinds its files before each try."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), "once")

    def reset(self, *, seek: int | bool = True) -> None:
        if seek:
            raise PostError("Discord failed; the post may have arrived.", Outcome.UNKNOWN)


@dataclass(slots=True)
class Rest:
    """A logged-in HTTP client. It logs in with the first call; `seconds` bounds each one."""

    token: str = field(repr=False)
    seconds: float
    _client: discord.Client | None = None
    _logging_in: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def client(self) -> discord.Client:
        """The client, logged in. Raises what discord.py and aiohttp raise."""
        async with self._logging_in:
            if self._client is None:
                client = discord.Client(
                    intents=discord.Intents.none(),
                    max_ratelimit_timeout=LONGEST_RATE_LIMIT,
                    max_messages=None,
                    http_trace=punctual(self.seconds),
                )
                try:
                    async with asyncio.timeout(self.seconds):
                        await client.login(self.token)
                except BaseException:
                    await client.close()
                    raise
                self._client = client
            return self._client

    async def close(self) -> None:
        """Give the connections back."""
        if self._client:
            await self._client.close()
            self._client = None

    async def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        once: bool = False,
        **parameters: Any,
    ) -> Any:
        """What Discord answers. discord.py tries again after a short rate limit and after most 5xx, but not with `once`.

        Raises PostError.
        """
        query = parameters.pop("query", None)
        more: dict[str, Any] = {"json": dict(body)} if body is not None else {}
        more |= {"params": query} if query else {}
        more |= {"files": [_Once()]} if once else {}
        async with _failures(parameters.get("channel_id", "")):
            client = await self.client()
            async with asyncio.timeout(self.seconds):
                return await client.http.request(Route(method, path, **parameters), **more)

    async def message(
        self, method: str, path: str, body: Mapping[str, Any], **parameters: Any
    ) -> dict[str, Any]:
        """The same for a call that is answered with an object. Raises PostError."""
        answer = await self.call(method, path, body, **parameters)
        if not isinstance(answer, dict):
            raise PostError(
                "Discord answered something that is not JSON; it may have arrived.", Outcome.UNKNOWN
            )
        return answer


class CodeError(PostError):
    """A refusal with Discord's code."""

    def __init__(self, reason: str, outcome: Outcome, code: int) -> None:
        super().__init__(reason, outcome)
        self.code = code


@asynccontextmanager
async def _failures(channel: str) -> AsyncIterator[None]:
    """What went wrong, as a PostError that knows whether it may have arrived."""
    try:
        yield
    except PostError:
        raise
    except discord.RateLimited as error:
        reason = f"Discord asks to wait {error.retry_after / 60:.0f} minutes: too many requests."
        raise PostError(reason, Outcome.NOT_POSTED) from error
    except discord.HTTPException as error:
        raise _refusal(error, channel) from error
    except discord.LoginFailure as error:
        raise PostError(NOT_KNOWN, Outcome.NOT_POSTED) from error
    except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
        raise PostError(f"Discord could not be reached: {error}.", Outcome.NOT_POSTED) from error
    except (
        aiohttp.ClientError,
        discord.DiscordException,
        TimeoutError,
        OSError,
        ValueError,
        TypeError,
    ) as error:
        # TypeError: discord.py takes a page of HTML for an object.
        kind = type(error).__name__
        raise PostError(
            f"Discord's answer was lost ({kind}); it may have arrived.", Outcome.UNKNOWN
        ) from error


def _refusal(error: discord.HTTPException, channel: str) -> PostError:
    if error.status == 429:
        return CodeError("Discord asks to wait: too many requests.", Outcome.NOT_POSTED, error.code)
    if error.status >= 500:
        return CodeError(
            f"Discord failed ({error.status}); it may have arrived.", Outcome.UNKNOWN, error.code
        )
    if error.status == 401:
        return CodeError(NOT_KNOWN, Outcome.NOT_POSTED, error.code)
    sentence = explain(error.code, error.text, channel=str(channel))
    return CodeError(sentence, Outcome.GONE if error.code in CHANNEL_ERRORS else Outcome.REFUSED, error.code)
