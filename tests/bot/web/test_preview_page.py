"""The preview page in a real browser: every pick is visible, and nothing overflows."""

import json
import re
import shutil
import subprocess
from html import escape, unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from bot.present.digest import present_digest
from bot.web.preview_page import render_message_page
from digests.subscription import DigestStyle
from tests.bot.golden_cases import GOLDEN_CASES
from tests.bot.shared_cases import SHARED_CASES
from tests.bot.test_renderers import list_urls

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

PHONE_PIXELS = 390

FRAME = """<!doctype html><title></title>
<iframe style="border: 0; width: {width}px; height: 900px" srcdoc="{page}"
  onload="document.title = this.contentDocument.title"></iframe>"""

MEASURE = """<script>
const seen = box => box.width > 0 && box.height > 0;
const links = [...document.querySelectorAll("main a")].filter(a => seen(a.getBoundingClientRect()));
const wide = [...document.querySelectorAll("main *")].filter(
  e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1
    || e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0);
document.title = JSON.stringify({
  slack: links.filter(a => a.closest(".slack")).map(a => a.getAttribute("href")),
  discord: links.filter(a => a.closest(".discord")).map(a => a.getAttribute("href")),
  page: [document.documentElement.scrollWidth, document.documentElement.clientWidth],
  heights: Object.fromEntries([...document.querySelectorAll("main > section")].map(
    section => [section.className, section.getBoundingClientRect().height])),
  wide: wide.slice(0, 5).map(e => e.tagName + "." + e.className + ": " + e.textContent.slice(0, 60)),
});
</script>"""


def measure_page(page: str, folder: Path, width: int) -> dict[str, Any]:
    """Return links, heights and overflowing elements of the page in a frame of this width in pixels.

    A browser without a screen has no window of less than 500.
    """
    assert CHROMIUM
    file = folder / "page.html"
    measured = page.replace("</body>", f"{MEASURE}</body>")
    file.write_text(FRAME.format(width=width, page=escape(measured)), encoding="utf-8")
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--disable-quic",
        f"--user-data-dir={folder / 'profile'}",
        f"--window-size={width + 100},1000", "--virtual-time-budget=2000", "--dump-dom", f"file://{file}",
    ]  # fmt: skip
    browser = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    found = re.search(r"<title>(.*?)</title>", browser.stdout, re.DOTALL)
    assert found
    result: dict[str, Any] = json.loads(unescape(found[1]))
    return result


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")
@pytest.mark.parametrize("width", [PHONE_PIXELS, 1280])
@pytest.mark.parametrize("case", ["five picks", "nasty signs", "right to left"])
def test_a_browser_shows_every_pick_and_nothing_overflows(case: str, width: int, tmp_path: Path) -> None:
    message = SHARED_CASES[case]
    layout = measure_page(render_message_page(message, DigestStyle.CARDS), tmp_path, width)
    urls = {card.url for card in message.cards}
    assert set(layout["slack"]) == set(layout["discord"]) == list_urls(message)
    assert urls <= set(layout["slack"])
    assert layout["page"][0] <= layout["page"][1]
    assert layout["wide"] == []


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")
def test_a_compact_digest_takes_at_most_half_the_height_of_its_cards_on_a_phone(tmp_path: Path) -> None:
    message = present_digest(GOLDEN_CASES["bundled"]())
    compact, cards = (
        measure_page(render_message_page(message, style), tmp_path, PHONE_PIXELS)["heights"]
        for style in (DigestStyle.COMPACT, DigestStyle.CARDS)
    )
    assert set(cards) == {"slack", "discord"}
    for platform, height in cards.items():
        assert compact[platform] <= height / 2


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]


@pytest.mark.parametrize("case", SHARED_CASES)
@pytest.mark.parametrize("style", list(DigestStyle))
def test_the_page_has_only_the_links_of_its_cards_and_no_active_content(
    case: str, style: DigestStyle
) -> None:
    reader = _Reader()
    reader.feed(render_message_page(SHARED_CASES[case], style))
    assert not reader.tags & {"script", "img", "iframe", "object", "link", "form"}
    assert set(reader.links) <= list_urls(SHARED_CASES[case])
