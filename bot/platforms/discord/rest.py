"""Discord's REST API through discord.py's HTTP client. Failures are raised as PostError."""

import asyncio
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.chat.attempt import SendAttempt, tracked
from bot.chat.deadline import LongWaitError, deadline_trace
from bot.chat.port import Outcome, PostError
from bot.platforms.discord.errors import (
    BLOCKED_BY_CLOUDFLARE,
    CHANNEL_ERRORS,
    UNAUTHORIZED_MESSAGE,
    explain_error,
)
from bot.platforms.discord.settings import DiscordSettings
from digests.model import AttachedFile
from digests.text import clip_text

MAX_RATE_LIMIT_SECONDS = 30.0
"""Longest rate limit that discord.py waits out. It allows no smaller value.

A call that would have to wait longer fails at once.
"""

ALT_CHARACTERS = 1024
"""Characters of an attachment's description
(https://docs.discord.com/developers/resources/message#attachment-object)."""


def use_addresses(settings: DiscordSettings) -> None:
    """Set discord.py's server addresses for the whole process from the settings.

    discord.py has no argument for them. Default addresses change nothing.
    """
    fresh = DiscordSettings()
    if settings.api_base_url != fresh.api_base_url:
        Route.BASE = settings.api_base_url
    if settings.gateway_url != fresh.gateway_url:
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(settings.gateway_url)


class _SingleUseFile(discord.File):
    """An empty attachment that stops discord.py from repeating a request that may have had an effect.

    discord.py rewinds its files before each try. A request that Discord refused may be repeated.
    """

    def __init__(self, attempt: SendAttempt) -> None:
        super().__init__(io.BytesIO(), "once")
        self._attempt = attempt

    def reset(self, *, seek: int | bool = True) -> None:
        if seek and self._attempt.was_sent:
            raise PostError("Discord failed; the post may have arrived.", Outcome.UNKNOWN)


@dataclass(slots=True)
class RestClient:
    """A client of the REST API that logs in with its first call.

    `timeout` limits each call, in seconds. Requests are reported to the current attempt.
    """

    token: str = field(repr=False)
    timeout: float
    _client: discord.Client | None = None
    _login_lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def get_client(self) -> discord.Client:
        """Return discord.py's client, logged in. A failed log-in is tried again by the next call.

        Raises TimeoutError and the errors of discord.py and aiohttp.
        """
        async with self._login_lock:
            if self._client is None:
                client = discord.Client(
                    intents=discord.Intents.none(),
                    max_ratelimit_timeout=MAX_RATE_LIMIT_SECONDS,
                    max_messages=None,
                    http_trace=deadline_trace(self.timeout),
                )
                try:
                    async with asyncio.timeout(self.timeout):
                        await client.login(self.token)
                except BaseException:
                    await client.close()
                    raise
                self._client = client
            return self._client

    async def close(self) -> None:
        """Close the connections. A later call logs in again."""
        if self._client:
            await self._client.close()
            self._client = None

    async def call_api(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        once: bool = False,
        file: AttachedFile | None = None,
        **parameters: Any,
    ) -> Any:
        """Send a request and return the answer, as JSON values or text. Raises PostError.

        A `file` is sent with the body, a message, as its attachment.

        `parameters` fill the path, except `query`. discord.py repeats a request after a short rate limit, a
        lost connection or most 5xx errors, five tries in all and within `timeout`; with `once` it repeats
        only a request that was not sent or that Discord refused. A PostError for an error answer is a
        CodeError.
        """
        query = parameters.pop("query", None)
        options: dict[str, Any] = {"json": dict(body)} if body is not None else {}
        options |= {"params": query} if query else {}
        with tracked(self.timeout) as attempt, _translate_errors(parameters.get("channel_id", ""), attempt):
            options |= {"files": [_SingleUseFile(attempt)]} if once else {}
            options = _attach_file(body or {}, file) if file else options
            client, route = await self.get_client(), Route(method, path, **parameters)
            _refill_bucket(client.http, route)
            async with asyncio.timeout(self.timeout):
                return await client.http.request(route, **options)

    async def call_for_object(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, **parameters: Any
    ) -> dict[str, Any]:
        """Send a request and return its answer, an object with an id. Raises PostError, also for no id."""
        with tracked(self.timeout) as attempt:
            answer = await self.call_api(method, path, body, **parameters)
            if not isinstance(answer, dict) or "id" not in answer:
                raise _error_of_unreadable_answer(attempt)
            return answer

    async def call_for_list(self, path: str, within: str = "", **parameters: Any) -> list[dict[str, Any]]:
        """Return the list that a GET request answers, or the list under the key `within` of its answer.

        Raises PostError, also for another answer.
        """
        with tracked(self.timeout) as attempt:
            answer = await self.call_api("GET", path, **parameters)
            if within:
                answer = answer.get(within) if isinstance(answer, dict) else None
            if not isinstance(answer, list):
                raise _error_of_unreadable_answer(attempt)
            return answer


