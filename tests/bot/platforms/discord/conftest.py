"""The server that all stories of Discord are told in."""

import pytest

from tests.bot.platforms.discord.processes import DiscordScenarioRunner


@pytest.fixture
def office(discord_office: DiscordScenarioRunner) -> DiscordScenarioRunner:
    return discord_office
