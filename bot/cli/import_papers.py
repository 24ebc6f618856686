"""`paperround import`: bring scored papers in from files and addresses."""

import argparse
import sys
from datetime import UTC, datetime

from bot.cli.terminal import EXIT_FAILED, EXIT_OK, build_cli_services, open_console, print_lines
from bot.ingest.importing import import_review_files
from bot.services import make_import_opener


def run_command(options: argparse.Namespace) -> int:
    """Import review files and addresses, and print the counts.

    Returns `EXIT_FAILED` if a record or a file was left out; everything else is imported.
    """
    services = build_cli_services(options)
    report = import_review_files(
        options.places,
        services.store,
        now=datetime.now(UTC),
        standard_input=sys.stdin.buffer,
        console=open_console(is_stderr=True),
        connect=make_import_opener(services, allow_private=options.allow_private),
    )
    print_lines(report.to_sentence())
    return EXIT_FAILED if report.bad_count or report.failure_count else EXIT_OK
