"""Subscriptions: a channel, its preferences and its schedule."""

from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum

from digests.errors import InputError
from digests.text import clip_text, normalize_text

MAX_NAME_CHARACTERS = 30
"""Length of a digest's name: it stands in commands, in headers and in the log."""
MAX_DIGESTS_OF_CHANNEL = 10
"""Digests of one channel, the main one included."""

_SIGNS_IN_NAMES = frozenset(" .+-")


def normalize_name(text: str) -> str:
    """Return the name of a digest in lower case, with single spaces. "" is the name of the main digest.

    Raises InputError for a name that is too long, or has other signs than letters, digits, spaces, hyphens,
    full stops and plus signs.
    """
    name = normalize_text(text[: 10 * MAX_NAME_CHARACTERS]).casefold()
    is_plain = all(sign.isalnum() or sign in _SIGNS_IN_NAMES for sign in name)
    if name and not (is_plain and name[0].isalnum() and len(name) <= MAX_NAME_CHARACTERS):
        raise InputError(
            f"“{clip_text(name, 40)}” is no name of a digest: write up to {MAX_NAME_CHARACTERS} letters and "
            "digits, with spaces or hyphens between them."
        )
    return name


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
    picks. `min_score` None sets no threshold. `repeat` also picks papers that another digest of the channel
    showed. `language` is the code of the language of TL;DRs and limitations, "" the original one. `recap`
    posts a recap once a week.
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
    repeat: bool = False
    language: str = ""
    recap: bool = False


@dataclass(frozen=True, slots=True)
class Schedule:
    """Time of a digest: the local time `at` on the weekdays `days`, where 0 is Monday.

    `time_zone` is the name of an IANA time zone. With `every_weeks` 2 it comes in every second week: in those
    whose number, from `number_week`, is even (`week_parity` 0) or odd (1). Weekly schedules have parity 0.
    """

    at: time = time(9)
    days: frozenset[int] = frozenset(range(5))
    time_zone: str = "UTC"
    every_weeks: int = 1
    week_parity: int = 0


@dataclass(frozen=True, slots=True)
class Channel:
    """Target of a digest. `workspace` is the Slack team or Discord server, empty if there is only one.

    `is_direct` is True for the conversation of one person with the bot. It is a property of the channel, and
    not compared: the ids say which channel it is.
    """

    platform: str
    channel: str
    workspace: str = ""
    is_direct: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        return ":".join(part for part in (self.platform, self.workspace, self.channel) if part)

    def may_match(self, other: "Channel") -> bool:
        """Return True if both can be the same channel. An empty workspace matches any workspace."""
        is_same_id = (self.platform, self.channel) == (other.platform, other.channel)
        return is_same_id and (self.workspace == other.workspace or not (self.workspace and other.workspace))


@dataclass(frozen=True, slots=True)
class Subscription:
    """A standing order of a channel: the preferences and the schedule of one of its digests.

    `name` tells the digests of a channel apart, as `normalize_name` returns it; the main digest has none.
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
    name: str = ""

    @property
    def full_name(self) -> str:
        """The channel, and after a # the digest's name if it has one: `slack:T1:C1#friday agents`."""
        return format_full_name(self.channel, self.name)

    @property
    def short_name(self) -> str:
        """The full name without platform and workspace: `C1#friday agents`."""
        return f"{self.channel.channel}#{self.name}" if self.name else self.channel.channel

    @property
    def is_running(self) -> bool:
        """Return True if it is neither paused nor stopped, so that digests are delivered."""
        return not self.paused_by and not self.stop_reason


def format_full_name(channel: Channel, name: str) -> str:
    """Return the name of one of a channel's digests among those of all channels."""
    return f"{channel}#{name}" if name else str(channel)


@dataclass(frozen=True, slots=True)
class SubscriptionChange:
    """A person's change of a subscription. `id` is the key for undoing it, and `name` that of the digest.

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
    name: str = ""
