"""Responses to the one person who asked, and errors as sentences for that person."""

import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from bot.chat.message import Message
from bot.chat.port import PostError
from bot.conversation.announce import ChangeNotices
from bot.conversation.context import Reply
from bot.present.lookup import remove_share_button
from bot.present.undo import name_undo_channel
from bot.present.wording import present_sentence
from digests.errors import PaperroundError
from digests.subscription import Channel, DigestStyle

log = logging.getLogger(__name__)


class Responder(Protocol):
    """Sends a message that only the person who asked can see."""

    async def __call__(self, message: Message, *, replace: bool = False) -> None:
        """Send the message; with `replace`, in place of the message with the clicked button.

        May raise errors of the platform.
        """


@asynccontextmanager
async def explain_errors(
    respond: Responder, passing: tuple[type[Exception], ...] = ()
) -> AsyncIterator[None]:
    """Answer an error in the block with one sentence for the person, and do not raise it.

    The sentence for an unforeseen error names the number under which it is logged. Errors of the types in
    `passing` are raised, except PaperroundError and PostError, which have a sentence of their own. An
    error of `respond` itself is raised.
    """
    try:
        yield
    except (PaperroundError, PostError) as error:
        await respond(present_sentence(str(error)))
    except passing:
        raise
    except Exception:
        await respond(present_sentence(log_unexpected_error()))


def log_unexpected_error() -> str:
    """Log the current exception under a random number, and return a sentence with it for the person.

    Call it while the exception is handled.
    """
    number = secrets.token_hex(3)
    log.exception("a request failed, number %s", number)
    return f"Something went wrong here; the log says more under number {number}."


def fit_to_place(respond: Responder, channel: Channel) -> Responder:
    """Return the responder of a place; in a direct message, where there is no channel, nothing is shared."""

    async def respond_without_sharing(message: Message, *, replace: bool = False) -> None:
        await respond(remove_share_button(message), replace=replace)

    return respond_without_sharing if channel.is_direct else respond


def choose_reply_style(message: Message) -> DigestStyle:
    """Return the style of a reply: a single paper as a full card, anything else in one message if it fits."""
    return DigestStyle.CARDS if len(message.cards) == 1 else DigestStyle.COMPACT


@dataclass(frozen=True, slots=True)
class ReplyHandler:
    """Gives replies to the person who asked, and posts their announcements in the channel."""

    notices: ChangeNotices

    async def send_reply(self, reply: Reply, channel: Channel, person_id: str, respond: Responder) -> None:
        """Respond with the reply's message, then post its announcement, if any, in the channel.

        Where the channel takes no notices, the person alone gets the announcement.

        Raises PostError if the announcement cannot be posted; the person has the message then. Opens no form.
        """
        await respond(reply.message)
        await self.announce_change(reply, channel, person_id, respond)

    async def announce_change(
        self, reply: Reply, channel: Channel, person_id: str, respond: Responder
    ) -> None:
        """Announce a change in the channel, or to the person alone where the channel takes no notices."""
        is_announced = await self.notices.announce_change(reply.announcement, channel, person_id)
        if reply.announcement and not is_announced:
            await respond(name_undo_channel(reply.announcement, channel))
