"""`paperround workspaces`: every workspace with its digests and its use, and the list of those served."""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from rich.cells import cell_len

from bot.cli.columns import align_columns
from bot.cli.targets import name_workspace
from bot.cli.terminal import (
    EXIT_FAILED,
    EXIT_OK,
    build_cli_services,
    open_console,
    print_json,
    print_lines,
)
from bot.platforms.registry import AllowList, find_platforms
from bot.present.channel_status import describe_trouble
from bot.present.wording import format_count
from config.settings import Settings
from digests.errors import InputError
from digests.ports import Store
from digests.ports.delivery_reports import ChannelStatus
from digests.ports.installations import Installation
from digests.ports.metrics import WorkspaceUse
from digests.ports.workspaces import DENIED_REASON, WorkspaceState
from digests.text import clip_text, normalize_text

NAME_CHARACTERS = 60
"""Characters of a workspace's name in the list."""


def run_command(options: argparse.Namespace) -> int:
    """List the workspaces, or allow or deny some, with a line about each.

    A running bot follows within a minute. One that is unknown or ambiguous stops no other: returns
    `EXIT_FAILED` then. Raises InputError for it if it is the only one.
    """
    services = build_cli_services(options)
    store, settings = services.store, services.settings
    if not options.decision:
        summaries = load_summaries(store, settings, services.delivery_context.clock())
        if options.json:
            records = [summary_to_record(summary) for summary in summaries]
            print_json(json.dumps(records, ensure_ascii=False, indent=2))
        else:
            print_lines(*list_workspaces(summaries, open_console().width))
        return EXIT_OK
    names, status = list_full_names(options.names, options.decision), EXIT_OK
    for name in names:
        try:
            platform, workspace = find_workspace(name, store, settings, options.decision)
            allow, now = options.decision == "allow", datetime.now(UTC)
            print_lines(decide_workspace(store, settings, platform, workspace, allow=allow, now=now))
        except InputError as error:
            if len(names) == 1:
                raise
            print_lines(str(error))
            status = EXIT_FAILED
    return status


@dataclass(slots=True)
class WorkspaceSummary:
    """One workspace as the operator sees it.

    `state` is "" on a platform without an allow-list. `installation` is None where the app is not installed
    from a link. `workspace` is "" for the channels of a settings file that name none. `last_edition` is the
    newest one that was begun, and `next_due_at` the first to come.
    """

    platform: str
    workspace: str
    state: str = ""
    name: str = ""
    since: datetime | None = None
    is_named: bool = False
    is_removed: bool = False
    installation: Installation | None = None
    digests: int = 0
    troubles: int = 0
    last_edition: date | None = None
    next_due_at: datetime | None = None
    use: WorkspaceUse = field(default_factory=WorkspaceUse)


def load_summaries(store: Store, settings: Settings, now: datetime) -> list[WorkspaceSummary]:
    """Load a summary of every workspace: those that ask first, then the served and the denied ones.

    Blocks.
    """
    found: dict[tuple[str, str], WorkspaceSummary] = {}
    entries = {(entry.platform, entry.id): entry for entry in store.workspaces.list_all()}
    for state in WorkspaceState:
        for place, entry in entries.items():
            if entry.state is state:
                found[place] = WorkspaceSummary(*place, entry.state.value, entry.name, entry.at)
    for platform in _find_allow_lists(settings):
        for workspace in sorted(_list_named(platform, settings, store)):
            place = platform, workspace
            found.setdefault(place, WorkspaceSummary(*place)).state = WorkspaceState.SERVED.value
            found[place].is_named = True
    for status in store.delivery_reports.channel_statuses():
        channel = status.channel
        place = channel.platform, channel.workspace
        _add_digest(found.setdefault(place, WorkspaceSummary(*place)), status, now)
    for place, use in store.metrics.count_use(today=now.astimezone(UTC).date()).items():
        if place[1] or place in found:
            found.setdefault(place, WorkspaceSummary(*place)).use = use
    for installation in store.installations.list_all():
        place = installation.platform, installation.workspace
        summary = found.setdefault(place, WorkspaceSummary(*place))
        summary.installation, summary.name = installation, summary.name or installation.name
        summary.is_removed = bool(installation.ended_at)
    for place in store.workspaces.list_removed(before=now):
        if place in found:
            found[place].is_removed = True
    return list(found.values())


