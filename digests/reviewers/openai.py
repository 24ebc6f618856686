"""Any server that speaks OpenAI's chat completions: one question, one answer, and what it took."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, Any

from digests.errors import PaperroundError
from digests.reviewers.prompt import Messages

if TYPE_CHECKING:
    from openai import AsyncOpenAI

MAX_RESPONSE_BYTES = 4_000_000
"""Of one answer; a server that sends more has lost its mind."""

MAX_PAUSE_SECONDS = 120.0
"""Seconds that a server may tell everybody to wait; longer, and the round ends."""

MAX_BUSY_ATTEMPTS = 4
"""Calls that are tried once more after "too many requests", each after the pause that the server asks for."""


class ResponseFormat(StrEnum):
    """How the server is told the form of its answer; the prompt tells it in any case."""

    JSON_SCHEMA = "json_schema"
    JSON_OBJECT = "json_object"
    NONE = "none"


class ServerFault(StrEnum):
    """What went wrong with a call."""

    UNREACHABLE = "unreachable"
    """Nobody answers."""
    INTERNAL_ERROR = "internal error"
    """The server says that it is broken."""
    RATE_LIMITED = "rate limited"
    """Too many requests, again and again."""
    REFUSED = "refused"
    """The server takes no such call: key, model or request are wrong."""
    TIMEOUT = "timeout"
    """No whole answer in time. It may have been paid."""
    MALFORMED = "malformed"
    """An answer that is none."""


class ModelServerError(PaperroundError):
    """The model's server did not answer a call as it should."""

    def __init__(self, fault: ServerFault, sentence: str) -> None:
        super().__init__(sentence)
        self.fault = fault

    @property
    def is_server_wide(self) -> bool:
        """Whether it is likely the server's fault, and not this paper's."""
        return self.fault in (
            ServerFault.UNREACHABLE,
            ServerFault.RATE_LIMITED,
            ServerFault.REFUSED,
            ServerFault.INTERNAL_ERROR,
        )

    @property
    def is_down(self) -> bool:
        """Whether no other paper needs to be tried now."""
        return self.fault in (ServerFault.UNREACHABLE, ServerFault.RATE_LIMITED)

    @property
    def may_be_billed(self) -> bool:
        """Whether tokens may have been used."""
        return self.fault in (ServerFault.TIMEOUT, ServerFault.MALFORMED)


