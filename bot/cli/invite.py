"""`paperround invite`: the link that adds the app to a server."""

import argparse
import asyncio
import os
from collections.abc import Awaitable

from bot.cli.terminal import EXIT_OK, load_cli_settings, print_lines
from bot.platforms.registry import find_platforms


def run_command(options: argparse.Namespace) -> int:
    """Print the link that adds the app to a server. Raises InputError and SettingsError."""
    fetch_invitation = find_platforms()[options.platform].fetch_invitation
    assert fetch_invitation  # noqa: S101 (the parser offers platforms with this hook)
    settings = load_cli_settings(options)
    print_lines(asyncio.run(_await_link(fetch_invitation(settings, os.environ))))
    return EXIT_OK


async def _await_link(link: Awaitable[str]) -> str:
    return await link
