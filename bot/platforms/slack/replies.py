"""Replies that one person alone sees: at a request's response_url, in the channel, or in a window."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.chat.message import Message, Text
from bot.platforms.responses import choose_reply_style
from bot.platforms.slack.files import UPLOAD_ERRORS, describe_upload_error, send_file_to_person
from bot.platforms.slack.render import render
from bot.platforms.slack.reports import replace_feedback_buttons
from bot.platforms.slack.views import build_answer_window
from digests.subscription import Channel

log = logging.getLogger(__name__)

MAX_REPLY_PAGES = 4
"""Pages of a reply.

A response_url takes five messages; one is left for a later answer to the same request.
"""

FILE_TIMEOUT_SECONDS = 20.0
"""Longest time for sending a file. Then the answer comes without it."""


@dataclass(frozen=True, slots=True)
class ReplySender:
    """Sends messages that one person alone sees. Methods raise SlackApiError and errors of the network."""

    client: AsyncWebClient

    async def send_response(
        self, response_url: str, channel: Channel | None, user: str, message: Message, *, replace: bool
    ) -> None:
        """Send a message to a response_url; with `replace`, in place of the message that was clicked.

        Without a response_url, or if Slack refuses it, the message is posted in the channel for the person
        alone, with plain buttons. Without a channel and a person nothing is sent. A file goes to the person's
        direct messages with the app; where that fails, the message says what it can without it.
        """
        message = await self._hand_over_file(user, message)
        if not response_url:
            await self._post_as_fallback(channel, user, message)
            return
        for number, page in enumerate(render(message, choose_reply_style(message))[:MAX_REPLY_PAGES]):
            hook = AsyncWebhookClient(response_url, session=self.client.session, proxy=self.client.proxy)
            hook.proxy = self.client.proxy  # slack_sdk would take a proxy from the environment.
            answer = await hook.send(
                text=page.payload["text"],
                blocks=list(page.payload["blocks"]),
                response_type="ephemeral",
                replace_original=replace and number == 0,
            )
            if answer.status_code != 200:
                log.warning("an answer was not taken: %s %s", answer.status_code, answer.body[:200])
                await self._post_as_fallback(channel, user, message)
                return

    async def _hand_over_file(self, user: str, message: Message) -> Message:
        """Send the file of a message to a person, and return the message that says where it is.

        Returns the message without its file if it has none, or if Slack does not take it.
        """
        if not message.file or not user:
            return message.drop_file()
        try:
            async with asyncio.timeout(FILE_TIMEOUT_SECONDS):
                await send_file_to_person(self.client, message.file, user, message.summary)
        except (*UPLOAD_ERRORS, TimeoutError) as error:
            log.warning("the file %s was not sent: %s", message.file.name, describe_upload_error(error))
            return message.drop_file()
        note = Text(f"{message.file.name} is in your direct messages with me.", is_small_print=True)
        return replace(message.drop_file(), blocks=(*message.blocks, note))

    async def _post_as_fallback(self, channel: Channel | None, user: str, message: Message) -> None:
        if channel and channel.channel and user:
            await self.post_ephemeral(channel, user, message)

    async def post_ephemeral(
        self, channel: Channel, user: str, message: Message, thread: str | None = None
    ) -> None:
        """Post a message in a channel, or in a thread of it, that only this person sees."""
        message = await self._hand_over_file(user, message)
        for page in render(message, choose_reply_style(message)):
            arguments = {
                "channel": channel.channel,
                "user": user,
                "text": page.payload["text"],
                "blocks": replace_feedback_buttons(page.payload["blocks"]),
            }
            await self.client.api_call(
                "chat.postEphemeral", json=arguments | ({"thread_ts": thread} if thread else {})
            )

    async def post_message(self, channel: Channel, message: Message) -> None:
        """Post a message in a conversation with one person."""
        for page in render(message, choose_reply_style(message)):
            await self.client.api_call(
                "chat.postMessage",
                json={
                    "channel": channel.channel,
                    "text": page.payload["text"],
                    "blocks": replace_feedback_buttons(page.payload["blocks"]),
                },
            )

    async def open_window(self, request: Mapping[str, Any], message: Message) -> None:
        """Show a message in a modal, on top of the modal that the request came from, if it came from one.

        `request` is the body of an interaction, whose trigger_id Slack accepts for three seconds.
        """
        is_from_modal = (request.get("view") or {}).get("type") == "modal"
        show = self.client.views_push if is_from_modal else self.client.views_open
        await show(trigger_id=request["trigger_id"], view=build_answer_window(message.drop_file()))
