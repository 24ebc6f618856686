"""Records about people: export, erasure, retention.

An erasure leaves a tombstone outside of the store, so that a restored backup does not bring anybody back.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from digests.errors import InputError
from digests.text import clip_text

SOMEBODY = "somebody"
"""Name that stands where the name of a forgotten person stood."""


class SubjectKind(StrEnum):
    """Kinds of subjects whose records can be erased."""

    PERSON = "person"
    WORKSPACE = "workspace"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True)
class Subject:
    """A person, a channel or a whole workspace, by the platform's ids.

    `id` is that of the person or channel, and empty for a workspace. A person with an empty `workspace` is
    the one with that id in every workspace of the platform. Records whose workspace is not known are those of
    any workspace.
    """

    kind: SubjectKind
    platform: str
    workspace: str
    id: str = ""

    def __str__(self) -> str:
        parts = (self.platform, self.workspace) if self.kind is SubjectKind.WORKSPACE else self.key
        return ":".join(parts)

    @property
    def key(self) -> tuple[str, str, str]:
        """Return the platform, the workspace and the id."""
        return self.platform, self.workspace, self.id


def parse_subject(kind: SubjectKind, text: str) -> Subject:
    """Parse `PLATFORM:WORKSPACE:ID`, for a workspace `PLATFORM:WORKSPACE`. Raises InputError.

    The workspace of a person or channel may be empty, as in `discord::1200000000000000001`.
    """
    parts = text.strip().split(":")
    has_id = kind is not SubjectKind.WORKSPACE
    if len(parts) == 2 + has_id and parts[0] and parts[-1]:
        return Subject(kind, *parts)
    shape = f"PLATFORM:WORKSPACE:{kind.upper()}" if has_id else "PLATFORM:WORKSPACE"
    raise InputError(
        f"{clip_text(text, 60)!r} is not the id of a {kind}: write it as {shape}, each part by its id "
        "(docs/privacy.md has examples)."
    )


Counts = Mapping[str, int]
"""Numbers of records by their kind, in words for people. Kinds without records are left out."""


class People(Protocol):
    """Records about people, over all tables.

    A test classifies every column of the schema: a new one fails until it is classified.
    """

    def count_records(self, subject: Subject) -> Counts:
        """Count the records that `forget` would erase or make anonymous."""

    def forget(self, subject: Subject, *, now: datetime) -> Counts:
        """Erase everything about a subject, and return the numbers of records that were changed.

        A person's marks, reports and opinions are deleted. In changes, decisions, discussions, re-reviews and
        shared cards `SOMEBODY` takes the place of the name, and the id is removed; a request keeps its place
        without the person. Digests that the person set up go on without an owner. Messages that show
        a number of marks that changed, or the name, are enqueued for a refresh.

        Of a channel and a workspace all records are deleted. In records that belong to no workspace the
        people of a workspace become `SOMEBODY`, and its requests nobody's. A denial keeps its id.

        A tombstone is written first, with a keyed hash of the ids. Everything else is one transaction. Raises
        StoreError; if the tombstone could not be written, nothing was changed. Once it is written, a failed
        erasure is repeated by `reapply_tombstones`.
        """

    def forget_removed(self, workspace: Subject, *, before: datetime, now: datetime) -> Counts | None:
        """Erase a workspace, as `forget` does, if it removed the app before an instant and is not back.

        A workspace in which people or digests did something since its removal is back, whether that was
        recorded or not: its removal is forgotten. Returns None if nothing was erased for one of these
        reasons.
        """

    def export(self, person: Subject) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """Return everything that is kept about a person, by kind of record. Values are those of JSON."""

    def find_forgotten(
        self, platform: str, workspace: str, people: Collection[str], *, since: datetime
    ) -> frozenset[str]:
        """Return those of some people of a workspace, by id, who were forgotten at `since` or later."""

    def reapply_tombstones(self) -> Counts:
        """Erase what a restored backup brought back: records of a tombstone's subject that are older than it.

        Does nothing if this database has seen all tombstones. Raises StoreError.
        """

    def prune(self, *, before: datetime, limit: int) -> int:
        """Make up to `limit` records of each kind that are older than an instant anonymous.

        Marks that were taken back are deleted, and so are reports and opinions. Changes, decisions,
        discussions, re-reviews, pauses and shared cards lose the name and the id; marks that stand are kept.
        Returns the largest number of one kind: below `limit`, nothing more is to be done.
        """
