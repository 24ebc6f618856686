"""Which papers are compared with which, and the order that comes out of it. Pure."""

from collections.abc import Mapping, Sequence
from itertools import permutations

from digests.model import Verdict

Pair = tuple[str, str]
"""Two papers in the order in which they are shown."""


def pair_in_both_orders(papers: Sequence[str]) -> list[Pair]:
    """Each paper with each other, in both orders: a model that likes what it reads first likes both of a pair then."""
    return list(permutations(papers, 2))


def rank_papers(papers: Sequence[str], verdicts: Mapping[Pair, Verdict]) -> list[str] | None:
    """The papers by how often they were found better, equals as they were; None before every pair is known.

    When each was compared with each other as often, a Bradley-Terry model gives this very order.
    """
    pairs = pair_in_both_orders(papers)
    if not all(pair in verdicts for pair in pairs):
        return None
    points = dict.fromkeys(papers, 0)
    for first, second in pairs:
        match verdicts[first, second]:
            case Verdict.FIRST:
                points[first] += 2
            case Verdict.SECOND:
                points[second] += 2
            case Verdict.NEITHER:
                points[first] += 1
                points[second] += 1
    return sorted(papers, key=lambda paper: -points[paper])
