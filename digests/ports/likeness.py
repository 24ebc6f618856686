"""Likeness of papers to those that people marked."""

from collections.abc import Callable, Mapping, Sequence

from digests.model import Likeness

LikenessFinder = Callable[[Sequence[str], int], Mapping[str, Likeness]]
"""Returns the likeness, by paper id, of papers that changed after a sequence number, to some marked ones.

It never raises and takes seconds at most: without an answer there is no likeness.
"""


def find_no_likeness(marked: Sequence[str], after_seq: int) -> Mapping[str, Likeness]:
    """Return no likeness: the finder where there is no index."""
    return {}
