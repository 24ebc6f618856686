"""`paperround search`: look papers up."""

import argparse
import json

from bot.cli.terminal import EXIT_OK, build_cli_services, print_json, print_lines
from bot.present.lookup import format_paper_lines, to_paper_records
from digests.errors import InputError


def run_command(options: argparse.Namespace) -> int:
    """Print the papers that an id, an address or words find, best first.

    Raises InputError if nothing is found; with --json an empty array is printed instead.
    """
    words = " ".join(options.words)
    found = build_cli_services(options).find_papers(words, options.limit)
    if options.json:
        print_json(json.dumps(to_paper_records(found), ensure_ascii=False, indent=2))
        return EXIT_OK
    if not found:
        raise InputError(f"Nothing found for “{words[:80]}”: try an arXiv id, an address, or fewer words.")
    print_lines(*format_paper_lines(found))
    return EXIT_OK
