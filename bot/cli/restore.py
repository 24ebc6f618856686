"""`paperround restore`: replace the store by a backup."""

import argparse
from datetime import UTC, datetime

from bot.cli.terminal import EXIT_OK, load_cli_settings, print_lines
from bot.services import restore_store


def run_command(options: argparse.Namespace) -> int:
    """Replace the store by a backup, and print the way back. Raises SettingsError and StoreError."""
    restored = restore_store(load_cli_settings(options), options.file, now=datetime.now(UTC))
    print_lines(f"{restored.file} is the store of {options.file} again.")
    if restored.is_migrated:
        print_lines(f"Its tables were of an older version ({restored.revision}), and were migrated.")
    if kept := restored.replaced_file:
        print_lines(f"The replaced store is {kept}: “paperround restore {kept}” brings it back.")
    print_lines("“paperround run” looks in the channels for what was posted since the backup.")
    return EXIT_OK
