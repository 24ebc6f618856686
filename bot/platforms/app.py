"""The contract of a platform that people talk back to."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from bot.chat.findings import Finding
from bot.chat.port import Platform
from bot.conversation.answers import Answers


class ChatApp(Protocol):
    """A platform with conversation: opened before the first digest is posted, closed after the last."""

    @property
    def name(self) -> str:
        """The platform's name in the settings."""

    @property
    def is_exclusive(self) -> bool:
        """True when one process at a time may serve people: by a connection, not by requests."""

    async def open(self) -> Platform:
        """Check access and return the platform that posts. Raises InputError, one line a fault."""

    async def check(self, channels: Sequence[str]) -> Sequence[Finding]:
        """Check the whole set-up, these channels included, and return the findings. Works without `open`."""

    async def serve(self, answers: Answers, stop: asyncio.Event) -> None:
        """Answer people until `stop` is set, then finish the requests in progress. Requires `open`.

        The opened platform still posts afterwards, and `serve` may be called again when the lead comes back.
        """

    async def close(self) -> None:
        """Release the resources that `open` acquired."""
