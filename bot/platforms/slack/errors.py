"""Error codes of Slack: their kinds, and a sentence with the remedy for each.

The codes are documented for chat.postMessage, conversations.history, auth.test and others
(https://docs.slack.dev/reference/methods).
"""

from typing import Any

TOKEN_ERRORS = frozenset(
    ["invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive",
     "not_allowed_token_type", "no_permission", "org_login_required", "team_access_not_granted",
     "access_denied", "ekm_access_denied"]
)  # fmt: skip
"""Slack does not accept the token: no call with it can succeed until a person mends that."""

REVOKED_ERRORS = frozenset(["token_revoked", "account_inactive"])
"""The app was removed from the workspace, or its token revoked: no call with it succeeds again."""

CHANNEL_ERRORS = frozenset(
    ["channel_not_found", "not_in_channel", "is_archived", "restricted_action",
     "restricted_action_read_only_channel", "restricted_action_thread_only_channel",
     "restricted_action_non_threadable_channel", "team_not_found", "messages_tab_disabled",
     "user_disabled"]
)  # fmt: skip
"""The channel accepts no message until a person mends that."""

AMBIGUOUS_ERRORS = frozenset(
    ["fatal_error", "internal_error", "service_unavailable", "request_timeout", "team_added_to_org"]
)
"""Slack failed, and may have done the work nevertheless."""

BLOCK_ERRORS = frozenset(["invalid_blocks", "invalid_blocks_format"])
"""Slack does not take the blocks, and did nothing."""

_SENTENCES = {
    "invalid_auth": "Slack does not know this token: copy the Bot User OAuth Token (or the app-level token) "
    "again.",
    "not_authed": "No token was sent: set SLACK_BOT_TOKEN.",
    "token_revoked": "The token was revoked: install the app to the workspace again and set the new "
    "SLACK_BOT_TOKEN.",
    "token_expired": "The token has expired: turn token rotation off for the app, install it again, set the "
    "new token.",
    "account_inactive": "The app was removed from the workspace: install it again and set the new "
    "SLACK_BOT_TOKEN.",
    "not_allowed_token_type": "This kind of token cannot do that: SLACK_BOT_TOKEN begins with xoxb-, "
    "SLACK_APP_TOKEN with xapp-.",
    "team_access_not_granted": "The app is not allowed in this workspace: ask a workspace admin to approve "
    "it.",
    "channel_not_found": "There is no such channel, or it is private and Paperround is not in it: type "
    "/invite @paperround there.",
    "not_in_channel": "Paperround is not in the channel: type /invite @paperround there.",
    "is_archived": "The channel is archived.",
    "user_disabled": "The account of this person was deactivated.",
    "restricted_action": "A workspace rule keeps apps from posting there: ask an admin.",
    "invalid_blocks": "Slack refused the message's blocks; please report this, it is a fault of Paperround.",
    "msg_too_long": "Slack refused the message as too long; please report this, it is a fault of Paperround.",
    "msg_blocks_too_long": "Slack refused the message as too long; please report this, it is a fault of "
    "Paperround.",
    "ratelimited": "Slack asks to wait: too many requests in a short time.",
    "message_not_found": "The message is not there any more.",
    "forbidden_team": "Socket Mode is not allowed for this app: turn it on under Socket Mode on the app's "
    "page.",
}


_CLOSED_CONVERSATION_ERRORS = frozenset(
    ["channel_not_found", "not_in_channel", "user_disabled", "is_archived"]
)
CLOSED_CONVERSATION = (
    "Paperround cannot write to this person any more: the account was deactivated, or the app was removed."
)


_LINK_SENTENCES = {
    "missing_scope": "The workspace has not granted the scope {needed}: open the app's link there once more.",
    "token_expired": "The workspace's token has expired, and is being renewed.",
}
_REFUSED_BY_LINK = (
    "Slack does not take this workspace's token ({code}): open the app's link there to install it again."
)


def explain_error(code: str, *, needed: str = "", channel: str = "", by_link: bool = False) -> str:
    """Return a sentence that explains an error code and its remedy.

    `needed` is the scope that Slack says is missing. `channel` is named in the sentence if the error concerns
    it. `by_link` is True for a workspace that installed the app from its link.
    """
    if by_link and (code in TOKEN_ERRORS or code in _LINK_SENTENCES):
        return _LINK_SENTENCES.get(code, _REFUSED_BY_LINK).format(code=code, needed=needed or "it needs")
    if channel.startswith("D") and code in _CLOSED_CONVERSATION_ERRORS:
        return CLOSED_CONVERSATION
    where = f" (channel {channel})" if channel and code in CHANNEL_ERRORS else ""
    if code == "missing_scope":
        return (
            f"The app may not do this: add the scope {needed or 'it lacks'} on its page under OAuth & "
            "Permissions, and install it to the workspace again."
        )
    sentence = _SENTENCES.get(code, f"Slack refused with {code or 'no reason'!r}.")
    return f"{sentence[:-1]}{where}." if where else sentence


_SOCKET_REMEDY = (
    "Make an app-level token with the scope connections:write (Basic Information) and turn Socket Mode on."
)


def explain_socket_error(code: str) -> str:
    """Return a sentence for an error of apps.connections.open: there the app-level token is at fault."""
    if code in TOKEN_ERRORS | {"missing_scope"}:
        return f"Slack does not take SLACK_APP_TOKEN ({code}). {_SOCKET_REMEDY}"
    return explain_error(code)


def is_token_error(code: str) -> bool:
    """Return True if Slack does not accept the token, so that no call with it can succeed."""
    return code in TOKEN_ERRORS


def is_revoked_error(code: str) -> bool:
    """Return True if the token was revoked for good."""
    return code in REVOKED_ERRORS


def is_channel_error(code: str) -> bool:
    """Return True if the channel accepts no message until a person mends that."""
    return code in CHANNEL_ERRORS


def is_block_error(code: str) -> bool:
    """Return True if Slack refused the blocks of a message."""
    return code in BLOCK_ERRORS


def is_transient_error(code: str) -> bool:
    """Return True if the same call may succeed later: Slack failed, or a rate limit refused the call."""
    return code in AMBIGUOUS_ERRORS | {"ratelimited", "rate_limited"}


def is_ambiguous_error(code: str) -> bool:
    """Return True if Slack may have done the work despite the error."""
    return code in AMBIGUOUS_ERRORS


def parse_error_response(response: Any) -> dict[str, Any]:
    """Return the body of an error response of slack_sdk, or {} if it is no JSON object, as from a proxy."""
    answer = getattr(response, "data", None)
    return answer if isinstance(answer, dict) else {}