def _add_digest(summary: WorkspaceSummary, status: ChannelStatus, now: datetime) -> None:
    """Count a digest of the workspace."""
    summary.digests += 1
    summary.troubles += bool(describe_trouble(status, now))
    if status.edition:
        summary.last_edition = max(status.edition, summary.last_edition or status.edition)
    if status.subscription and status.subscription.is_running and status.next_due_at:
        summary.next_due_at = min(status.next_due_at, summary.next_due_at or status.next_due_at)


HEADINGS = ("workspace", "state", "digests", "last", "next (UTC)", "marks", "asked")


def list_workspaces(summaries: Sequence[WorkspaceSummary], width: int) -> list[str]:
    """Return a line for each workspace, and below it one with its name and what is to be known of it."""
    if not summaries:
        return [
            "No workspace is known yet. It comes onto the list when a running bot is added to it, or when it "
            "installs the app."
        ]
    heading, *rows = align_columns([HEADINGS, *map(_list_cells, summaries)], width)
    lines = [heading]
    for row, summary in zip(rows, summaries, strict=True):
        lines.append(row)
        if note := "; ".join(_list_notes(summary)):
            lines.append(f"  {clip_text(note, width - 2, cell_len)}")
    if any(summary.state == WorkspaceState.ASKED for summary in summaries):
        lines.append("“paperround workspaces allow ID” serves one that asks, deny refuses it.")
    return lines


def _list_cells(summary: WorkspaceSummary) -> tuple[str, ...]:
    return (
        name_workspace(summary.platform, summary.workspace),
        "removed" if summary.is_removed else summary.state or "served",
        f"{summary.digests:,}",
        f"{summary.last_edition:%d %b}" if summary.last_edition else "-",
        f"{summary.next_due_at.astimezone(UTC):%d %b %H:%M}" if summary.next_due_at else "-",
        f"{summary.use.marks:,}",
        f"{summary.use.requests:,}",
    )


def _list_notes(summary: WorkspaceSummary) -> Iterator[str]:
    if name := clip_text(normalize_text(summary.name), NAME_CHARACTERS):
        yield name
    if summary.is_named:
        yield "named in the settings file"
    elif summary.since:
        yield f"{summary.state} since {summary.since:%Y-%m-%d %H:%M} UTC"
    if installation := summary.installation:
        yield from _list_installation_notes(installation)
    if not summary.workspace:
        yield "channels of the settings file that name no workspace"
    if summary.troubles:
        yield f"{summary.troubles:,} in trouble: “paperround status”"
    if summary.use.reviews_today:
        yield f"{format_count(summary.use.reviews_today, 'full review')} today on request"


def _list_installation_notes(installation: Installation) -> Iterator[str]:
    who = installation.installed_by or "somebody"
    kind = "for a whole organization " if installation.is_organization else ""
    yield f"installed {kind}by {who} on {installation.installed_at:%Y-%m-%d %H:%M} UTC"
    if installation.ended_at:
        yield f"ended on {installation.ended_at:%Y-%m-%d %H:%M} UTC"
    if installation.problem:
        yield installation.problem


def summary_to_record(summary: WorkspaceSummary) -> dict[str, Any]:
    """Convert a summary to JSON values; unknown times are None."""
    return {
        "platform": summary.platform,
        "workspace": summary.workspace,
        "name": summary.name,
        "state": "removed" if summary.is_removed else summary.state or "served",
        "since": summary.since and summary.since.isoformat(),
        "in_settings": summary.is_named,
        "installed_by": summary.installation and summary.installation.installed_by,
        "installed_at": summary.installation and summary.installation.installed_at.isoformat(),
        "digests": summary.digests,
        "in_trouble": summary.troubles,
        "last_edition": summary.last_edition and summary.last_edition.isoformat(),
        "next_at": summary.next_due_at and summary.next_due_at.isoformat(),
        "marks": summary.use.marks,
        "requests": summary.use.requests,
        "reviews_today": summary.use.reviews_today,
    }


def _find_allow_lists(settings: Settings) -> dict[str, AllowList]:
    """Return the rules by platform of those on which these settings let the operator decide."""
    found = {name: spec.allow_list for name, spec in find_platforms().items() if spec.allow_list}
    return {name: allow_list for name, allow_list in found.items() if allow_list.is_used(settings)}


