"""`paperround db copy`: move the store to another database."""

import argparse
from datetime import UTC, datetime

from bot.cli.terminal import EXIT_OK, open_console, print_lines
from bot.ingest.reporting import show_progress_bars
from bot.present.wording import format_count
from bot.services import copy_store


def run_command(options: argparse.Namespace) -> int:
    """Copy the whole store to an empty database, and print the counts. Raises StoreError."""
    with show_progress_bars(open_console(is_stderr=True)) as add_bar:
        now, progress = datetime.now(UTC), add_bar("copying")
        counts = copy_store(options.source, options.target, now=now, progress=progress)
    print_lines(
        f"{format_count(sum(counts.values()), 'row')} copied, "
        f"{format_count(counts['papers'], 'paper')} among them; "
        "every table counted on both sides. Name the new store under [store] url before you start again."
    )
    return EXIT_OK
