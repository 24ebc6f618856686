"""The console: digests are printed to a terminal. The smallest platform, to be copied for a new one."""

from pathlib import Path
from typing import TYPE_CHECKING

from bot.platforms.console.settings import ConsoleSettings
from bot.platforms.registry import PlatformSpec
from config.settings import Settings

if TYPE_CHECKING:
    from rich.console import Console

    from bot.chat.port import Platform
    from bot.platforms.registry import Renderer


def _load_renderer() -> "Renderer":
    from bot.platforms.console.render import render

    return render


def _open_local(settings: Settings, console: "Console") -> "Platform":
    from bot.platforms.console.client import ConsolePlatform

    transcript = settings.get_platform(ConsoleSettings).transcript
    return ConsolePlatform(console, Path(transcript) if transcript else None)


SPEC = PlatformSpec(
    name="console",
    title="the console",
    settings_model=ConsoleSettings,
    load_renderer=_load_renderer,
    open_local=_open_local,
)
