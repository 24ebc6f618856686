"""Which papers a reviewer reads, and in which order; and whose score stands out. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from statistics import quantiles

from digests.model import Candidate, Wish
from digests.pick import Taste

FEW_SCORES = 20
"""Fewer scores say nothing about which one stands out."""

HIGH_SCORE = 8.0
"""With few scores to compare with, one from here on stands out."""

JUMP = 2.0
"""A full review that scores so much over the first look stands out too: something in the text moved the model."""


def promises(candidates: Iterable[Candidate], wishes: Sequence[Wish]) -> dict[str, float]:
    """Of each paper that somebody wants and nobody reviewed: how many channels want it; upvotes decide between equals."""
    tastes = _tastes(wishes)
    wanted: dict[str, float] = {}
    for candidate in candidates:
        if candidate.score is None and candidate.rank is None and not candidate.withdrawn:
            channels = sum(count for taste, count in tastes if _likes(taste, candidate))
            if channels:
                wanted[candidate.id] = channels + min(candidate.upvotes, 999) / 1000
    return wanted


def _tastes(wishes: Sequence[Wish]) -> list[tuple[Taste, int]]:
    """What channels want to read, each once with how many want the same, the commonest first."""
    alike = Counter(replace(wish, top=1, min_score=None) for wish in wishes)
    return [(Taste.of(wish), count) for wish, count in alike.most_common()]


def _likes(taste: Taste, candidate: Candidate) -> bool:
    return taste.wants(candidate) and not taste.mutes(candidate)


def best(candidates: Sequence[Candidate], wishes: Sequence[Wish], most: int) -> list[str]:
    """The best by score for a full review: each kind of wish gets its best in turn, so that no field takes them all."""
    best_first = sorted(candidates, key=lambda one: (-(one.score or 0.0), -one.upvotes, one.id))
    return list(_in_turn([_liked(taste, best_first) for taste, _ in _tastes(wishes)], most))


def _liked(taste: Taste, candidates: Sequence[Candidate]) -> Iterator[str]:
    return (candidate.id for candidate in candidates if _likes(taste, candidate))


def _in_turn(turns: Sequence[Iterator[str]], most: int) -> Iterator[str]:
    taken: set[str] = set()
    while turns and len(taken) < most:
        left = []
        for turn in turns:
            chosen = next((name for name in turn if name not in taken), None)
            if chosen is None:
                continue
            left.append(turn)
            taken.add(chosen)
            yield chosen
            if len(taken) == most:
                return
        turns = left


def stands_out(score: float, others: Sequence[float], first_look: float | None) -> bool:
    """Whether a score is among the highest tenth of its scale, or far over that of the first look at the same paper."""
    if first_look is not None and score - first_look >= JUMP:
        return True
    if len(others) < FEW_SCORES:
        return score >= HIGH_SCORE
    return score >= quantiles(others, n=10)[-1]
