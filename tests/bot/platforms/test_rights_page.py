"""The page docs/rights.md has every right that the apps ask for."""

import re
from pathlib import Path

from bot.platforms.discord.permissions import OPTIONAL_PERMISSIONS, REQUIRED_PERMISSIONS
from bot.platforms.slack.manifest import scopes_of
from bot.platforms.slack.settings import SlackSettings

PAGE = (Path(__file__).parents[3] / "docs" / "rights.md").read_text(encoding="utf-8")


def read_first_column(heading: str) -> list[str]:
    """Return the first cells of the table under a heading."""
    table = PAGE.partition(f"## {heading}")[2].partition("\n## ")[0]
    return [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")][1:]


def test_the_table_of_slack_has_exactly_the_scopes_of_the_manifest() -> None:
    named = [scope for cell in read_first_column("Slack") for scope in re.findall(r"`([^`]+)`", cell)]
    assert sorted(named) == sorted(scopes_of(SlackSettings(unfurl_arxiv=True)))


def test_the_table_of_discord_has_exactly_the_permissions_of_the_invitation() -> None:
    named = [name for cell in read_first_column("Discord") for name in cell.split(", ")]
    assert sorted(named) == sorted([*REQUIRED_PERMISSIONS.values(), *OPTIONAL_PERMISSIONS.values()])
