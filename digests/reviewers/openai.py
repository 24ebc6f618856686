"""Client of any server that speaks OpenAI's chat completions API: one request, one reply, its token usage.

Every answer is read with a limit and a deadline. Redirects are not followed, and no variable of the
environment changes a request.
"""

import asyncio
import json
import math
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from digests.errors import PaperroundError
from digests.reviewers.prompt import Messages
from digests.sources.http.addresses import describe_address
from digests.sources.http.certificates import create_tls_context
from digests.text import normalize_text

if TYPE_CHECKING:
    import httpx

MAX_RESPONSE_BYTES = 4_000_000
"""Bytes of a response body; a longer one is malformed."""

MAX_ERROR_BYTES = 64 * 1024
"""Bytes of an error's body that are read; the rest is not."""

MAX_MESSAGE_CHARACTERS = 160
"""Characters of a server's message in a sentence."""

MAX_TOKEN_COUNT = 10_000_000
"""Largest token count of one call that is believed. No model takes as many."""

MAX_LISTED_MODELS = 1000
"""Names that are read from a server's list of models."""

CONNECT_TIMEOUT_SECONDS = 10.0

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
    """The model's answer. Token counts are the server's, None if one is absent or out of range.

    `is_truncated` is true if the answer reached the length limit. `refusal` is the model's sentence if it
    refused to answer, else empty. `model` is the server's own name of the model; it may be empty.
    `field_name` is the field of the message that `text` was found in.
    """

    text: str
    model: str
    input_tokens: int | None
    output_tokens: int | None
    is_truncated: bool = False
    refusal: str = ""
    field_name: str = "content"


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Address of a model, and options of each call.

    `base_url` ends before "/chat/completions". `timeout` is in seconds and bounds one attempt. `concurrency`
    is the largest number of calls at a time. `extra_body` is sent with each call unchanged. `repr` leaves out
    the address, the key and `extra_body`: they may hold secrets.
    """

    base_url: str = field(repr=False)
    model: str
    api_key: str = field(default="", repr=False)
    response_format: ResponseFormat = ResponseFormat.JSON_SCHEMA
    timeout: float = 180.0
    concurrency: int = 4
    extra_body: Mapping[str, Any] = field(default_factory=dict, repr=False)


class ServerSlots:
    """The slots of one server, which all of its models share: calls and papers at a time, and a pause.

    A paper holds its slot from the reservation of its budget to its last answer. Belongs to one event loop.
    """

    def __init__(self, concurrency: int) -> None:
        self.calls = asyncio.Semaphore(concurrency)
        self.papers = asyncio.Semaphore(concurrency)
        self.paused_until = 0.0


class ModelServer:
    """A model on a server. At most `concurrency` calls run at a time; a rate limit pauses all of them.

    Belongs to one event loop. `slots` are its own, or those that it shares with other models of its server.
    """

    def __init__(
        self, address: ServerAddress, client: "httpx.AsyncClient", slots: ServerSlots | None = None
    ) -> None:
        self.address = address
        self.slots = slots or ServerSlots(address.concurrency)
        self._client = client
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
            async with self.slots.calls:
                await self._wait_for_pause()
                try:
                    return await self._send_request(messages, schema, schema_name, max_tokens)
                except _RateLimitedError as busy:
                    if busy.retry_after > MAX_PAUSE_SECONDS or attempt == MAX_BUSY_ATTEMPTS:
                        raise self._name_rate_limit(busy) from None
                    pause = (
                        busy.retry_after if busy.retry_after >= 0 else min(MAX_PAUSE_SECONDS, 2.0**attempt)
                    )
                    self.slots.paused_until = max(self.slots.paused_until, time.monotonic() + pause)
        raise AssertionError("the last attempt returns or raises")

    def _name_rate_limit(self, busy: "_RateLimitedError") -> ModelServerError:
        return ModelServerError(
            ServerFault.RATE_LIMITED, f"{self._display_name} has too many requests: {busy}"
        )

    async def list_models(self) -> list[str]:
        """Return the names of the server's models, at most `MAX_LISTED_MODELS`. Raises ModelServerError.

        Nothing is retried.
        """
        response = await self._exchange("GET", "models", timeout=min(self.address.timeout, 30))
        if not response.is_success:
            failure = self._describe_failure(response)
            raise self._name_rate_limit(failure) if isinstance(failure, _RateLimitedError) else failure
        try:
            models = _load_json(response.body)["data"][:MAX_LISTED_MODELS]
            return [normalize_text(str(model["id"])[:MAX_MESSAGE_CHARACTERS]) for model in models]
        except (ValueError, KeyError, TypeError):
            raise ModelServerError(
                ServerFault.MALFORMED, f"{self._display_name} sent no list of models."
            ) from None

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    @property
    def _display_name(self) -> str:
        return f"The reviewer's server {describe_address(self.address.base_url)}"

    async def _wait_for_pause(self) -> None:
        """Sleep until the pause is over. Another call may extend it meanwhile."""
        while (pause := self.slots.paused_until - time.monotonic()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(pause)

    async def _send_request(
        self, messages: Messages, schema: Mapping[str, Any], schema_name: str, max_tokens: int
    ) -> ModelReply:
        length_limit_field = self._length_limit_field
        request = {
            "model": self.address.model,
            "messages": messages,
            "temperature": 0,
            length_limit_field: max_tokens,
            **_build_response_format(self.address.response_format, schema, schema_name),
            **self.address.extra_body,
        }
        content = json.dumps(request, default=str).encode()
        response = await self._exchange("POST", "chat/completions", content, timeout=self.address.timeout)
        if response.is_success:
            return _parse_completion(response.body, self._display_name)
        if length_limit_field != _NEW_LENGTH_LIMIT and _NEW_LENGTH_LIMIT in self._read_message(response):
            self._length_limit_field = _NEW_LENGTH_LIMIT
            return await self._send_request(messages, schema, schema_name, max_tokens)
        raise self._describe_failure(response)

    async def _exchange(
        self, method: str, path: str, content: bytes | None = None, *, timeout: float
    ) -> "_Response":
        """Send a request and return the response. `timeout` is in seconds, to the body's last byte.

        The body is read in chunks: one over `MAX_RESPONSE_BYTES` is malformed, one of an error is cut at
        `MAX_ERROR_BYTES`. Raises ModelServerError.
        """
        import httpx

        url = f"{self.address.base_url.rstrip('/')}/{path}"
        try:
            async with (
                asyncio.timeout(timeout),
                self._client.stream(method, url, content=content) as response,
            ):
                body = await self._read_body(response)
                return _Response(response.status_code, response.headers, body)
        except (TimeoutError, httpx.ReadTimeout, httpx.WriteTimeout):
            raise ModelServerError(
                ServerFault.TIMEOUT,
                f"{self._display_name} did not answer in full within {timeout:g} seconds.",
            ) from None
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL):
            raise ModelServerError(
                ServerFault.UNREACHABLE,
                f"{self._display_name} does not answer: start it, "
                "or correct reviewer.base_url in the settings.",
            ) from None
        except httpx.HTTPError as error:
            raise ModelServerError(
                ServerFault.MALFORMED, f"{self._display_name} broke off its answer ({type(error).__name__})."
            ) from None

    async def _read_body(self, response: "httpx.Response") -> bytes:
        if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise ModelServerError(
                ServerFault.MALFORMED,
                f"{self._display_name} sent its answer in an encoding that was not requested.",
            )
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if not response.is_success and len(body) >= MAX_ERROR_BYTES:
                break
            if len(body) > MAX_RESPONSE_BYTES:
                raise ModelServerError(
                    ServerFault.MALFORMED,
                    f"{self._display_name} sent more than {MAX_RESPONSE_BYTES:,} bytes for one answer.",
                )
        return bytes(body)

    def _describe_failure(self, response: "_Response") -> Exception:
        """Return the error that a status stands for, with a sentence that does not contain the key.

        That is a ModelServerError, or a _RateLimitedError for too many requests.
        """
        message, status = self._read_message(response), response.status
        if status == 429:
            return _RateLimitedError(_parse_retry_after(response.headers), message)
        if status >= 500:
            return ModelServerError(
                ServerFault.INTERNAL_ERROR, f"{self._display_name} answered {status}: {message}"
            )
        match status:
            case 401 | 403:
                advice = "set PAPERROUND_REVIEWER_KEY to a key that it takes"
            case 404:
                advice = (
                    f"it has no model {self.address.model!r}, or base_url lacks its /v1: correct [reviewer]"
                )
            case _ if 300 <= status < 400:
                message = f"a redirect to {self._describe_target(response)}"
                advice = "papers are sent to reviewer.base_url alone: correct it in the settings"
            case _ if "response_format" in message or "schema" in message:
                advice = 'it takes no schema: set response_format = "json_object" or "none" under [reviewer]'
            case _:
                advice = "see whether [reviewer] suits it"
        return ModelServerError(
            ServerFault.REFUSED, f"{self._display_name} answered {status} ({message}); {advice}."
        )

    def _describe_target(self, response: "_Response") -> str:
        try:
            return describe_address(
                urljoin(self.address.base_url, response.headers.get("location", "nowhere"))
            )
        except ValueError:
            return "nowhere"

    def _read_message(self, response: "_Response") -> str:
        """Return the server's own message, on one line without invisible characters and without the key.

        It has at most `MAX_MESSAGE_CHARACTERS`; "no reason" if there is none.
        """
        message = _find_message(response.body)[: 20 * MAX_MESSAGE_CHARACTERS]
        if self.address.api_key:
            message = message.replace(self.address.api_key, "…")
        return normalize_text(message)[:MAX_MESSAGE_CHARACTERS] or "no reason"


_NEW_LENGTH_LIMIT = "max_completion_tokens"
"""Newer name of the field `max_tokens`. A server that requires it says so in an error."""


@dataclass(frozen=True, slots=True)
class _Response:
    """A complete response; the body of an error may be cut."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


