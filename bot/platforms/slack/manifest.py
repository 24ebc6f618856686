"""Manifest of the Slack app: its scopes with their reasons, its events, commands and shortcut. Pure."""

import json
from typing import Any

from bot.platforms.slack.settings import SlackSettings

SCOPES = {
    "commands": "for the two slash commands",
    "chat:write": "to post digests",
    "reactions:read": "to see who marks a paper",
    "channels:read": "to tell whether it, and a person, are in a public channel",
    "groups:read": "the same for a private channel",
    "app_mentions:read": "to answer when it is mentioned",
    "im:history": "to answer when somebody writes to it",
    "users:read": "for people's time zones and names, and who is an admin",
}
"""Scopes of the bot token, each with the reason why the app needs it."""

OPTIONAL_SCOPES = {
    "channels:history": (
        "to see, after a broken connection, whether a digest has arrived in a public channel, and to answer "
        "questions below its cards"
    ),
    "groups:history": "the same in a private channel",
    "files:write": "to upload the picture of a recap, calendar files and exports",
}
"""Scopes that a workspace may leave out when it installs the app: the app works without them."""

HISTORY_SCOPES = frozenset({"channels:history", "groups:history"})
HISTORY_COST = "Without the history a digest whose answer was lost is not posted again."
"""The cost of an installation without one of `HISTORY_SCOPES`, for people."""

UNFURL_SCOPES = {
    "links:read": "to see links to arXiv that people paste",
    "links:write": "to put a short card under them",
}
"""Further scopes for the cards under links to arXiv."""

EVENTS = (
    "app_home_opened", "app_mention", "app_uninstalled", "channel_archive", "channel_deleted", "channel_left",
    "channel_unarchive", "group_archive", "group_deleted", "group_left", "group_unarchive",
    "member_joined_channel", "message.channels", "message.groups", "message.im", "reaction_added",
    "reaction_removed", "tokens_revoked",
)  # fmt: skip
"""Events that the app receives, besides link_shared."""

ORGANIZATION_EVENTS = ("team_access_granted", "team_access_revoked")
"""Further events of an app that organizations install: a workspace of theirs got it, or lost it."""

MARK_SHORTCUT = "mark_for_discussion"
"""The callback_id of the shortcut in a message's menu that marks its paper."""

NOTE_SHORTCUT = "keep_as_note"
"""The callback_id of the shortcut that keeps a message as a note about its paper."""

NAME = "Paperround"
DESCRIPTION = "The day's best papers, with their limitations"
LONG_DESCRIPTION = (
    "Paperround brings a channel the day's best machine-learning papers at its own hour: the TL;DR, the key "
    "limitations that the review names, and the score, or the words “No review yet”. A reaction "
    "puts a paper onto the list of what to discuss; a command looks any paper up."
)


def scopes_of(settings: SlackSettings) -> dict[str, str]:
    """Return the scopes of the bot token with their reasons, by scope, with those that are optional.

    Cards under links need further scopes.
    """
    return SCOPES | OPTIONAL_SCOPES | (UNFURL_SCOPES if settings.unfurl_arxiv else {})


def build_manifest(settings: SlackSettings, url: str = "") -> dict[str, Any]:
    """Return the manifest.

    With the public `url` of /slack/events the app uses HTTP, without it Socket Mode. With `public_url` in the
    settings, workspaces and organizations can install it from a link.
    """
    request = {"request_url": url} if url else {}
    suggestions = {"message_menu_options_url": url} if url else {}
    unfurl = {"unfurl_domains": ["arxiv.org"]} if settings.unfurl_arxiv else {}
    events = sorted(
        (
            *EVENTS,
            *(["link_shared"] if settings.unfurl_arxiv else []),
            *(ORGANIZATION_EVENTS if _is_installed_by_link(settings, url) else ()),
        )
    )
    return {
        "_metadata": {"major_version": 2, "minor_version": 1},
        "display_information": {
            "name": NAME,
            "description": DESCRIPTION,
            "long_description": LONG_DESCRIPTION,
            "background_color": "#1f3a5f",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": "paperround", "always_online": True},
            "shortcuts": [
                {
                    "name": "Mark for discussion",
                    "type": "message",
                    "callback_id": MARK_SHORTCUT,
                    "description": "Put the paper in this message onto the queue",
                },
                {
                    "name": "Keep as note",
                    "type": "message",
                    "callback_id": NOTE_SHORTCUT,
                    "description": "Keep this message as a note about the paper of its thread",
                },
            ],
            "slash_commands": [
                _build_command(
                    settings.paper_command, "Look a paper up", "2402.01306 | address | words", url
                ),
                _build_command(
                    settings.digest_command,
                    "The digests of papers here",
                    "subscribe vision at 08:30 top 3 | settings | today | queue | help",
                    url,
                ),
            ],
            **unfurl,
        },
        "oauth_config": _build_oauth_config(settings, url),
        "settings": {
            "event_subscriptions": {**request, "bot_events": events},
            "interactivity": {"is_enabled": True, **request, **suggestions},
            "org_deploy_enabled": _is_installed_by_link(settings, url),
            "socket_mode_enabled": not url,
            "token_rotation_enabled": False,
        },
    }


def _is_installed_by_link(settings: SlackSettings, url: str) -> bool:
    return bool(url and settings.public_url)


def _build_oauth_config(settings: SlackSettings, url: str) -> dict[str, Any]:
    """Return the scopes, and the address to which Slack sends browsers back.

    A scope in `bot_optional` is in `bot` too.
    """
    scopes = {"bot": sorted(scopes_of(settings)), "bot_optional": sorted(OPTIONAL_SCOPES)}
    if not _is_installed_by_link(settings, url):
        return {"scopes": scopes}
    return {"redirect_urls": [f"{settings.public_url}/slack/oauth_redirect"], "scopes": scopes}


def _build_command(name: str, description: str, hint: str, url: str) -> dict[str, Any]:
    command = {"command": name, "description": description, "usage_hint": hint, "should_escape": False}
    return {**command, "url": url} if url else command


def render_manifest_yaml(settings: SlackSettings, url: str = "") -> str:
    """Return the manifest as YAML to paste on Slack's page. A comment says how it was made."""
    header = (
        "# Made by “paperround manifest slack”: paste it at https://api.slack.com/apps, Create New App, "
        "From a manifest."
    )
    return "\n".join([header, *_render_yaml_lines(build_manifest(settings, url))]) + "\n"


def _render_yaml_lines(part: dict[str, Any], indent: str = "") -> list[str]:
    """Return the lines of a YAML mapping. Strings are written as JSON, which is valid YAML."""
    lines: list[str] = []
    for key, value in part.items():
        match value:
            case dict():
                lines += [f"{indent}{key}:", *_render_yaml_lines(value, f"{indent}  ")]
            case list():
                lines += [f"{indent}{key}:"]
                for item in value:
                    first, *rest = (
                        _render_yaml_lines(item, f"{indent}    ")
                        if isinstance(item, dict)
                        else [json.dumps(item)]
                    )
                    lines += [f"{indent}  - {first.strip()}", *rest]
            case _:
                lines.append(f"{indent}{key}: {json.dumps(value, ensure_ascii=False)}")
    return lines
