"""`paperround channels`: one line for each digest, with its next and its last edition."""

import argparse
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby

from bot.cli.columns import align_columns
from bot.cli.status import channel_to_record
from bot.cli.targets import find_target, name_workspace
from bot.cli.terminal import EXIT_OK, build_cli_services, open_console, print_json, print_lines
from bot.present.channel_status import describe_trouble
from bot.present.wording import format_count
from digests.ports.delivery_reports import ChannelStatus
from digests.text import clip_text, normalize_text
from digests.workspace_names import find_workspace_names

NAME_CHARACTERS = 60
"""Characters of a workspace's name in the list."""

HEADINGS = ("channel", "next (UTC)", "last", "what is wrong")


def run_command(options: argparse.Namespace) -> int:
    """Print all digests by workspace, or those of one channel or workspace.

    Raises InputError for an unknown name.
    """
    services = build_cli_services(options)
    statuses = services.store.delivery_reports.channel_statuses()
    if options.name:
        target = find_target(options.name, services.store, services.settings)
        names = {each.full_name for each in target.subscriptions}
        statuses = [each for each in statuses if each.full_name in names]
    now = services.delivery_context.clock()
    if options.json:
        records = [channel_to_record(each, now) for each in statuses]
        print_json(json.dumps(records, ensure_ascii=False, indent=2))
    else:
        workspace_names = find_workspace_names(services.store)
        print_lines(*list_channels(statuses, now, open_console().width, workspace_names))
    return EXIT_OK


def list_channels(
    statuses: Sequence[ChannelStatus],
    now: datetime,
    width: int,
    workspace_names: Mapping[tuple[str, str], str],
) -> list[str]:
    """Return a line for each digest, under its workspace. `width` is that of the terminal.

    A workspace has its id, and after it the name that people know, if it is among `workspace_names`.
    What is wrong is clipped to it; the columns of a workspace are aligned.
    """
    if not statuses:
        return ["No channel gets a digest here."]
    by_workspace = sorted(statuses, key=_workspace_of)
    rows = [_describe_digest(each, now) for each in by_workspace]
    lines = iter(align_columns([HEADINGS, *rows], width, indent="  "))
    shown = [next(lines)]
    for workspace, group in groupby(by_workspace, key=_workspace_of):
        shown.append(_title_workspace(workspace, workspace_names.get(workspace, "")))
        shown += [next(lines) for _ in group]
    troubles = sum(bool(describe_trouble(each, now)) for each in statuses)
    if troubles:
        total = format_count(len(statuses), "digest")
        shown.append(f"{troubles:,} of {total} in trouble: “paperround status” has the whole sentences.")
    return shown


def _title_workspace(workspace: tuple[str, str], name: str) -> str:
    """Return the id of a workspace, and the name in brackets. The name comes from outside: it is clipped."""
    title = name_workspace(*workspace)
    return f"{title} ({clip_text(normalize_text(name), NAME_CHARACTERS)})" if name else title


def _workspace_of(status: ChannelStatus) -> tuple[str, str]:
    return status.channel.platform, status.channel.workspace


def _describe_digest(status: ChannelStatus, now: datetime) -> tuple[str, str, str, str]:
    """Return the cells of a digest's row."""
    digest, channel = status.subscription, status.channel.channel
    name = f"{channel}#{status.name}" if status.name else channel
    last = f"{status.edition:%d %b} {status.state}" if status.edition else "-"
    trouble = describe_trouble(status, now)
    if not digest or digest.stop_reason:
        return name, "stopped", last, trouble
    if digest.paused_by:
        return name, "paused", last, trouble or f"Paused by {digest.paused_by}."
    coming = f"{status.next_due_at.astimezone(UTC):%d %b %H:%M}" if status.next_due_at else "-"
    return name, coming, last, trouble
