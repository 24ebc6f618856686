"""Posted messages that wait to be refreshed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from digests.model import PaperUpdate, Post


@dataclass(frozen=True, slots=True)
class PostEdit:
    """A leased refresh of one message.

    `id` is the store's number of the message. `last_text` is the text that `complete` stored at the last
    edit, empty before the first one. `noticed_seq` is the sequence number of the newest change that was
    enqueued for the message. `attempts` counts claims, this one included, since the last one that ended by
    `complete` or `unchanged`.
    """

    id: int
    post: Post
    last_text: str
    noticed_seq: int
    attempts: int


class PostEdits(Protocol):
    """Queue of messages to refresh after a paper in them changed, with one entry per message.

    The outbox also adds a message whose papers changed between its plan and its posting. Marks add nothing.
    Edits are debounced: changes that come in while a message waits or is claimed lead to one more edit. A
    claim is a lease without a fencing token, since a repeated edit is harmless.
    """

    def enqueue(self, *, since: datetime, now: datetime) -> bool:
        """Read the next batch of changed papers, and enqueue the messages that show them.

        Messages posted before `since` are ignored, and abandoned ones stay abandoned. A message that waits
        already keeps its due time. One that was edited recently is due when its interval is over, any other
        one at `now`. Returns True if more changes are left. The first call on a store only sets the cursor to
        its newest change.
        """

    def claim(self, *, now: datetime, interval: timedelta, limit: int) -> Sequence[PostEdit]:
        """Lease up to `limit` due messages for `interval`, longest due first.

        Concurrent callers never receive the same message. End a claim by `complete`, `unchanged` or
        `reschedule`; otherwise the message is due again after `interval`. A message whose stored payload
        cannot be read is abandoned and not returned, and so is one in a workspace that was denied.
        """

    def complete(self, edit: PostEdit, text: str, *, now: datetime, interval: timedelta) -> None:
        """Record that the message was edited and now shows `text`, the lines about changes of its papers.

        A change that was enqueued since the claim makes it due again at `now` plus `interval`, and a later
        one not earlier than that. The count of attempts starts again from 0.
        """

    def unchanged(self, edit: PostEdit, *, now: datetime) -> None:
        """End a claim without an edit, because the message would not change.

        A change that was enqueued since the claim makes it due again at `now`. The count of attempts starts
        again from 0.
        """

    def reschedule(self, edit: PostEdit, due_at: datetime | None) -> None:
        """Retry a failed edit at `due_at`. With None, abandon the message: no change enqueues it again.

        The count of attempts stays.
        """

    def paper_updates(self, post: Post) -> Mapping[str, PaperUpdate]:
        """Return the changes of a message's papers since it was posted, by paper id.

        A newer version, another current review and a withdrawal are changes. Papers without one are left out.
        """
