"""`paperround db reindex`: build the search index anew."""

import argparse

from bot.cli.terminal import EXIT_OK, build_cli_services, open_console, print_lines
from bot.ingest.reporting import show_progress_bars
from bot.present.wording import format_count


def run_command(options: argparse.Namespace) -> int:
    """Build the search index anew, and print the number of papers. Raises SearchError and StoreError."""
    services = build_cli_services(options)
    with show_progress_bars(open_console(is_stderr=True)) as add_bar:
        count = services.build_index(add_bar("indexing"), anew=True)
    print_lines(f"{format_count(count, 'paper')} indexed in {services.search_directory}.")
    return EXIT_OK
