"""The actions and observations that both platforms have in common, so that a scenario is written once."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

from digests.ports import Store
from digests.subscription import Subscription
from tests.bot.platforms.processes import BotProcess

Json = dict[str, Any]


class PrivateReply(Protocol):
    """The first response to an interaction, and the messages that answer it."""

    ack: Json | None
    responses: list[Json]

    @property
    def is_acked(self) -> bool:
        """True once the platform has the bot's first response."""


class ChatDriver(Protocol):
    """A channel on a platform, with the running bot and with Ada, who may change its digest.

    A `person` is Ada where none is named. An emoji is named "bookmark", "two" (the keycap) or "tada".
    """

    bot: BotProcess
    ada: str
    refusal: str
    """Text of the answer to a person who may not change a digest."""
    undo_answer: str
    """Text of the private answer to an undo; empty on a platform without one."""

    # People and what they read.

    @property
    def bot_user(self) -> str:
        """Return the bot's own id."""

    def find_person(self, name: str) -> str:
        """Return the id of the first person with this name."""

    def add_person(self, name: str, *, is_manager: bool = False) -> str:
        """Add a person; a manager may change digests everywhere."""

    def channel_messages(self) -> list[Json]:
        """Return the messages of the channel, oldest first."""

    def all_messages(self) -> list[Json]:
        """Return the messages of the channel and of its threads."""

    async def wait_for_digest(self) -> list[Json]:
        """Wait for the channel's digest and return its messages, with those of its thread."""

    def text_of(self, message: Json) -> str:
        """Return all text that a person reads in a message."""

    def private_text(self) -> str:
        """Return all text that Ada got privately without having asked."""

    def direct_text(self) -> str:
        """Return the text of Ada's direct messages from the bot."""

    def file_of(self, reply: PrivateReply, name: str, person: str = "") -> bytes:
        """Return the newest file of this name that came with a reply, to the person alone; b"" for none."""

    def is_private(self, reply: PrivateReply) -> bool:
        """True if only the person who asked sees the reply."""

    def find_subscription(self) -> Subscription | None:
        """Load the channel's subscription from the bot's store."""

    def count_edits(self) -> int:
        """Count the requests that edited a message."""

    async def wait_until(self, condition: Callable[[], object]) -> None:
        """Wait until the condition is true."""

    # Commands, buttons, forms.

    async def look_up(self, words: str) -> PrivateReply:
        """Type /paper WORDS."""

    async def run_digest_command(self, verb: str, *, person: str = "", **options: Any) -> PrivateReply:
        """Type /digest VERB with options, which have the names that Discord gives them."""

    async def tap_button(self, action: str, message: Json, person: str = "") -> PrivateReply:
        """Tap the first button of this action in a message or a reply."""

    def build_message_with_button(self, action: str, value: str) -> Json:
        """Return a message of an older version of the bot."""

    async def open_form(self) -> Any:
        """Type /digest settings and return the form that opens."""

    async def submit_form(self, form: Any, *, domains: str, style: str) -> str:
        """Send the form with these fields changed. Returns the text that refuses it, or its answer."""

    async def open_report(self, message: Json, person: str = "") -> Any:
        """Choose “This is wrong” in a message, and return the form that opens."""

    async def submit_report(
        self, form: Any, person: str = "", *, part: str = "score", reason: str, stance: str = "wrong"
    ) -> str:
        """Send the form about a review. Returns the text that answers or refuses it."""

    async def ask_in_form(self, message: Json, question: str, person: str = "") -> str:
        """Choose “Ask” in a message, send the form that opens, and return the text that answers it."""

    async def reply_with_mention(self, message: Json, text: str) -> str:
        """Let Ada reply to a message with a mention of the bot, and return what she then reads."""

    def write_message(self, text: str) -> Json:
        """Let Ada write a message."""

    async def mark_from_menu(self, message: Json, person: str = "") -> PrivateReply:
        """Choose "Mark for discussion" in the menu of a message."""

    async def keep_from_menu(self, message: Json, person: str = "") -> PrivateReply:
        """Choose "Keep as note" in the menu of a message."""

    def reply_to(self, message: Json, person: str, text: str) -> Json:
        """Let a person write in the thread of a message, or in a reply to it, and return what was written."""

    # Events.

    async def add_reaction(
        self, person: str, message: Json, emoji: str = "bookmark", *, is_dispatched: bool = True
    ) -> Any:
        """Add a reaction. Returns its event, which the bot receives if `is_dispatched`."""

    async def remove_reaction(self, person: str, message: Json, *, is_dispatched: bool = True) -> None:
        """Remove the bookmark."""

    async def deliver_events(self, events: Sequence[Any]) -> None:
        """Send the events of reactions to the bot, all at once."""

    async def reconnect_bot(self) -> None:
        """End the bot's connection in such a way that it misses the events until it is back."""

    async def delete_channel(self) -> None:
        """Delete the channel."""


class PlatformLab(Protocol):
    """A fake platform without a bot, for scenarios that start and stop one."""

    ada: str
    closed_hint: str
    """Text of the log line about a channel that is closed to the bot."""

    @property
    def protocol_errors(self) -> Sequence[str]:
        """Return the breaches of the platform's protocol."""

    def add_channel(self) -> str:
        """Add a channel that the bot may post to."""

    def add_people(self, count: int) -> list[str]:
        """Add people who may not change digests, and return their ids."""

    def add_closed_channel(self) -> str:
        """Add a channel that the bot may not post to."""

    def add_overdue_channel(self, store: Store, channel: str) -> None:
        """Subscribe a channel so that a digest of a header and three papers is due."""

    def add_channels_that_lose_an_answer(self) -> list[str]:
        """Add one channel for each way in which the answer to its first post is lost."""

    def lose_next_answer(self, channel: str) -> None:
        """Let the next post to a channel arrive, and its answer come later than the bot waits for it."""

    def count_posts(self, channel: str) -> int:
        """Count the messages of a channel, or the posts of a forum and the header in one of them."""

    def check_reconciliation(self, channels: Sequence[str]) -> None:
        """Assert that the channels were asked about lost posts no more often than the platform allows."""

    def run_bot(
        self, folder: Path, timeout: float = 30, *, settings: str = "", waits: Sequence[str] | None = ()
    ) -> AbstractAsyncContextManager[BotProcess]:
        """Run a connected bot until the end of the block; `timeout` is that of a post, in seconds.

        `settings` are more tables of the settings. `waits` are options of `tests.impatient`, which is brisk;
        None starts the command itself, in a Python of its own.
        """

    def create_driver(self, bot: BotProcess, channel: str) -> ChatDriver:
        """Return a driver of the channel."""


async def wait_for_text(driver: ChatDriver, reply: PrivateReply, text: str) -> str:
    """Wait for a text in a reply, regardless of case, and return the whole reply.

    Raises AssertionError with the reply as it is.
    """

    def read_reply() -> str:
        opened_forms = getattr(reply, "views", ())
        return "\n".join(map(driver.text_of, (*reply.responses, *opened_forms)))

    try:
        await driver.wait_until(lambda: text.lower() in read_reply().lower() and read_reply())
    except AssertionError:
        raise AssertionError(f"no {text!r} in {read_reply()!r}") from None
    return read_reply()


async def gather_replies(requests: Sequence[Coroutine[Any, Any, PrivateReply]]) -> list[PrivateReply]:
    return list(await asyncio.gather(*requests))
