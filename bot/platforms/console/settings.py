"""Settings of the console platform: `[platforms.console]`."""

from pydantic import Field

from config.settings import SettingsTable


class ConsoleSettings(SettingsTable):
    """The console: digests are printed to the terminal."""

    transcript: str = Field(
        default="", description="File that gets a copy of each posted message. Empty: none."
    )
