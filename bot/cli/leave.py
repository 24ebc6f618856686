"""`paperround leave`: end the digests of a channel or a workspace, and make the app leave it."""

import argparse
import asyncio
import os
from collections.abc import Mapping
from datetime import datetime

from bot.chat.findings import Finding, Severity
from bot.cli.pause import OPERATOR, identify_operator
from bot.cli.targets import Target, find_target
from bot.cli.terminal import EXIT_FAILED, EXIT_OK, build_cli_services, print_lines
from bot.platforms.registry import find_platforms
from bot.present.wording import format_count
from bot.services import Services, build_app
from bot.storage import run_interactive
from config.problems import SettingsError
from digests.errors import InputError
from digests.ports import Store


def run_command(options: argparse.Namespace) -> int:
    """Leave the target, and print what was done and what a person must do.

    Returns `EXIT_FAILED` if the platform could not be asked to let the app go; its digests have ended then,
    and the same command tries again. Raises InputError, before anything is changed, for an unknown name and
    for a digest of the settings file.
    """
    services = build_cli_services(options)
    target = find_target(options.name, services.store, services.settings)
    ended, finding = asyncio.run(leave_target(target, services, os.environ))
    print_lines(ended, str(finding))
    return EXIT_FAILED if finding.severity is Severity.FAULT else EXIT_OK


async def leave_target(
    target: Target, services: Services, environment: Mapping[str, str]
) -> tuple[str, Finding]:
    """End the digests, then leave, and return a sentence about the first and a finding about the second."""
    now = services.delivery_context.clock()
    count = await run_interactive(end_digests, target, services.store, now=now)
    if target.is_one_digest:
        note = "The app stays in the channel: without #NAME it leaves."
        return _describe_end(target, count), Finding(Severity.OK, target.name, note)
    finding = await leave_place(target, services, environment)
    if target.channel is None and finding.severity is Severity.OK:
        record = services.store.workspaces.record_removal
        await run_interactive(record, target.platform, [target.workspace], now=now)
    return _describe_end(target, count), finding


def end_digests(target: Target, store: Store, *, now: datetime) -> int:
    """Remove the digests of a target, each as a change, and return their number.

    Raises InputError, and removes none, if the settings file has one of them.
    """
    configured = [each.full_name for each in target.subscriptions if each.is_from_settings]
    if configured:
        more = f" and {len(configured) - 1:,} more" if len(configured) > 1 else ""
        raise InputError(
            f"The settings file has the digest of {configured[0]}{more}: take it out there, start "
            "“paperround run” again, and leave then. “paperround pause” pauses it at once."
        )
    count = 0
    for each in target.subscriptions:
        count += bool(
            store.subscriptions.change(
                each.channel, None, by=OPERATOR, by_id=identify_operator(), now=now, name=each.name
            )
        )
    return count


def _describe_end(target: Target, count: int) -> str:
    if not count:
        return f"{target.name} gets no digest."
    verb = "has" if count == 1 else "have"
    return f"{target.name}: {format_count(count, 'digest')} {verb} ended. Marks and queues are kept."


async def leave_place(target: Target, services: Services, environment: Mapping[str, str]) -> Finding:
    """Make the platform's app leave the channel or the workspace."""
    if target.channel and target.channel.is_direct:
        return Finding(Severity.OK, target.name, "It is a direct message: there is nothing to leave.")
    spec = find_platforms().get(target.platform)
    if not spec or not spec.build_app:
        return Finding(Severity.OK, target.name, "There is nothing to leave on this platform.")
    try:
        app = build_app(services, environment, target.platform)
    except (InputError, SettingsError) as error:
        return Finding(Severity.FAULT, target.name, str(error))
    if not app:
        sentence = f"The app was not asked to leave: to do that here too, set {spec.required_secrets}."
        return Finding(Severity.WARNING, target.name, sentence)
    if target.channel:
        return await app.leave_channel(target.channel)
    former = await run_interactive(services.store.subscriptions.list_former)
    channels = [
        each for each in former if (each.platform, each.workspace) == (target.platform, target.workspace)
    ]
    return await app.leave_workspace(target.workspace, channels)
