"""The Slack platform: posts, finds and edits messages through Slack's web API.

Each page carries its idempotency key in the message's metadata. So a page whose post has an ambiguous outcome
can be found again in the channel's history.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError

from bot.chat.attempt import SendAttempt, tracked
from bot.chat.deadline import LongWaitError
from bot.chat.message import Message
from bot.chat.port import CANNOT_ASK, FileRefusedError, NoHistory, Outcome, Page, PostError, PostUpdate
from bot.platforms.slack.calls import EncodedPayload, PayloadCache, call_api, encode_body, encode_payload
from bot.platforms.slack.container_refusals import ContainerRefusals
from bot.platforms.slack.errors import (
    explain_error,
    is_ambiguous_error,
    is_block_error,
    is_channel_error,
    is_revoked_error,
    is_token_error,
    parse_error_response,
)
from bot.platforms.slack.files import append_picture, has_picture, upload_file
from bot.platforms.slack.post_update import apply_post_update
from bot.platforms.slack.render import omit_quotes, render
from bot.platforms.slack.workspaces import NotInstalledError, SlackWorkspace, WorkspaceFinder
from digests.errors import PaperroundError
from digests.model import Post
from digests.subscription import Channel, DigestStyle

EVENT_TYPE = "paperround_page"
"""The event_type of our messages' metadata. Its event_payload holds the page's idempotency key."""

HISTORY_LENGTH = 200
"""Messages that one history request asks for. Slack returns at most 15 to apps sold outside its Marketplace
(https://docs.slack.dev/reference/methods/conversations.history)."""
PICTURE_WAITS = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between the tries to post an uploaded picture. Slack completes uploads in the background
(https://github.com/slackapi/slack-github-action/issues/413), and the app may not ask when it is done."""

HISTORY_PAGES = 10
"""History requests of one search. If they are not enough, the result of the search is CANNOT_ASK."""


@dataclass(frozen=True, slots=True)
class SlackPlatform:
    """Implements `bot.chat.port.Platform`. A receipt is the message's `ts`.

    Each call is made with the client of the channel's workspace. Nothing is sent again but a call that a rate
    limit refused, and a message that a workspace refused because of its containers, without them.

    `with_quotes` is True if cards have the quotes that show their limitations.
    """

    workspaces: WorkspaceFinder
    refusals: ContainerRefusals = field(default_factory=ContainerRefusals)
    payloads: PayloadCache = field(default_factory=PayloadCache)
    with_quotes: bool = True
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    name: str = "slack"

    def render(self, message: Message, style: DigestStyle) -> Sequence[Page]:
        return render(message if self.with_quotes else omit_quotes(message), style)

    async def fit_pages(self, channel: Channel, pages: Sequence[Page]) -> Sequence[Page]:
        return pages

    async def upload_file(self, channel: Channel, page: Page) -> Page:
        if page.file is None:
            return page
        workspace = await self._find_workspace(channel)
        with _translate_errors({}, workspace):
            file_id = await upload_file(workspace.client, page.file)
        return replace(page, payload=append_picture(page.payload, file_id, page.file.alt_text), file=None)

    async def post(self, channel: Channel, page: Page, *, key: str, thread: str | None) -> str:
        metadata = {"event_type": EVENT_TYPE, "event_payload": {"key": key}}
        arguments = {"channel": channel.channel, "metadata": metadata} | (
            {"thread_ts": thread} if thread else {}
        )
        send = self._send_picture if has_picture(page.payload) else self._send_blocks
        answer = await send(channel, "chat.postMessage", arguments, self.payloads.encode(page.payload))
        if not answer.get("ts"):
            raise PostError("Slack did not say where the message is; it may have arrived.", Outcome.UNKNOWN)
        return str(answer["ts"])

    async def find(self, channel: Channel, *, key: str, since: datetime) -> str | NoHistory | None:
        """Return the receipt of the message with this key, None if there is none, or CANNOT_ASK.

        Searches the channel's messages from the newest back to `since`, with the app's newest thread among
        each `HISTORY_LENGTH` of them. The newest `HISTORY_LENGTH` are searched in any case, since the clock
        behind `since` may be wrong. CANNOT_ASK means that the app may not read the history, or that
        `HISTORY_PAGES` were not enough to reach back to `since`.
        """
        query = {"channel": channel.channel, "limit": HISTORY_LENGTH, "include_all_metadata": True}
        cursor = ""
        try:
            for _ in range(HISTORY_PAGES):
                page = await self._call_api(channel, "conversations.history", {**query, "cursor": cursor})
                messages, cursor = _read_messages(page)
                receipt = _find_by_key(messages, key) or await self._find_in_thread(
                    channel, messages, query, key
                )
                is_past_since = bool(messages) and float(messages[-1]["ts"]) < since.timestamp()
                if receipt or is_past_since or not cursor:
                    return receipt
        except PostError as error:
            if _code_of(error.__cause__) == "missing_scope":
                return CANNOT_ASK
            raise
        return CANNOT_ASK

    async def _find_in_thread(
        self, channel: Channel, messages: Sequence[Mapping[str, Any]], query: Mapping[str, Any], key: str
    ) -> str | NoHistory | None:
        """Search the newest thread that one of the app's pages among `messages` started."""
        for parent in messages:
            if parent.get("reply_count") and _key_of(parent):
                return await self._find_reply(channel, parent["ts"], query, key)
        return None

    async def _find_reply(
        self, channel: Channel, parent: str, query: Mapping[str, Any], key: str
    ) -> str | NoHistory | None:
        """Search the replies of a thread for `key`, oldest first.

        CANNOT_ASK if there are too many of them.
        """
        cursor = ""
        for _ in range(HISTORY_PAGES):
            page = await self._call_api(
                channel, "conversations.replies", {**query, "ts": parent, "cursor": cursor}
            )
            replies, cursor = _read_messages(page)
            receipt = _find_by_key(replies, key)
            if receipt or not cursor:
                return receipt
        return CANNOT_ASK

    async def edit(self, channel: Channel, receipt: str, page: Page, *, key: str) -> None:
        await self._update_message(channel, receipt, page.payload)

    async def refresh(self, post: Post, update: PostUpdate) -> None:
        await self._update_message(post.channel, post.message_id, apply_post_update(post.payload, update))

    async def _update_message(self, channel: Channel, message: str, payload: Mapping[str, Any]) -> None:
        """Replace the text and blocks of a message.

        Its metadata, which holds the page's key, stays: Slack replaces only the fields that it is given.
        """
        changes = encode_payload({"text": payload["text"], "blocks": payload["blocks"]})
        await self._send_blocks(channel, "chat.update", {"channel": channel.channel, "ts": message}, changes)

    async def _send_blocks(
        self, channel: Channel, method: str, arguments: Mapping[str, Any], payload: EncodedPayload
    ) -> Mapping[str, Any]:
        """Call a method that takes blocks, without containers where the workspace is known to refuse them.

        A workspace that refuses them now gets the message without them at once: such an answer means that
        nothing was done. It is recorded when that message was taken, which shows that they were the cause.
        The outbox keeps the page with its containers. Raises PostError.
        """
        if payload.plain == payload.full:
            return await self._call_api(channel, method, arguments, payload.full)
        team = (await self._find_workspace(channel)).team_id or channel.workspace
        if await self.refusals.is_refused(team):
            return await self._call_api(channel, method, arguments, payload.plain)
        try:
            return await self._call_api(channel, method, arguments, payload.full)
        except PostError as error:
            if not _is_refusal_of_blocks(error):
                raise
        answer = await self._call_api(channel, method, arguments, payload.plain)
        await self.refusals.record_refusal(team)
        return answer

    async def _send_picture(
        self, channel: Channel, method: str, arguments: Mapping[str, Any], payload: EncodedPayload
    ) -> Mapping[str, Any]:
        """Call a method with blocks that show a picture, which Slack may still be looking at.

        It refuses the blocks until it is done, and nothing happens then. Raises PostError; a FileRefusedError
        if it still refuses them after `PICTURE_WAITS`.
        """
        for wait in (*PICTURE_WAITS, None):
            try:
                return await self._send_blocks(channel, method, arguments, payload)
            except PostError as error:
                if not _is_refusal_of_blocks(error):
                    raise
                refusal = error
            if wait is not None:
                await self.sleep(wait)
        raise FileRefusedError("Slack did not take the uploaded picture.") from refusal

    async def send_direct_message(self, channel: Channel, person: str, message: Message) -> None:
        """Send a message to a person in the app's direct messages, in the workspace of `channel`.

        A long message becomes several posts, in order; if one fails, the posts before it stay. Not
        idempotent. A user id in place of a channel id opens the conversation, and needs no scope but
        `chat:write`. Raises PostError.
        """
        for page in render(message, DigestStyle.COMPACT):
            await self._call_api(channel, "chat.postMessage", {"channel": person, **page.payload})

    async def _call_api(
        self, channel: Channel, method: str, arguments: Mapping[str, Any], payload: bytes = b""
    ) -> Mapping[str, Any]:
        """Call a method of Slack in the channel's workspace and return its answer.

        The fields of an encoded payload are sent with the arguments. Raises PostError for every failure. Its
        outcome takes the current attempt's earlier requests into account.
        """
        workspace = await self._find_workspace(channel)
        with _translate_errors(arguments, workspace):
            try:
                return await call_api(workspace.client, method, encode_body(arguments, payload))
            except SlackApiError as error:
                if is_revoked_error(code := _code_of(error)):
                    await self.workspaces.record_revoked_token(workspace, code)
                raise

    async def _find_workspace(self, channel: Channel) -> SlackWorkspace:
        """Return the channel's workspace.

        Raises PostError: GONE if the app is not installed there any more, NOT_POSTED if that may pass.
        """
        try:
            return await self.workspaces.find(channel.workspace)
        except NotInstalledError as error:
            raise PostError(str(error), Outcome.GONE) from error
        except PaperroundError as error:
            raise PostError(str(error), Outcome.NOT_POSTED) from error


@contextmanager
def _translate_errors(arguments: Mapping[str, Any], workspace: SlackWorkspace) -> Iterator[None]:
    """Raise the errors of calls in the block as PostError, with the outcome of the current attempt."""
    with tracked() as attempt:
        try:
            yield
        except SlackApiError as error:
            raise _error_of_refusal(error, arguments, attempt, by_link=workspace.is_by_link) from error
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


_LOST_ERRORS = (aiohttp.ClientError, TimeoutError, OSError, ValueError)
"""Errors after which the answer is lost. ValueError is one that cannot be read."""


def _error_of_lost_answer(cause: str, attempt: SendAttempt) -> PostError:
    """Return the PostError for a call without an answer: UNKNOWN if a request was sent, else NOT_POSTED."""
    if attempt.may_have_arrived:
        return PostError(f"Slack's answer was lost ({cause}); it may have arrived.", Outcome.UNKNOWN)
    return PostError(f"Slack did not answer ({cause}).", Outcome.NOT_POSTED)


def _read_messages(page: Mapping[str, Any]) -> tuple[Sequence[Mapping[str, Any]], str]:
    """Return the messages of an answer, and the cursor of the next page, "" after the last one.

    Raises PostError if the answer has no list of messages.
    """
    messages = page.get("messages")
    if not isinstance(messages, list):
        raise PostError("Slack did not say which messages are there.", Outcome.UNKNOWN)
    return messages, (page.get("response_metadata") or {}).get("next_cursor", "")


def _key_of(message: Mapping[str, Any]) -> str:
    """Return the idempotency key in the message's metadata, or "" if the message is not a page of ours."""
    metadata = message.get("metadata") or {}
    is_page = metadata.get("event_type") == EVENT_TYPE
    return str((metadata.get("event_payload") or {}).get("key", "")) if is_page else ""


def _find_by_key(messages: Sequence[Mapping[str, Any]], key: str) -> str | None:
    return next((str(message["ts"]) for message in messages if _key_of(message) == key), None)


def _code_of(error: BaseException | None) -> str:
    """Return Slack's error code, or "" if the error is no answer in Slack's format."""
    return (
        str(parse_error_response(error.response).get("error", "")) if isinstance(error, SlackApiError) else ""
    )


def _is_refusal_of_blocks(error: PostError) -> bool:
    """Return True if Slack did nothing because it does not take the blocks."""
    return error.outcome is Outcome.REFUSED and is_block_error(_code_of(error.__cause__))


def _error_of_refusal(
    error: SlackApiError, arguments: Mapping[str, Any], attempt: SendAttempt, *, by_link: bool
) -> PostError:
    """Return the PostError for an error answer, with its outcome.

    UNKNOWN: Slack failed and may have posted. NOT_POSTED: a rate limit, a token or a missing scope. GONE: the
    channel takes no message. REFUSED: anything else, with Slack's details. Unless UNKNOWN, the attempt
    records a refusal; an earlier request that may have arrived still makes the outcome UNKNOWN.
    """
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
    needed, channel = str(answer.get("needed", "")), str(arguments.get("channel", ""))
    sentence = explain_error(code, needed=needed, channel=channel, by_link=by_link)
    if is_channel_error(code):
        return PostError(sentence, attempt.resolve_outcome(Outcome.GONE))
    if is_token_error(code) or code == "missing_scope":
        outcome = attempt.resolve_outcome(Outcome.NOT_POSTED)
        return PostError(sentence, outcome, is_access_lost=is_token_error(code))
    details = "; ".join(map(str, (answer.get("response_metadata") or {}).get("messages", [])))
    return PostError(f"{sentence} {details}".strip(), attempt.resolve_outcome(Outcome.REFUSED))
