"""Subscriptions: a channel, its preferences and its schedule."""

from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum


class DigestStyle(StrEnum):
    """Layout of a digest on a chat platform."""

    CARDS = "cards"
    """A header, then one message per paper, so that a reaction belongs to one paper."""
    COMPACT = "compact"
    """One message."""
    THREAD = "thread"
    """A header in the channel, and the cards in its thread."""


class MatchMode(StrEnum):
    """Relation of domains and keywords, where a channel has both."""

    ALL = "all"
    """A paper must be in one of the domains and mention one of the keywords."""
    ANY = "any"
    """A paper must be in one of the domains or mention one of the keywords."""


class UnscoredPapers(StrEnum):
    """Treatment of papers without a score."""

    AFTER = "after"
    """They come after all others."""
    LEAVE_OUT = "leave out"


DEFAULT_STYLE = DigestStyle.THREAD
"""Style of a new subscription, and of one of the settings file that names none."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """A channel's selection of papers, and the style of its digest.

    `domains` are arXiv categories or our groups. `match` says how domains and keywords combine. A paper by
    one of `authors` matches too, whatever its domain and words. Without domains, keywords and authors, every
    paper matches. `muted` holds domains and words that exclude any paper. `top` is the largest number of
    picks. `min_score` None sets no threshold.
    """

    domains: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    muted: tuple[str, ...] = ()
    top: int = 5
    min_score: float | None = None
    style: DigestStyle = DigestStyle.CARDS
    authors: tuple[str, ...] = ()
    match: MatchMode = MatchMode.ALL
    unscored: UnscoredPapers = UnscoredPapers.AFTER


@dataclass(frozen=True, slots=True)
class Schedule:
    """Time of a channel's digest: the local time `at` on the weekdays `days`, where 0 is Monday.

    `time_zone` is the name of an IANA time zone.
    """

    at: time = time(9)
    days: frozenset[int] = frozenset(range(5))
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Channel:
    """Target of a digest. `workspace` is the Slack team or Discord server, empty if there is only one."""

    platform: str
    channel: str
    workspace: str = ""

    def __str__(self) -> str:
        return ":".join(part for part in (self.platform, self.workspace, self.channel) if part)

    def may_match(self, other: "Channel") -> bool:
        """Return True if both can be the same channel. An empty workspace matches any workspace."""
        is_same_id = (self.platform, self.channel) == (other.platform, other.channel)
        return is_same_id and (self.workspace == other.workspace or not (self.workspace and other.workspace))


@dataclass(frozen=True, slots=True)
class Subscription:
    """A channel's standing order: its preferences and schedule.

    `id` is the store's number, 0 before it is stored. `paused_by` is the name of the person who paused it, or
    empty, and `paused_by_id` the person's id with platform and workspace. `stop_reason` is the sentence with
    which it was stopped, for example because the platform no longer accepts posts for the channel; it is
    empty otherwise. With `is_from_settings`, people can pause it, and everything else is changed in the
    settings file only. `owner_id` is the platform's id of the person who subscribed the channel and gets
    failure notices; it may be empty.
    """

    channel: Channel
    preferences: Preferences = field(default_factory=Preferences)
    schedule: Schedule = field(default_factory=Schedule)
    id: int = 0
    paused_by: str = ""
    stop_reason: str = ""
    is_from_settings: bool = False
    owner_id: str = ""
    paused_by_id: str = ""

    @property
    def is_running(self) -> bool:
        """Return True if it is neither paused nor stopped, so that digests are delivered."""
        return not self.paused_by and not self.stop_reason


@dataclass(frozen=True, slots=True)
class SubscriptionChange:
    """A person's change of a subscription. `id` is the key for undoing it.

    `by` is the person's name, and `by_id` the id with platform and workspace; it is empty where the person is
    not known. `before` is None for a new subscription, `after` is None for one that was removed.
    """

    id: int
    channel: Channel
    before: Subscription | None
    after: Subscription | None
    by: str
    at: datetime
    by_id: str = ""
