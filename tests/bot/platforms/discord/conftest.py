"""The server that all stories of Discord are told in."""

import pytest

from tests.bot.platforms.discord.processes import Office


@pytest.fixture
def office(discord_office: Office) -> Office:
    return discord_office
