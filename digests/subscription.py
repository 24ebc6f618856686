"""Channels, their preferences and schedules."""

from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum


class DigestStyle(StrEnum):
    """How a digest is laid out on a chat platform."""

    CARDS = "cards"
    """A header, then one message a paper: a reaction belongs to one paper."""
    COMPACT = "compact"
    """One message."""
    THREAD = "thread"
    """A header in the channel, the cards in its thread."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a channel wants to read. Empty `domains` and `keywords` together mean everything.

    A paper is wanted when it lies in one of the domains (arXiv categories or named groups) or speaks of one of the
    keywords, and is not muted. `min_score` None sets no threshold.
    """

    domains: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    muted: tuple[str, ...] = ()
    top: int = 5
    min_score: float | None = None
    style: DigestStyle = DigestStyle.CARDS


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a channel gets its digest: local `at` on `days` (0 is Monday) in an IANA time zone."""

    at: time = time(9)
    days: frozenset[int] = frozenset(range(5))
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Channel:
    """Where a digest goes: `workspace` is the Slack team or Discord guild, empty where there is only one."""

    platform: str
    channel: str
    workspace: str = ""

    def __str__(self) -> str:
        return ":".join(part for part in (self.platform, self.workspace, self.channel) if part)

    def may_match(self, other: "Channel") -> bool:
        """Whether both may mean the same one: a channel that names no workspace is of any."""
        same = (self.platform, self.channel) == (other.platform, other.channel)
        return same and (self.workspace == other.workspace or not (self.workspace and other.workspace))


@dataclass(frozen=True, slots=True)
class Subscription:
    """A channel's wish and its schedule. `id` is the store's number for it, 0 before it is stored.

    `paused_by` is the person who paused it, empty while it runs. `stopped` is the sentence that says why its platform
    takes nothing for this channel any more. One `from_settings` is changed in the settings file only, but for pausing.
    `owner` is the platform's id of the person who is told when digests fail: whoever subscribed it; may be empty.
    """

    channel: Channel
    preferences: Preferences = field(default_factory=Preferences)
    schedule: Schedule = field(default_factory=Schedule)
    id: int = 0
    paused_by: str = ""
    stop_reason: str = ""
    is_from_settings: bool = False
    owner_id: str = ""

    @property
    def is_running(self) -> bool:
        """Whether digests come."""
        return not self.paused_by and not self.stop_reason


@dataclass(frozen=True, slots=True)
class SubscriptionChange:
    """What a person did to a channel's digest: None before is a new subscription, None after one that ended."""

    id: int
    channel: Channel
    before: Subscription | None
    after: Subscription | None
    by: str
    at: datetime
