"""Limits of what one person, and the people of one workspace together, may ask for: token buckets.

The buckets are in the memory of this process. With several replicas each has its own, so a person may get up
to a bucket from each; a restart fills all of them.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.conversation.command_words import parse_digest_command
from bot.conversation.commands import (
    AddDigest,
    ChangeDigest,
    DecideOnPaper,
    ExportPapers,
    ExportPerson,
    ForgetPerson,
    GiveOpinion,
    JoinGroup,
    LeaveGroup,
    LinkAccount,
    MarkPaper,
    Meet,
    PauseDigest,
    RenameDigest,
    ResetFeedback,
    ResumeDigest,
    ReturnPaper,
    SubscribeChannel,
    UnlinkAccount,
    UnsubscribeChannel,
    WriteNote,
)
from bot.present.wording import format_count
from digests.errors import InputError
from digests.subscription import Channel

MAX_BUCKETS = 10_000
"""Buckets in memory, some 2 MB. Above it those are forgotten that were not used for longest."""


class Use(StrEnum):
    """A use of the bot that has limits of its own. The value completes a sentence about too much of it."""

    LOOK_UP = "asked for a lot of papers"
    """A look-up, and every other answer that changes nothing."""
    UNKNOWN_PAPER = "asked for a lot of papers that are new here"
    """A look-up that asks arXiv for a paper."""
    SUGGESTION = "typed a lot"
    """Suggestions while a person types."""
    CHANGE = "changed a lot"
    """A change that is announced in the channel."""
    DECISION = "decided a lot"
    """A change without an announcement: of the queue, about a held paper, of one's own records."""
    REPORT = "reported a lot"
    """A report about a review, which may send a direct message to deciders."""
    ACCOUNT_LINK = "asked for or typed a lot of codes"
    """A code that links two accounts: few enough that none is found by trying."""
    SHARE = "shared a lot of papers"
    FILE = "asked for a lot of files"
    """A list of papers as a file, which may be uploaded."""
    MARK = "marked a lot of papers"
    """A mark or an opinion by a button, a menu or a command."""
    REACTION = "reacted a lot"
    """A reaction that may be a mark. Those beyond the limit are read later, once a message."""
    LINK = "pasted a lot of links"
    """A message with links that get a card."""
    PROGRAM = "asked a lot"
    """A request of a program over HTTP. A look-up takes up to three, and the person is its token."""
    GUESS = "tried a lot of tokens"
    """A token over HTTP that was not valid before. The person and the workspace are the peer's address."""


@dataclass(frozen=True, slots=True)
class BucketLimits:
    """The size of a token bucket, which is the largest burst, and the tokens that it gets a second."""

    burst: int
    per_second: float


@dataclass(frozen=True, slots=True)
class UseLimits:
    """The limits of one use, for a person and for the people of a workspace together."""

    person: BucketLimits
    workspace: BucketLimits


# Nobody who reads, types and clicks by hand meets these; a script does within seconds.
USE_LIMITS: Mapping[Use, UseLimits] = {
    Use.LOOK_UP: UseLimits(BucketLimits(30, 1 / 2), BucketLimits(500, 10)),
    Use.UNKNOWN_PAPER: UseLimits(BucketLimits(10, 1 / 30), BucketLimits(100, 1 / 2)),
    Use.SUGGESTION: UseLimits(BucketLimits(60, 4), BucketLimits(600, 40)),
    Use.CHANGE: UseLimits(BucketLimits(15, 1 / 5), BucketLimits(100, 1)),
    Use.DECISION: UseLimits(BucketLimits(40, 1 / 2), BucketLimits(200, 4)),
    Use.REPORT: UseLimits(BucketLimits(10, 1 / 10), BucketLimits(60, 1 / 2)),
    Use.ACCOUNT_LINK: UseLimits(BucketLimits(6, 1 / 60), BucketLimits(60, 1 / 2)),
    Use.FILE: UseLimits(BucketLimits(10, 1 / 15), BucketLimits(60, 1 / 2)),
    Use.SHARE: UseLimits(BucketLimits(6, 1 / 15), BucketLimits(60, 1 / 2)),
    Use.MARK: UseLimits(BucketLimits(60, 1), BucketLimits(1000, 20)),
    Use.REACTION: UseLimits(BucketLimits(30, 1 / 2), BucketLimits(500, 10)),
    Use.LINK: UseLimits(BucketLimits(20, 1 / 5), BucketLimits(200, 2)),
    Use.PROGRAM: UseLimits(BucketLimits(120, 2), BucketLimits(480, 8)),
    Use.GUESS: UseLimits(BucketLimits(200, 2), BucketLimits(200, 2)),
}


