"""Listeners for the app's home page in Slack."""

from dataclasses import dataclass

from bot.conversation.fair_use import Use
from bot.platforms.slack.listeners.requests import Ack, Payload, RequestListeners
from bot.platforms.slack.views import build_home_view
from bot.platforms.slack.workspaces import SlackWorkspace
from bot.storage import run_interactive
from digests.subscription import Subscription


@dataclass(frozen=True, slots=True)
class HomeListeners(RequestListeners):
    """Shows the home page, and looks up what is typed there."""

    async def on_home(self, event: Payload, workspace: SlackWorkspace) -> None:
        if event.get("tab") != "home":
            return
        async with self._handle_request(workspace):
            home = self._channel_from_id("", workspace)
            self.dispatcher.fair_use.take_token(Use.LOOK_UP, home, event["user"])
            person = await workspace.profiles.fetch_person(event["user"])
            message = await run_interactive(
                self.answers.queue.show_home, self.platform.name, workspace.team_id, person
            )
            summary = await run_interactive(self.answers.operator.show_summary, home, person)
            subscriptions = await self._list_subscriptions(workspace, event["user"])
            view = build_home_view(message, subscriptions, self.settings.digest_command, summary)
            await workspace.client.views_publish(user_id=event["user"], view=view)

    async def _list_subscriptions(self, workspace: SlackWorkspace, user: str) -> list[Subscription]:
        """Return the digests of a workspace's channels, and the person's own in direct messages.

        A channel of the settings that names no workspace is in the only one.
        """
        listed = await run_interactive(self.answers.store.subscriptions.list_active)
        is_only = len(await self.platform.workspaces.list_team_ids()) == 1
        own = {workspace.team_id, ""} if is_only else {workspace.team_id}
        return [
            subscription
            for subscription in listed
            if subscription.channel.platform == self.platform.name
            and (not subscription.channel.is_direct or subscription.owner_id == user)
            and subscription.channel.workspace in own
        ]

    async def on_look_up(self, ack: Ack, body: Payload, action: Payload, workspace: SlackWorkspace) -> None:
        await self._acknowledge_first(ack)
        home, user = self._channel_from_id("", workspace), body["user"]["id"]
        async with self._handle_request(workspace, "", None, user, body) as respond:
            await self.dispatcher.lookups.look_up_paper(str(action.get("value") or ""), home, user, respond)
