"""Listeners for marks in Slack: reactions, and the entry in a message's menu."""

from dataclasses import dataclass
from datetime import UTC, datetime

from bot.conversation.marks import AMBIGUOUS_REACTION
from bot.platforms.slack.listeners.requests import Ack, Payload, RequestListeners
from bot.platforms.slack.replies import ReplySender
from bot.platforms.slack.workspaces import SlackWorkspace
from bot.present.wording import present_sentence
from bot.storage import run_interactive
from digests.model import Post

KEYCAP_NAMES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "keycap_ten")
"""Slack's names of the keycap emojis 1 to 10, in order."""


@dataclass(frozen=True, slots=True)
class MarkListeners(RequestListeners):
    """Marks papers for discussion, and takes marks back."""

    async def on_shortcut(self, ack: Ack, body: Payload, workspace: SlackWorkspace) -> None:
        await self._acknowledge_first(ack)
        user, message = body["user"]["id"], body["message"]
        channel = self._channel_from_id(body["channel"]["id"], workspace)
        async with self._handle_request(workspace, body.get("response_url", ""), channel, user) as respond:
            receipt, text = str(message.get("ts", "")), str(message.get("text", ""))
            trigger = str(body.get("trigger_id") or "")
            await self.dispatcher.toggle_mark_on_message(channel, receipt, text, user, trigger, respond)

    async def on_reaction(self, event: Payload, body: Payload, workspace: SlackWorkspace) -> None:
        item, emoji, user = event.get("item") or {}, str(event.get("reaction", "")), event["user"]
        if item.get("type") != "message" or not self.dispatcher.emojis.may_be_mark(emoji):
            return
        async with self._handle_request(workspace):
            channel = self._channel_from_id(item["channel"], workspace)

            async def reconcile_marks() -> None:
                if post := await run_interactive(self.answers.store.posts.find, channel, item["ts"]):
                    await self.dispatcher.mark_handler.reconcile_post(post, self._fetch_reactions)

            if not self.dispatcher.takes_reaction(channel, item["ts"], user, reconcile_marks):
                return
            if not await self._is_new_event(body):
                return
            is_added, at = event["type"] == "reaction_added", _parse_timestamp(event["event_ts"])
            if not await self.dispatcher.mark_handler.apply_reaction(
                channel, item["ts"], emoji, user, is_added=is_added, at=at
            ):
                await ReplySender(workspace.client).post_ephemeral(
                    channel, user, present_sentence(AMBIGUOUS_REACTION)
                )

    async def catch_up(self) -> None:
        """Reconcile the marks of the newest posts with their reactions, after a time without a connection."""
        await self.dispatcher.mark_handler.reconcile_recent_posts(self._fetch_reactions)

    async def _fetch_reactions(self, post: Post) -> dict[str, frozenset[str]]:
        """Return the ids of the people by the name of their reaction.

        The app's own reactions are left out.
        """
        workspace = await self.platform.workspaces.find(post.channel.workspace)
        answer = await workspace.client.reactions_get(
            channel=post.channel.channel, timestamp=post.message_id, full=True
        )
        reactions = (answer.get("message") or {}).get("reactions", [])
        return {
            reaction["name"]: frozenset(reaction["users"]) - {workspace.bot_user} for reaction in reactions
        }


def _parse_timestamp(ts: str) -> datetime:
    """Convert a timestamp of Slack, such as "1700000000.000200", to a datetime in UTC."""
    return datetime.fromtimestamp(float(ts), UTC)
