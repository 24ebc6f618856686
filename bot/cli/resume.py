"""`paperround resume`: start the paused and stopped digests of a channel or a workspace again."""

import argparse
from dataclasses import replace
from datetime import datetime

from bot.cli.pause import OPERATOR, identify_operator, require_digests
from bot.cli.targets import Target, find_target, name_workspace
from bot.cli.terminal import EXIT_OK, build_cli_services, print_lines
from bot.present.wording import format_count
from digests.errors import InputError
from digests.ports import Store


def run_command(options: argparse.Namespace) -> int:
    """Resume every digest of the target and say how many. A running bot follows at once."""
    services = build_cli_services(options)
    target = find_target(options.name, services.store, services.settings)
    print_lines(resume_digests(target, services.store, now=services.delivery_context.clock()))
    return EXIT_OK


def resume_digests(target: Target, store: Store, *, now: datetime) -> str:
    """End every pause and stop of a target's digests, whoever made it, and return a sentence.

    Where one digest of a channel was stopped, all stopped ones of the channel start. Raises InputError if the
    target has no digest, or if its workspace is denied.
    """
    require_digests(target)
    if target.workspace in store.workspaces.list_denied(target.platform):
        workspace = name_workspace(target.platform, target.workspace)
        raise InputError(
            f"{workspace} is denied: “paperround workspaces allow {target.platform} {target.workspace}” "
            "serves it again."
        )
    resting = [each for each in target.subscriptions if not each.is_running]
    stopped = dict.fromkeys(each.channel for each in resting if each.stop_reason)
    for channel in stopped:
        store.subscriptions.start(channel, now=now, by=OPERATOR, by_id=identify_operator())
    for each in resting:
        current = store.subscriptions.find(each.channel, each.name)
        if current and current.paused_by:
            after = replace(current, paused_by="", paused_by_id="")
            store.subscriptions.change(
                each.channel, after, by=OPERATOR, by_id=identify_operator(), now=now, name=each.name
            )
    if not resting:
        return f"{target.name}: nothing to resume, {format_count(len(target.subscriptions), 'digest')} on."
    return f"{target.name}: {format_count(len(resting), 'digest')} resumed. “paperround channels” shows when."
