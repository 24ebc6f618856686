"""Shared parts of the commands: settings, services, output and exit statuses."""

import argparse
import os
import sys
from typing import TYPE_CHECKING

from bot.cli.redaction import hide_known_secrets, remember_settings
from bot.cli.safe_text import escape_controls

if TYPE_CHECKING:
    from rich.console import Console

    from bot.services import Services
    from config.settings import Settings

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130
"""Exit statuses of every command. 130 is the shells' own for Ctrl-C."""


def load_cli_settings(options: argparse.Namespace) -> "Settings":
    """Load the settings that the command line names. Raises SettingsError."""
    from bot.platforms.registry import find_settings_models
    from config.load import load_settings

    settings = load_settings(options.config, os.environ, find_settings_models())
    remember_settings(settings)
    return settings


def build_cli_services(options: argparse.Namespace) -> "Services":
    """Build the services of a command. Raises SettingsError, StoreError and InputError."""
    from bot.services import build_services

    return build_services(load_cli_settings(options), open_console())


def open_console(*, is_stderr: bool = False) -> "Console":
    """Open a console on standard output or standard error.

    A title such as “:fire:” stays as it is. Control characters are escaped in all that it prints.
    """
    from bot.cli.safe_console import SafeConsole

    return SafeConsole(stderr=is_stderr, emoji=False)


def print_lines(*lines: str) -> None:
    """Print lines to standard output without markup, emoji names, colours or wrapping.

    Tabs become spaces, and control characters are escaped.
    """
    open_console().print(hide_known_secrets("\n".join(lines)), markup=False, highlight=False, soft_wrap=True)


def print_document(text: str) -> None:
    """Print a whole text, such as a page, to standard output, with control characters escaped."""
    print(escape_controls(text))  # noqa: T201


def print_json(text: str) -> None:
    """Print JSON text, with control characters escaped, so that it stays valid in the output's encoding.

    Unless that is a UTF, all but ASCII is escaped.
    """
    import json

    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    if not encoding.lower().startswith("utf"):
        text = json.dumps(json.loads(text), indent=2)
    print_document(text)
