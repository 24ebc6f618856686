"""`paperround manifest`: the description of the app that its platform imports."""

import argparse

from bot.cli.terminal import EXIT_OK, load_cli_settings
from bot.platforms.registry import find_platforms


def run_command(options: argparse.Namespace) -> int:
    """Print the manifest that creates the app on a platform. Raises SettingsError.

    With --url the platform calls that address; without it the app connects to the platform.
    """
    render_manifest = find_platforms()[options.platform].render_manifest
    assert render_manifest  # noqa: S101 (the parser offers platforms with this hook)
    print(render_manifest(load_cli_settings(options), options.url or ""), end="")  # noqa: T201
    return EXIT_OK
