"""One process per platform for all scenarios: starting one takes longer than running a scenario."""

from collections.abc import Iterator

import pytest

from tests.bot.platforms.discord.processes import DiscordScenarioRunner
from tests.bot.platforms.discord.processes import serve_scenarios as serve_discord
from tests.bot.platforms.processes import open_scenario_runner
from tests.bot.platforms.slack.processes import SlackScenarioRunner
from tests.bot.platforms.slack.processes import serve_scenarios as serve_slack
from tests.fakes.platform import MemoryPlatform, PostedPages
from tests.impatient import list_brisk_waits

QUEUE_PER_CHANNEL = '[discussion]\nqueue = "channel"'
"""Each channel has a queue of its own, as each scenario has a channel of its own."""

STRICT = """who_may_change = "admins"
paper_command = "/lookup"
digest_command = "/daily"
unfurl_arxiv = false"""

UNREACHABLE = "http://127.0.0.1:9"
IGNORED_VARIABLES = {
    "SLACK_SCOPES": "admin",
    "SLACK_USER_SCOPES": "admin",
    "SLACK_REDIRECT_URI": UNREACHABLE, "SLACK_VERIFICATION_TOKEN": "x", "SLACK_INSTALLATION_FILE": "x",
    "HTTP_PROXY": UNREACHABLE, "HTTPS_PROXY": UNREACHABLE, "http_proxy": UNREACHABLE,
    "https_proxy": UNREACHABLE,
}  # fmt: skip
"""Variables that Slack's libraries read from the environment; none of them may change anything."""


@pytest.fixture
def platform() -> MemoryPlatform:
    return MemoryPlatform(PostedPages())


@pytest.fixture
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give this process the short waits of the processes that tests start."""
    for owner, name, value in list_brisk_waits():
        monkeypatch.setattr(owner, name, value)


@pytest.fixture(scope="session")
def slack_runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlackScenarioRunner]:
    """A workspace and a bot with the default settings."""
    serving = serve_slack(
        tmp_path_factory.mktemp("slack"),
        settings=QUEUE_PER_CHANNEL,
        digest_counts={"cards": 14, "compact": 2, "thread": 2},
    )
    with open_scenario_runner(serving) as runner:
        yield runner


@pytest.fixture(scope="session")
def strict_slack_runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlackScenarioRunner]:
    """A workspace with other command names, without cards under links, whose digests only admins change.

    The environment is full of variables that Slack's libraries would read.
    """
    serving = serve_slack(tmp_path_factory.mktemp("strict"), settings=STRICT, variables=IGNORED_VARIABLES)
    with open_scenario_runner(serving) as runner:
        yield runner


@pytest.fixture(scope="session")
def discord_runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DiscordScenarioRunner]:
    """A Discord server and a bot with the default settings."""
    serving = serve_discord(
        tmp_path_factory.mktemp("discord"),
        settings=QUEUE_PER_CHANNEL,
        digest_counts={"cards": 15, "compact": 2, "thread": 2, "forum": 1, "news": 1},
    )
    with open_scenario_runner(serving) as runner:
        yield runner
