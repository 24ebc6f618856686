"""Uploads of files to Slack, and the block that shows an uploaded picture.

A file has three steps: an address is asked for, the bytes are sent there, and the upload is completed. Only
then it is a file of the app, which nobody else sees unless it is shared with a conversation
(https://docs.slack.dev/messaging/working-with-files). Slack looks at a file for some seconds after that.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.platforms.slack.blocks import SlackBlock
from bot.platforms.slack.calls import FORM_TYPE, ApiResponse, call_api, encode_body
from bot.platforms.slack.errors import explain_error, parse_error_response
from bot.platforms.slack.sanitize import count_plain_units, escape_entities, tidy_lines
from digests.model import AttachedFile
from digests.text import clip_text

ALT_UNITS = 2000
"""Units of the text for those who do not see a picture."""


UPLOAD_ERRORS = (SlackApiError, aiohttp.ClientError, OSError, ValueError)
"""Errors of an upload. ValueError is an answer that cannot be read."""


async def upload_file(client: AsyncWebClient, file: AttachedFile) -> str:
    """Upload a file that nobody but the app sees, and return its id. Raises one of `UPLOAD_ERRORS`.

    Nothing is repeated but calls that a rate limit refused.
    """
    file_id = await _send_file(client, file)
    await _complete_upload(client, file_id, file.name)
    return file_id


async def send_file_to_person(client: AsyncWebClient, file: AttachedFile, person: str, text: str) -> None:
    """Upload a file to a person's direct messages with the app, below a message with the text.

    Nobody else sees it there. A user id in place of a channel id opens the conversation, and needs no scope
    but `chat:write`. Nothing is posted if the file cannot be uploaded. Raises one of `UPLOAD_ERRORS`.
    """
    file_id = await _send_file(client, file)
    notice = {
        "channel": person,
        "text": escape_entities(text),
        "unfurl_links": False,
        "unfurl_media": False,
    }
    posted = await call_api(client, "chat.postMessage", encode_body(notice))
    conversation = posted.get("channel")
    if not isinstance(conversation, str) or not conversation:
        raise ValueError("no conversation for the file")
    await _complete_upload(client, file_id, file.name, conversation=conversation)


async def _send_file(client: AsyncWebClient, file: AttachedFile) -> str:
    size = {"filename": file.name, "length": len(file.content)}
    # This method is known to take a form, as Slack's own libraries send it.
    granted = await call_api(
        client, "files.getUploadURLExternal", urlencode(size).encode(), content_type=FORM_TYPE
    )
    file_id, address = granted.get("file_id"), granted.get("upload_url")
    if not isinstance(file_id, str) or not isinstance(address, str):
        raise ValueError("no address for the upload")
    await _send_bytes(client, address, file.content)
    return file_id


async def _complete_upload(
    client: AsyncWebClient, file_id: str, name: str, *, conversation: str = ""
) -> None:
    completion: dict[str, Any] = {"files": [{"id": file_id, "title": name}]}
    completion |= {"channel_id": conversation} if conversation else {}
    await call_api(client, "files.completeUploadExternal", encode_body(completion))


async def _send_bytes(client: AsyncWebClient, address: str, content: bytes) -> None:
    """Send the bytes to an address that Slack gave. It is secret and serves once: the token is not sent."""
    if client.session is None:
        raise ValueError("the client has no session")
    headers = {"Content-Type": "application/octet-stream"}
    async with client.session.post(
        address, data=content, headers=headers, proxy=client.proxy, allow_redirects=False
    ) as response:
        await response.read()
    if response.status != 200:
        raise SlackApiError("The upload failed.", ApiResponse(response.status, {}))  # type: ignore[no-untyped-call]


def append_picture(payload: Mapping[str, Any], file_id: str, alt_text: str) -> dict[str, Any]:
    """Return a message's payload with an uploaded picture as its last block."""
    text = clip_text(tidy_lines(alt_text), ALT_UNITS, cost=count_plain_units)
    picture: SlackBlock = {"type": "image", "slack_file": {"id": file_id}, "alt_text": text}
    return {**payload, "blocks": [*payload["blocks"], picture]}


def has_picture(payload: Mapping[str, Any]) -> bool:
    """Return True if a message shows an uploaded picture."""
    return any(block.get("type") == "image" and "slack_file" in block for block in payload["blocks"])


def describe_upload_error(error: BaseException) -> str:
    """Return what is known about a failed upload, for the log."""
    if isinstance(error, SlackApiError):
        answer = parse_error_response(error.response)
        return explain_error(str(answer.get("error", "")), needed=str(answer.get("needed", "")))
    return f"{type(error).__name__}: {error}"[:200]
