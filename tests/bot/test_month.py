"""A made-up month of two teams, one on Slack and one on Discord, through `paperround run` and local servers.

What the two channels saw is kept as `goldens/month.md`, for people to read. `tests/month/story.py` has what
the people do.
"""

import asyncio
from pathlib import Path

from tests.bot.golden_cases import MONTH_GOLDEN
from tests.month.story import tell_month


def test_a_month_of_two_teams_reads_as_its_golden(tmp_path: Path) -> None:
    """`python -m tests.bot.golden_cases` writes the file anew; read its difference before a commit."""
    assert asyncio.run(tell_month(tmp_path)) == MONTH_GOLDEN.read_text(encoding="utf-8")
