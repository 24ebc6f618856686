"""Posted messages that show papers."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from digests.model import Post
from digests.ports.marks import QueueScope
from digests.subscription import Channel


class Posts(Protocol):
    """Posted messages that show papers: pages of digests, and others such as shared look-ups.

    A confirmed page of a digest is recorded by the outbox. Workspaces are not compared: channel ids are
    unique within a platform. The payload of a message is empty if the stored one cannot be read.
    """

    def find(self, channel: Channel, message_id: str) -> Post | None:
        """Return the message with the platform's `message_id` in a channel.

        None if no such message is recorded: it shows no papers, or is not ours.
        """

    def list_of_thread(self, channel: Channel, message_id: str) -> Sequence[Post]:
        """Return the messages with papers of a digest or a meeting's post that begins with a message.

        Oldest first; empty for a message that is not ours.
        """

    def find_with_paper(self, channel: Channel, paper: str, limit: int) -> Sequence[Post]:
        """Return up to `limit` messages of a channel that show a paper, newest first."""

    def find_in_queue(self, scope: QueueScope, paper: str, limit: int) -> Sequence[Post]:
        """Return up to `limit` messages of all members of a queue's scope that show a paper, newest first.

        Here workspaces are compared.
        """

    def list_recent(self, platform: str, since: datetime, limit: int) -> Sequence[Post]:
        """Return up to `limit` messages posted on a platform since an instant, newest first."""

    def list_of_digests(self, channel: Channel, limit: int) -> Sequence[Post]:
        """Return up to `limit` messages of a channel's digests, newest first, without shared look-ups."""

    def record_shared(
        self, post: Post, *, now: datetime, by_id: str = "", nameless: Mapping[str, Any] | None = None
    ) -> None:
        """Record a message that shows papers outside any digest, as posted at `now`.

        `by_id` is the id of the person who shared it, by `Person.qualify_id`. `nameless` is its content
        without the person's name: it takes the place of the content when the person is forgotten.
        The current state of its papers is stored with it. A message that is recorded already is not changed.
        """