def _list_named(platform: str, settings: Settings, store: Store) -> set[str]:
    """Return the workspaces of a platform that the settings file names, also by its subscriptions."""
    allow_list = find_platforms()[platform].allow_list if platform in find_platforms() else None
    named = set(allow_list.list_named(settings)) if allow_list else set()
    return named | {
        subscription.workspace
        for subscription in settings.subscriptions
        if subscription.platform == platform and subscription.workspace
    }


def list_full_names(words: Sequence[str], decision: str) -> list[str]:
    """Return the name of each workspace on the command line, once: PLATFORM:ID, or ID alone.

    The word PLATFORM before ids is the platform of those after it. Raises InputError if there is no id.
    """
    platforms, names, platform = find_platforms(), list[str](), ""
    for word in words:
        if word in platforms:
            platform = f"{word}:"
        else:
            names.append(word if ":" in word else platform + word)
    if not names:
        raise InputError(
            f"Which one? “paperround workspaces {decision} ID …” takes one or several; "
            "“paperround workspaces” lists all."
        )
    return list(dict.fromkeys(names))


def find_workspace(name: str, store: Store, settings: Settings, decision: str) -> tuple[str, str]:
    """Return the platform and the id of the workspace with a name: PLATFORM:ID, or ID alone.

    Raises InputError for a platform without an allow-list, for what is no id of the platform, and for an id
    alone that several platforms could have.
    """
    allow_lists = _find_allow_lists(settings)
    *platforms, workspace = name.split(":", 1)
    known = ", ".join(allow_lists) or "none"
    if platforms and platforms[0] not in allow_lists:
        raise InputError(
            f"{platforms[0]!r} has no list of workspaces: it serves those that its tokens belong to, and "
            f"“paperround leave” ends that. Platforms with a list: {known}."
        )
    possible = platforms or list(_find_possible_platforms(workspace, store, allow_lists))
    if len(possible) > 1:
        example = f"“paperround workspaces {decision} {possible[0]}:{workspace}”"
        raise InputError(f"{workspace!r} may be one of {' or '.join(possible)}: write {example}.")
    if not possible or not allow_lists[possible[0]].is_id(workspace):
        raise InputError(
            f"{workspace!r} is not the id of a workspace of a platform with a list ({known}); “paperround "
            "workspaces” lists those that are known."
        )
    return possible[0], workspace


def _find_possible_platforms(
    workspace: str, store: Store, allow_lists: Mapping[str, AllowList]
) -> Iterator[str]:
    """Yield the platforms that list the workspace; if none does, those whose ids look like this one."""
    listed = {entry.platform for entry in store.workspaces.list_all() if entry.id == workspace}
    for platform, allow_list in allow_lists.items():
        if platform in listed or (not listed and allow_list.is_id(workspace)):
            yield platform


def decide_workspace(
    store: Store, settings: Settings, platform: str, workspace: str, *, allow: bool, now: datetime
) -> str:
    """Store a decision, stop or start the workspace's digests, and return a sentence about it.

    A decision about an organization is one about its workspaces, but for those that are denied themselves.
    Digests that were stopped for another reason stay stopped. Raises InputError for the denial of a
    workspace that the settings file names: it would be served all the same.
    """
    if not allow and workspace in _list_named(platform, settings, store):
        raise InputError(
            f"The settings file names {workspace}, so it is served: take it out there, and deny it then."
        )
    state = WorkspaceState.SERVED if allow else WorkspaceState.DENIED
    store.workspaces.decide(platform, workspace, state, now=now)
    places = {workspace} | _list_members(store, platform, workspace)
    count = 0
    for subscription in store.subscriptions.list_active():
        channel = subscription.channel
        if channel.platform != platform or channel.workspace not in places:
            continue
        if not allow:
            count += store.subscriptions.stop(channel, DENIED_REASON)
        elif subscription.stop_reason == DENIED_REASON:
            count += store.subscriptions.start(channel, now=now)
    outcome = "started again" if allow else "stopped"
    digests = f", {format_count(count, 'digest')} {outcome}" if count else ""
    verb = "is served" if allow else "is denied"
    return f"{platform} {workspace} {verb}{digests}. A running bot follows within a minute."


def _list_members(store: Store, platform: str, organization: str) -> set[str]:
    """Return the workspaces that have the app by their organization alone, and are not denied themselves."""
    installations = store.installations
    found = {
        each: installations.find(platform, each)
        for each in installations.list_members(platform, organization)
    }
    members = {
        each
        for each, installation in found.items()
        if installation and installation.workspace == organization
    }
    return members - store.workspaces.list_denied(platform)
