"""Checks that the app, and a person, are in a channel. A channel's id may have come through a client."""

from typing import Any

from slack_sdk.errors import SlackApiError

from bot.platforms.slack.errors import explain_error, parse_error_response
from bot.platforms.slack.workspaces import SlackWorkspace
from digests.errors import PaperroundError
from digests.subscription import Channel

INVITE = "I am not in this channel, so nothing was changed: type /invite @paperround here, then try again."
NO_MEMBER = "You are not in this channel, so nothing was changed: join it, then try again."
PAGE_CHANNELS = 999
"""Channels of a person that Slack returns in one page; it takes at most 1,000."""
MAX_PAGES = 5
"""Pages that are read. A person in more channels is taken for no member of the rest."""


async def require_app_in_channel(channel: Channel, workspace: SlackWorkspace) -> None:
    """Raise PaperroundError with the remedy if the app is not in the channel, and for a direct message.

    Raises SlackApiError and errors of the network.
    """
    if channel.channel.startswith("D"):
        raise PaperroundError("A digest belongs in a channel: invite me to one, and type this there.")
    info = await _fetch_channel(channel, workspace)
    if not info.get("is_member"):
        raise PaperroundError(INVITE)


async def require_writable_channel(channel: Channel, person: str, workspace: SlackWorkspace) -> None:
    """Raise PaperroundError unless a person may write in a channel: a member, and it is not archived.

    A direct message with the app is the person's own. Raises SlackApiError and errors of the network.
    """
    if channel.channel.startswith("D"):
        return
    info = await _fetch_channel(channel, workspace)
    if info.get("is_archived"):
        raise PaperroundError(explain_error("is_archived"))
    if info.get("is_read_only"):
        raise PaperroundError("Only some people may write in this channel, so nothing was shared.")
    await require_person_in_channel(channel, person, workspace)


async def require_person_in_channel(channel: Channel, person: str, workspace: SlackWorkspace) -> None:
    """Raise PaperroundError unless a person is in a channel. Raises SlackApiError and errors of the network.

    The person's channels are listed, because a channel may have more people than a person has channels.
    """
    cursor = ""
    for _ in range(MAX_PAGES):
        answer = await workspace.client.users_conversations(
            user=person, types="public_channel,private_channel", limit=PAGE_CHANNELS, cursor=cursor
        )
        if any(found.get("id") == channel.channel for found in answer.get("channels") or []):
            return
        cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
        if not cursor:
            break
    raise PaperroundError(NO_MEMBER)


async def _fetch_channel(channel: Channel, workspace: SlackWorkspace) -> dict[str, Any]:
    """Return Slack's object of a channel. Raises PaperroundError for one that the app cannot see."""
    try:
        answer = await workspace.client.conversations_info(channel=channel.channel)
    except SlackApiError as error:
        if parse_error_response(error.response).get("error") == "channel_not_found":
            raise PaperroundError(INVITE) from error
        raise
    return dict(answer.get("channel") or {})
