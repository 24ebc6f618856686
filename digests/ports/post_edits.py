"""Posted messages that wait to be refreshed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from digests.model import PaperUpdate, Post


@dataclass(frozen=True, slots=True)
class PostEdit:
    """A claimed refresh of one message.

    `id` is the store's number of the message. `last_text` says what the last edit told of its papers.
    `noticed_seq` is the sequence number of the newest change that it covers. `attempts` includes this one.
    """

    id: int
    post: Post
    last_text: str
    noticed_seq: int
    attempts: int


class PostEdits(Protocol):
    """Queue of messages to refresh after a paper in them changed, debounced per message.

    Concurrent callers never claim the same message. A crash releases a claim after its interval.
    """

    def enqueue(self, *, since: datetime, now: datetime) -> bool:
        """Read the next batch of changes and enqueue the messages posted since `since` that show them.

        Returns True if more changes are left. The first call ever only sets the cursor to the newest change.
        """

    def claim(self, *, now: datetime, interval: timedelta, limit: int) -> Sequence[PostEdit]:
        """Lease up to `limit` due messages for `interval`, longest due first.

        End a claim by `complete`, `unchanged` or `reschedule`. A message whose stored payload cannot be read
        is abandoned and not returned.
        """

    def complete(self, edit: PostEdit, text: str, *, now: datetime, interval: timedelta) -> None:
        """Record that the message was edited and what it tells. It is not due again before `interval`."""

    def unchanged(self, edit: PostEdit, *, now: datetime) -> None:
        """Record that no edit was needed, because a reader would see no difference."""

    def reschedule(self, edit: PostEdit, due_at: datetime | None) -> None:
        """Retry a failed edit at `due_at`, or abandon the message if that is None."""

    def paper_updates(self, post: Post) -> Mapping[str, PaperUpdate]:
        """Return the changes since the message was posted, by paper id. Unchanged papers are left out."""
