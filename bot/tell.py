"""What a whole channel is told outside its digests: announcements, and papers that someone shares."""

import asyncio
import secrets

from bot.answer import Answers, Person
from bot.message import Message
from bot.platforms import Platform
from digests.model import Channel, Post, Style


async def announce(message: Message | None, channel: Channel, platform: Platform) -> None:
    """Post what there is to announce. Raises PostError."""
    for page in platform.render(message, Style.COMPACT) if message else ():
        await platform.post(channel, page, key=_key("a"), thread=None)


async def share(
    paper: str, channel: Channel, person: Person, *, answers: Answers, platform: Platform
) -> None:
    """Show a paper to the channel, where it can be marked from then on. Raises InputError and PostError."""
    message = await asyncio.to_thread(answers.shared, paper, person)
    for page in platform.render(message, Style.COMPACT if len(message.cards) > 1 else Style.CARDS):
        receipt = await platform.post(channel, page, key=_key("s"), thread=None)
        if page.papers:
            post = Post(channel, receipt, page.papers, page.payload)
            await asyncio.to_thread(answers.store.marks.shared, post, now=answers.clock())


def _key(kind: str) -> str:
    """A key of its own for every message; Discord takes 25 characters."""
    return f"{kind}-{secrets.token_hex(8)}"
