"""Posting to a terminal. A transcript lets a restarted process find the pages that were shown."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rich.console import Console

from bot.chat.message import Message
from bot.chat.port import CANNOT_ASK, NoHistory, Outcome, Page, PostError, PostUpdate
from bot.platforms.console.render import print_page, render
from digests.model import Post
from digests.private_files import open_private, restrict_to_owner
from digests.subscription import Channel, DigestStyle


@dataclass(frozen=True, slots=True)
class ConsolePlatform:
    """Implements `bot.chat.port.Platform`. A page's key is its receipt.

    `transcript` is a file of JSON lines, one a posted page. Without it `find` returns CANNOT_ASK. A page
    whose output fails has the outcome UNKNOWN: a part of it may be printed.
    """

    console: Console
    transcript: Path | None = None
    name: str = "console"

    def render(self, message: Message, style: DigestStyle) -> Sequence[Page]:
        return render(message, style)

    async def fit_pages(self, channel: Channel, pages: Sequence[Page]) -> Sequence[Page]:
        return pages

    async def upload_file(self, channel: Channel, page: Page) -> Page:
        return page

    async def post(self, channel: Channel, page: Page, *, key: str, thread: str | None) -> str:
        try:
            await asyncio.to_thread(self._print_and_record, channel, page, key)
        except OSError as error:
            raise PostError(
                f"The terminal or its transcript cannot be written: {error}", Outcome.UNKNOWN
            ) from error
        return key

    def _print_and_record(self, channel: Channel, page: Page, key: str) -> None:
        """Print the page, then append it to the transcript. Raises OSError; the page may be printed then.

        Blocks.
        """
        print_page(page, self.console)
        if self.transcript:
            line = json.dumps(
                {"key": key, "channel": str(channel), "papers": page.papers, "page": page.payload}
            )
            restrict_to_owner([self.transcript])
            with open(self.transcript, "a", encoding="utf-8", opener=open_private) as file:
                file.write(line + "\n")

    async def find(self, channel: Channel, *, key: str, since: datetime) -> str | NoHistory | None:
        if not self.transcript:
            return CANNOT_ASK
        return await asyncio.to_thread(self._find_in_transcript, channel, key)

    def _find_in_transcript(self, channel: Channel, key: str) -> str | None:
        """Return the key if a complete line has it for this channel, else None.

        A line without its end was cut off by a crash, and does not count.
        """
        if not self.transcript or not self.transcript.exists():
            return None
        with self.transcript.open(encoding="utf-8") as file:
            records = (json.loads(line) for line in file if line.endswith("\n"))
            was_posted = any(line["key"] == key and line["channel"] == str(channel) for line in records)
        return key if was_posted else None

    async def edit(self, channel: Channel, receipt: str, page: Page, *, key: str) -> None:
        """Print the page again, because printed text cannot be changed. Raises PostError as `post` does."""
        await self.post(channel, page, key=receipt, thread=None)

    async def refresh(self, post: Post, update: PostUpdate) -> None:
        """Do nothing, because printed text cannot be changed."""

    async def send_direct_message(self, channel: Channel, person: str, message: Message) -> None:
        for page in render(message, DigestStyle.COMPACT):
            await asyncio.to_thread(print_page, page, self.console)
