"""Checks that the app, and a person, are in a channel. A channel's id may have come through a client."""

from typing import Any

from slack_sdk.errors import SlackApiError

from bot.platforms.slack.errors import explain_error, parse_error_response
from bot.platforms.slack.workspaces import SlackWorkspace
from digests.errors import PaperroundError
from digests.subscription import Channel

INVITE = "I am not in this channel, so nothing was changed: type /invite @paperround here, then try again."
NO_MEMBER = "You are not in this channel, so nothing was changed: join it, then try again."
NOT_OURS = (
    "I am not in this conversation. Your own digest comes in your direct messages with me: open them under "
    "Apps, and type this there."
)
PAGE_CHANNELS = 999
"""Channels of a person that Slack returns in one page; it takes at most 1,000."""
MAX_PAGES = 5
"""Pages that are read. A person in more channels is taken for no member of the rest."""


def is_direct_message(channel_id: str) -> bool:
    """Return True for the id of a conversation of two, such as that of a person with the app."""
    return channel_id.startswith("D")


async def require_app_in_channel(channel: Channel, workspace: SlackWorkspace) -> None:
    """Raise PaperroundError with the remedy if the app is not in the channel, or in the conversation of two.

    Raises SlackApiError and errors of the network.
    """
    if channel.is_direct:
        await _require_app_in_direct_message(channel, workspace)
        return
    info = await _fetch_channel(channel, workspace)
    if not info.get("is_member"):
        raise PaperroundError(INVITE)


async def require_writable_channel(channel: Channel, person: str, workspace: SlackWorkspace) -> None:
    """Raise PaperroundError unless a person may write in a channel: a member, and it is not archived.

    A direct message with the app is the person's own. Raises SlackApiError and errors of the network.
    """
    if channel.is_direct:
        return
    info = await _fetch_channel(channel, workspace)
    if info.get("is_archived"):
        raise PaperroundError(explain_error("is_archived"))
    if info.get("is_read_only"):
        raise PaperroundError("Only some people may write in this channel, so nothing was shared.")
    await require_person_in_channel(channel, person, workspace)


async def _require_app_in_direct_message(channel: Channel, workspace: SlackWorkspace) -> None:
    """Raise PaperroundError unless one of the two is the app; the other one is then the person who types.

    Slack shows a conversation's history to its members alone. More about it needs a scope that the app lacks.
    """
    try:
        await workspace.client.conversations_history(channel=channel.channel, limit=1)
    except SlackApiError as error:
        code = parse_error_response(error.response).get("error")
        if code in ("channel_not_found", "not_in_channel", "missing_scope"):
            raise PaperroundError(NOT_OURS) from error
        raise


async def require_person_in_channel(channel: Channel, person: str, workspace: SlackWorkspace) -> None:
    """Raise PaperroundError unless a person is in a channel. Raises SlackApiError and errors of the network.

    The person's channels are listed, because a channel may have more people than a person has channels. A
    conversation of two is the person's, since the request comes from there.
    """
    if channel.is_direct:
        return
    cursor = ""
    team = workspace.team_id if workspace.organization else None  # Slack demands it of these tokens.
    for _ in range(MAX_PAGES):
        answer = await workspace.client.users_conversations(
            user=person,
            types="public_channel,private_channel",
            limit=PAGE_CHANNELS,
            cursor=cursor,
            team_id=team,
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
