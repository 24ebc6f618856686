"""Registration of the slash commands with Discord, only after they have changed."""

import hashlib
import json
import logging
from typing import Any

import discord

from bot.platforms.discord.slash import LoggingCommandTree
from bot.storage import run_background
from digests.ports.notes import Notes

log = logging.getLogger(__name__)

NOTE_PREFIX = "discord commands"
"""Start of the note that holds the registered versions; the application's id follows."""


async def sync_commands(tree: LoggingCommandTree, guild_ids: tuple[str, ...], notes: Notes) -> None:
    """Register the tree's commands if they have changed, and remove them where they no longer belong.

    `guild_ids` are the servers that get them, empty for all servers. `notes` keeps the versions that are
    registered, so that nothing is sent without a change. A refusal of Discord is logged, and tried again by
    the next call. Raises StoreError.
    """
    synced = await run_background(_read_synced_versions, tree, notes)
    current_version = hashlib.sha256(json.dumps(_list_definitions(tree), sort_keys=True).encode()).hexdigest()
    scopes = guild_ids or ("",)
    for scope in dict.fromkeys((*scopes, *synced)):
        version = current_version if scope in scopes else ""
        if synced.get(scope, "") == version:
            continue
        try:
            await _send_definitions(tree, scope, _list_definitions(tree) if version else [])
        except discord.HTTPException as error:
            log.error(
                "Discord did not take the commands%s: %s", f" for server {scope}" if scope else "", error
            )
            continue
        synced[scope] = version
        log.info("the commands are registered with Discord%s", f", in server {scope}" if scope else "")
    stored = {scope: version for scope, version in synced.items() if version}
    await run_background(notes.write, _note_name_of(tree), json.dumps(stored))


def _note_name_of(tree: LoggingCommandTree) -> str:
    return f"{NOTE_PREFIX} {tree.client.application_id}"


def _read_synced_versions(tree: LoggingCommandTree, notes: Notes) -> dict[str, str]:
    """Return the registered version of the commands by server; the key "" stands for all servers.

    Empty if none were registered. Raises StoreError. Blocks.
    """
    return dict(json.loads(notes.read(_note_name_of(tree)) or "{}"))


def _list_definitions(tree: LoggingCommandTree) -> list[dict[str, Any]]:
    """Return the commands as Discord's API takes them."""
    return [dict(command.to_dict(tree)) for command in tree.get_commands()]


async def _send_definitions(tree: LoggingCommandTree, scope: str, definitions: list[Any]) -> None:
    """Replace the commands of a server by these, or with an empty `scope` those of all servers.

    An empty list removes them. Raises HTTPException if Discord refuses.
    """
    http, application = tree.client.http, tree.client.application_id
    if application is None:
        raise RuntimeError("log in before the commands are registered")
    if scope:
        await http.bulk_upsert_guild_commands(application, int(scope), payload=definitions)
    else:
        await http.bulk_upsert_global_commands(application, payload=definitions)
