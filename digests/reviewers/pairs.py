"""Which papers are compared with which, and the order that comes out of it. Pure."""

from collections.abc import Mapping, Sequence
from itertools import permutations

from digests.model import Better

Pair = tuple[str, str]
"""Two papers in the order in which they are shown."""


def ordered_pairs(papers: Sequence[str]) -> list[Pair]:
    """Each paper with each other, in both orders: a model that likes what it reads first likes both of a pair then."""
    return list(permutations(papers, 2))


def ordered(papers: Sequence[str], found: Mapping[Pair, Better]) -> list[str] | None:
    """The papers by how often they were found better, equals as they were; None before every pair is known.

    When each was compared with each other as often, a Bradley-Terry model gives this very order.
    """
    pairs = ordered_pairs(papers)
    if not all(pair in found for pair in pairs):
        return None
    points = dict.fromkeys(papers, 0)
    for first, second in pairs:
        match found[first, second]:
            case Better.FIRST:
                points[first] += 2
            case Better.SECOND:
                points[second] += 2
            case Better.NEITHER:
                points[first] += 1
                points[second] += 1
    return sorted(papers, key=lambda paper: -points[paper])
