"""The console: read as a person would, at any width."""

import asyncio
import io
from pathlib import Path

import pytest
from rich.console import Console

from bot.chat.message import Message, Text
from bot.chat.port import CANNOT_ASK, Page
from bot.platforms.console.client import ConsolePlatform
from bot.platforms.console.render import MAX_COLUMNS, print_page, render
from digests.subscription import Channel, DigestStyle
from tests.bot.shared_cases import SHARED_CASES
from tests.builders import NOW

HERE = Channel("console", "here")


def print_case(case: str, style: DigestStyle = DigestStyle.CARDS, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    for page in render(SHARED_CASES[case], style):
        print_page(page, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_digest_reads_from_top_to_bottom() -> None:
    text = print_case("one pick")
    order = [
        "Tue 24 Nov",
        "1. A quiet title",
        "7.5/10",
        "Limitations",
        "Reviewed by",
        "https://arxiv",
    ]
    places = [text.index(part) for part in order]
    assert places == sorted(places)


@pytest.mark.parametrize("case", SHARED_CASES)
@pytest.mark.parametrize("width", [20, 60, 300])
def test_no_line_is_wider_than_the_terminal_or_the_limit(case: str, width: int) -> None:
    from rich.cells import cell_len

    assert all(
        cell_len(line.rstrip()) <= min(width, MAX_COLUMNS)
        for line in print_case(case, width=width).splitlines()
    )


def test_no_paper_can_control_the_terminal() -> None:
    text = print_case("signs of a terminal")
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[red]x[/red]" in text


def post_page(platform: ConsolePlatform, page: Page) -> None:
    asyncio.run(platform.post(HERE, page, key="k", thread=None))


def test_a_transcript_remembers_the_shown_pages(tmp_path: Path) -> None:
    (page,) = render(SHARED_CASES["an empty digest"], DigestStyle.CARDS)
    platform = ConsolePlatform(Console(file=io.StringIO()), tmp_path / "transcript")
    assert asyncio.run(platform.find(HERE, key="k", since=NOW)) is None
    post_page(platform, page)
    assert asyncio.run(platform.find(HERE, key="k", since=NOW)) == "k"
    assert asyncio.run(platform.find(Channel("console", "there"), key="k", since=NOW)) is None


def test_a_truncated_line_of_the_transcript_does_not_count(tmp_path: Path) -> None:
    (page,) = render(SHARED_CASES["an empty digest"], DigestStyle.CARDS)
    transcript = tmp_path / "transcript"
    platform = ConsolePlatform(Console(file=io.StringIO()), transcript)
    post_page(platform, page)
    transcript.write_text(transcript.read_text()[:-5])
    assert asyncio.run(platform.find(HERE, key="k", since=NOW)) is None


def test_a_console_without_a_transcript_cannot_be_searched() -> None:
    platform = ConsolePlatform(Console(file=io.StringIO()))
    assert asyncio.run(platform.find(HERE, key="k", since=NOW)) is CANNOT_ASK


def test_a_label_alone_is_bold() -> None:
    message = Message("A review", (Text("Stacked attention.", label="Methodology"),))
    (page,) = render(message, DigestStyle.COMPACT)
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    print_page(page, console)
    assert isinstance(console.file, io.StringIO)
    assert "\x1b[1mMethodology \x1b[0mStacked attention." in console.file.getvalue()


def test_the_passages_of_an_answer_have_their_addresses() -> None:
    text = print_case("the answer about endless texts")
    assert "Show the passage in the paper:" in text
    assert "https://arxiv.org/abs/2401.00000#:~:text=Ten" in text
