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


NOWHERE = "http://127.0.0.1:9"
VARIABLES = {
    "SLACK_CLIENT_ID": "1.2", "SLACK_CLIENT_SECRET": "x", "SLACK_SCOPES": "admin", "SLACK_USER_SCOPES": "admin",
    "SLACK_REDIRECT_URI": NOWHERE, "SLACK_VERIFICATION_TOKEN": "x", "SLACK_INSTALLATION_FILE": "x",
    "HTTP_PROXY": NOWHERE, "HTTPS_PROXY": NOWHERE, "http_proxy": NOWHERE, "https_proxy": NOWHERE,
}  # fmt: skip
"""What Slack's libraries would read from the environment; none of it may change anything."""


@pytest.fixture(scope="package")
def strict_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A workspace where much is otherwise: other commands, no cards under links, only admins change a digest, and an
    environment full of variables that mean something to Slack's libraries."""
    with open_office(tmp_path_factory.mktemp("strict"), settings=STRICT, variables=VARIABLES) as office:
        yield office