@dataclass(frozen=True, slots=True)
class ModelReply:
    """What the model said. Tokens are the server's count, None where it does not count. `cut` by the length allowed."""

    text: str
    model: str
    input_tokens: int | None
    output_tokens: int | None
    is_truncated: bool = False
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where the model is, and how it is asked. `key` is never shown; `extra` goes into each call as it is."""

    base_url: str
    model: str
    api_key: str = field(default="", repr=False)
    response_format: ResponseFormat = ResponseFormat.JSON_SCHEMA
    timeout: float = 180.0
    concurrency: int = 4
    extra_body: Mapping[str, Any] = field(default_factory=dict)


class ModelServer:
    """A model's server. At most `concurrency` calls at a time; one pause for all when it has too many."""

    def __init__(self, address: ServerAddress, client: "AsyncOpenAI") -> None:
        self.address = address
        self._client = client
        self._slots = asyncio.Semaphore(address.concurrency)
        self._paused_until = 0.0
        self._length_limit_field = "max_tokens"

    async def request_completion(
        self, messages: Messages, schema: Mapping[str, Any], schema_name: str, max_tokens: int
    ) -> ModelReply:
        """One answer of at most so many tokens. Raises ServerError."""
        for attempt in range(1, MAX_BUSY_ATTEMPTS + 1):
            async with self._slots:
                await self._wait_for_pause()
                try:
                    return await self._send_request(messages, schema, schema_name, max_tokens)
                except _RateLimitedError as busy:
                    if busy.retry_after > MAX_PAUSE_SECONDS or attempt == MAX_BUSY_ATTEMPTS:
                        raise ModelServerError(
                            ServerFault.RATE_LIMITED, f"{self._display_name} has too many requests: {busy}"
                        ) from None
                    pause = (
                        busy.retry_after if busy.retry_after >= 0 else min(MAX_PAUSE_SECONDS, 2.0**attempt)
                    )
                    self._paused_until = max(self._paused_until, time.monotonic() + pause)
        raise AssertionError("the last attempt returns or raises")

    async def list_models(self) -> list[str]:
        """The names of the models it has. Raises ServerError."""
        try:
            async with asyncio.timeout(min(self.address.timeout, 30)):
                listed = await self._client.models.list()
        except Exception as error:
            raise self._translate_error(error) from error
        return [model.id for model in listed.data]

    async def close(self) -> None:
        """Let its connections go."""
        await self._client.close()

    @property
    def _display_name(self) -> str:
        return f"The reviewer's server {self.address.base_url}"

    async def _wait_for_pause(self) -> None:
        """The pause may be made longer while it lasts."""
        while (pause := self._paused_until - time.monotonic()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(pause)

    async def _send_request(
        self, messages: Messages, schema: Mapping[str, Any], schema_name: str, max_tokens: int
    ) -> ModelReply:
        token_limit_field = self._length_limit_field
        try:
            async with asyncio.timeout(self.address.timeout):
                body = await self._read_body(messages, schema, schema_name, max_tokens)
        except Exception as error:
            fault = self._translate_error(error)
            if self._length_limit_field != token_limit_field:
                return await self._send_request(messages, schema, schema_name, max_tokens)
            raise fault from error
        return _parse_completion(body, self._display_name)

    async def _read_body(
        self, messages: Messages, schema: Mapping[str, Any], schema_name: str, max_tokens: int
    ) -> bytes:
        """The answer's bytes; read piece by piece, so that an endless one is let go."""
        create: Any = self._client.chat.completions.with_streaming_response.create
        request: dict[str, Any] = {
            "model": self.address.model,
            "messages": messages,
            "temperature": 0,
            self._length_limit_field: max_tokens,
            "response_format": _build_response_format(self.address.response_format, schema, schema_name),
            "extra_body": dict(self.address.extra_body) or None,
        }
        if request["response_format"] is None:
            del request["response_format"]
        body = bytearray()
        async with create(**request) as response:
            async for piece in response.iter_bytes():
                body += piece
                if len(body) > MAX_RESPONSE_BYTES:
                    raise ModelServerError(
                        ServerFault.MALFORMED,
                        f"{self._display_name} sent more than {MAX_RESPONSE_BYTES:,} bytes for one answer.",
                    )
        return bytes(body)

    def _translate_error(self, error: Exception) -> Exception:
        """What an error of the SDK means, in a sentence without the key."""
        import openai

        match error:
            case ModelServerError():
                return error
            case openai.RateLimitError():
                return _RateLimitedError(_parse_retry_after(error), _extract_message(error))
            case TimeoutError() | openai.APITimeoutError():
                return ModelServerError(
                    ServerFault.TIMEOUT,
                    f"{self._display_name} gave no whole answer in {self.address.timeout:g} seconds.",
                )
            case openai.APIConnectionError():
                return ModelServerError(
                    ServerFault.UNREACHABLE,
                    f"{self._display_name} does not answer: start it, or correct reviewer.base_url in the settings.",
                )
            case openai.APIStatusError() if error.status_code >= 500:
                return ModelServerError(
                    ServerFault.INTERNAL_ERROR,
                    f"{self._display_name} answered {error.status_code}: {_extract_message(error)}",
                )
            case openai.APIStatusError():
                if "max_completion_tokens" in _extract_message(error):
                    self._length_limit_field = "max_completion_tokens"
                return ModelServerError(ServerFault.REFUSED, self._describe_refusal(error))
            case _:
                return ModelServerError(
                    ServerFault.MALFORMED,
                    f"{self._display_name} broke off its answer ({type(error).__name__}).",
                )

    def _describe_refusal(self, error: Any) -> str:
        server_message = _extract_message(error)
        match error.status_code:
            case 401 | 403:
                advice = "set PAPERROUND_REVIEWER_KEY to a key that it takes"
            case 404:
                advice = (
                    f"it has no model {self.address.model!r}, or base_url lacks its /v1: correct [reviewer]"
                )
            case _ if "response_format" in server_message or "schema" in server_message:
                advice = 'it takes no schema: set response_format = "json_object" or "none" under [reviewer]'
            case _:
                advice = "see whether [reviewer] suits it"
        return f"{self._display_name} answered {error.status_code} ({server_message}); {advice}."


class _RateLimitedError(Exception):
    """Too many requests. `pause` are the seconds that the server asks for, negative where it names none."""

    def __init__(self, retry_after: float, message: str) -> None:
        super().__init__(message)
        self.retry_after = retry_after


def _parse_retry_after(error: Any) -> float:
    try:
        return max(0.0, float(error.response.headers.get("retry-after", "")))
    except ValueError:
        return -1.0


def _extract_message(error: Any) -> str:
    """The server's own words, short and on one line."""
    body = error.body if isinstance(error.body, dict) else {}
    message = body.get("message") or getattr(error, "message", "") or "no reason"
    return " ".join(str(message).split())[:160]


def _build_response_format(
    response_format: ResponseFormat, schema: Mapping[str, Any], schema_name: str
) -> dict[str, Any] | None:
    match response_format:
        case ResponseFormat.JSON_SCHEMA:
            return {
                "type": "json_schema",
                "json_schema": {"name": schema_name, "schema": schema, "strict": True},
            }
        case ResponseFormat.JSON_OBJECT:
            return {"type": "json_object"}
        case ResponseFormat.NONE:
            return None


def _parse_completion(body: bytes, server_name: str) -> ModelReply:
    try:
        completion = json.loads(body)
        choice = completion["choices"][0]
        message = choice["message"]
        usage = completion.get("usage") or {}
        return ModelReply(
            text=str(message.get("content") or ""),
            model=str(completion.get("model") or ""),
            input_tokens=_parse_token_count(usage.get("prompt_tokens")),
            output_tokens=_parse_token_count(usage.get("completion_tokens")),
            is_truncated=choice.get("finish_reason") == "length",
            refusal=str(message.get("refusal") or ""),
        )
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        raise ModelServerError(ServerFault.MALFORMED, f"{server_name} sent no chat completion.") from None


def _parse_token_count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


@asynccontextmanager
async def open_model_server(address: ServerAddress) -> AsyncIterator[ModelServer]:
    """The server at an address; nothing is asked yet. The SDK is loaded here, and retries nothing by itself."""
    openai = await asyncio.to_thread(
        import_module, "openai"
    )  # Most of a second, in which others have their turn.
    client = openai.AsyncOpenAI(
        base_url=address.base_url,
        api_key=address.api_key or "none",
        max_retries=0,
        timeout=address.timeout,
    )
    server = ModelServer(address, client)
    try:
        yield server
    finally:
        await server.close()
