"""A platform is one folder: what the registry finds there is all that the application knows of it."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

import bot.platforms
from bot.chat.message import Message
from bot.cli.digest_now import post_todays_edition
from bot.platforms.registry import find_platforms, find_settings_models
from bot.services import build_services
from bot.web.preview_page import list_columns, render_message_page
from config.load import load_settings
from digests.model import NOT_REVIEWED
from digests.subscription import DigestStyle
from tests.builders import a_paper

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)

DUMMY = '''
from pydantic import Field

from bot.chat.port import Page
from bot.platforms.preview import PagePreview
from bot.platforms.registry import PlatformSpec
from config.settings import SettingsTable


class NoticeBoardSettings(SettingsTable):
    """A notice board in a file."""

    file: str = Field(default="board.txt", description="File that gets each message.")


class NoticeBoard:
    name = "board"

    def __init__(self, file: str) -> None:
        self.file = file

    def render(self, message, style):
        return [Page({"text": message.summary}, tuple(card.paper for card in message.cards))]

    async def fit_pages(self, channel, pages):
        return pages

    async def upload_file(self, channel, page):
        return page

    async def post(self, channel, page, *, key, thread):
        with open(self.file, "a", encoding="utf-8") as sheet:
            sheet.write(f"{channel.channel}: {page.payload['text']}\\n")
        return key

    async def find(self, channel, *, key, since):
        return None


PREVIEW = PagePreview(
    render_body=lambda page: f"<p>{page.payload['text']}</p>",
    column=9,
    light="--board: #fff;",
    dark="--board: #000;",
)

SPEC = PlatformSpec(
    name="board",
    title="the board",
    load_preview=lambda: PREVIEW,
    load_settings_model=lambda: NoticeBoardSettings,
    load_renderer=lambda settings: NoticeBoard("").render,
    open_local=lambda settings, console: NoticeBoard(settings.get_platform(NoticeBoardSettings).file),
)
'''

SETTINGS = """
[store]
url = "sqlite:///{folder}/store.db"

[platforms.board]
file = "{folder}/sheet.txt"

[[subscriptions]]
platform = "board"
channel = "kitchen"
at = "09:00"
time_zone = "UTC"
"""


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with one more platform in it."""
    package = tmp_path / "platforms" / "board"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(DUMMY, encoding="utf-8")
    monkeypatch.setattr(bot.platforms, "__path__", [*bot.platforms.__path__, str(package.parent)])
    find_platforms.cache_clear()
    yield tmp_path
    find_platforms.cache_clear()
    sys.modules.pop("bot.platforms.board", None)


def test_a_new_platform_is_one_folder(board: Path) -> None:
    (board / "paperround.toml").write_text(SETTINGS.format(folder=board), encoding="utf-8")
    settings = load_settings(board / "paperround.toml", {}, find_settings_models())
    services = build_services(settings, Console(file=StringIO()), clock=lambda: NOW)
    services.store.library.add([(a_paper(title="Owls read at night"), NOT_REVIEWED)], now=NOW)
    asyncio.run(post_todays_edition("kitchen", services, {}))
    (line,) = (board / "sheet.txt").read_text(encoding="utf-8").splitlines()
    assert line.startswith("kitchen: ")
    assert "Owls read at night" in line
    services.store.close()


@pytest.mark.usefixtures("board")
def test_a_new_platform_has_a_column_on_the_preview_page() -> None:
    page = render_message_page(Message("Owls read at night", ()), DigestStyle.CARDS)
    titles = re.findall(r'<section class="\w+" aria-label="([^"]+)">', page)
    assert titles == [*(spec.title for spec, _ in list_columns() if spec.name != "board"), "the board"]
    assert "<p>Owls read at night</p>" in page.split('aria-label="the board"')[1]
    assert ".board { background: var(--board); }" in page


def test_every_platform_of_the_project_is_found() -> None:
    folders = Path(bot.platforms.__file__).parent.glob("*/__init__.py")
    assert list(find_platforms()) == sorted(file.parent.name for file in folders)


@pytest.mark.parametrize(("used", "unused"), [("slack", "discord"), ("discord", "slack_sdk")])
def test_a_platform_loads_no_library_of_another(used: str, unused: str) -> None:
    code = (
        "import sys; from bot.platforms.registry import find_platforms; find_platforms();"
        f"import bot.services, bot.cli.main, bot.platforms.{used}.app; sys.exit({unused!r} in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("library", ["slack_sdk", "slack_bolt", "discord"])
def test_finding_the_platforms_loads_no_library_of_theirs(library: str) -> None:
    code = (
        "import sys; from bot.platforms.registry import find_platforms; find_platforms();"
        f"sys.exit({library!r} in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