class _RateLimitedError(Exception):
    """Too many requests. `retry_after` is in seconds, negative if the server names no time."""

    def __init__(self, retry_after: float, message: str) -> None:
        super().__init__(message)
        self.retry_after = retry_after


def _parse_retry_after(headers: Mapping[str, str]) -> float:
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:
        return -1.0
    return -1.0 if math.isnan(seconds) else max(0.0, seconds)


def _find_message(body: bytes) -> str:
    """Return the message in the body of an error, or the body itself if it has another form."""
    try:
        found = _load_json(body)
        for name in ("error", "message"):
            found = found.get(name, found) if isinstance(found, dict) else found
    except ValueError:
        found = None
    return found if isinstance(found, str) else body.decode("utf-8", "replace")


def _load_json(body: bytes) -> Any:
    """Parse JSON from outside. Raises ValueError, also for one that is nested too deep."""
    try:
        return json.loads(body)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _build_response_format(
    response_format: ResponseFormat, schema: Mapping[str, Any], schema_name: str
) -> dict[str, Any]:
    match response_format:
        case ResponseFormat.JSON_SCHEMA:
            form = {"name": schema_name, "schema": schema, "strict": True}
            return {"response_format": {"type": "json_schema", "json_schema": form}}
        case ResponseFormat.JSON_OBJECT:
            return {"response_format": {"type": "json_object"}}
        case ResponseFormat.NONE:
            return {}


