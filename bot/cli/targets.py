"""Names of digests, channels and workspaces on the command line."""

import difflib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from bot.cli.status import find_unstarted
from bot.services import list_configured_subscriptions
from config.settings import Settings
from digests.errors import InputError
from digests.ports import Store
from digests.subscription import Channel, Subscription
from digests.text import clip_text

MAX_LISTED_NAMES = 10
"""Names that a sentence lists."""
MAX_QUOTED_CHARACTERS = 100
"""Characters of a typed name that are compared and repeated."""


@dataclass(frozen=True, slots=True)
class Target:
    """The digests that a name stands for: one, those of a channel, or those of a workspace.

    `name` is the full name. `channel` is None for a workspace. `subscriptions` are active ones, and empty for
    a channel or a workspace without digests.
    """

    name: str
    platform: str
    workspace: str
    channel: Channel | None
    subscriptions: tuple[Subscription, ...] = ()
    is_one_digest: bool = False


def name_workspace(platform: str, workspace: str) -> str:
    """Return the full name of a workspace: slack:T1, or the platform's if the settings name none."""
    return f"{platform}:{workspace}" if workspace else platform


def find_target(name: str, store: Store, settings: Settings) -> Target:
    """Return the digest, the channel or the workspace with a full name, or with its id alone.

    Channels that had a digest and have none any more are found too. Raises InputError for an unknown name,
    with the nearest known ones, for one that several have, and for a digest of the settings that has not
    begun. Blocks.
    """
    active = store.subscriptions.list_active()
    targets = list(_list_targets(active, store))
    found = [target for target in targets if target.name == name]
    found = found or [target for target in targets if name in _list_short_names(target)]
    if len(found) == 1:
        return found[0]
    quoted = clip_text(name, MAX_QUOTED_CHARACTERS)
    if found:
        names = ", ".join(target.name for target in found[:MAX_LISTED_NAMES])
        raise InputError(f"{quoted!r} may be one of {len(found)}: {names}. Give the full name of one.")
    unstarted = find_unstarted(list_configured_subscriptions(settings), active)
    if any(name in (each.full_name, each.short_name, str(each.channel)) for each in unstarted):
        raise InputError(
            f"The digest of {quoted!r} is in the settings file and has not begun: “paperround run” begins "
            "it; to have none, take it out of the file."
        )
    raise InputError(f"{_describe_unknown(quoted, targets)} “paperround channels” lists those that do.")


def _describe_unknown(quoted: str, targets: Sequence[Target]) -> str:
    """Say that no digest, channel or workspace has the name, and which names are near."""
    shorts = {short.lower(): target.name for target in targets for short in _list_short_names(target)}
    names = {target.name.lower(): target.name for target in targets} | shorts
    near = difflib.get_close_matches(quoted.lower(), names, n=3)
    hint = " or ".join(dict.fromkeys(names[each] for each in near))
    return f"No channel or workspace {quoted!r} gets digests{f': did you mean {hint}?' if hint else '.'}"


def _list_targets(active: Sequence[Subscription], store: Store) -> Iterator[Target]:
    """Yield everything that has a name, each name once: workspaces, channels, and digests with a name."""
    channels: dict[Channel, list[Subscription]] = {}
    for subscription in active:
        channels.setdefault(subscription.channel, []).append(subscription)
    for channel in store.subscriptions.list_former():
        channels.setdefault(channel, [])
    workspaces: dict[tuple[str, str], list[Subscription]] = {}
    for channel, digests in channels.items():
        yield Target(str(channel), channel.platform, channel.workspace, channel, tuple(digests))
        for each in digests:
            if each.name:
                yield Target(
                    each.full_name, channel.platform, channel.workspace, channel, (each,), is_one_digest=True
                )
        if channel.workspace:
            workspaces.setdefault((channel.platform, channel.workspace), []).extend(digests)
    for entry in store.workspaces.list_all():
        workspaces.setdefault((entry.platform, entry.id), [])
    for (platform, workspace), digests in workspaces.items():
        yield Target(name_workspace(platform, workspace), platform, workspace, None, tuple(digests))


def _list_short_names(target: Target) -> Collection[str]:
    """Return the names without platform and workspace."""
    if target.channel is None:
        return (target.workspace,)
    if target.is_one_digest:
        return (target.subscriptions[0].short_name,)
    return (target.channel.channel,)
