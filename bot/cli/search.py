"""`paperround search`: look papers up."""

import argparse
import json
from contextlib import suppress

from bot.cli.terminal import EXIT_OK, build_cli_services, open_console, print_json, print_lines
from bot.ingest.reporting import show_progress_bars
from bot.present.lookup import (
    describe_coverage,
    describe_emptied,
    describe_similar,
    format_paper_lines,
    present_missing_paper,
    to_paper_records,
)
from digests.errors import InputError
from digests.ports.search import SearchRequest


def run_command(options: argparse.Namespace) -> int:
    """Print the papers that an id, an address or words find, best first.

    Notes about filters go to standard error. Raises InputError if nothing is found; with --json an empty
    array is printed instead.
    """
    words = " ".join(options.words)
    services = build_cli_services(options)
    result = services.find_papers(SearchRequest(words, options.limit))
    if result.indexed_share < 1:
        # A thread in the background would end with the command.
        with show_progress_bars(open_console(is_stderr=True)) as add_bar, suppress(InputError):
            services.build_index(add_bar("indexing"))
        result = services.find_papers(SearchRequest(words, options.limit))
    notes = [*describe_coverage(result), *result.faults]
    if result.similar_to:
        notes.append(describe_similar(result, result.similar_to))
    elif result.emptied_by and result.found:
        notes.append(describe_emptied(result))
    for note in notes:
        open_console(is_stderr=True).print(note, markup=False, highlight=False, soft_wrap=True)
    if options.json:
        print_json(json.dumps(to_paper_records(result.papers), ensure_ascii=False, indent=2))
        return EXIT_OK
    if result.missing_ids and not result.found:
        unknown = present_missing_paper(result.missing_ids[0], can_fetch=False).summary
        raise InputError(f"{unknown}: import it, or ask for it in a chat, where papers of arXiv are fetched.")
    if not result.found and not result.similar_to:
        if not services.store.sources.count_papers():
            raise InputError("The store has no papers yet: bring some in with “paperround import FILE”.")
        if result.emptied_by:
            raise InputError(describe_emptied(result))
        raise InputError(f"Nothing found for “{words[:80]}”: try fewer or other words.")
    print_lines(*format_paper_lines(result.papers))
    return EXIT_OK
