"""Offices that are open for all stories about Slack: a process takes longer to start than a story to tell."""

from collections.abc import Iterator

import pytest

from digests.model import Style
from tests.bot.platforms.slack.processes import Office, open_office

STRICT = """who_may_change = "admins"
paper_command = "/lookup"
digest_command = "/daily"
unfurl_arxiv = false"""


@pytest.fixture(scope="package")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A workspace with the default settings, but that each channel has a queue of its own, as each story has a channel."""
    digests = {Style.CARDS: 8, Style.COMPACT: 2, Style.THREAD: 2}
    queues = '[discussion]\nqueue = "channel"'
    with open_office(tmp_path_factory.mktemp("office"), settings=queues, digests=digests) as office:
        yield office


@pytest.fixture(scope="package")
def strict_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A workspace where much is otherwise: other commands, no cards under links, and only admins change a digest."""
    with open_office(tmp_path_factory.mktemp("strict"), settings=STRICT) as office:
        yield office
