"""Client of any server that speaks OpenAI's chat completions API: one request, one reply, its token usage."""

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
"""Bytes of a response body; a longer one is malformed."""

MAX_PAUSE_SECONDS = 120.0
"""Longest `Retry-After` in seconds that is waited for. A longer one is an error."""

MAX_BUSY_ATTEMPTS = 4
"""Attempts in all at a call that the server rejects with "too many requests". Then the call fails."""


class ResponseFormat(StrEnum):
    """The request field that constrains the answer. The prompt states the schema in any case."""

    JSON_SCHEMA = "json_schema"
    JSON_OBJECT = "json_object"
    NONE = "none"


class ServerFault(StrEnum):
    """The kind of a failed call."""

    UNREACHABLE = "unreachable"
    """No connection."""
    INTERNAL_ERROR = "internal error"
    """A status of 500 or above."""
    RATE_LIMITED = "rate limited"
    """Too many requests, after all retries."""
    REFUSED = "refused"
    """Rejected: the key, the model or the request is wrong."""
    TIMEOUT = "timeout"
    """No complete response in time. The call may be billed."""
    MALFORMED = "malformed"
    """A response that is no chat completion. The call may be billed."""


class ModelServerError(PaperroundError):
    """A failed call to the model's server. `fault` is its kind; `str` says what to do next."""

    def __init__(self, fault: ServerFault, sentence: str) -> None:
        super().__init__(sentence)
        self.fault = fault

    @property
    def is_server_wide(self) -> bool:
        """Return True if other papers probably fail too, so that the fault is not this paper's."""
        return self.fault in (
            ServerFault.UNREACHABLE,
            ServerFault.RATE_LIMITED,
            ServerFault.REFUSED,
            ServerFault.INTERNAL_ERROR,
        )

    @property
    def is_down(self) -> bool:
        """Return True if trying other papers now is pointless."""
        return self.fault in (ServerFault.UNREACHABLE, ServerFault.RATE_LIMITED)

    @property
    def may_be_billed(self) -> bool:
        """Return True if the call may have used tokens, although no usage is known."""
        return self.fault in (ServerFault.TIMEOUT, ServerFault.MALFORMED)


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Tokens of one call or more, in and out."""

    input_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: "TokenUsage") -> "TokenUsage":
        return TokenUsage(self.input_tokens + other.input_tokens, self.output_tokens + other.output_tokens)

    @property
    def total(self) -> int:
        """Input and output tokens together."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class ModelReply:
    """The model's answer. Token counts are the server's, None if it does not count.

    `is_truncated` is true if the answer reached the length limit. `refusal` is the model's sentence if it
    refused to answer, else empty. `model` is the server's own name of the model; it may be empty.
    """

    text: str
    model: str
    input_tokens: int | None
    output_tokens: int | None
    is_truncated: bool = False
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Address of a model, and options of each call.

    `base_url` ends before "/chat/completions". `timeout` is in seconds and bounds one attempt. `concurrency`
    is the largest number of calls at a time. `extra_body` is sent with each call unchanged. `repr` leaves out
    the key.
    """

    base_url: str
    model: str
    api_key: str = field(default="", repr=False)
    response_format: ResponseFormat = ResponseFormat.JSON_SCHEMA
    timeout: float = 180.0
    concurrency: int = 4
    extra_body: Mapping[str, Any] = field(default_factory=dict)


class ModelServer:
    """A model server. At most `concurrency` calls run at a time; a rate limit pauses all of them.

    Belongs to one event loop.
    """

    def __init__(self, address: ServerAddress, client: "AsyncOpenAI") -> None:
        self.address = address
        self._client = client
        self._slots = asyncio.Semaphore(address.concurrency)
        self._paused_until = 0.0
        self._length_limit_field = "max_tokens"

    async def request_completion(
        self, messages: Messages, schema: Mapping[str, Any], schema_name: str, max_tokens: int
    ) -> ModelReply:
        """Return one answer of at most `max_tokens` tokens, constrained by a JSON Schema if the server can.

        Waits for a free slot and for the end of a rate limit, and retries a call that the server rejected as
        too many, up to `MAX_BUSY_ATTEMPTS` in all. A call that is refused for the name of its length limit is
        repeated once with the other name. Nothing else is retried. Raises ModelServerError, also if the
        server asks for a pause over `MAX_PAUSE_SECONDS`. The answer is not checked against the schema.
        """
        for attempt in range(1, MAX_BUSY_ATTEMPTS + 1):
            async with self._slots:
                await self._wait_for_pause()
                try:
                    return await self._send_request(messages, schema, schema_name, max_tokens)
                except _RateLimitedError as busy:
                    if busy.retry_after > MAX_PAUSE_SECONDS or attempt == MAX_BUSY_ATTEMPTS:
                        raise self._name_rate_limit(busy) from None
                    pause = (
                        busy.retry_after if busy.retry_after >= 0 else min(MAX_PAUSE_SECONDS, 2.0**attempt)
                    )
                    self._paused_until = max(self._paused_until, time.monotonic() + pause)
        raise AssertionError("the last attempt returns or raises")

    def _name_rate_limit(self, busy: "_RateLimitedError") -> ModelServerError:
        return ModelServerError(
            ServerFault.RATE_LIMITED, f"{self._display_name} has too many requests: {busy}"
        )

    async def list_models(self) -> list[str]:
        """Return the names of the server's models. Nothing is retried. Raises ModelServerError."""
        try:
            async with asyncio.timeout(min(self.address.timeout, 30)):
                listed = await self._client.models.list()
        except Exception as error:
            failure = self._translate_error(error)
            if isinstance(failure, _RateLimitedError):
                failure = self._name_rate_limit(failure)
            raise failure from error
        return [model.id for model in listed.data]

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    @property
    def _display_name(self) -> str:
        return f"The reviewer's server {self.address.base_url}"

    async def _wait_for_pause(self) -> None:
        """Sleep until the pause is over. Another call may extend it meanwhile."""
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
        """Send a completion request and return the response body.

        The body is read in chunks; one over `MAX_RESPONSE_BYTES` is aborted with a ModelServerError. Other
        failures raise the SDK's errors.
        """
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
            async for chunk in response.iter_bytes():
                body += chunk
                if len(body) > MAX_RESPONSE_BYTES:
                    raise ModelServerError(
                        ServerFault.MALFORMED,
                        f"{self._display_name} sent more than {MAX_RESPONSE_BYTES:,} bytes for one answer.",
                    )
        return bytes(body)

    def _translate_error(self, error: Exception) -> Exception:
        """Return the error that an SDK error stands for, with a sentence that does not contain the key.

        That is a ModelServerError, or a _RateLimitedError for too many requests. If the server asks for the
        newer name of the length limit, this client uses it from now on.
        """
        import openai

        match error:
            case ModelServerError():
                return error
            case openai.RateLimitError():
                return _RateLimitedError(_parse_retry_after(error), _extract_message(error))
            case TimeoutError() | openai.APITimeoutError():
                return ModelServerError(
                    ServerFault.TIMEOUT,
                    f"{self._display_name} did not answer in full within {self.address.timeout:g} seconds.",
                )
            case openai.APIConnectionError():
                return ModelServerError(
                    ServerFault.UNREACHABLE,
                    f"{self._display_name} does not answer: start it, "
                    "or correct reviewer.base_url in the settings.",
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
    """Too many requests. `retry_after` is in seconds, negative if the server names no time."""

    def __init__(self, retry_after: float, message: str) -> None:
        super().__init__(message)
        self.retry_after = retry_after


def _parse_retry_after(error: Any) -> float:
    try:
        return max(0.0, float(error.response.headers.get("retry-after", "")))
    except ValueError:
        return -1.0


def _extract_message(error: Any) -> str:
    """Return the server's own message, on one line of at most 160 characters; "no reason" if it has none."""
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


def count_usage(reply: ModelReply, conversation: Messages) -> TokenUsage:
    """Return the server's token counts. The number of bytes, an upper bound, replaces a missing count."""
    return TokenUsage(
        reply.input_tokens if reply.input_tokens is not None else count_bytes(conversation),
        reply.output_tokens if reply.output_tokens is not None else len(reply.text.encode()),
    )


def count_bytes(conversation: Messages) -> int:
    """Return the number of bytes of all turns."""
    return sum(len(turn["content"].encode()) for turn in conversation)


@asynccontextmanager
async def open_model_server(address: ServerAddress) -> AsyncIterator[ModelServer]:
    """Open a client of the server at an address, and close it after the block. Sends no request by itself.

    The SDK is imported here, in a thread, and its own retries are turned off.
    """
    # The import takes most of a second. The thread keeps the event loop free.
    openai = await asyncio.to_thread(import_module, "openai")
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
