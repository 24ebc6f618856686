"""Slack client.

A call that is known not to have succeeded may be retried; otherwise the channel's history is searched.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.attempt import SendAttempt, tracked
from bot.chat.deadline import LongWaitError
from bot.chat.message import Message
from bot.chat.port import CANNOT_ASK, NoHistory, Outcome, Page, PostError, PostUpdate
from bot.platforms.slack.errors import (
    explain_error,
    is_ambiguous_error,
    is_channel_error,
    is_token_error,
    parse_error_response,
)
from bot.platforms.slack.post_update import apply_post_update
from bot.platforms.slack.render import render
from digests.model import Post
from digests.subscription import Channel, DigestStyle

EVENT_TYPE = "paperround_page"
"""The type of our message metadata; its payload holds the page's key."""

HISTORY_LENGTH = 200
"""Messages per history request. Slack returns at most 15 to apps sold outside its Marketplace
(https://docs.slack.dev/reference/methods/conversations.history)."""
HISTORY_PAGES = 10
"""More than that is not looked through: then nobody can say whether a page was posted."""


@dataclass(frozen=True, slots=True)
class SlackPlatform:
    """Implements `bot.chat.port.Platform`. The client itself retries only calls that a rate limit refused.

    A receipt is the `ts` of the message.
    """

    client: AsyncWebClient
    name: str = "slack"

    def render(self, message: Message, style: DigestStyle) -> Sequence[Page]:
        return render(message, style)

    async def post(self, channel: Channel, page: Page, *, key: str, thread: str | None) -> str:
        metadata = {"event_type": EVENT_TYPE, "event_payload": {"key": key}}
        answer = await self._call_api(
            "chat.postMessage",
            {"channel": channel.channel, **page.payload, "metadata": metadata}
            | ({"thread_ts": thread} if thread else {}),
        )
        if not answer.get("ts"):
            raise PostError("Slack did not say where the message is; it may have arrived.", Outcome.UNKNOWN)
        return str(answer["ts"])

    async def find(self, channel: Channel, *, key: str, since: datetime) -> str | NoHistory | None:
        """Search the channel's messages, newest first, and the app's newest thread among them.

        The newest `HISTORY_LENGTH` messages are searched regardless of `since`, because the clock behind it
        may be wrong.
        """
        query = {"channel": channel.channel, "limit": HISTORY_LENGTH, "include_all_metadata": True}
        cursor = ""
        try:
            for _ in range(HISTORY_PAGES):
                page = await self._call_api("conversations.history", {**query, "cursor": cursor})
                messages, cursor = _read_messages(page)
                found = _find_by_key(messages, key) or await self._find_in_thread(messages, query, key)
                is_enough = bool(messages) and float(messages[-1]["ts"]) < since.timestamp()
                if found or is_enough or not cursor:
                    return found
        except PostError as error:
            if _code_of(error.__cause__) == "missing_scope":
                return CANNOT_ASK
            raise
        return CANNOT_ASK

    async def _find_in_thread(
        self, messages: Sequence[Mapping[str, Any]], query: Mapping[str, Any], key: str
    ) -> str | NoHistory | None:
        for parent in messages:
            if parent.get("reply_count") and _key_of(parent):
                return await self._find_reply(parent["ts"], query, key)
        return None

    async def _find_reply(self, parent: str, query: Mapping[str, Any], key: str) -> str | NoHistory | None:
        """Search the replies of a thread for `key`. Slack returns the oldest replies first."""
        cursor = ""
        for _ in range(HISTORY_PAGES):
            page = await self._call_api("conversations.replies", {**query, "ts": parent, "cursor": cursor})
            replies, cursor = _read_messages(page)
            found = _find_by_key(replies, key)
            if found or not cursor:
                return found
        return CANNOT_ASK

    async def edit(self, channel: Channel, receipt: str, page: Page) -> None:
        await self._update_message(channel, receipt, page.payload)

    async def refresh(self, post: Post, update: PostUpdate) -> None:
        await self._update_message(post.channel, post.message_id, apply_post_update(post.payload, update))

    async def _update_message(self, channel: Channel, message: str, payload: Mapping[str, Any]) -> None:
        """Update a message.

        Its metadata, which identifies the page, stays: Slack replaces only the fields it is given.
        """
        changes = {"text": payload["text"], "blocks": payload["blocks"]}
        await self._call_api("chat.update", {"channel": channel.channel, "ts": message, **changes})

    async def send_direct_message(self, channel: Channel, person: str, message: Message) -> None:
        """Send a direct message.

        A user id in place of a channel id opens the conversation; `chat:write` is sufficient.
        """
        for page in render(message, DigestStyle.COMPACT):
            await self._call_api("chat.postMessage", {"channel": person, **page.payload})

    async def _call_api(self, method: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        with tracked() as attempt:
            try:
                answer = await self.client.api_call(method, json=dict(arguments))
            except SlackApiError as error:
                raise _error_of_refusal(error, arguments, attempt) from error
            except LongWaitError as error:
                raise PostError(
                    f"Slack asks to wait {error.seconds:.0f} seconds: too many messages in a short time.",
                    attempt.resolve_outcome(Outcome.NOT_POSTED),
                ) from error
            except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
                raise PostError(
                    f"Slack could not be reached: {error}.", attempt.resolve_outcome(Outcome.NOT_POSTED)
                ) from error
            except _LOST_ERRORS as error:
                raise _error_of_lost_answer(type(error).__name__, attempt) from error
            if not isinstance(answer.data, dict):
                raise _error_of_lost_answer("not JSON", attempt)
            return answer.data


_LOST_ERRORS = (
    aiohttp.ClientError,
    SlackClientError,
    TimeoutError,
    OSError,
    ValueError,
    AttributeError,
    TypeError,
)
"""The last two: slack_sdk takes whatever is JSON for an object."""


def _error_of_lost_answer(cause: str, attempt: SendAttempt) -> PostError:
    if attempt.may_have_arrived:
        return PostError(f"Slack's answer was lost ({cause}); it may have arrived.", Outcome.UNKNOWN)
    return PostError(f"Slack did not answer ({cause}).", Outcome.NOT_POSTED)


def _read_messages(page: Mapping[str, Any]) -> tuple[Sequence[Mapping[str, Any]], str]:
    """Return the messages of a response and the cursor of the next page.

    Raises PostError if the response has no messages.
    """
    messages = page.get("messages")
    if not isinstance(messages, list):
        raise PostError("Slack did not say which messages are there.", Outcome.UNKNOWN)
    return messages, (page.get("response_metadata") or {}).get("next_cursor", "")


def _key_of(message: Mapping[str, Any]) -> str:
    metadata = message.get("metadata") or {}
    ours = metadata.get("event_type") == EVENT_TYPE
    return str((metadata.get("event_payload") or {}).get("key", "")) if ours else ""


def _find_by_key(messages: Sequence[Mapping[str, Any]], key: str) -> str | None:
    return next((str(message["ts"]) for message in messages if _key_of(message) == key), None)


def _code_of(error: BaseException | None) -> str:
    """Return Slack's error code, or "" if the response is not in Slack's format."""
    return (
        str(parse_error_response(error.response).get("error", "")) if isinstance(error, SlackApiError) else ""
    )


def _error_of_refusal(error: SlackApiError, arguments: Mapping[str, Any], attempt: SendAttempt) -> PostError:
    """Return the PostError for an error response of Slack."""
    status, answer, code = (
        getattr(error.response, "status_code", 0),
        parse_error_response(error.response),
        _code_of(error),
    )
    is_limit = status == 429 or code in ("ratelimited", "rate_limited")
    if not is_limit and (not code or status >= 500 or is_ambiguous_error(code)):
        return PostError(
            f"Slack failed ({code or status or 'unreadable'}); it may have arrived.", Outcome.UNKNOWN
        )
    attempt.mark_refused()
    if is_limit:
        sentence = "Slack asks to wait: too many messages in a short time."
        return PostError(sentence, attempt.resolve_outcome(Outcome.NOT_POSTED))
    sentence = explain_error(
        code, needed=str(answer.get("needed", "")), channel=str(arguments.get("channel", ""))
    )
    if is_channel_error(code):
        return PostError(sentence, attempt.resolve_outcome(Outcome.GONE))
    if is_token_error(code) or code == "missing_scope":
        return PostError(sentence, attempt.resolve_outcome(Outcome.NOT_POSTED))
    details = "; ".join(map(str, (answer.get("response_metadata") or {}).get("messages", [])))
    return PostError(f"{sentence} {details}".strip(), attempt.resolve_outcome(Outcome.REFUSED))
