"""What the bot needs to be allowed in a channel, and the link that invites it with exactly that."""

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
"""By the names that discord.py and people have for them. The history is read to post nothing twice; threads are for the
style thread, and posts in forums."""

AUTHORIZE_URL = "https://discord.com/oauth2/authorize"


def build_invitation(application: int | str) -> str:
    """The link that brings the bot and its commands into a server."""
    permissions = discord.Permissions(**dict.fromkeys(REQUIRED_PERMISSIONS, True))
    query = {"client_id": application, "permissions": permissions.value, "scope": "bot applications.commands"}
    return f"{AUTHORIZE_URL}?{urlencode(query)}"


def list_missing_permissions(granted: discord.Permissions) -> list[str]:
    """What is not allowed of that, as people know it."""
    return [name for permission, name in REQUIRED_PERMISSIONS.items() if not getattr(granted, permission)]


def join_names(names: list[str]) -> str:
    """View Channel, Send Messages and Embed Links."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))
