"""One server with a bot for all stories of it."""

from collections.abc import Iterator

import pytest

from tests.bot.platforms.discord.processes import Office, open_office


@pytest.fixture(scope="package")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A server where each channel has a queue of its own, as each story has a channel."""
    digests = {"cards": 3, "compact": 1, "thread": 1, "forum": 1, "news": 1}
    queues = '[discussion]\nqueue = "channel"'
    with open_office(tmp_path_factory.mktemp("office"), settings=queues, digests=digests) as opened:
        yield opened
