"""Listeners for where the Slack app is: channels and workspaces that it joins and leaves."""

from dataclasses import dataclass
from datetime import UTC, datetime

from bot.conversation.announce import announce_message
from bot.platforms.slack.listeners.requests import Payload, RequestListeners
from bot.platforms.slack.workspaces import SlackWorkspace
from bot.present.help import present_greeting
from bot.storage import run_interactive
from digests.subscription import Channel


@dataclass(frozen=True, slots=True)
class PresenceListeners(RequestListeners):
    """Starts digests where the app comes, and stops them where it is removed."""

    async def on_bot_joined(self, event: Payload, body: Payload, workspace: SlackWorkspace) -> None:
        if event.get("user") != workspace.bot_user:
            return
        async with self._handle_request(workspace):
            channel = self._channel_from_id(event["channel"], workspace)
            if not await self._is_new_event(body):
                return
            if await self.dispatcher.start_digest(channel):
                return
            if not await run_interactive(self._has_digest, channel):
                greeting = present_greeting(self.settings.paper_command, self.settings.digest_command)
                await announce_message(greeting, channel, self.platform)

    def _has_digest(self, channel: Channel) -> bool:
        return bool(self.answers.store.subscriptions.list_of_channel(channel))

    async def on_channel_gone(self, event: Payload, body: Payload, workspace: SlackWorkspace) -> None:
        async with self._handle_request(workspace):
            if not await self._is_new_event(body):
                return
            channel = self._channel_from_id(_channel_id_of(event), workspace)
            reasons = {"archive": "the channel was archived.", "deleted": "the channel was deleted."}
            reason = reasons.get(
                str(event["type"]).partition("_")[2], "Paperround was removed from the channel."
            )
            list_of_channel = self.answers.store.subscriptions.list_of_channel
            await self.dispatcher.stop_subscriptions(await run_interactive(list_of_channel, channel), reason)

    async def on_channel_back(self, event: Payload, body: Payload, workspace: SlackWorkspace) -> None:
        async with self._handle_request(workspace):
            if not await self._is_new_event(body):
                return
            channel = self._channel_from_id(_channel_id_of(event), workspace)
            await self.dispatcher.start_digest(channel)

    async def on_app_removed(self, event: Payload, body: Payload) -> None:
        tokens = event.get("tokens")
        if tokens and not tokens.get("bot"):
            return  # A person's own token was revoked, and the app uses none.
        team_id = str(body.get("team_id") or body.get("enterprise_id") or "")
        at = datetime.fromtimestamp(int(body.get("event_time") or 0), UTC)
        if not await self.platform.workspaces.record_removal(team_id, str(event["type"]), at):
            return
        record = self.answers.store.workspaces.record_removal
        await self.dispatcher.tasks.run_logged(
            run_interactive(record, self.platform.name, [team_id] if team_id else [], now=self.clock())
        )

    async def on_team_access(self, event: Payload, body: Payload) -> None:
        """Follow the admins of an organization, who add the app to its workspaces and take it away."""
        organization = str(body.get("enterprise_id") or "")
        team_ids = [str(team) for team in event.get("team_ids") or ()]
        is_granted = event["type"] == "team_access_granted"
        await self.dispatcher.tasks.run_logged(
            self.platform.workspaces.record_team_access(organization, team_ids, is_granted)
        )

    async def record_presence(self) -> None:
        """Record that the app is in its workspaces: its tokens count. Errors are logged."""

        async def record() -> None:
            team_ids = await self.platform.workspaces.list_team_ids()
            await run_interactive(self.answers.store.workspaces.record_return, self.platform.name, team_ids)

        await self.dispatcher.tasks.run_logged(record())


def _channel_id_of(event: Payload) -> str:
    """Return the channel's id, which some events give alone and others within an object."""
    channel = event.get("channel", "")
    return str(channel.get("id", "")) if isinstance(channel, dict) else str(channel)
