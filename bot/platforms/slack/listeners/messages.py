"""Listeners for messages to the app in Slack: mentions, questions in threads, direct messages."""

from dataclasses import dataclass

from bot.chat.message import Message
from bot.platforms.responses import explain_errors
from bot.platforms.slack.listeners.requests import MAX_EVENT_CHARACTERS, MENTION, Payload, RequestListeners
from bot.platforms.slack.replies import ReplySender
from bot.platforms.slack.workspaces import SlackWorkspace
from bot.present.lookup import remove_share_button


@dataclass(frozen=True, slots=True)
class MessageListeners(RequestListeners):
    """Answers messages that people write."""

    async def on_mention(self, event: Payload, body: Payload, workspace: SlackWorkspace) -> None:
        async with self._handle_request(workspace):
            channel = self._channel_from_id(event["channel"], workspace)
            words = MENTION.sub(" ", str(event.get("text", ""))[:MAX_EVENT_CHARACTERS])

            async def respond(message: Message, *, replace: bool = False) -> None:
                await ReplySender(workspace.client).post_ephemeral(
                    channel, event["user"], message, thread=event.get("thread_ts")
                )

            event_id, above = str(body.get("event_id", "")), str(event.get("thread_ts") or "")
            await self.dispatcher.lookups.answer_mention(
                words, channel, event["user"], event_id, respond, [above]
            )

    async def on_message(self, event: Payload, body: Payload, workspace: SlackWorkspace) -> None:
        """Handle a message that a person wrote to the app, or in a thread of a channel."""
        is_of_bot = event.get("bot_id") or event.get("user") in (None, "", workspace.bot_user)
        if is_of_bot or event.get("subtype") not in (None, "thread_broadcast"):
            return
        if event.get("channel_type") == "im":
            await self._on_direct_message(event, body, workspace)
        elif event.get("thread_ts") not in (None, event.get("ts")):
            await self._on_thread_message(event, workspace)

    async def _on_thread_message(self, event: Payload, workspace: SlackWorkspace) -> None:
        """Answer a question in a thread below one of our cards, to the person alone.

        A message with a mention is for those whom it names; one of the app is an event of its own.
        """
        text = str(event.get("text", ""))[:MAX_EVENT_CHARACTERS]
        if "<@" in text or "<!" in text:
            return
        async with self._handle_request(workspace):
            channel = self._channel_from_id(str(event["channel"]), workspace)
            user, thread = str(event["user"]), str(event["thread_ts"])

            async def respond(message: Message, *, replace: bool = False) -> None:
                await ReplySender(workspace.client).post_ephemeral(channel, user, message, thread=thread)

            message_id = f"slack message {channel} {event.get('ts')}"
            await self.dispatcher.lookups.answer_in_thread(text, channel, user, message_id, respond, thread)

    async def _on_direct_message(self, event: Payload, body: Payload, workspace: SlackWorkspace) -> None:
        """Look up the text of a direct message as /paper does, without the workspace's marks and digests.

        A number is that of the person's own digest.
        """
        async with self._handle_request(workspace):
            if not await self._is_new_event(body):
                return
            direct = self._channel_from_id(str(event["channel"]), workspace)

            async def respond(message: Message, *, replace: bool = False) -> None:
                await ReplySender(workspace.client).post_message(direct, remove_share_button(message))

            async with explain_errors(respond):
                text = MENTION.sub(" ", str(event.get("text", ""))[:MAX_EVENT_CHARACTERS])
                place = direct if direct.is_direct else self._channel_from_id("", workspace)
                above = [str(event.get("thread_ts") or "")]
                await self.dispatcher.lookups.look_up_paper(text, place, event["user"], respond, above)
