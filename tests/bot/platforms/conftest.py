"""One real process a platform for all the stories of it: a process takes longer to start than a story to tell."""

from collections.abc import Iterator

import pytest

from digests.subscription import DigestStyle
from tests.bot.platforms.discord import processes as discord
from tests.bot.platforms.slack import processes as slack

QUEUES = '[discussion]\nqueue = "channel"'
"""Each channel has a queue of its own, as each story has a channel."""


@pytest.fixture(scope="session")
def slack_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[slack.SlackScenarioRunner]:
    digests = {DigestStyle.CARDS: 8, DigestStyle.COMPACT: 2, DigestStyle.THREAD: 3}
    with slack.open_scenario_runner(
        tmp_path_factory.mktemp("slack"), settings=QUEUES, digest_counts=digests
    ) as office:
        yield office


@pytest.fixture(scope="session")
def discord_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[discord.DiscordScenarioRunner]:
    digests = {"cards": 5, "compact": 1, "thread": 2, "forum": 1, "news": 1}
    with discord.open_scenario_runner(
        tmp_path_factory.mktemp("discord"), settings=QUEUES, digest_counts=digests
    ) as office:
        yield office
