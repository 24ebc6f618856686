"""`paperround workspaces`: the allow-list of the workspaces that are served."""

import argparse
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from bot.cli.terminal import EXIT_OK, build_cli_services, print_lines
from bot.platforms.registry import AllowList, find_platforms
from bot.present.wording import format_count
from config.settings import Settings
from digests.errors import InputError
from digests.ports import Store
from digests.ports.workspaces import Workspace, WorkspaceState
from digests.text import clip_text, normalize_text

DENIED_REASON = "Paperround does not serve this workspace any more."
"""Reason of digests that are stopped because their workspace was denied."""

NAME_CHARACTERS = 60
"""Characters of a workspace's name in the list."""


def run_command(options: argparse.Namespace) -> int:
    """List the workspaces, or allow or deny one. Raises InputError for an unknown or ambiguous one.

    A running bot follows within a minute.
    """
    services = build_cli_services(options)
    store, settings = services.store, services.settings
    if not options.decision:
        print_lines(*list_workspaces(store, settings))
        return EXIT_OK
    platform, workspace = find_workspace(options.names, store, options.decision)
    allow = options.decision == "allow"
    print_lines(decide_workspace(store, settings, platform, workspace, allow=allow, now=datetime.now(UTC)))
    return EXIT_OK


def list_workspaces(store: Store, settings: Settings) -> list[str]:
    """Return a line for each workspace: those that ask first, then the served and the denied ones."""
    entries = {(entry.platform, entry.id): entry for entry in store.workspaces.list_all()}
    lines = [
        _describe_entry(entry, settings, store)
        for state in (WorkspaceState.ASKED, WorkspaceState.SERVED, WorkspaceState.DENIED)
        for entry in entries.values()
        if entry.state is state
    ]
    named = [
        f"served  {platform} {workspace}  named in the settings file"
        for platform in _find_allow_lists()
        for workspace in sorted(_list_named(platform, settings, store))
        if (platform, workspace) not in entries
    ]
    if not lines and not named:
        return ["No workspace is on the list yet: the first one that a running bot is added to is served."]
    if any(entry.state is WorkspaceState.ASKED for entry in entries.values()):
        named.append("“paperround workspaces allow ID” serves one that asks, deny refuses it.")
    return lines + named


def _describe_entry(entry: Workspace, settings: Settings, store: Store) -> str:
    state, note = entry.state.value, f"since {entry.at:%Y-%m-%d %H:%M} UTC"
    if entry.id in _list_named(entry.platform, settings, store):
        state, note = WorkspaceState.SERVED.value, "named in the settings file"
    name = clip_text(normalize_text(entry.name), NAME_CHARACTERS)
    return f"{state:6}  {entry.platform} {entry.id}  {note}{f'  {name}' if name else ''}"


def _find_allow_lists() -> dict[str, AllowList]:
    return {name: spec.allow_list for name, spec in find_platforms().items() if spec.allow_list}


def _list_named(platform: str, settings: Settings, store: Store) -> set[str]:
    """Return the workspaces of a platform that the settings file names, also by its subscriptions."""
    allow_list = find_platforms()[platform].allow_list if platform in find_platforms() else None
    named = set(allow_list.list_named(settings)) if allow_list else set()
    return named | {
        subscription.workspace
        for subscription in settings.subscriptions
        if subscription.platform == platform and subscription.workspace
    }


def find_workspace(names: Sequence[str], store: Store, decision: str) -> tuple[str, str]:
    """Return the platform and the id that the command line names: PLATFORM ID, or ID alone.

    Raises InputError for other words, for a platform without an allow-list, for what is no id of the
    platform, and for an id alone that several platforms could have.
    """
    if not 1 <= len(names) <= 2:
        raise InputError(f"Which one? “paperround workspaces {decision} ID”; without it all are listed.")
    *platforms, workspace = names
    allow_lists = _find_allow_lists()
    if platforms and platforms[0] not in allow_lists:
        known = ", ".join(allow_lists) or "none"
        raise InputError(
            f"{platforms[0]!r} has no list of workspaces: it serves the one that its settings and tokens "
            f"belong to. Platforms with a list: {known}."
        )
    possible = platforms or list(_find_possible_platforms(workspace, store))
    if len(possible) > 1:
        example = f"“paperround workspaces {decision} {possible[0]} {workspace}”"
        raise InputError(f"{workspace!r} may be one of {' or '.join(possible)}: write {example}.")
    if not possible or not allow_lists[possible[0]].is_id(workspace):
        raise InputError(
            f"{workspace!r} is not the id of a workspace; “paperround workspaces” lists those that are known."
        )
    return possible[0], workspace


def _find_possible_platforms(workspace: str, store: Store) -> Iterator[str]:
    """Yield the platforms that list the workspace; if none does, those whose ids look like this one."""
    allow_lists = _find_allow_lists()
    listed = {entry.platform for entry in store.workspaces.list_all() if entry.id == workspace}
    for platform, allow_list in allow_lists.items():
        if platform in listed or (not listed and allow_list.is_id(workspace)):
            yield platform


def decide_workspace(
    store: Store, settings: Settings, platform: str, workspace: str, *, allow: bool, now: datetime
) -> str:
    """Store a decision, stop or start the workspace's digests, and return a sentence about it.

    Digests that were stopped for another reason stay stopped. Raises InputError for the denial of a
    workspace that the settings file names: it would be served all the same.
    """
    if not allow and workspace in _list_named(platform, settings, store):
        raise InputError(
            f"The settings file names {workspace}, so it is served: take it out there, and deny it then."
        )
    state = WorkspaceState.SERVED if allow else WorkspaceState.DENIED
    store.workspaces.decide(platform, workspace, state, now=now)
    count = 0
    for subscription in store.subscriptions.list_active():
        channel = subscription.channel
        if (channel.platform, channel.workspace) != (platform, workspace):
            continue
        if not allow:
            count += store.subscriptions.stop(channel, DENIED_REASON)
        elif subscription.stop_reason == DENIED_REASON:
            count += store.subscriptions.start(channel, now=now)
    outcome = "started again" if allow else "stopped"
    digests = f", {format_count(count, 'digest')} {outcome}" if count else ""
    verb = "is served" if allow else "is denied"
    return f"{platform} {workspace} {verb}{digests}. A running bot follows within a minute."