def _parse_completion(body: bytes, server_name: str) -> ModelReply:
    try:
        completion = _load_json(body)
        choice = completion["choices"][0]
        # The older API of completions has a text and no message.
        message = choice["message"] if "message" in choice else {"content": choice["text"]}
        usage = completion.get("usage")
        counts = usage if isinstance(usage, dict) else {}
        is_truncated = str(choice.get("finish_reason")).lower() in _LENGTH_REASONS
        text, field_name = find_answer_text(message, is_truncated=is_truncated)
        return ModelReply(
            text=text,
            model=_to_text(completion.get("model")),
            input_tokens=_parse_token_count(counts.get("prompt_tokens")),
            output_tokens=_parse_token_count(counts.get("completion_tokens")),
            is_truncated=is_truncated,
            refusal=_to_text(message.get("refusal")),
            field_name=field_name,
        )
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        raise ModelServerError(ServerFault.MALFORMED, f"{server_name} sent no chat completion.") from None


_LENGTH_REASONS = ("length", "max_tokens", "max_output_tokens")
"""Reasons to finish that servers give for an answer that reached its limit."""

CONTENT = "content"
"""Field of a message in which an answer belongs."""

_THOUGHT_FIELDS = ("reasoning_content", "reasoning", "thinking", "thoughts", "reasoning_details")


