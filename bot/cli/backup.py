"""`paperround backup`: save the store to a file."""

import argparse

from bot.cli.terminal import EXIT_OK, load_cli_settings, print_lines
from bot.services import back_up_store


def run_command(options: argparse.Namespace) -> int:
    """Save the store to a new file, and print its size. Raises SettingsError and StoreError."""
    size = back_up_store(load_cli_settings(options), options.file)
    print_lines(
        f"The store is saved in {options.file} ({size / 1e6:,.1f} MB). “paperround restore” reads it."
    )
    return EXIT_OK
