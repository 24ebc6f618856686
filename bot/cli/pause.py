"""`paperround pause`: no digests for a channel or a whole workspace, until somebody resumes them."""

import argparse
import getpass
from dataclasses import replace
from datetime import datetime

from bot.cli.targets import Target, find_target
from bot.cli.terminal import EXIT_OK, build_cli_services, print_lines
from bot.present.wording import format_count
from digests.errors import InputError
from digests.ports import Store

OPERATOR = "the operator"
"""Name in chats of whoever changes a digest from the terminal."""


def run_command(options: argparse.Namespace) -> int:
    """Pause every digest of the target and say how many. A running bot follows at once."""
    services = build_cli_services(options)
    target = find_target(options.name, services.store, services.settings)
    print_lines(pause_digests(target, services.store, now=services.delivery_context.clock()))
    return EXIT_OK


def pause_digests(target: Target, store: Store, *, now: datetime) -> str:
    """Pause the running digests of a target, and return a sentence. Those that rest already stay as they are.

    Raises InputError if the target has no digest.
    """
    require_digests(target)
    paused = 0
    for each in target.subscriptions:
        current = store.subscriptions.find(each.channel, each.name)
        if current and current.is_running:
            after = replace(current, paused_by=OPERATOR, paused_by_id=identify_operator())
            store.subscriptions.change(
                each.channel, after, by=OPERATOR, by_id=identify_operator(), now=now, name=each.name
            )
            paused += 1
    resting = len(target.subscriptions) - paused
    if not paused:
        return f"{target.name}: nothing to pause, {format_count(resting, 'digest')} paused or stopped before."
    more = f", {resting:,} paused or stopped before" if resting else ""
    again = "“paperround resume” or a /digest resume in the channel ends it."
    return f"{target.name}: {format_count(paused, 'digest')} paused{more}. {again}"


def require_digests(target: Target) -> None:
    """Raise InputError if the target has no digest."""
    if not target.subscriptions:
        raise InputError(f"{target.name} gets no digest: there is nothing to pause or resume.")


def identify_operator() -> str:
    """Return the id that is kept with a change by the user of this system."""
    return f"console::{getpass.getuser()}"
