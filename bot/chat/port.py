"""The port of chat platforms.

`bot/platforms/console/` is its smallest implementation, to be copied for a new one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Protocol, runtime_checkable

from bot.chat.message import CalendarEvent, Message
from digests.model import AttachedFile, Post
from digests.subscription import Channel, DigestStyle


@dataclass(frozen=True, slots=True)
class Page:
    """One chat message as the platform's API takes it, without the channel and the thread.

    `papers` are the ids of its papers, in order; a mark on the message counts for one of them. A page with
    `in_thread` is posted in the thread of the message's first page. `file` is a picture at its end, which is
    not part of the payload.
    """

    payload: Mapping[str, Any]
    papers: tuple[str, ...] = ()
    in_thread: bool = False
    file: AttachedFile | None = None


@dataclass(frozen=True, slots=True)
class PostUpdate:
    """Current state of the papers in a posted message: everything that a refresh adds to it, by paper id.

    `mark_counts` are numbers of people. An update line names a new version, a new review or a withdrawal. A
    paper that is missing has no marks, or no changes.
    """

    mark_counts: Mapping[str, int] = field(default_factory=dict)
    update_lines: Mapping[str, str] = field(default_factory=dict)


class NoHistory(Enum):
    """Result of `Platform.find` if the platform cannot tell whether a page was posted."""

    CANNOT_ASK = "cannot ask"


CANNOT_ASK = NoHistory.CANNOT_ASK


class PagePoster(Protocol):
    """Posts pages, finds them again by their keys, and edits them.

    Calls over the network raise PostError for every failure.
    """

    async def fit_pages(self, channel: Channel, pages: Sequence[Page]) -> Sequence[Page]:
        """Return the pages of one message as this kind of channel takes them, in order, with the same papers.

        A channel in which each message is a topic of its own, such as a forum, takes no message without
        papers: there are no pages then. Raises PostError.
        """

    async def upload_file(self, channel: Channel, page: Page) -> Page:
        """Upload the file of a page where the platform keeps files, and return the page that shows it.

        A platform that takes a file together with its message, or takes none, returns the page as it is.
        Nobody sees a file that was uploaded before its page is posted. Raises PostError.
        """

    async def post(self, channel: Channel, page: Page, *, key: str, thread: str | None) -> str:
        """Post one page and return its receipt, the platform's id of the message.

        `key` is the page's idempotency key, which the message carries. `thread` is the receipt of the message
        whose thread the page belongs to, or None. Raises PostError; its outcome tells if the page may be
        posted again. The outcome is UNKNOWN if the answer was lost. After a FileRefusedError the page can be
        posted without its file.
        """

    async def find(self, channel: Channel, *, key: str, since: datetime) -> str | NoHistory | None:
        """Return the receipt of the page that carries `key`, or None if the channel has no such message.

        Returns CANNOT_ASK if the platform cannot tell. `since` is the earliest time of the post by our clock.
        The clock may be wrong, so the newest messages are searched in any case. Raises PostError.
        """

    async def edit(self, channel: Channel, receipt: str, page: Page, *, key: str) -> None:
        """Replace the content of a posted message. Idempotent.

        `key` is the page's idempotency key, which the message carries on. A platform that cannot change a
        message shows the page again. Raises PostError, with REFUSED also when the message no longer exists.
        """


class Platform(PagePoster, Protocol):
    """A platform that messages are posted to. `name` is its name in the settings.

    Calls over the network raise PostError for every failure.
    """

    @property
    def name(self) -> str: ...

    def render(self, message: Message, style: DigestStyle) -> Sequence[Page]:
        """Render a message as pages within every limit of the platform, one at least. Pure.

        Never raises for any text. Texts are escaped, and clipped if they are too long.
        """

    async def refresh(self, post: Post, update: PostUpdate) -> None:
        """Render a posted message again with this update. Idempotent.

        Marks and lines that the update does not contain are removed. A platform that cannot change a message
        does nothing. Raises PostError, with REFUSED also when the message no longer exists.
        """

    async def send_direct_message(self, channel: Channel, person: str, message: Message) -> None:
        """Send a direct message to one person; `person` is the platform's id.

        `channel` is the channel that the message is about, and names the workspace. Raises PostError, also if
        the person accepts no direct messages.
        """


@runtime_checkable
class CalendarPlatform(Protocol):
    """A platform with a calendar, in which a meeting is an event."""

    @property
    def events(self) -> "EventPoster": ...


class EventPoster(PagePoster, Protocol):
    """Posts events as pages. `fit_pages` drops them where the app may not make any."""

    def render_event(self, event: CalendarEvent) -> Page:
        """Render an event as a page within every limit of the platform. Pure. Never raises for any text."""


class Outcome(Enum):
    """Knowledge about a page after its post failed. A failed edit or search uses it for its request."""

    NOT_POSTED = "not posted"
    """The page was not posted, and may be posted again."""
    REFUSED = "refused"
    """The page was not posted, and the platform would reject it again."""
    GONE = "gone"
    """The page was not posted: the channel does not exist or denies access, until a person changes that."""
    UNKNOWN = "unknown"
    """The page may have been posted: reconcile it with the channel before it is posted again."""


class PostError(Exception):
    """Failure of a call to a platform.

    `outcome` tells what is known about the page, and the message is a sentence for people. `is_access_lost`
    means that the platform does not accept the app's token for the workspace.
    """

    def __init__(self, reason: str, outcome: Outcome, *, is_access_lost: bool = False) -> None:
        super().__init__(reason)
        self.outcome = outcome
        self.is_access_lost = is_access_lost


class FileRefusedError(PostError):
    """Refusal of a page because of its file. It was not posted; without the file it can be."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, Outcome.NOT_POSTED)
