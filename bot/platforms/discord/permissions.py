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
"""Names of permissions, in discord.py and in Discord's settings.

Reading the history prevents duplicate posts. Threads are for the thread style and for forum posts.
"""

AUTHORIZE_URL = "https://discord.com/oauth2/authorize"


def build_invitation(application: int | str) -> str:
    """Returns the link that adds the bot and its commands to a server."""
    permissions = discord.Permissions(**dict.fromkeys(REQUIRED_PERMISSIONS, True))
    query = {"client_id": application, "permissions": permissions.value, "scope": "bot applications.commands"}
    return f"{AUTHORIZE_URL}?{urlencode(query)}"


def list_missing_permissions(granted: discord.Permissions) -> list[str]:
    """Returns the names of the required permissions that are not granted."""
    return [name for permission, name in REQUIRED_PERMISSIONS.items() if not getattr(granted, permission)]


def join_names(names: list[str]) -> str:
    """Joins names for a sentence, such as “View Channel, Send Messages and Embed Links”."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
