"""`paperround fetch`: fetch from the sources of the settings at once."""

import argparse
import asyncio

from bot.cli.terminal import EXIT_FAILED, EXIT_OK, build_cli_services, open_console, print_lines
from bot.ingest.fetching import fetch_all_sources
from bot.services import build_sources
from digests.errors import InputError


def run_command(options: argparse.Namespace) -> int:
    """Fetch from the sources of the settings, and print a sentence for each.

    Returns `EXIT_FAILED` if a source failed or had bad records. Raises InputError if there is no such source.
    """
    services = build_cli_services(options)
    chosen = [source for source in build_sources(services) if options.source in ("", source.name)]
    if not chosen:
        raise InputError(_explain_missing_source(options.source))
    reports = asyncio.run(
        fetch_all_sources(
            chosen,
            services.store,
            services.delivery_context.clock,
            since=options.since,
            console=open_console(is_stderr=True),
        )
    )
    for report in reports:
        print_lines(report.to_sentence())
    return EXIT_FAILED if any(report.failure or report.bad_count for report in reports) else EXIT_OK


def _explain_missing_source(name: str) -> str:
    if name:
        return f"No source is called {name[:60]!r}: the settings name them in [[sources]] tables."
    return (
        "No source to fetch from: put a [[sources]] table into paperround.toml "
        "(config/example.toml shows four)."
    )
