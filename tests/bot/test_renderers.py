"""Every renderer over the same cases: limits hold, links survive, nothing pings, papers keep their order."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest

from bot.chat.message import Appointment, Heading, Links, Message, OptionRow, People
from bot.chat.port import Page, PostUpdate
from bot.platforms.registry import find_platforms
from bot.present.card import build_unscored_card
from bot.present.moderation import MAX_SHOWN_PAPERS
from config.settings import Settings
from digests.subscription import DigestStyle
from tests.bot.shared_cases import NASTY, SHARED_CASES
from tests.builders import a_scored_paper

ApplyUpdate = Callable[[Mapping[str, Any], PostUpdate], dict[str, Any]]


def check_page(platform: str, payload: Mapping[str, Any], case: Message, *, edited: bool = False) -> None:
    """Check a page of a case with `limits.py` beside the tests of its platform."""
    limits = import_module(f"tests.bot.platforms.{platform}.limits")
    limits.check_page(payload, allowed_urls=list_urls(case), edited=edited)


def list_urls(case: Message) -> set[str]:
    """Return the addresses of all links of a message, and the mentions of the people that it names."""
    addresses = {url for card in case.cards for url in (card.url, *(link.url for link in card.links))}
    addresses |= {link.url for block in case.blocks if isinstance(block, Links) for link in block.links}
    places = {block.place for block in case.blocks if isinstance(block, Appointment)}
    naming = [block for block in case.blocks if isinstance(block, OptionRow | People)]
    for block in naming:
        if isinstance(block, People) and block.target:
            channel, message = block.target
            receipt = message if "/" in message else f"{channel.channel}/{message}"
            addresses.add(f"https://slack.com/archives/{channel.channel}/p{message.replace('.', '')}")
            addresses.add(f"https://discord.com/channels/{channel.workspace}/{receipt}")
    return addresses | places | {f"<@{person}>" for block in naming for person in block.people}


@cache
def render_case(platform: str, style: DigestStyle, case: str) -> Sequence[Page]:
    return find_platforms()[platform].load_renderer(Settings())(SHARED_CASES[case], style)


def load_apply_update(platform: str) -> ApplyUpdate:
    apply_update: ApplyUpdate = import_module(f"bot.platforms.{platform}.post_update").apply_post_update
    return apply_update


EDITING_PLATFORMS = [name for name in find_platforms() if find_spec(f"bot.platforms.{name}.post_update")]

every_case = pytest.mark.parametrize("case", SHARED_CASES)
every_platform = pytest.mark.parametrize("platform", list(find_platforms()))
every_style = pytest.mark.parametrize("style", list(DigestStyle))


@every_case
@every_platform
@every_style
def test_a_message_becomes_pages_within_the_limits(platform: str, style: DigestStyle, case: str) -> None:
    pages = render_case(platform, style, case)
    assert pages
    for page in pages:
        check_page(platform, page.payload, SHARED_CASES[case])
        json.dumps(page.payload, ensure_ascii=False).encode("utf-8")


@every_case
@every_platform
@every_style
def test_each_paper_is_on_one_page_in_its_order_with_its_link(
    platform: str, style: DigestStyle, case: str
) -> None:
    pages, cards = render_case(platform, style, case), SHARED_CASES[case].cards
    assert [paper for page in pages for paper in page.papers] == [card.paper for card in cards]
    for card in cards:
        (page,) = (page for page in pages if card.paper in page.papers)
        assert card.url in json.dumps(page.payload, ensure_ascii=False)


@every_platform
def test_a_thread_never_only_repeats_its_message(platform: str) -> None:
    write = find_platforms()[platform].load_renderer(Settings())
    scored = SHARED_CASES["five picks"]
    cards = [build_unscored_card(a_scored_paper(f"2401.0000{n}")) for n in range(5)]
    unscored = Message("x", (Heading("x"), *cards))
    assert write(unscored, DigestStyle.THREAD) == write(unscored, DigestStyle.COMPACT)
    mixed = Message("x", (Heading("x"), scored.cards[0], *cards))
    for message in (scored, mixed):
        assert [page.in_thread for page in write(message, DigestStyle.THREAD)] == [False] + [True] * len(
            message.cards
        )


@every_platform
def test_styles_differ_in_their_messages(platform: str) -> None:
    five = SHARED_CASES["five picks"]
    write = find_platforms()[platform].load_renderer(Settings())
    assert len(write(five, DigestStyle.COMPACT)) == 1
    assert len(write(five, DigestStyle.CARDS)) == 6
    threaded = write(five, DigestStyle.THREAD)
    assert [page.in_thread for page in threaded] == [False] + [True] * 5


every_editing_platform = pytest.mark.parametrize("platform", EDITING_PLATFORMS)


@every_case
@every_editing_platform
@every_style
def test_a_refreshed_page_stays_within_the_limits(platform: str, style: DigestStyle, case: str) -> None:
    message = SHARED_CASES[case]
    update = PostUpdate(
        {card.paper: 1234 for card in message.cards},
        {card.paper: f"withdrawn by its authors {NASTY * 9}" for card in message.cards},
    )
    for page in render_case(platform, style, case):
        shown = replace(page, payload=load_apply_update(platform)(page.payload, update))
        check_page(platform, shown.payload, message, edited=True)
        written = json.dumps(shown.payload, ensure_ascii=False)
        assert written.count("· 1,234") == len(page.papers)


@every_editing_platform
@every_style
def test_mark_counts_and_updates_appear_together_and_disappear_again(
    platform: str, style: DigestStyle
) -> None:
    apply_update = load_apply_update(platform)
    *_, page = find_platforms()[platform].load_renderer(Settings())(SHARED_CASES["five picks"], style)
    paper = page.papers[-1]
    both = json.dumps(apply_update(page.payload, PostUpdate({paper: 3}, {paper: "v3 since 24 November"})))
    assert "\\u00b7 3" in both
    assert "v3 since 24 November" in both
    assert apply_update(page.payload, PostUpdate()) == page.payload


@every_editing_platform
@pytest.mark.parametrize("case", ["held papers of nasty signs", "held papers without an end"])
def test_every_held_paper_of_a_list_can_be_decided(platform: str, case: str) -> None:
    pages = find_platforms()[platform].load_renderer(Settings())(SHARED_CASES[case], DigestStyle.COMPACT)
    written = "".join(json.dumps(page.payload) for page in pages)
    for number in range(1, MAX_SHOWN_PAPERS + 1):
        assert f"Release {number}" in written
        assert f"Reject {number}" in written
