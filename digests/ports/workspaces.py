"""Workspaces of the platforms on which anybody can add the app, and the decisions to serve them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

DENIED_REASON = "Paperround does not serve this workspace any more."
"""Reason of digests that are stopped because their workspace was denied."""


class WorkspaceState(StrEnum):
    """State of a workspace on the allow-list. A workspace that asks is not served until a decision."""

    ASKED = "asked"
    SERVED = "served"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Workspace:
    """One entry of the allow-list; `at` is the instant at which the workspace got its state.

    `name` is the platform's name for people, chosen by a stranger, or empty if it is not known.
    """

    platform: str
    id: str
    name: str
    state: WorkspaceState
    at: datetime


class Workspaces(Protocol):
    """The allow-list of workspaces. One that is not on it is not served."""

    def list_all(self) -> Sequence[Workspace]:
        """Return every entry by platform, longest known first."""

    def list_served(self, platform: str) -> frozenset[str]:
        """Return the ids of the workspaces of a platform that are served."""

    def list_denied(self, platform: str) -> frozenset[str]:
        """Return the ids of the workspaces of a platform that are denied."""

    def decide(self, platform: str, workspace: str, state: WorkspaceState, *, now: datetime) -> None:
        """Set the state of a workspace, known or not. Its name stays."""

    def serve_undecided(self, platform: str, workspaces: Collection[str], *, now: datetime) -> None:
        """Serve these workspaces, except those that are denied. The entries of served ones stay."""

    def serve_first(self, platform: str, workspace: str, *, now: datetime) -> bool:
        """Serve a workspace if the platform has no entry at all, whatever its state.

        Returns True if it is served now by this call. Of concurrent calls one counts.
        """

    def record_requests(
        self, platform: str, names: Mapping[str, str], *, now: datetime
    ) -> Sequence[Workspace]:
        """Record the workspaces that the app is in, by id, with their names; return those that newly ask.

        One without an entry asks from now on. A request is forgotten once the app is no longer in the
        workspace; decisions are kept. An empty name replaces no known one.
        """

    def record_removal(self, platform: str, workspaces: Collection[str], *, now: datetime) -> None:
        """Record that these workspaces removed the app. The first removal counts until a return."""

    def record_return(self, platform: str, workspaces: Collection[str]) -> None:
        """Record that the app is in these workspaces: a removal is forgotten."""

    def list_removed(self, *, before: datetime) -> Sequence[tuple[str, str]]:
        """Return the platform and the id of workspaces that removed the app before an instant, in order."""
