"""Which papers a reviewer reads, and in which order; and whose score stands out. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from statistics import quantiles

from digests.model import Candidate
from digests.pick import Matcher
from digests.subscription import Preferences

MIN_SCORES_FOR_QUANTILES = 20
"""Fewer scores say nothing about which one stands out."""

HIGH_SCORE = 8.0
"""With few scores to compare with, one from here on stands out."""

SCORE_JUMP = 2.0
"""A full review that scores so much over the first look stands out too: something in the text moved the model."""


def compute_priorities(
    candidates: Iterable[Candidate], channel_preferences: Sequence[Preferences]
) -> dict[str, float]:
    """Of each paper that somebody wants and nobody reviewed: how many channels want it; upvotes decide between equals."""
    matchers = _count_matchers(channel_preferences)
    priorities: dict[str, float] = {}
    for candidate in candidates:
        if candidate.score is None and candidate.rank is None and not candidate.withdrawn:
            channels = sum(count for taste, count in matchers if _is_match(taste, candidate))
            if channels:
                priorities[candidate.id] = channels + min(candidate.upvotes, 999) / 1000
    return priorities


def _count_matchers(channel_preferences: Sequence[Preferences]) -> list[tuple[Matcher, int]]:
    """What channels want to read, each once with how many want the same, the commonest first."""
    counts = Counter(replace(wish, top=1, min_score=None) for wish in channel_preferences)
    return [(Matcher.from_preferences(wish), count) for wish, count in counts.most_common()]


def _is_match(matcher: Matcher, candidate: Candidate) -> bool:
    return matcher.is_wanted(candidate) and not matcher.is_muted(candidate)


def choose_best_papers(
    candidates: Sequence[Candidate], channel_preferences: Sequence[Preferences], limit: int
) -> list[str]:
    """The best by score for a full review: each kind of wish gets its best in turn, so that no field takes them all."""
    best_first = sorted(candidates, key=lambda one: (-(one.score or 0.0), -one.upvotes, one.id))
    return list(
        _take_round_robin(
            [_ids_of_matches(taste, best_first) for taste, _ in _count_matchers(channel_preferences)], limit
        )
    )


def _ids_of_matches(matcher: Matcher, candidates: Sequence[Candidate]) -> Iterator[str]:
    return (candidate.id for candidate in candidates if _is_match(matcher, candidate))


def _take_round_robin(rankings: Sequence[Iterator[str]], limit: int) -> Iterator[str]:
    taken: set[str] = set()
    while rankings and len(taken) < limit:
        unfinished = []
        for ranking in rankings:
            chosen = next((name for name in ranking if name not in taken), None)
            if chosen is None:
                continue
            unfinished.append(ranking)
            taken.add(chosen)
            yield chosen
            if len(taken) == limit:
                return
        rankings = unfinished


def is_unusually_high(score: float, other_scores: Sequence[float], first_look_score: float | None) -> bool:
    """Whether a score is among the highest tenth of its scale, or far over that of the first look at the same paper."""
    if first_look_score is not None and score - first_look_score >= SCORE_JUMP:
        return True
    if len(other_scores) < MIN_SCORES_FOR_QUANTILES:
        return score >= HIGH_SCORE
    return score >= quantiles(other_scores, n=10)[-1]
