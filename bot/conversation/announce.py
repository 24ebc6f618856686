"""Messages to a whole channel besides its digests: announcements and shared papers."""

import logging
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.chat.message import ButtonAction, Buttons, Message
from bot.chat.port import Platform, PostError
from bot.conversation.answers import Answers
from bot.conversation.context import Person
from bot.present.post_update import load_post_update
from bot.storage import run_interactive
from digests.model import Post
from digests.ports.people import SOMEBODY
from digests.subscription import Channel, DigestStyle

log = logging.getLogger(__name__)


EDIT_WINDOW = timedelta(hours=1)
"""Time after a notice in which a further change by the same person edits it: they are trying things out."""
UNDO_ACTIONS = (ButtonAction.UNDO, ButtonAction.UNDO_PLAN)
"""Actions of the buttons that take a change back."""
MAX_NOTICES = 1000
"""Notices that are remembered. When they are more, the oldest is forgotten, and the next change is posted."""


async def announce_message(message: Message | None, channel: Channel, platform: Platform) -> str:
    """Post a message to a channel in compact style, and return the last receipt. Raises PostError.

    None posts nothing, and returns "". After an error, the pages before the one that failed stay posted.
    """
    receipt = ""
    for page in platform.render(message, DigestStyle.COMPACT) if message else ():
        receipt = await platform.post(channel, page, key=_new_key("a"), thread=None)
    return receipt


@dataclass(frozen=True, slots=True)
class Notice:
    """Notice about a change, as it was posted. `undo` is the action of its *Undo* button."""

    person_id: str
    undo: ButtonAction
    receipt: str
    at: datetime


@dataclass(slots=True)
class ChangeNotices:
    """Posts what people change in channels' digests: one message for the changes of one person in a row.

    The notices are in memory: after a restart the next change is a message of its own.
    """

    platform: Platform
    clock: Callable[[], datetime]
    _notices: OrderedDict[Channel, Notice] = field(default_factory=OrderedDict)

    async def announce_change(self, message: Message | None, channel: Channel, person_id: str) -> bool:
        """Post a message about a change, or put it in place of the person's last one in the channel.

        That one must be the newest, not older than `EDIT_WINDOW`, and about a change of the same kind: one
        with the same *Undo*. A message without *Undo*, such as that somebody leads a meeting, is always
        posted: an edit would reach nobody. If the notice cannot be edited, the message is posted. None posts
        nothing. Returns False for a channel that takes no notices, where nothing is posted. Raises PostError.
        """
        if message is None:
            return True
        pages = await self.platform.fit_pages(channel, self.platform.render(message, DigestStyle.COMPACT))
        if not pages:
            return False
        now, last = self.clock(), self._notices.pop(channel, None)
        undo = _find_undo(message)
        is_same = last is not None and last.person_id == person_id and last.undo is undo
        if last and is_same and now - last.at <= EDIT_WINDOW and len(pages) == 1:
            try:
                await self.platform.edit(channel, last.receipt, pages[0], key=_new_key("a"))
            except PostError as error:
                log.info("a notice could not be edited: %s", error)
            else:
                self._notices[channel] = last
                return True
        receipt = await announce_message(message, channel, self.platform)
        if undo and len(pages) == 1:
            self._notices[channel] = Notice(person_id, undo, receipt, now)
        while len(self._notices) > MAX_NOTICES:
            self._notices.popitem(last=False)
        return True


def _find_undo(message: Message) -> ButtonAction | None:
    """Return the action of a notice's *Undo* button; None without one."""
    actions = [button.action for row in message.blocks if isinstance(row, Buttons) for button in row.buttons]
    return next((action for action in actions if action in UNDO_ACTIONS), None)


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
            await _show_mark_counts(post, answers, platform)


async def _show_mark_counts(post: Post, answers: Answers, platform: Platform) -> None:
    """Show on a new card how many people marked its paper before. A failure is only logged."""
    update = await run_interactive(load_post_update, post, answers.store, answers.queue_groups)
    if update.mark_counts:
        try:
            await platform.refresh(post, update)
        except PostError as error:
            log.warning("%s: the mark counts could not be shown: %s", post.channel, error)


def _new_key(prefix: str) -> str:
    """Return a new idempotency key of 18 characters: the prefix and a random number.

    Discord takes 25 at most.
    """
    return f"{prefix}-{secrets.token_hex(8)}"
