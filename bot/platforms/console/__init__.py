"""The console: digests are printed to a terminal. The smallest platform, to be copied for a new one."""

from pathlib import Path
from typing import TYPE_CHECKING

from bot.platforms.registry import PlatformSpec

if TYPE_CHECKING:
    from rich.console import Console

    from bot.chat.port import Platform
    from bot.platforms.console.settings import ConsoleSettings
    from bot.platforms.registry import Renderer
    from config.settings import Settings


def _load_settings_model() -> "type[ConsoleSettings]":
    from bot.platforms.console.settings import ConsoleSettings

    return ConsoleSettings


def _load_renderer(settings: "Settings") -> "Renderer":
    from bot.platforms.console.render import render

    return render


def _open_local(settings: "Settings", console: "Console") -> "Platform":
    from bot.platforms.console.client import ConsolePlatform

    transcript = settings.get_platform(_load_settings_model()).transcript
    return ConsolePlatform(console, Path(transcript) if transcript else None)


SPEC = PlatformSpec(
    name="console",
    title="the console",
    load_settings_model=_load_settings_model,
    load_renderer=_load_renderer,
    open_local=_open_local,
)
