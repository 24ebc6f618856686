"""Golden messages: every style and platform over the bundled day, real records, a flag, one paper, none."""

import json
from pathlib import Path

import pytest

from bot.platforms.registry import find_platforms, render_pages
from bot.present.digest import present_digest
from digests.subscription import DigestStyle
from tests.bot.golden_cases import (
    GOLDEN_CASES,
    GOLDEN_FOLDER,
    MESSAGE_GOLDEN_CASES,
    SHARED_GOLDEN_CASES,
    render_golden,
    render_message_golden,
)
from tests.bot.test_renderers import check_page
from tests.shared_data import needs_shared_data

every_platform = pytest.mark.parametrize("platform", list(find_platforms()))
every_style = pytest.mark.parametrize("style", list(DigestStyle))


@pytest.mark.parametrize("case", GOLDEN_CASES)
@every_platform
@every_style
def test_a_digest_is_the_golden_message(case: str, platform: str, style: DigestStyle) -> None:
    """`python -m tests.bot.golden_cases` writes the files anew; read their difference before a commit."""
    file = Path(GOLDEN_FOLDER) / f"{case}_{platform}_{style}.json"
    assert render_golden(GOLDEN_CASES[case](), platform, style) == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", MESSAGE_GOLDEN_CASES)
@every_platform
def test_a_message_is_the_golden_one(case: str, platform: str) -> None:
    file = Path(GOLDEN_FOLDER) / f"{case}_{platform}.json"
    assert render_message_golden(MESSAGE_GOLDEN_CASES[case](), platform) == file.read_text(encoding="utf-8")


@needs_shared_data
@pytest.mark.parametrize("case", SHARED_GOLDEN_CASES)
@every_platform
def test_a_digest_of_real_records_keeps_the_limits_and_says_nothing_twice(case: str, platform: str) -> None:
    message = present_digest(SHARED_GOLDEN_CASES[case]())
    for style in DigestStyle:
        for page in render_pages(message, platform, style):
            check_page(platform, page.payload, message)
            text = json.dumps(page.payload, ensure_ascii=False)
            assert "not named" not in text
            assert "Not reviewed" not in text
            assert "not scored" not in text
    if case == "unscored":
        assert {(card.number, card.score, card.review_line) for card in message.cards} == {(None, "", "")}
    else:
        assert [card.reason for card in message.cards] == [f"#{place} of 24" for place in range(1, 6)]
        assert not any("ank" in card.score for card in message.cards)
