"""Listener for the entry in a message's menu that keeps the message as a note."""

from dataclasses import dataclass

from bot.conversation.context import Person
from bot.conversation.notes import PersonsMessage
from bot.platforms.slack.listeners.requests import (
    MAX_EVENT_CHARACTERS,
    MENTION,
    Ack,
    Payload,
    RequestListeners,
)
from bot.platforms.slack.workspaces import SlackWorkspace
from digests.ports.people import SOMEBODY


@dataclass(frozen=True, slots=True)
class NoteListeners(RequestListeners):
    """Keeps messages as notes about papers."""

    async def on_note_shortcut(self, ack: Ack, body: Payload, workspace: SlackWorkspace) -> None:
        """Keep the message of a menu as a note about the paper of its thread, or of its text."""
        await self._acknowledge_first(ack)
        user, message = body["user"], body["message"]
        channel = self._channel_from_id(body["channel"]["id"], workspace)
        response_url, team = body.get("response_url", ""), str(user.get("team_id") or "")
        async with self._handle_request(workspace, response_url, channel, user["id"]) as respond:
            receipt, above = str(message.get("ts", "")), str(message.get("thread_ts") or "")
            is_of_bot = message.get("bot_id") or message.get("user") == workspace.bot_user
            kept = PersonsMessage(
                channel,
                receipt,
                [above] if above != receipt else [],
                "" if is_of_bot else str(message.get("user") or ""),
                MENTION.sub(SOMEBODY, str(message.get("text") or "")[:MAX_EVENT_CHARACTERS]),
            )

            async def fetch_person() -> Person:
                return await self._fetch_own_person(user["id"], team, workspace)

            trigger = str(body.get("trigger_id") or "")
            await self.dispatcher.keep_message(kept, user["id"], trigger, fetch_person, respond)
