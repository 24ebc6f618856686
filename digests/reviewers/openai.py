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

MOST_BYTES = 4_000_000
"""Of one answer; a server that sends more has lost its mind."""

LONGEST_PAUSE = 120.0
"""Seconds that a server may tell everybody to wait; longer, and the round ends."""

BUSY_TRIES = 4
"""Calls that are tried once more after "too many requests", each after the pause that the server asks for."""


class Mode(StrEnum):
    """How the server is told the form of its answer; the prompt tells it in any case."""

    JSON_SCHEMA = "json_schema"
    JSON_OBJECT = "json_object"
    NONE = "none"


class Fault(StrEnum):
    """What went wrong with a call."""

    DOWN = "down"
    """Nobody answers."""
    BROKEN_DOWN = "broken down"
    """The server says that it is broken."""
    BUSY = "busy"
    """Too many requests, again and again."""
    REFUSED = "refused"
    """The server takes no such call: key, model or request are wrong."""
    SLOW = "slow"
    """No whole answer in time. It may have been paid."""
    BROKEN = "broken"
    """An answer that is none."""


class ServerError(PaperroundError):
    """The model's server did not answer a call as it should."""

    def __init__(self, fault: Fault, sentence: str) -> None:
        super().__init__(sentence)
        self.fault = fault

    @property
    def concerns_all(self) -> bool:
        """Whether it is likely the server's fault, and not this paper's."""
        return self.fault in (Fault.DOWN, Fault.BUSY, Fault.REFUSED, Fault.BROKEN_DOWN)

    @property
    def is_down(self) -> bool:
        """Whether no other paper needs to be tried now."""
        return self.fault in (Fault.DOWN, Fault.BUSY)

    @property
    def may_be_paid(self) -> bool:
        """Whether tokens may have been used."""
        return self.fault in (Fault.SLOW, Fault.BROKEN)


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model said. Tokens are the server's count, None where it does not count. `cut` by the length allowed."""

    text: str
    model: str
    tokens_in: int | None
    tokens_out: int | None
    cut: bool = False
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the model is, and how it is asked. `key` is never shown; `extra` goes into each call as it is."""

    base_url: str
    model: str
    key: str = field(default="", repr=False)
    mode: Mode = Mode.JSON_SCHEMA
    time_out: float = 180.0
    concurrency: int = 4
    extra: Mapping[str, Any] = field(default_factory=dict)


class Server:
    """A model's server. At most `concurrency` calls at a time; one pause for all when it has too many."""

    def __init__(self, address: Address, client: "AsyncOpenAI") -> None:
        self.address = address
        self._client = client
        self._slots = asyncio.Semaphore(address.concurrency)
        self._free_at = 0.0
        self._length = "max_tokens"

    async def ask(self, messages: Messages, schema: Mapping[str, Any], name: str, most_tokens: int) -> Reply:
        """One answer of at most so many tokens. Raises ServerError."""
        for attempt in range(1, BUSY_TRIES + 1):
            async with self._slots:
                await self._pause()
                try:
                    return await self._call(messages, schema, name, most_tokens)
                except _BusyError as busy:
                    if busy.pause > LONGEST_PAUSE or attempt == BUSY_TRIES:
                        raise ServerError(
                            Fault.BUSY, f"{self._named} has too many requests: {busy}"
                        ) from None
                    pause = busy.pause if busy.pause >= 0 else min(LONGEST_PAUSE, 2.0**attempt)
                    self._free_at = max(self._free_at, time.monotonic() + pause)
        raise AssertionError("the last attempt returns or raises")

    async def models(self) -> list[str]:
        """The names of the models it has. Raises ServerError."""
        try:
            async with asyncio.timeout(min(self.address.time_out, 30)):
                listed = await self._client.models.list()
        except Exception as error:
            raise self._fault(error) from error
        return [model.id for model in listed.data]

    async def close(self) -> None:
        """Let its connections go."""
        await self._client.close()

    @property
    def _named(self) -> str:
        return f"The reviewer's server {self.address.base_url}"

    async def _pause(self) -> None:
        """The pause may be made longer while it lasts."""
        while (pause := self._free_at - time.monotonic()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(pause)

    async def _call(
        self, messages: Messages, schema: Mapping[str, Any], name: str, most_tokens: int
    ) -> Reply:
        length = self._length
        try:
            async with asyncio.timeout(self.address.time_out):
                body = await self._body(messages, schema, name, most_tokens)
        except Exception as error:
            fault = self._fault(error)
            if self._length != length:
                return await self._call(messages, schema, name, most_tokens)
            raise fault from error
        return _reply(body, self._named)

    async def _body(
        self, messages: Messages, schema: Mapping[str, Any], name: str, most_tokens: int
    ) -> bytes:
        """The answer's bytes; read piece by piece, so that an endless one is let go."""
        create: Any = self._client.chat.completions.with_streaming_response.create
        asked: dict[str, Any] = {
            "model": self.address.model,
            "messages": messages,
            "temperature": 0,
            self._length: most_tokens,
            "response_format": _response_format(self.address.mode, schema, name),
            "extra_body": dict(self.address.extra) or None,
        }
        if asked["response_format"] is None:
            del asked["response_format"]
        body = bytearray()
        async with create(**asked) as response:
            async for piece in response.iter_bytes():
                body += piece
                if len(body) > MOST_BYTES:
                    raise ServerError(
                        Fault.BROKEN, f"{self._named} sent more than {MOST_BYTES:,} bytes for one answer."
                    )
        return bytes(body)

    def _fault(self, error: Exception) -> Exception:
        """What an error of the SDK means, in a sentence without the key."""
        import openai

        match error:
            case ServerError():
                return error
            case openai.RateLimitError():
                return _BusyError(_retry_after(error), _said(error))
            case TimeoutError() | openai.APITimeoutError():
                return ServerError(
                    Fault.SLOW, f"{self._named} gave no whole answer in {self.address.time_out:g} seconds."
                )
            case openai.APIConnectionError():
                return ServerError(
                    Fault.DOWN,
                    f"{self._named} does not answer: start it, or correct reviewer.base_url in the settings.",
                )
            case openai.APIStatusError() if error.status_code >= 500:
                return ServerError(
                    Fault.BROKEN_DOWN, f"{self._named} answered {error.status_code}: {_said(error)}"
                )
            case openai.APIStatusError():
                if "max_completion_tokens" in _said(error):
                    self._length = "max_completion_tokens"
                return ServerError(Fault.REFUSED, self._refused(error))
            case _:
                return ServerError(
                    Fault.BROKEN, f"{self._named} broke off its answer ({type(error).__name__})."
                )

    def _refused(self, error: Any) -> str:
        said = _said(error)
        match error.status_code:
            case 401 | 403:
                advice = "set PAPERROUND_REVIEWER_KEY to a key that it takes"
            case 404:
                advice = (
                    f"it has no model {self.address.model!r}, or base_url lacks its /v1: correct [reviewer]"
                )
            case _ if "response_format" in said or "schema" in said:
                advice = 'it takes no schema: set mode = "json_object" or "none" under [reviewer]'
            case _:
                advice = "see whether [reviewer] suits it"
        return f"{self._named} answered {error.status_code} ({said}); {advice}."


class _BusyError(Exception):
    """Too many requests. `pause` are the seconds that the server asks for, negative where it names none."""

    def __init__(self, pause: float, said: str) -> None:
        super().__init__(said)
        self.pause = pause


def _retry_after(error: Any) -> float:
    try:
        return max(0.0, float(error.response.headers.get("retry-after", "")))
    except ValueError:
        return -1.0


def _said(error: Any) -> str:
    """The server's own words, short and on one line."""
    body = error.body if isinstance(error.body, dict) else {}
    words = body.get("message") or getattr(error, "message", "") or "no reason"
    return " ".join(str(words).split())[:160]


def _response_format(mode: Mode, schema: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    match mode:
        case Mode.JSON_SCHEMA:
            return {"type": "json_schema", "json_schema": {"name": name, "schema": schema, "strict": True}}
        case Mode.JSON_OBJECT:
            return {"type": "json_object"}
        case Mode.NONE:
            return None


def _reply(body: bytes, named: str) -> Reply:
    try:
        whole = json.loads(body)
        choice = whole["choices"][0]
        message = choice["message"]
        usage = whole.get("usage") or {}
        return Reply(
            text=str(message.get("content") or ""),
            model=str(whole.get("model") or ""),
            tokens_in=_count(usage.get("prompt_tokens")),
            tokens_out=_count(usage.get("completion_tokens")),
            cut=choice.get("finish_reason") == "length",
            refusal=str(message.get("refusal") or ""),
        )
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        raise ServerError(Fault.BROKEN, f"{named} sent no chat completion.") from None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


@asynccontextmanager
async def connect(address: Address) -> AsyncIterator[Server]:
    """The server at an address; nothing is asked yet. The SDK is loaded here, and retries nothing by itself."""
    openai = await asyncio.to_thread(
        import_module, "openai"
    )  # Most of a second, in which others have their turn.
    client = openai.AsyncOpenAI(
        base_url=address.base_url,
        api_key=address.key or "none",
        max_retries=0,
        timeout=address.time_out,
    )
    server = Server(address, client)
    try:
        yield server
    finally:
        await server.close()
