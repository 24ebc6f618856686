"""Listeners for the form of meetings in Slack."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.conversation.context import Person, Reply
from bot.conversation.subscription_form import FormError
from bot.platforms.responses import log_unexpected_error
from bot.platforms.slack.form_signature import sign_form
from bot.platforms.slack.forms import ERROR_CHARACTERS, build_field_errors
from bot.platforms.slack.listeners.requests import CHECK_SECONDS, SLOW_SLACK, Ack, Payload, RequestListeners
from bot.platforms.slack.meetings import FIRST_MEETING_FIELD, build_meeting_view, read_meeting_form
from bot.platforms.slack.membership import require_person_in_channel
from bot.platforms.slack.workspaces import SlackWorkspace
from digests.errors import PaperroundError
from digests.subscription import Channel
from digests.text import clip_text


@dataclass(frozen=True, slots=True)
class MeetingFormListeners(RequestListeners):
    """Opens and saves the form of a channel's meetings."""

    async def open_meeting_form(
        self,
        channel: Channel,
        command: Payload,
        workspace: SlackWorkspace,
        fetch_person: Callable[[], Awaitable[Person]],
    ) -> None:
        """Open the modal of a channel's meetings for the person who gave a command."""
        user = str(command["user_id"])
        form = await self.dispatcher.open_meeting_form(channel, user, fetch_person)
        signature = sign_form(workspace.token, workspace.team_id, user, channel.channel)
        view = build_meeting_view(
            form,
            channel_id=channel.channel,
            channel_name=str(command.get("channel_name") or ""),
            signature=signature,
        )
        await workspace.client.views_open(trigger_id=command["trigger_id"], view=view)

    async def on_meeting_form(self, ack: Ack, body: Payload, workspace: SlackWorkspace) -> None:
        """Save a submitted plan of meetings, and announce it. Errors stand at their fields."""
        user = str(body["user"]["id"])
        try:
            channel, reply = await self._save_meeting_form(body, workspace)
        except FormError as error:
            problems = build_field_errors(error)
        except PaperroundError as error:
            problems = {FIRST_MEETING_FIELD: clip_text(str(error), ERROR_CHARACTERS)}
        except TimeoutError:
            problems = {FIRST_MEETING_FIELD: SLOW_SLACK}
        except Exception:
            problems = {FIRST_MEETING_FIELD: log_unexpected_error()}
        else:
            await ack()
            async with self._handle_request(workspace, "", channel, user) as respond:
                await self.dispatcher.replies.send_reply(reply, channel, user, respond)
            return
        await ack(response_action="errors", errors=problems)

    async def _save_meeting_form(self, body: Payload, workspace: SlackWorkspace) -> tuple[Channel, Reply]:
        """Save a submitted plan of meetings, and return its channel with the reply.

        Raises as `_save_form` does.
        """
        user, view = str(body["user"]["id"]), body["view"]
        metadata, form = self._read_signed_metadata(view, user, workspace), read_meeting_form(view)
        channel, team = (
            self._channel_from_id(metadata.channel, workspace),
            str(body["user"].get("team_id") or ""),
        )

        async def fetch_person() -> Person:
            async with asyncio.timeout(CHECK_SECONDS):
                await require_person_in_channel(channel, user, workspace)
                return await self._fetch_own_person(user, team, workspace)

        trigger = str(body.get("trigger_id") or "")
        return channel, await self.dispatcher.save_meeting_form(form, channel, user, trigger, fetch_person)
