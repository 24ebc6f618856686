"""Listener for the buttons on Slack's messages."""

from dataclasses import dataclass

from bot.chat.message import ButtonAction
from bot.conversation.context import Person
from bot.platforms.clicks import Click
from bot.platforms.slack.blocks import read_action
from bot.platforms.slack.listeners.paper_forms import PaperFormListeners
from bot.platforms.slack.listeners.requests import Ack, Payload, RequestListeners
from bot.platforms.slack.membership import require_writable_channel
from bot.platforms.slack.workspaces import SlackWorkspace


@dataclass(frozen=True, slots=True)
class ButtonListeners(RequestListeners):
    """Passes clicks on buttons on to the dispatcher. Some of them open a form."""

    paper_forms: PaperFormListeners

    async def on_button(self, ack: Ack, body: Payload, action: Payload, workspace: SlackWorkspace) -> None:
        await self._acknowledge_first(ack)
        action_name, value = read_action(
            str(action.get("action_id", "")),
            str(action.get("value") or (action.get("selected_option") or {}).get("value") or ""),
        )
        channel_id = (body.get("channel") or {}).get("id", "")
        channel = self._channel_from_id(channel_id, workspace)
        user = body["user"]["id"]
        async with self._handle_request(
            workspace, body.get("response_url", ""), channel, user, body
        ) as respond:
            if action_name == ButtonAction.REPORT:
                await self.paper_forms.open_report(value, channel, user, body, workspace)
                return
            if action_name == ButtonAction.ASK:
                await self.paper_forms.open_question(value, channel, user, body, workspace)
                return
            team = str(body["user"].get("team_id") or "")

            async def fetch_person() -> Person:
                person = await self._fetch_own_person(user, team, workspace)
                if action_name == ButtonAction.SHARE:
                    await require_writable_channel(channel, user, workspace)
                return person

            async def is_own_person() -> bool:
                profile = await workspace.profiles.fetch_profile(user)
                return workspace.team_id in (profile.team_ids or {team})

            trigger = str(body.get("trigger_id") or "")
            await self.dispatcher.clicks.handle_click(
                Click(action_name, value, channel, user, trigger, fetch_person, is_own_person), respond
            )