_OTHER_PARTS = ("thinking", "reasoning", "reasoning_content", "redacted_thinking", "refusal")
"""Types of a content's parts that are no answer."""


def find_answer_text(message: Mapping[str, Any], *, is_truncated: bool) -> tuple[str, str]:
    """Return the text of an answer and the field of the message that it is taken from.

    That is the content, with the arguments of tool calls behind it. Only where the content is blank, the
    thoughts count: some servers take a whole answer for thoughts. Of an answer that was cut off they do not.
    """
    content = join_parts(message.get("content") or message.get("parsed"))
    arguments = "\n".join(_list_call_arguments(message))
    if arguments.strip():
        return f"{content}\n{arguments}".strip(), CONTENT if "{" in content else "tool_calls"
    if content.strip():
        return content, CONTENT
    places = {name: message.get(name) for name in _THOUGHT_FIELDS} | {
        "thinking parts": _list_thoughts(message)
    }
    for name, value in places.items():
        thoughts = join_parts(value)
        if thoughts.strip():
            # Thoughts that are cut off hold a draft at most.
            return ("<think>" if is_truncated else "") + thoughts, name
    return content, CONTENT


def join_parts(value: object, levels: int = 6) -> str:
    """Return the text of a field that holds a text, parts with texts, or an object. Thoughts are left out."""
    match value:
        case None:
            return ""
        case str():
            return _to_text(value)
        case list() if levels:
            return "".join(join_parts(part, levels - 1) for part in value)
        case {"type": str(kind)} if kind in _OTHER_PARTS:
            return ""
        case {"text": text} if levels:
            return join_parts(text, levels - 1)
        case {"content": content, "type": str()} if levels:
            return join_parts(content, levels - 1)
        case {"json": content} if levels:
            return join_parts(content, levels - 1)
        case _:
            return _to_text(json.dumps(value))


def _list_thoughts(message: Mapping[str, Any]) -> list[Any]:
    """Return the thoughts among the parts of a content."""
    content = message.get(CONTENT)
    parts = [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    return [part.get("thinking") for part in parts if part.get("type") in _OTHER_PARTS]


def _list_call_arguments(message: Mapping[str, Any]) -> list[str]:
    """Return the arguments of the calls of tools in a message, in their order, also of the older form."""
    calls = message.get("tool_calls")
    functions = (
        [call.get("function", call) for call in calls if isinstance(call, dict)]
        if isinstance(calls, list)
        else []
    )
    functions.append(message.get("function_call"))
    return [join_parts(function.get("arguments")) for function in functions if isinstance(function, dict)]


def _to_text(value: object) -> str:
    """Return a text of JSON without surrogates, which cannot be encoded; empty for null."""
    return str(value or "").encode("utf-8", "replace").decode()


def _parse_token_count(value: object) -> int | None:
    """Return a count, None for one that is absent or out of range."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_TOKEN_COUNT
    return value if isinstance(value, int) and is_count else None


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
async def open_model_server(
    address: ServerAddress, slots: ServerSlots | None = None
) -> AsyncIterator[ModelServer]:
    """Open a client of the server at an address, and close it after the block. Sends no request by itself.

    `slots` are shared with other models of the server.
    """
    # The import takes 0.2 s. The thread keeps the event loop free.
    httpx = await asyncio.to_thread(import_module, "httpx")
    headers = {"Accept-Encoding": "identity", "Content-Type": "application/json"}
    if address.api_key:
        headers["Authorization"] = f"Bearer {address.api_key}"
    client = httpx.AsyncClient(
        headers=headers,
        follow_redirects=False,
        trust_env=False,
        verify=await asyncio.to_thread(create_tls_context),
        timeout=httpx.Timeout(address.timeout, connect=min(address.timeout, CONNECT_TIMEOUT_SECONDS)),
        limits=httpx.Limits(max_keepalive_connections=address.concurrency),
    )
    server = ModelServer(address, client, slots)
    try:
        yield server
    finally:
        await server.close()
