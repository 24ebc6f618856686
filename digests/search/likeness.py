"""Likeness of new papers to those that a channel marked. It never fails and never takes long."""

import logging
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from digests.model import Likeness, ScoredPaper
from digests.ports.library import Library
from digests.text import clip_text, to_plain_text

if TYPE_CHECKING:
    from digests.search.index import SearchIndex

log = logging.getLogger(__name__)

DEADLINE_SECONDS = 2.0
"""Wait for the index. A digest is built without likeness after it."""

MAX_SIMILAR = 200
"""New papers that are compared with one marked paper."""

MIN_STRENGTH = 0.25
"""Least strength of a likeness: below it, two papers share common words."""

MIN_ASKED_STRENGTH = 0.1
"""Least strength for a person who asks: the nearest papers of a small library are weaker than a reason."""

TITLE_CHARACTERS = 40
"""Characters of a title in a reason."""


@dataclass(frozen=True, slots=True)
class IndexedLikeness:
    """Implementation of `LikenessFinder` over the search index, in a thread of its own."""

    library: Library
    get_index: "Callable[[], SearchIndex]"
    _is_busy: threading.Lock = field(default_factory=threading.Lock)

    def find(self, marked: Sequence[str], after_seq: int) -> Mapping[str, Likeness]:
        """Return the strongest likeness, by paper id, of papers that changed after a sequence number.

        `marked` are ids of papers. Returns nothing without them, if the index is missing, broken or busy, and
        after `DEADLINE_SECONDS`; the index then still catches up with the library. Never raises.
        """
        if not marked or not self._is_busy.acquire(blocking=False):
            return {}
        found: dict[str, Likeness] = {}
        is_done = threading.Event()

        def search() -> None:
            try:
                index = self.get_index()
                index.catch_up(self.library)
                found.update(compare_papers(index, self.library.get(marked).values(), after_seq))
                is_done.set()
            except BaseException as error:  # tantivy panics with BaseException.
                log.warning("a digest is built without likeness: %s", error)
                found.clear()
                is_done.set()
            finally:
                self._is_busy.release()

        threading.Thread(target=search, name="likeness", daemon=True).start()
        return found if is_done.wait(DEADLINE_SECONDS) else {}


def compare_papers(
    index: "SearchIndex", marked: Collection[ScoredPaper], after_seq: int
) -> dict[str, Likeness]:
    """Return the strongest likeness to a marked paper, by the id of the new paper.

    New are papers that changed after a sequence number and are not marked. Raises SearchError.
    """
    strongest: dict[str, Likeness] = {}
    marked_ids = {scored.paper.id for scored in marked}
    for scored in marked:
        title = _shorten_title(scored.paper.title)
        for paper, strength in index.find_similar(scored, after_seq, MAX_SIMILAR):
            is_stronger = paper not in strongest or strength > strongest[paper].strength
            if paper not in marked_ids and strength >= MIN_STRENGTH and is_stronger:
                strongest[paper] = Likeness(scored.paper.id, title, strength)
    return strongest


def _shorten_title(title: str) -> str:
    """Return the part of a title before ": " if it is a name, else the clipped title."""
    plain = to_plain_text(title)
    name, colon, _ = plain.partition(": ")
    return clip_text(name if colon and len(name) >= 3 else plain, TITLE_CHARACTERS)
