"""Likeness of papers to those that people marked."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from digests.model import Likeness

MARK_AGE = timedelta(days=90)
MAX_MARKED_PAPERS = 10
"""The papers marked last in a channel, to which new ones may be like."""

LikenessFinder = Callable[[Sequence[str], int], Mapping[str, Likeness]]
"""Returns the likeness, by paper id, of papers that changed after a sequence number, to some marked ones.

It never raises and takes seconds at most: without an answer there is no likeness.
"""


def find_no_likeness(marked: Sequence[str], after_seq: int) -> Mapping[str, Likeness]:
    """Return no likeness: the finder where there is no index."""
    return {}
