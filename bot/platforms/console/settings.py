"""Settings of the console platform: `[platforms.console]`."""

from pydantic import Field

from config.settings import SettingsTable


class ConsoleSettings(SettingsTable):
    """The platform that prints to the terminal."""

    transcript: str = Field(
        default="", description="A file that gets a copy of what was posted; empty: none."
    )
