"""The preview page in a real browser: every pick is visible, and nothing overflows."""

import json
import re
import shutil
import subprocess
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from bot.cli.preview_page import render_message_page
from digests.subscription import DigestStyle
from tests.bot.shared_cases import SHARED_CASES
from tests.bot.test_renderers import list_urls

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

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
  wide: wide.slice(0, 5).map(e => e.tagName + "." + e.className + ": " + e.textContent.slice(0, 60)),
});
</script>"""


def measure_page(page: str, folder: Path, width: int) -> dict[str, Any]:
    """Return the links and the overflowing elements of the page in a browser of this width in pixels."""
    assert CHROMIUM
    file = folder / "page.html"
    file.write_text(page.replace("</body>", f"{MEASURE}</body>"), encoding="utf-8")
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--disable-quic",
        f"--user-data-dir={folder / 'profile'}",
        f"--window-size={width},900", "--virtual-time-budget=2000", "--dump-dom", f"file://{file}",
    ]  # fmt: skip
    browser = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    found = re.search(r"<title>(.*?)</title>", browser.stdout, re.DOTALL)
    assert found
    result: dict[str, Any] = json.loads(unescape(found[1]))
    return result


@pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine")
@pytest.mark.parametrize("width", [500, 1280])
@pytest.mark.parametrize("case", ["five picks", "nasty signs", "right to left"])
def test_a_browser_shows_every_pick_and_nothing_overflows(case: str, width: int, tmp_path: Path) -> None:
    message = SHARED_CASES[case]
    layout = measure_page(render_message_page(message, DigestStyle.CARDS), tmp_path, width)
    urls = {card.url for card in message.cards}
    assert set(layout["slack"]) == set(layout["discord"]) == list_urls(message)
    assert urls <= set(layout["slack"])
    assert layout["page"][0] <= layout["page"][1]
    assert layout["wide"] == []


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
