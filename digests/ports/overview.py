"""Lists for the operator: workspaces with their numbers, and digests by the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from digests.ports.delivery_reports import ChannelStatus


@dataclass(frozen=True, slots=True)
class DigestFilter:
    """Digests to list. Empty fields leave nothing out.

    `words` stand in the channel's id, the workspace's or the digest's name. `is_in_trouble` keeps those that
    were stopped, failed, wait for a retry or are late.
    """

    words: str = ""
    platform: str = ""
    workspace: str = ""
    is_in_trouble: bool = False


@dataclass(frozen=True, slots=True)
class DigestPage:
    """Some digests of a list that has `count` in all."""

    digests: Sequence[ChannelStatus]
    count: int


@dataclass(frozen=True, slots=True)
class WorkspaceDigests:
    """Numbers of the digests of one workspace, by `running`, `paused` and `stopped`, each a key."""

    platform: str
    workspace: str
    counts: Mapping[str, int]


class Overview(Protocol):
    """Queries whose cost does not grow with the history. None of them changes a row."""

    def list_workspaces(self) -> Sequence[WorkspaceDigests]:
        """Return every workspace with a digest that was not removed, in order."""

    def list_digests(self, wanted: DigestFilter, *, now: datetime, offset: int, limit: int) -> DigestPage:
        """Return digests by platform, workspace, channel and name, from `offset` on, and their number in all.

        Digests that were removed are left out.
        """

    def find_digest(self, key: int) -> ChannelStatus | None:
        """Return the digest with this key, None if there is none or it was removed."""
