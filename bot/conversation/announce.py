"""Messages to a whole channel besides its digests: announcements and shared papers."""

import secrets
from dataclasses import replace

from bot.chat.message import Message
from bot.chat.port import Platform
from bot.conversation.answers import Answers
from bot.conversation.context import Person
from bot.storage import run_interactive
from digests.model import Post
from digests.ports.people import SOMEBODY
from digests.subscription import Channel, DigestStyle


async def announce_message(message: Message | None, channel: Channel, platform: Platform) -> None:
    """Post a message to a channel in compact style; None posts nothing. Raises PostError.

    After an error, the pages before the one that failed stay posted.
    """
    for page in platform.render(message, DigestStyle.COMPACT) if message else ():
        await platform.post(channel, page, key=_new_key("a"), thread=None)


async def share_paper(
    paper: str, channel: Channel, person: Person, *, answers: Answers, platform: Platform
) -> None:
    """Post a paper's card to a channel in a person's name, and record the post.

    People can then mark the paper on it. Raises InputError if the library has no such paper, PostError if
    posting fails, and StoreError.
    """
    message = await run_interactive(answers.lookup.share_paper, paper, person)
    style = DigestStyle.COMPACT if len(message.cards) > 1 else DigestStyle.CARDS
    pages = platform.render(message, style)
    nameless = await run_interactive(answers.lookup.share_paper, paper, replace(person, name=SOMEBODY))
    nameless_pages = platform.render(nameless, style)
    for number, page in enumerate(pages):
        receipt = await platform.post(channel, page, key=_new_key("s"), thread=None)
        if page.papers:
            post = Post(channel, receipt, page.papers, page.payload)
            await run_interactive(
                answers.store.posts.record_shared,
                post,
                now=answers.clock(),
                by_id=person.qualify_id(channel),
                nameless=nameless_pages[number].payload if len(nameless_pages) == len(pages) else None,
            )


def _new_key(prefix: str) -> str:
    """Return a new idempotency key of 18 characters: the prefix and a random number.

    Discord takes 25 at most.
    """
    return f"{prefix}-{secrets.token_hex(8)}"