class LimitReachedError(InputError):
    """A bucket is empty. The sentence says when it has a token again, after `seconds`."""

    def __init__(self, sentence: str, seconds: int) -> None:
        super().__init__(sentence)
        self.seconds = seconds


@dataclass(slots=True)
class TokenBucket:
    """A token bucket that began full. `tokens` is its content at `updated_at`, in seconds."""

    tokens: float
    updated_at: float

    def refill(self, limits: BucketLimits, now: float) -> None:
        """Add the tokens of the time since the last call."""
        gained = max(0.0, now - self.updated_at) * limits.per_second
        self.tokens, self.updated_at = min(limits.burst, self.tokens + gained), now


@dataclass(slots=True)
class FairUse:
    """Takes a token from a person's bucket and from the workspace's for each use.

    `now` returns seconds of a monotonic clock. People without a workspace, in direct messages, share one.
    """

    now: Callable[[], float] = time.monotonic
    _buckets: OrderedDict[tuple[Use, str, str, str], TokenBucket] = field(default_factory=OrderedDict)

    def take_token(self, use: Use, channel: Channel, person_id: str) -> None:
        """Count one use by a person in a channel. Raises LimitReachedError, and takes nothing then."""
        limits = USE_LIMITS[use]
        own = self._find_bucket((use, channel.platform, "person", person_id), limits.person)
        _require_token(own, limits.person, f"You have {use} just now")
        shared = self._find_bucket((use, channel.platform, "workspace", channel.workspace), limits.workspace)
        _require_token(shared, limits.workspace, f"The people here have {use} just now")
        own.tokens -= 1
        shared.tokens -= 1

    def has_token(self, use: Use, channel: Channel, person_id: str) -> bool:
        """Count one use as `take_token` does, and return False in place of its error."""
        try:
            self.take_token(use, channel, person_id)
        except LimitReachedError:
            return False
        return True

    def _find_bucket(self, key: tuple[Use, str, str, str], limits: BucketLimits) -> TokenBucket:
        """Return the bucket, refilled until now; a full one if it is not in memory."""
        now = self.now()
        bucket = self._buckets.setdefault(key, TokenBucket(limits.burst, now))
        bucket.refill(limits, now)
        self._buckets.move_to_end(key)
        while len(self._buckets) > MAX_BUCKETS:
            self._buckets.popitem(last=False)
        return bucket


def _require_token(bucket: TokenBucket, limits: BucketLimits, cause: str) -> None:
    if bucket.tokens < 1:
        wait = max(1, math.ceil((1 - bucket.tokens) / limits.per_second))
        raise LimitReachedError(f"{cause}; try again in {format_count(wait, 'second')}.", wait)


def find_use_of_command(text: str) -> Use:
    """Return the use that the text after /digest is. A text that is no command counts as a look-up."""
    try:
        command = parse_digest_command(text)
    except InputError:
        return Use.LOOK_UP
    match command:
        case MarkPaper() | GiveOpinion() | WriteNote():
            return Use.MARK
        case SubscribeChannel() | AddDigest() | ChangeDigest():
            return Use.CHANGE
        case PauseDigest() | RenameDigest() | ResumeDigest() | UnsubscribeChannel() | ResetFeedback():
            return Use.CHANGE
        case Meet(words) if words:
            return Use.CHANGE
        case LinkAccount():
            return Use.ACCOUNT_LINK
        case JoinGroup() | LeaveGroup() | UnlinkAccount():
            return Use.DECISION
        case DecideOnPaper() | ReturnPaper() | ForgetPerson() | ExportPerson():
            return Use.DECISION
        case ExportPapers():
            return Use.FILE
        case _:
            return Use.LOOK_UP
