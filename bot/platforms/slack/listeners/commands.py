"""Listeners for /paper and /digest in Slack."""

import logging
from dataclasses import dataclass

from slack_sdk.errors import SlackApiError

from bot.conversation.command_words import parse_digest_command
from bot.conversation.commands import (
    AddDigest,
    ChangeDigest,
    ExportPerson,
    ForgetPerson,
    Meet,
    ResumeDigest,
    ShowDigestHelp,
    ShowQueue,
    ShowSettings,
    ShowToday,
    ShowTopPapers,
    SubscribeChannel,
)
from bot.conversation.context import Person
from bot.conversation.meeting_form import FORM_WORDS
from bot.platforms.slack.listeners.digest_forms import DigestFormListeners
from bot.platforms.slack.listeners.meeting_forms import MeetingFormListeners
from bot.platforms.slack.listeners.requests import Ack, Payload, RequestListeners, require_own_person
from bot.platforms.slack.membership import require_app_in_channel
from bot.platforms.slack.workspaces import SlackWorkspace

log = logging.getLogger(__name__)

FOREIGN_READER = "Only people of the workspace that Paperround belongs to may see what it wants to discuss."

LookUpCommand = ShowToday | ShowTopPapers | ShowQueue | ForgetPerson | ExportPerson | ShowDigestHelp
"""Commands that change nothing here. Only people of the workspace get its queue, partners get the others."""


@dataclass(frozen=True, slots=True)
class CommandListeners(RequestListeners):
    """Runs the commands that people type. Some of them open a form."""

    digest_forms: DigestFormListeners
    meeting_forms: MeetingFormListeners

    async def on_paper(self, ack: Ack, command: Payload, workspace: SlackWorkspace) -> None:
        await self._acknowledge_first(ack)
        channel, user = self._channel_from_id(command["channel_id"], workspace), command["user_id"]
        async with self._handle_request(workspace, command["response_url"]) as respond:

            async def is_own_person() -> bool:
                profile = await workspace.profiles.fetch_profile(user)
                return workspace.team_id in profile.team_ids

            text = command.get("text", "")
            await self.dispatcher.lookups.look_up_paper(
                text, channel, user, respond, is_own_person=is_own_person
            )

    async def on_digest(self, ack: Ack, command: Payload, workspace: SlackWorkspace) -> None:
        await self._acknowledge_first(ack)
        requester = str(command["user_id"])
        async with self._handle_request(workspace, command["response_url"], user=requester) as respond:
            channel = self._channel_from_id(command["channel_id"], workspace)
            user, text = command["user_id"], command.get("text", "")
            parsed = parse_digest_command(text, self.settings.digest_command)

            async def fetch_person() -> Person:
                if isinstance(parsed, LookUpCommand):
                    profile = await workspace.profiles.fetch_profile(user)
                    if isinstance(parsed, ShowQueue):
                        require_own_person(profile, "", workspace, FOREIGN_READER)
                    return profile.person
                person = await self._fetch_own_person(user, "", workspace)
                if isinstance(
                    parsed, SubscribeChannel | AddDigest | ChangeDigest | ShowSettings | ResumeDigest
                ):
                    await require_app_in_channel(channel, workspace)
                return person

            if isinstance(parsed, Meet) and parsed.words.lower() in FORM_WORDS:
                await self.meeting_forms.open_meeting_form(channel, command, workspace, fetch_person)
                return
            trigger = str(command.get("trigger_id") or "")
            reply = await self.dispatcher.run_digest_command(text, channel, user, trigger, fetch_person)
            if reply.form:
                label = "" if channel.is_direct else command.get("channel_name", "")
                note = reply.message.summary
                view = await self.digest_forms.build_form(
                    reply.form, note, channel, user, workspace, label=label
                )
                try:
                    await workspace.client.views_open(trigger_id=command["trigger_id"], view=view)
                    return
                except SlackApiError as error:
                    log.warning("a form could not be opened: %s", error)
            await self.dispatcher.replies.send_reply(reply, channel, user, respond)
