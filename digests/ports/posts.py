"""Posted messages that show papers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from digests.model import Post
from digests.subscription import Channel


class Posts(Protocol):
    """Messages of digests, and others that show papers, found by channel and message id."""

    def find(self, channel: Channel, message_id: str) -> Post | None:
        """Return a message if it shows papers. The workspace of the channel is not compared."""

    def find_with_paper(self, channel: Channel, paper: str, limit: int) -> Sequence[Post]:
        """Return up to `limit` messages of a channel that show a paper, newest first."""

    def list_recent(self, platform: str, since: datetime, limit: int) -> Sequence[Post]:
        """Return up to `limit` messages posted on a platform since an instant, newest first."""

    def record_shared(self, post: Post, *, now: datetime) -> None:
        """Save a message outside any digest that shows papers. Idempotent: a known message is not changed."""
