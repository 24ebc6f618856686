"""The port of chat platforms. `console/` is the smallest implementation: copy it to add a platform."""

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
    """One chat message as the platform's API takes it, without the channel and the thread.

    `papers` are the ids of its papers, in order. A page with `in_thread` is posted in the thread of the first
    one.
    """

    payload: Mapping[str, Any]
    papers: tuple[str, ...] = ()
    in_thread: bool = False


@dataclass(frozen=True, slots=True)
class PostUpdate:
    """Current state of a posted message's papers, by their ids: everything that an edit can add.

    `mark_counts` are numbers of people. An update line names a new version, a new review or a withdrawal.
    """

    mark_counts: Mapping[str, int] = field(default_factory=dict)
    update_lines: Mapping[str, str] = field(default_factory=dict)


class NoHistory(Enum):
    """Result of a search on a platform that cannot search its messages."""

    CANNOT_ASK = "cannot ask"


CANNOT_ASK = NoHistory.CANNOT_ASK


class Platform(Protocol):
    """A platform that digests are posted to. `name` is its name in the settings."""

    @property
    def name(self) -> str: ...

    def render(self, message: Message, style: DigestStyle) -> Sequence[Page]:
        """Render a message as pages within every limit of the platform. Pure; never raises for any text."""

    async def post(self, channel: Channel, page: Page, *, key: str, thread: str | None) -> str:
        """Post one page and return its receipt, by which the message can be found again.

        `key` is the page's idempotency key. Raises PostError; its outcome says whether the page may be sent
        again.
        """

    async def find(self, channel: Channel, *, key: str, since: datetime) -> str | NoHistory | None:
        """Return the receipt of the page posted under `key`, None if there is none, or CANNOT_ASK.

        `since` is the earliest time of the post by our clock. That may be wrong, so the newest messages are
        searched in any case. Raises PostError.
        """

    async def edit(self, channel: Channel, receipt: str, page: Page) -> None:
        """Replace the content of a posted message. Idempotent.

        Raises PostError, with REFUSED also when the message no longer exists.
        """

    async def refresh(self, post: Post, update: PostUpdate) -> None:
        """Render a posted message again with this update. Idempotent.

        Raises PostError, with REFUSED also when the message no longer exists.
        """

    async def send_direct_message(self, channel: Channel, person: str, message: Message) -> None:
        """Send a direct message to one person, by the platform's id of them.

        `channel` is the subject and names the workspace. Raises PostError: people may refuse direct messages.
        """


class Outcome(Enum):
    """Knowledge of a page after a failed post."""

    NOT_POSTED = "not posted"
    """Nothing was posted: sending again is safe."""
    REFUSED = "refused"
    """The platform rejects this page for good."""
    GONE = "gone"
    """The channel no longer exists or denies access, until a person mends that."""
    UNKNOWN = "unknown"
    """The page may have been posted: reconcile with the channel before anything else."""


class PostError(Exception):
    """A page was not posted, or its arrival is unknown; see `outcome`."""

    def __init__(self, reason: str, outcome: Outcome) -> None:
        super().__init__(reason)
        self.outcome = outcome
