"""Permissions that the bot needs in a channel, and the link that grants them."""

from urllib.parse import urlencode

import discord

REQUIRED_PERMISSIONS = {
    "view_channel": "View Channel",
    "send_messages": "Send Messages",
    "embed_links": "Embed Links",
    "read_message_history": "Read Message History",
    "create_public_threads": "Create Public Threads",
    "send_messages_in_threads": "Send Messages in Threads",
}
"""The bot's permissions: discord.py's name of each, and its label in Discord's settings.

Without the history a search cannot tell that a page was posted. Threads are for the thread style and for
forum posts.
"""

OPTIONAL_PERMISSIONS = {
    "attach_files": "Attach Files",
    "create_events": "Create Events",
}
"""Further permissions that the invitation asks for. The bot works without them."""

AUTHORIZE_URL = "https://discord.com/oauth2/authorize"
"""Page on which a person adds an application to a server."""


def build_invitation(application: int | str) -> str:
    """Return the link that adds an application, its bot and its commands to a server with the permissions."""
    wanted = dict.fromkeys((*REQUIRED_PERMISSIONS, *OPTIONAL_PERMISSIONS), True)
    permissions = discord.Permissions(**wanted)
    query = {"client_id": application, "permissions": permissions.value, "scope": "bot applications.commands"}
    return f"{AUTHORIZE_URL}?{urlencode(query)}"


def list_missing_permissions(granted: discord.Permissions) -> list[str]:
    """Return the labels of the required permissions that are not granted, in the order of the table."""
    return [name for permission, name in REQUIRED_PERMISSIONS.items() if not getattr(granted, permission)]


def list_missing_options(granted: discord.Permissions) -> list[str]:
    """Return the labels of the optional permissions that are not granted, in the order of the table."""
    return [name for permission, name in OPTIONAL_PERMISSIONS.items() if not getattr(granted, permission)]


def join_names(names: list[str]) -> str:
    """Join names for a sentence, such as “View Channel, Send Messages and Embed Links”."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
