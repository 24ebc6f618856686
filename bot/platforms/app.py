"""The port of platforms that answer people, beside `bot/chat/port.py`, by which digests are posted."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from bot.chat.findings import Finding
from bot.chat.port import Platform
from bot.conversation.answers import Answers
from digests.subscription import Channel


class ChatApp(Protocol):
    """A platform that answers people: opened before the first digest is posted, closed after the last."""

    @property
    def name(self) -> str:
        """The platform's name in the settings."""

    @property
    def is_exclusive(self) -> bool:
        """True when one process at a time may serve people, because they are served over one connection."""

    async def open(self) -> Platform:
        """Check access and return the platform that posts. Raises InputError with one line for each fault.

        Call `close` at the end.
        """

    async def check(self, channels: Sequence[Channel]) -> Sequence[Finding]:
        """Check the whole set-up, with access to these channels, and return the findings.

        Works without `open`. Failures are findings, and are not raised.
        """

    async def leave_channel(self, channel: Channel) -> Finding:
        """Make the app leave a channel, and return what came of it; a warning says what a person must do.

        Works without `open`. It is no fault if the app is not in the channel. Failures are findings.
        """

    async def leave_workspace(self, workspace: str, channels: Sequence[Channel]) -> Finding:
        """Make the app leave a workspace, by the rules of `leave_channel`.

        `channels` are those of the workspace that have or had a digest. Where an app cannot leave a
        workspace by itself, it leaves these.
        """

    async def serve(self, answers: Answers, stop: asyncio.Event) -> None:
        """Answer people until `stop` is set, then finish the requests in progress. Requires `open`.

        The opened platform still posts afterwards. `serve` may be called again, when the lead comes back.
        """

    async def close(self) -> None:
        """Release the resources that `open` acquired. Does nothing if it acquired none."""
