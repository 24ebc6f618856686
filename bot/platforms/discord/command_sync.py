"""Registration of the slash commands with Discord, once per change."""

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


async def sync_commands(tree: LoggingCommandTree, guild_ids: tuple[str, ...], notes: Notes) -> None:
    """Registers changed commands with Discord, and removes them where they are no longer wanted.

    They go to the given servers, or to all if none is given. A failure is logged.
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
        log.info("Discord knows the commands now%s", f", in server {scope}" if scope else "")
    stored = {scope: version for scope, version in synced.items() if version}
    await run_background(notes.write, _note_name_of(tree), json.dumps(stored))


def _note_name_of(tree: LoggingCommandTree) -> str:
    return f"{NOTE_PREFIX} {tree.client.application_id}"


def _read_synced_versions(tree: LoggingCommandTree, notes: Notes) -> dict[str, str]:
    """Returns the registered version by server; "" stands for all servers."""
    return dict(json.loads(notes.read(_note_name_of(tree)) or "{}"))


def _list_definitions(tree: LoggingCommandTree) -> list[dict[str, Any]]:
    return [dict(command.to_dict(tree)) for command in tree.get_commands()]


async def _send_definitions(tree: LoggingCommandTree, scope: str, definitions: list[Any]) -> None:
    http, application = tree.client.http, tree.client.application_id
    if application is None:
        raise RuntimeError("log in before the commands are told of")
    if scope:
        await http.bulk_upsert_guild_commands(application, int(scope), payload=definitions)
    else:
        await http.bulk_upsert_global_commands(application, payload=definitions)
