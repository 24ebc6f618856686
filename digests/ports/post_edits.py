"""Posted messages that wait to be refreshed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from digests.model import PaperUpdate, Post


@dataclass(frozen=True, slots=True)
class PostEdit:
    """A posted message that may say what is not true any more. `said` is what its last edit told of its papers.

    `id` is the store's number of the message, `noticed` that of the change it was noticed by; `tries` counts this one.
    """

    id: int
    post: Post
    last_text: str
    noticed_seq: int
    attempts: int


class PostEdits(Protocol):
    """Which posted messages have to be edited, because something changed of the papers in them; each rarely, none twice
    at the same time, and after a crash again."""

    def enqueue(self, *, since: datetime, now: datetime) -> bool:
        """Go through a stretch of the changes after those it went through before; whether there are more.

        The messages posted since then that show a changed paper are to be edited. What changed before the first call of
        all is passed over.
        """

    def claim(self, *, now: datetime, interval: timedelta, limit: int) -> Sequence[PostEdit]:
        """Messages whose edit is due, those due longest first. They are nobody else's, and due again after `every`
        unless one of the next three is called. One whose payload cannot be read stays as it is."""

    def complete(self, edit: PostEdit, text: str, *, now: datetime, interval: timedelta) -> None:
        """It says this now; it is not edited again before `every` has passed."""

    def unchanged(self, edit: PostEdit, *, now: datetime) -> None:
        """Nothing changed that a reader would see, and it was not edited."""

    def reschedule(self, edit: PostEdit, due_at: datetime | None) -> None:
        """It could not be edited; it is due again then, or never (None)."""

    def paper_updates(self, post: Post) -> Mapping[str, PaperUpdate]:
        """What came since it was posted, by the ids of its papers; those without news are left out."""
