"""Requests of Slack as its listeners get them: acknowledged, checked, and answered even if the work fails.

Slack waits three seconds for the acknowledgement of a request. A command or a click is acknowledged before
any work is done, a form after its fields are checked.
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.chat.message import Message
from bot.conversation.answers import Answers
from bot.conversation.context import Person
from bot.platforms.interaction import InteractionDispatcher
from bot.platforms.responses import Responder, explain_errors
from bot.platforms.slack.client import SlackPlatform
from bot.platforms.slack.form_signature import is_form_signed
from bot.platforms.slack.forms import STALE_FORM, FormMetadata, read_metadata
from bot.platforms.slack.membership import is_direct_message
from bot.platforms.slack.profiles import Profile
from bot.platforms.slack.replies import ReplySender
from bot.platforms.slack.settings import SlackSettings
from bot.platforms.slack.workspaces import SlackWorkspace
from bot.storage import run_interactive
from digests.errors import PaperroundError
from digests.subscription import Channel

log = logging.getLogger(__name__)

Payload = Mapping[str, Any]

Ack = Callable[..., Awaitable[None]]

MAX_EVENT_CHARACTERS = 4_000
"""Characters of a message that are read for a look-up."""

MENTION = re.compile("<@[A-Z0-9]{1,20}>")

ANY_NAME = re.compile(".*")
"""Pattern of all actions, forms and events."""

CHECK_SECONDS = 2.5
"""Longest time in seconds to check a form's person and channel. Slack waits three for its acknowledgement."""

HEAD_START_SECONDS = 0.05
"""Wait after an acknowledgement. Bolt looks for one every 10 ms, and sends it: in a burst of commands all are
acknowledged before the work on the first ones holds the event loop."""

FOREIGN_PERSON = "Only people of the workspace that Paperround belongs to may change something here."

SLOW_SLACK = "Slack did not answer in time, so nothing was changed: try again."

UNKNOWN_PERSON = "Slack did not say who you are, so nothing was changed: try again."


@dataclass(frozen=True, slots=True)
class RequestListeners:
    """Parts that all listeners for Slack's requests and events share.

    Bolt passes the workspace of a request to each listener that has a parameter `workspace`.
    """

    answers: Answers
    platform: SlackPlatform
    settings: SlackSettings
    clock: Callable[[], datetime]
    dispatcher: InteractionDispatcher

    def _channel_from_id(self, channel_id: str, workspace: SlackWorkspace) -> Channel:
        is_direct = is_direct_message(channel_id)
        return Channel(self.platform.name, channel_id, workspace.team_id, is_direct)

    async def _is_new_event(self, body: Payload) -> bool:
        """Record the event, and return True if it is new: Slack may send an event twice."""
        event = str(body.get("event_id", ""))
        return not event or await run_interactive(
            self.answers.store.events.record_once, event, now=self.clock()
        )

    async def _acknowledge_first(self, ack: Ack) -> None:
        """Acknowledge a request before its work begins. From then on, shutdown waits for that work."""
        with self.dispatcher.tasks.track_task():
            await acknowledge_first(ack)

    async def _fetch_own_person(self, user: str, team: str, workspace: SlackWorkspace) -> Person:
        """Return a person of the workspace, with the rights of this moment.

        Raises PaperroundError for one of another workspace. `team` is the person's workspace in the request,
        or empty; what Slack says of the person counts first.
        """
        profile = await workspace.profiles.fetch_profile(user, is_fresh=True)
        require_own_person(profile, team, workspace, FOREIGN_PERSON)
        return profile.person

    def _read_signed_metadata(self, view: Payload, user: str, workspace: SlackWorkspace) -> FormMetadata:
        """Return the metadata of a form that was opened for this person. Raises PaperroundError."""
        metadata = read_metadata(view)
        if not is_form_signed(metadata.signature, workspace.token, workspace.team_id, user, metadata.channel):
            raise PaperroundError(STALE_FORM)
        return metadata

    @asynccontextmanager
    async def _handle_request(
        self,
        workspace: SlackWorkspace,
        response_url: str = "",
        channel: Channel | None = None,
        user: str = "",
        body: Payload | None = None,
    ) -> AsyncIterator[Responder]:
        """Yield a function that replies to the person, for the work of one request.

        The reply goes to `response_url`, or to `channel` for the person alone. Without both, `body` opens a
        window; an event has none of them, and its reply is dropped. An error in the block becomes a reply,
        and is not raised. Shutdown waits for the block, up to a limit.
        """
        replies = ReplySender(workspace.client)

        async def respond(message: Message, *, replace: bool = False) -> None:
            if body and not response_url and not (channel and channel.channel):
                await replies.open_window(body, message)
            else:
                await replies.send_response(response_url, channel, user, message, replace=replace)

        with self.dispatcher.tasks.track_task():
            try:
                async with explain_errors(respond):
                    yield respond
            except Exception:
                log.exception("an answer could not be given")


def require_own_person(profile: Profile, team: str, workspace: SlackWorkspace, refusal: str) -> None:
    """Raise PaperroundError, with the sentence `refusal`, for a person of another workspace.

    People of a partner share a channel, not the workspace. `team` counts if Slack did not say of which
    workspaces the person is; without both the person is refused too.
    """
    teams = profile.team_ids or {team} - {""}
    if not teams:
        raise PaperroundError(UNKNOWN_PERSON)
    if workspace.team_id not in teams:
        raise PaperroundError(refusal)


async def acknowledge_first(ack: Ack) -> None:
    """Acknowledge a request, and let Bolt send that before its work begins."""
    await ack()
    await asyncio.sleep(HEAD_START_SECONDS)
