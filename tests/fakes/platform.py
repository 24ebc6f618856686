"""A platform in memory that fails where it is told to, and remembers what landed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.message import Message
from bot.platforms import CANNOT_ASK, Facts, Page, Unknown
from bot.platforms.console.render import render
from digests.model import Channel, Post, Style


class KilledError(BaseException):
    """The process ends here, at once: nothing that follows runs, as after kill -9."""


@dataclass(slots=True)
class Board:
    """What readers see, in order; it outlives the processes that post to it."""

    posted: list[tuple[str, str, Page]] = field(default_factory=list)

    def keys(self, channel: Channel) -> list[str]:
        return [key for name, key, _ in self.posted if name == str(channel)]

    def papers(self, channel: Channel) -> list[str]:
        return [paper for name, _, page in self.posted if name == str(channel) for paper in page.papers]


def nothing() -> None:
    """No fault."""


@dataclass(slots=True)
class BoardPlatform:
    """Posts to a board. `before` and `after` run on each side of the moment a page lands, and may raise."""

    board: Board
    before: Callable[[], None] = nothing
    after: Callable[[], None] = nothing
    can_ask: bool = True
    name: str = "console"
    threads: list[str | None] = field(default_factory=list)
    refreshed: list[tuple[str, Facts]] = field(default_factory=list)
    told: list[tuple[str, Message]] = field(default_factory=list)
    before_edit: Callable[[], None] = nothing
    after_edit: Callable[[], None] = nothing

    def render(self, message: Message, style: Style) -> Sequence[Page]:
        return render(message, style)

    async def post(self, channel: Channel, page: Page, *, key: str, thread: str | None) -> str:
        self.before()
        self.threads.append(thread)
        self.board.posted.append((str(channel), key, page))
        self.after()
        return f"receipt {key}"

    async def find(self, channel: Channel, *, key: str, since: datetime) -> str | Unknown | None:
        if not self.can_ask:
            return CANNOT_ASK
        return f"receipt {key}" if key in self.board.keys(channel) else None

    async def edit(self, channel: Channel, receipt: str, page: Page) -> None:
        self.before_edit()
        keys = [key for _, key, _ in self.board.posted]
        place = keys.index(receipt.removeprefix("receipt "))
        self.board.posted[place] = (str(channel), keys[place], page)
        self.after_edit()

    async def refresh(self, post: Post, facts: Facts) -> None:
        self.before_edit()
        self.refreshed.append((post.message, facts))
        self.after_edit()

    async def tell(self, channel: Channel, person: str, message: Message) -> None:
        self.told.append((person, message))
