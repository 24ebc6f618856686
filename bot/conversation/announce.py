"""Messages to a whole channel besides its digests: announcements and shared papers."""

import secrets

from bot.chat.message import Message
from bot.chat.port import Platform
from bot.conversation.answers import Answers
from bot.conversation.context import Person
from bot.storage import run_interactive
from digests.model import Post
from digests.subscription import Channel, DigestStyle


async def announce_message(message: Message | None, channel: Channel, platform: Platform) -> None:
    """Post an announcement, if there is one. Raises PostError."""
    for page in platform.render(message, DigestStyle.COMPACT) if message else ():
        await platform.post(channel, page, key=_new_key("a"), thread=None)


async def share_paper(
    paper: str, channel: Channel, person: Person, *, answers: Answers, platform: Platform
) -> None:
    """Post a paper to the channel; from then on it can be marked there. Raises InputError and PostError."""
    message = await run_interactive(answers.lookup.share_paper, paper, person)
    for page in platform.render(
        message, DigestStyle.COMPACT if len(message.cards) > 1 else DigestStyle.CARDS
    ):
        receipt = await platform.post(channel, page, key=_new_key("s"), thread=None)
        if page.papers:
            post = Post(channel, receipt, page.papers, page.payload)
            await run_interactive(answers.store.posts.record_shared, post, now=answers.clock())


def _new_key(prefix: str) -> str:
    """Return a unique idempotency key. Discord takes at most 25 characters."""
    return f"{prefix}-{secrets.token_hex(8)}"
