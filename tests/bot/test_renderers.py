"""Every renderer over the same cases: limits hold, links survive, nothing pings, papers keep their order."""

import json
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from bot.chat.message import Message
from bot.chat.port import Page, PostUpdate
from bot.platforms.discord.post_update import apply_post_update as apply_discord_update
from bot.platforms.registry import find_platforms
from bot.platforms.slack.post_update import apply_post_update as apply_slack_update
from bot.present.moderation import MAX_SHOWN_PAPERS
from digests.subscription import DigestStyle
from tests.bot.platforms.discord.limits import check_page as check_discord
from tests.bot.platforms.slack.limits import check_page as check_slack
from tests.bot.shared_cases import NASTY, SHARED_CASES


def check_console(page: Page, urls: set[str]) -> None:
    assert set(page.payload) == {"blocks"}
    written = json.dumps(page.payload, ensure_ascii=False)
    assert not [sign for sign in written if unicodedata.category(sign) in ("Cc", "Cs")]
    assert not set(written) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def slack(page: Page, urls: set[str]) -> None:
    check_slack(page.payload, allowed_urls=urls)


def discord(page: Page, urls: set[str]) -> None:
    check_discord(page.payload)


CHECKS: dict[str, Callable[[Page, set[str]], None]] = {
    "console": check_console,
    "slack": slack,
    "discord": discord,
}

every_case = pytest.mark.parametrize("case", SHARED_CASES.values(), ids=SHARED_CASES)
every_platform = pytest.mark.parametrize("platform", list(CHECKS))
every_style = pytest.mark.parametrize("style", list(DigestStyle))


@every_case
@every_platform
@every_style
def test_a_message_becomes_pages_within_the_limits(platform: str, style: DigestStyle, case: Message) -> None:
    pages = find_platforms()[platform].load_renderer()(case, style)
    assert pages
    for page in pages:
        CHECKS[platform](page, {card.url for card in case.cards})
        json.dumps(page.payload, ensure_ascii=False).encode("utf-8")


@every_case
@every_platform
@every_style
def test_each_paper_is_on_one_page_in_its_order_with_its_link(
    platform: str, style: DigestStyle, case: Message
) -> None:
    pages = find_platforms()[platform].load_renderer()(case, style)
    assert [paper for page in pages for paper in page.papers] == [card.paper for card in case.cards]
    for card in case.cards:
        (page,) = (page for page in pages if card.paper in page.papers)
        assert card.url in json.dumps(page.payload, ensure_ascii=False)


@every_platform
def test_styles_differ_in_their_messages(platform: str) -> None:
    five = SHARED_CASES["five picks"]
    write = find_platforms()[platform].load_renderer()
    assert len(write(five, DigestStyle.COMPACT)) == 1
    assert len(write(five, DigestStyle.CARDS)) == 6
    threaded = write(five, DigestStyle.THREAD)
    assert [page.in_thread for page in threaded] == [False] + [True] * 5


ApplyUpdate = Callable[[Mapping[str, Any], PostUpdate], dict[str, Any]]
APPLY_UPDATE: dict[str, ApplyUpdate] = {"slack": apply_slack_update, "discord": apply_discord_update}
every_editing_platform = pytest.mark.parametrize("platform", list(APPLY_UPDATE))


@every_case
@every_editing_platform
@every_style
def test_a_refreshed_page_stays_within_the_limits(platform: str, style: DigestStyle, case: Message) -> None:
    update = PostUpdate(
        {card.paper: 1234 for card in case.cards},
        {card.paper: f"withdrawn by its authors {NASTY * 9}" for card in case.cards},
    )
    for page in find_platforms()[platform].load_renderer()(case, style):
        shown = replace(page, payload=APPLY_UPDATE[platform](page.payload, update))
        if platform == "slack":
            check_slack(shown.payload, allowed_urls={card.url for card in case.cards}, edited=True)
        else:
            check_discord(shown.payload)
        written = json.dumps(shown.payload, ensure_ascii=False)
        assert written.count("· 1,234") == len(page.papers)


@every_editing_platform
@every_style
def test_mark_counts_and_updates_appear_together_and_disappear_again(
    platform: str, style: DigestStyle
) -> None:
    apply_update = APPLY_UPDATE[platform]
    *_, page = find_platforms()[platform].load_renderer()(SHARED_CASES["five picks"], style)
    paper = page.papers[-1]
    both = json.dumps(apply_update(page.payload, PostUpdate({paper: 3}, {paper: "v3 since 24 November"})))
    assert "\\u00b7 3" in both
    assert "v3 since 24 November" in both
    assert apply_update(page.payload, PostUpdate()) == page.payload


@pytest.mark.parametrize("platform", list(APPLY_UPDATE))
@pytest.mark.parametrize("case", ["held papers of nasty signs", "held papers without an end"])
def test_every_held_paper_of_a_list_can_be_decided(platform: str, case: str) -> None:
    pages = find_platforms()[platform].load_renderer()(SHARED_CASES[case], DigestStyle.COMPACT)
    written = "".join(json.dumps(page.payload) for page in pages)
    for number in range(1, MAX_SHOWN_PAPERS + 1):
        assert f"Release {number}" in written
        assert f"Reject {number}" in written
