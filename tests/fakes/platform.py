"""A platform in memory that fails on demand and records the posted pages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.chat.message import Message
from bot.chat.port import CANNOT_ASK, FileRefusedError, NoHistory, Page, PostUpdate
from bot.platforms.console.render import render
from digests.model import Post
from digests.subscription import Channel, DigestStyle


class KilledError(BaseException):
    """Simulates kill -9: nothing that follows in the process runs."""


@dataclass(slots=True)
class PostedPages:
    """The posted pages in order, as readers see them. They outlive the workers that post them."""

    pages: list[tuple[str, str, Page]] = field(default_factory=list)

    def keys_in(self, channel: Channel) -> list[str]:
        return [key for name, key, _ in self.pages if name == str(channel)]

    def papers_in(self, channel: Channel) -> list[str]:
        return [paper for name, _, page in self.pages if name == str(channel) for paper in page.papers]


def do_nothing() -> None:
    """Inject no fault."""


@dataclass(slots=True)
class MemoryPlatform:
    """Appends to `posted_pages`. `before_post` and `after_post` run around each post and may raise.

    `before_find` runs before each search, `before_upload` before each upload; both may raise. Without
    `takes_files` a page with a file is refused.
    """

    posted_pages: PostedPages
    before_post: Callable[[], None] = do_nothing
    after_post: Callable[[], None] = do_nothing
    can_ask: bool = True
    name: str = "console"
    threads: list[str | None] = field(default_factory=list)
    refreshes: list[tuple[str, PostUpdate]] = field(default_factory=list)
    direct_messages: list[tuple[str, Message]] = field(default_factory=list)
    before_edit: Callable[[], None] = do_nothing
    after_edit: Callable[[], None] = do_nothing
    before_find: Callable[[], None] = do_nothing
    before_upload: Callable[[], None] = do_nothing
    takes_files: bool = True

    def render(self, message: Message, style: DigestStyle) -> Sequence[Page]:
        pages = render(message, style)
        if message.file and message.file.is_picture:
            return (*pages[:-1], replace(pages[-1], file=message.file))
        return pages

    async def fit_pages(self, channel: Channel, pages: Sequence[Page]) -> Sequence[Page]:
        return pages

    async def upload_file(self, channel: Channel, page: Page) -> Page:
        self.before_upload()
        return page

    async def post(self, channel: Channel, page: Page, *, key: str, thread: str | None) -> str:
        self.before_post()
        if page.file and not self.takes_files:
            raise FileRefusedError("No files here.")
        self.threads.append(thread)
        self.posted_pages.pages.append((str(channel), key, page))
        self.after_post()
        return f"receipt {key}"

    async def find(self, channel: Channel, *, key: str, since: datetime) -> str | NoHistory | None:
        self.before_find()
        if not self.can_ask:
            return CANNOT_ASK
        return f"receipt {key}" if key in self.posted_pages.keys_in(channel) else None

    async def edit(self, channel: Channel, receipt: str, page: Page, *, key: str) -> None:
        self.before_edit()
        keys = [key for _, key, _ in self.posted_pages.pages]
        place = keys.index(receipt.removeprefix("receipt "))
        self.posted_pages.pages[place] = (str(channel), keys[place], page)
        self.after_edit()

    async def refresh(self, post: Post, update: PostUpdate) -> None:
        self.before_edit()
        self.refreshes.append((post.message_id, update))
        self.after_edit()

    async def send_direct_message(self, channel: Channel, person: str, message: Message) -> None:
        self.direct_messages.append((person, message))
