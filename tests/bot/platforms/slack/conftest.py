"""Offices that are open for all stories about Slack: a process takes longer to start than a story to tell."""

from collections.abc import Iterator

import pytest

from tests.bot.platforms.slack.processes import SlackScenarioRunner, open_scenario_runner

STRICT = """who_may_change = "admins"
paper_command = "/lookup"
digest_command = "/daily"
unfurl_arxiv = false"""


@pytest.fixture
def office(slack_office: SlackScenarioRunner) -> SlackScenarioRunner:
    """The workspace with the default settings that all stories of Slack are told in."""
    return slack_office


NOWHERE = "http://127.0.0.1:9"
VARIABLES = {
    "SLACK_CLIENT_ID": "1.2", "SLACK_CLIENT_SECRET": "x", "SLACK_SCOPES": "admin", "SLACK_USER_SCOPES": "admin",
    "SLACK_REDIRECT_URI": NOWHERE, "SLACK_VERIFICATION_TOKEN": "x", "SLACK_INSTALLATION_FILE": "x",
    "HTTP_PROXY": NOWHERE, "HTTPS_PROXY": NOWHERE, "http_proxy": NOWHERE, "https_proxy": NOWHERE,
}  # fmt: skip
"""What Slack's libraries would read from the environment; none of it may change anything."""


@pytest.fixture(scope="package")
def strict_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlackScenarioRunner]:
    """A workspace where much is otherwise: other commands, no cards under links, only admins change a digest, and an
    environment full of variables that mean something to Slack's libraries."""
    with open_scenario_runner(
        tmp_path_factory.mktemp("strict"), settings=STRICT, variables=VARIABLES
    ) as office:
        yield office
