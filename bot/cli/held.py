"""`paperround held`: decide about suspect papers."""

import argparse
import getpass
from datetime import UTC, datetime

from bot.cli.terminal import EXIT_OK, build_cli_services, print_lines
from bot.conversation.moderation import decide_held_paper
from bot.present.moderation import format_held_lines
from digests.errors import InputError


def run_command(options: argparse.Namespace) -> int:
    """List held papers, or release or reject one in the name of the system's user.

    Raises InputError for a decision without a paper, and for a paper that is not held.
    """
    services = build_cli_services(options)
    if not options.decision:
        print_lines(*format_held_lines(services.store.moderation.list_held()))
        return EXIT_OK
    if not options.paper:
        raise InputError(
            f"Which paper? “paperround held {options.decision} ID”; “paperround held” lists them."
        )
    release, user = options.decision == "release", getpass.getuser()
    by, by_id = f"console:{user}", f"console::{user}"
    outcome = decide_held_paper(
        services.store, options.paper, is_release=release, by=by, by_id=by_id, now=datetime.now(UTC)
    )
    print_lines(outcome)
    return EXIT_OK
