"""Calls of Slack's web API whose body is encoded already, and payloads that are encoded once.

slack_sdk encodes the body of every call, and describes it for a debug log that is off. For one digest in many
channels that takes longer than to send it.
"""

import asyncio
import json
import random
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from yarl import URL

from bot.chat.deadline import TOO_MANY_REQUESTS, parse_seconds
from bot.platforms.slack.blocks import drop_containers
from bot.platforms.slack.session import RATE_LIMIT_RETRIES

MAX_RETRY_WAIT_SECONDS = 60.0
"""Longest wait after a rate limit. A call that belongs to a page is bounded by the page's deadline too."""

MAX_ENCODED_PAYLOADS = 64
"""Encoded payloads in memory. Each takes some ten kilobytes."""


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """An answer of Slack: its status and its JSON object, {} if it has none."""

    status_code: int
    data: Mapping[str, Any]


JSON_TYPE, FORM_TYPE = "application/json;charset=utf-8", "application/x-www-form-urlencoded"


async def call_api(
    client: AsyncWebClient, method: str, body: bytes, *, content_type: str = JSON_TYPE
) -> Mapping[str, Any]:
    """Call a method with an encoded body, over the session and with the token of a client.

    Returns the answer.

    A call that a rate limit refused is repeated after the wait that Slack asks for, `RATE_LIMIT_RETRIES`
    times at most, unless that is too long. Nothing else is repeated. Raises SlackApiError, with an
    `ApiResponse`, for an answer that is no success, ValueError for one that cannot be read, and the errors of
    aiohttp.
    """
    if client.session is None:
        raise ValueError("the client has no session")
    url, headers = _build_url(client.base_url, method), _build_headers(client, content_type)
    for retries_left in range(RATE_LIMIT_RETRIES, -1, -1):
        async with client.session.post(url, data=body, headers=headers, proxy=client.proxy) as response:
            text = await response.read()
        wait = parse_seconds(response.headers.get("Retry-After", "1"))
        if response.status != TOO_MANY_REQUESTS or not retries_left or wait > MAX_RETRY_WAIT_SECONDS:
            break
        # The jitter of slack_sdk: calls that were refused together are not repeated together.
        await asyncio.sleep(wait + random.random())  # noqa: S311
    answer = _decode_answer(text)
    if response.status == 200 and answer is None:
        raise ValueError("not a JSON object")
    if response.status != 200 or not answer or not answer.get("ok"):
        refusal = ApiResponse(response.status, answer or {})
        raise SlackApiError(f"{method} failed.", refusal)  # type: ignore[no-untyped-call]
    return answer


@lru_cache(maxsize=64)
def _build_url(base_url: str, method: str) -> URL:
    return URL(f"{base_url.rstrip('/')}/{method}")


def _build_headers(client: AsyncWebClient, content_type: str) -> dict[str, str]:
    headers = {**client.headers, "Content-Type": content_type}
    return {**headers, "Authorization": f"Bearer {client.token}"} if client.token else headers


def _decode_answer(text: bytes) -> dict[str, Any] | None:
    """Return the JSON object of an answer; None if it is something else."""
    try:
        answer = json.loads(text)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


@dataclass(frozen=True, slots=True)
class EncodedPayload:
    """The payload of a message as a JSON object, also without its containers.

    Both are equal if it has no containers.
    """

    full: bytes
    plain: bytes


def encode_payload(payload: Mapping[str, Any]) -> EncodedPayload:
    """Encode a payload that has at least its blocks."""
    plain_blocks = drop_containers(payload["blocks"])
    full = json.dumps(dict(payload)).encode()
    if len(plain_blocks) == len(payload["blocks"]):
        return EncodedPayload(full, full)
    return EncodedPayload(full, json.dumps({**payload, "blocks": plain_blocks}).encode())


def encode_body(arguments: Mapping[str, Any], payload: bytes = b"") -> bytes:
    """Encode the arguments of a call as one JSON object with the fields of an encoded payload.

    There is at least one argument, and an encoded payload has at least one field.
    """
    encoded = json.dumps(dict(arguments)).encode()
    return b"%s, %s" % (encoded[:-1], payload[1:]) if payload else encoded


@dataclass(slots=True)
class PayloadCache:
    """Encoded payloads by the identity of the payload: channels with equal digests share one.

    Payloads never change. Beyond `MAX_ENCODED_PAYLOADS` the least recently used one is dropped.
    """

    _entries: OrderedDict[int, tuple[Mapping[str, Any], EncodedPayload]] = field(default_factory=OrderedDict)

    def encode(self, payload: Mapping[str, Any]) -> EncodedPayload:
        """Return the encoded payload, from the cache if this very payload was encoded before."""
        entry = self._entries.get(id(payload))
        if entry is None:  # The entry keeps its payload, so that no other one gets its identity.
            entry = self._entries[id(payload)] = payload, encode_payload(payload)
        self._entries.move_to_end(id(payload))
        while len(self._entries) > MAX_ENCODED_PAYLOADS:
            self._entries.popitem(last=False)
        return entry[1]
