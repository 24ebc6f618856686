"""The slash commands leave room for those that are still to come, within Discord's limits."""

from typing import Any
from unittest.mock import create_autospec

import discord
import pytest

from bot.platforms.discord.listeners import DiscordListeners
from bot.platforms.discord.slash import LoggingCommandTree, add_commands
from tests.fakes.discord_payloads import faults_of_commands

MAX_SUBCOMMANDS = 25
"""Subcommands and groups that Discord takes of a command, and subcommands of a group."""

MIN_FREE = 3
"""Places that stay free: who needs one of them puts commands that belong together into a group first."""

MAX_MESSAGE_MENUS = 5
"""Entries in a message's menu that discord.py 2.7 takes."""


@pytest.fixture(scope="module")
def definitions() -> list[dict[str, Any]]:
    tree = LoggingCommandTree(discord.Client(intents=discord.Intents.none()))
    add_commands(tree, create_autospec(DiscordListeners, instance=True))
    return [dict(command.to_dict(tree)) for command in tree.get_commands()]


def test_the_definitions_keep_discords_limits(definitions: list[dict[str, Any]]) -> None:
    assert faults_of_commands(definitions) == []


def test_digest_and_its_groups_have_room_for_more_subcommands(definitions: list[dict[str, Any]]) -> None:
    (digest,) = [command for command in definitions if command["name"] == "digest"]
    groups = [option for option in digest["options"] if option["type"] == 2]
    assert {group["name"] for group in groups} >= {"meet", "me"}
    for command in (digest, *groups):
        taken = [option["name"] for option in command["options"]]
        assert len(taken) <= MAX_SUBCOMMANDS - MIN_FREE, f"{command['name']} is nearly full: {taken}"


def test_a_messages_menu_is_not_full(definitions: list[dict[str, Any]]) -> None:
    menus = [command["name"] for command in definitions if command.get("type") == 3]
    assert len(set(menus)) == len(menus) <= MAX_MESSAGE_MENUS
