"""Leaving a channel of Slack."""

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.findings import Finding, Severity
from bot.platforms.slack.errors import parse_error_response
from bot.platforms.slack.preflight import RefusedError, await_answer

NOTHING_TO_LEAVE = frozenset(["not_in_channel", "channel_not_found", "is_archived"])
MISSING_RIGHTS = frozenset(
    ["missing_scope", "not_allowed_token_type", "cant_leave_general", "last_member", "user_is_restricted"]
)


async def leave_channel(client: AsyncWebClient, channel: str) -> Finding:
    """Call conversations.leave, and return what came of it.

    The scope for it lets an app manage channels, and Paperround does not ask for it. Without it the finding
    is a warning that says what a person types. Other failures are faults, and are not raised.
    """
    subject = f"channel {channel}"
    try:
        await await_answer(client.conversations_leave(channel=channel))
    except RefusedError as refused:
        if refused.code in NOTHING_TO_LEAVE or _says_absent(refused):
            return Finding(Severity.OK, subject, "Paperround is not in it, or it is archived.")
        if refused.code in MISSING_RIGHTS:
            remedy = "Slack does not let the app leave by itself: type /remove @paperround in the channel."
            return Finding(Severity.WARNING, subject, remedy)
        return Finding(Severity.FAULT, subject, str(refused))
    return Finding(Severity.OK, subject, "Paperround has left it.")


def _says_absent(refused: RefusedError) -> bool:
    """Return True for Slack's answer to an app that is not in the channel: not ok, and without an error."""
    cause = refused.__cause__
    return isinstance(cause, SlackApiError) and bool(
        parse_error_response(cause.response).get("not_in_channel")
    )
