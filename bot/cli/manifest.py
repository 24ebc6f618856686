"""`paperround manifest`: the description of the app that its platform imports."""

import argparse

from bot.cli.terminal import EXIT_OK, load_cli_settings, print_document
from bot.platforms.registry import find_platforms


def run_command(options: argparse.Namespace) -> int:
    """Print the manifest that creates the app on a platform. Raises SettingsError.

    With --url the platform calls that address; without it the app connects to the platform.
    """
    render_manifest = find_platforms()[options.platform].render_manifest
    assert render_manifest  # noqa: S101 (the parser offers platforms with this hook)
    print_document(render_manifest(load_cli_settings(options), options.url or "").rstrip("\n"))
    return EXIT_OK