def _attach_file(body: Mapping[str, Any], file: AttachedFile) -> dict[str, Any]:
    """Return the options of a request whose body is a message with a file, as multipart form data."""
    attachment = discord.File(io.BytesIO(file.content), file.name)
    record = {"id": 0, "filename": attachment.filename} | (
        {"description": clip_text(file.alt_text, ALT_CHARACTERS)} if file.alt_text else {}
    )
    message = json.dumps({**body, "attachments": [record]})
    part = {
        "name": "files[0]",
        "value": attachment.fp,
        "filename": attachment.filename,
        "content_type": "application/octet-stream",
    }
    return {"form": [{"name": "payload_json", "value": message}, part], "files": [attachment]}


def _error_of_unreadable_answer(attempt: SendAttempt) -> PostError:
    """Return the PostError for an answer that is not Discord's.

    Its outcome is UNKNOWN if the attempt may have posted the page, else NOT_POSTED.
    """
    outcome = attempt.resolve_outcome(Outcome.UNKNOWN)
    also = "; it may have arrived" if outcome is Outcome.UNKNOWN else ""
    return PostError(f"The answer is not Discord's{also}.", outcome)


class CodeError(PostError):
    """A PostError for an error answer of Discord. `code` is Discord's error code, 0 if it has none."""

    def __init__(self, reason: str, outcome: Outcome, code: int, *, is_access_lost: bool = False) -> None:
        super().__init__(reason, outcome, is_access_lost=is_access_lost)
        self.code = code


def _refill_bucket(http: discord.http.HTTPClient, route: Route) -> None:
    """Refill the route's rate-limit bucket if discord.py left it empty.

    A call that is cancelled while it returns its token leaves the bucket empty, unused and without a reset
    time. The next call would wait half a minute, and be cancelled again.
    """
    bucket_hash = http._bucket_hashes.get(route.key, route.key)
    bucket = http._buckets.get(f"{bucket_hash}:{route.major_parameters}")
    if bucket is None or bucket.expires is not None or bucket._sleeping.locked():
        return
    if bucket.remaining <= 0 and not bucket.outgoing:
        bucket.reset()  # type: ignore[no-untyped-call]


@contextmanager
def _translate_errors(channel: str, attempt: SendAttempt) -> Iterator[None]:
    """Raise errors of the block as PostError. Its outcome takes every request of the attempt into account.

    `channel` is named in the sentences, if it is not empty.
    """
    try:
        yield
    except PostError:
        raise
    except (discord.RateLimited, LongWaitError) as error:
        wait = error.retry_after if isinstance(error, discord.RateLimited) else error.seconds
        reason = f"Discord asks to wait {wait:.0f} seconds: too many requests."
        raise PostError(reason, attempt.resolve_outcome(Outcome.NOT_POSTED)) from error
    except discord.HTTPException as error:
        raise _error_of_refusal(error, channel, attempt) from error
    except discord.LoginFailure as error:
        outcome = attempt.resolve_outcome(Outcome.NOT_POSTED)
        raise PostError(UNAUTHORIZED_MESSAGE, outcome, is_access_lost=True) from error
    except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
        reason = f"Discord could not be reached: {error}."
        raise PostError(reason, attempt.resolve_outcome(Outcome.NOT_POSTED)) from error
    except _LOST_ERRORS as error:
        kind = type(error).__name__
        if attempt.may_have_arrived:
            reason = f"Discord's answer was lost ({kind}); it may have arrived."
            raise PostError(reason, Outcome.UNKNOWN) from error
        raise PostError(f"Discord did not answer ({kind}).", Outcome.NOT_POSTED) from error


_LOST_ERRORS = (
    aiohttp.ClientError,
    discord.DiscordException,
    OSError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
)
"""Errors after which the answer is lost.

The last four are raised in discord.py when an answer is not the object that it expects.
"""


def _error_of_refusal(error: discord.HTTPException, channel: str, attempt: SendAttempt) -> PostError:
    """Return the PostError for an error answer, with an outcome by its status and its code.

    A demanded wait, a wrong token and a server error are NOT_POSTED, an error that a person must fix in the
    channel is GONE, and any other is REFUSED. If a request of the attempt may have posted the page, as always
    after a server error to a sent request, the outcome is UNKNOWN instead.
    """
    if error.status == 429:
        reason = "Discord asks to wait: too many requests."
        return CodeError(reason, attempt.resolve_outcome(Outcome.NOT_POSTED), error.code)
    if error.status == 401:
        attempt.mark_refused()
        outcome = attempt.resolve_outcome(Outcome.NOT_POSTED)
        return CodeError(UNAUTHORIZED_MESSAGE, outcome, error.code, is_access_lost=True)
    # An answer without a code of Discord's comes from a server in between.
    if error.status >= 500 or error.code in (0, BLOCKED_BY_CLOUDFLARE):
        also = "; it may have arrived" if attempt.may_have_arrived else ""
        reason = f"Discord failed ({error.status}){also}."
        return CodeError(reason, attempt.resolve_outcome(Outcome.UNKNOWN), error.code)
    attempt.mark_refused()
    outcome = Outcome.GONE if error.code in CHANNEL_ERRORS else Outcome.REFUSED
    return CodeError(
        explain_error(error.code, error.text, channel=str(channel)),
        attempt.resolve_outcome(outcome),
        error.code,
    )
