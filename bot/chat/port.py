"""What every chat platform gives the house. `console/` is the smallest example: copy it to add a platform."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Protocol

from bot.chat.message import Message
from digests.model import Post
from digests.subscription import Channel, DigestStyle


@dataclass(frozen=True, slots=True)
class Page:
    """One chat message, ready to post: what the platform's API takes, but for the channel and the thread.

    `papers` are the ids of the papers in it, in order. `in_thread` pages belong into the thread of the first page.
    """

    payload: Mapping[str, Any]
    papers: tuple[str, ...] = ()
    in_thread: bool = False


@dataclass(frozen=True, slots=True)
class PostUpdate:
    """What is now true of a posted message's papers, by their ids: everything that an edit after posting can add.

    So many people want a paper discussed; a line says what came since (a new version, a new review, a withdrawal).
    """

    mark_counts: Mapping[str, int] = field(default_factory=dict)
    update_lines: Mapping[str, str] = field(default_factory=dict)


class NoHistory(Enum):
    """The answer of a platform that cannot be asked what it has posted."""

    CANNOT_ASK = "cannot ask"


CANNOT_ASK = NoHistory.CANNOT_ASK


class Platform(Protocol):
    """A place where digests are posted. The name is the word used in settings."""

    @property
    def name(self) -> str: ...

    def render(self, message: Message, style: DigestStyle) -> Sequence[Page]:
        """The message as pages within every limit of the platform. Pure; never raises for any text."""

    async def post(self, channel: Channel, page: Page, *, key: str, thread: str | None) -> str:
        """Post one page and return its receipt: enough to find the message again. `key` names this page for good.

        Raises PostError; its `outcome` says whether the page may be posted again.
        """

    async def find(self, channel: Channel, *, key: str, since: datetime) -> str | NoHistory | None:
        """The receipt of the page posted under `key`, None if it was never posted, or CANNOT_ASK.

        By our clock, which may be wrong, it was not posted before `since`: the newest messages are looked at in any case.
        Raises PostError.
        """

    async def edit(self, channel: Channel, receipt: str, page: Page) -> None:
        """Make a posted message say what this page says; the same again changes nothing, so that it may be repeated.

        Raises PostError; REFUSED also when the message is not there any more.
        """

    async def refresh(self, post: Post, update: PostUpdate) -> None:
        """Make a posted message say what it said when it was posted, with these facts; the same again changes nothing.

        Raises PostError; REFUSED also when the message is not there any more.
        """

    async def send_direct_message(self, channel: Channel, person: str, message: Message) -> None:
        """Say something to one person alone, in a direct message; `person` is the platform's id of them.

        `channel` is what it is about, and says in which workspace they are. Raises PostError: people may refuse
        direct messages.
        """


class Outcome(Enum):
    """What is known after a failed post."""

    NOT_POSTED = "not posted"
    """Nothing went out: trying again is safe."""
    REFUSED = "refused"
    """The platform will never take this page."""
    GONE = "gone"
    """The channel is gone, or shut to us: it takes nothing any more until a person mends that."""
    UNKNOWN = "unknown"
    """It may have been posted: ask the channel before anything else."""


class PostError(Exception):
    """A page could not be posted, or it is not known whether it was."""

    def __init__(self, reason: str, outcome: Outcome) -> None:
        super().__init__(reason)
        self.outcome = outcome
