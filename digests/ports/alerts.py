"""Alerts to the operator: conditions that last, and the messages that tell of their start and their end."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Protocol

GIVEN_UP_FOR = timedelta(days=31)
"""Age of an edition that was given up after which nobody waits for it. Monthly rhythms are the longest."""


class AlertKind(StrEnum):
    """Kind of a condition. Its subject names the source, workspace, digest, machine or folder."""

    SOURCE = "source"
    REVIEWER = "reviewer"
    BUDGET = "budget"
    WORKSPACE = "workspace"
    DIGEST = "digest"
    DISK = "disk"
    BACKUP = "backup"


@dataclass(frozen=True, slots=True)
class Condition:
    """A fault that lasts now. `detail` is a sentence about it, without secrets. May be from outside.

    `since` is its start in UTC; where none is known, the fault starts when it is first observed.
    """

    kind: AlertKind
    subject: str
    detail: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """The start of a condition, or its end if `ended_at` is set. `since` is its start; both are in UTC."""

    kind: AlertKind
    subject: str
    detail: str
    since: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AlertMessage:
    """One message about some alerts. `sent_at` is the start of its last request, None if there was none.

    `attempts` counts the requests.
    """

    key: str
    alerts: tuple[Alert, ...]
    sent_at: datetime | None
    attempts: int


@dataclass(frozen=True, slots=True)
class DigestTrouble:
    """A digest that is late, or whose last edition was given up, with the reason if one is known."""

    full_name: str
    edition: date | None
    is_given_up: bool
    reason: str


class Alerts(Protocol):
    """The conditions that last, and an outbox with at most one message, in which those that changed meet.

    A condition that ends before its start was told is never told, nor is its end.
    """

    def observe(
        self,
        conditions: Collection[Condition],
        *,
        now: datetime,
        settle: timedelta,
        unseen: Collection[tuple[AlertKind, str]] = (),
    ) -> None:
        """Store the conditions that last now; the others have ended, except those in `unseen`.

        Once a start or an end has lasted for `settle`, it is written into a message. While a message is not
        confirmed none is added: later changes wait, and may cancel each other.
        """

    def list_lasting(self) -> Sequence[Alert]:
        """Return the conditions that last, longest first."""

    def find_due_message(self, *, now: datetime) -> AlertMessage | None:
        """Return the message that is to be sent or looked for now, None if there is none."""

    def mark_sending(self, message: AlertMessage, *, now: datetime, lease: timedelta) -> bool:
        """Store that a request begins, and hide the message for `lease`.

        Returns False if another process has begun a request since.
        """

    def confirm(self, message: AlertMessage) -> None:
        """Remove a message that was posted, or that cannot be."""

    def reschedule(self, message: AlertMessage, *, next_try_at: datetime, was_sent: bool) -> None:
        """Make a message due again. `was_sent` False says that its last request posted nothing."""

    def record_lost_access(self, platform: str, workspace: str, detail: str, *, now: datetime) -> None:
        """Record that a workspace does not accept the app's token. A message that is posted there ends it."""

    def list_lost_access(self) -> Sequence[tuple[str, str, str]]:
        """Return platform, workspace and detail of lost access that lasts, where a digest runs."""

    def list_digest_troubles(
        self, *, now: datetime, late_after: timedelta, given_up_since: date, limit: int
    ) -> Sequence[DigestTrouble]:
        """Return up to `limit` digests that are late, or whose last edition was given up; no paused ones.

        A digest is late `late_after` after it should have begun, or after an edition that was begun should
        have ended. Editions before `given_up_since` do not count as given up, and those that a later one
        followed do not. Given-up ones may be stopped since.
        """
