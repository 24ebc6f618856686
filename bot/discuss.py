"""What people want to discuss: marks on posted papers become a queue, most wanted first."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.message import Action, Button, Heading, Message, Offer, Text
from digests.model import Post, Queued
from digests.text import clip, plain

log = logging.getLogger(__name__)

QUEUE_LENGTH = 10
"""Papers of the queue that are shown: more than any meeting discusses."""

BURST = 1.5
"""Seconds that further marks on a message are waited for, so that many of them become one edit."""

KEYCAPS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "keycap_ten")
"""The names of the keycap emojis 1 to 10, as Slack's reactions call them."""


def paper_of(post: Post, emoji: str, mark_emoji: str) -> str | None:
    """The paper that a reaction on a message means, or None: the mark where there is one paper, else its keycap."""
    if emoji == mark_emoji:
        return post.papers[0] if len(post.papers) == 1 else None
    if emoji not in KEYCAPS:
        return None
    place = KEYCAPS.index(emoji) + 1 - post.first_number
    return post.papers[place] if len(post.papers) > 1 and 0 <= place < len(post.papers) else None


def queue_message(queue: Sequence[Queued], titles: Mapping[str, str], *, whose: str = "") -> Message:
    """The queue as a list, with a button that takes a paper off; `titles` are by paper id, `whose` names the channel."""
    heading = f"To discuss{f' in {whose}' if whose else ''}"
    if not queue:
        return Message(
            "Nothing to discuss yet",
            (
                Heading("Nothing to discuss yet"),
                Text("React with 🔖 to a paper, or tap its Discuss button, and it comes onto this list."),
            ),
        )
    offers = tuple(
        Offer(
            f"{place}. {clip(plain(titles.get(one.paper, one.paper)), 100)} · {voices(one.voices)}",
            Button(Action.DISCUSSED, "Done", one.paper),
        )
        for place, one in enumerate(queue, start=1)
    )
    return Message(f"{len(queue)} to discuss", (Heading(heading), *offers))


def voices(count: int) -> str:
    """1 voice, 2 voices."""
    return f"{count:,} {'voice' if count == 1 else 'voices'}"


@dataclass(slots=True)
class Counts:
    """Keeps the numbers on posted messages true: one edit for a burst of marks, and the newest number wins.

    `show` writes the present number onto a message; a failure of it is logged, and the next mark tries again.
    """

    show: Callable[[Post], Awaitable[None]]
    burst: float = BURST
    _hurry: asyncio.Event = field(default_factory=asyncio.Event)
    _waiting: dict[tuple[str, str], asyncio.Task[None]] = field(default_factory=dict)

    def changed(self, post: Post) -> None:
        """The marks on this message are no longer what it shows. Call it within a running loop."""
        key = (str(post.channel), post.message)
        if key not in self._waiting:
            self._waiting[key] = asyncio.create_task(self._soon(key, post))

    async def _soon(self, key: tuple[str, str], post: Post) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), self.burst)
        del self._waiting[key]  # From here on a mark asks for an edit of its own.
        try:
            await self.show(post)
        except Exception as error:
            log.warning("%s: the number of voices could not be shown: %s", post.channel, error)

    async def finish(self) -> None:
        """Show what is still waiting, at once."""
        self._hurry.set()
        await asyncio.gather(*self._waiting.values(), return_exceptions=True)
