"""The poll of a meeting: which papers it offers, and which one wins. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from digests.meetings.model import Candidate
from digests.model import QueuedPaper

MAX_CANDIDATES = 5
"""Papers of a poll: the buttons of one row on Discord."""


def choose_candidates(
    queue: Iterable[QueuedPaper], scores: Mapping[str, float | None], *, discussed: Collection[str]
) -> tuple[Candidate, ...]:
    """Return the papers of a poll, the most wanted first: the first of the queue, at most `MAX_CANDIDATES`.

    `scores` are by paper id. Papers in `discussed`, those of the channel's other meetings, are left out.
    """
    wanted = [queued.paper for queued in queue if queued.paper not in discussed]
    return tuple(Candidate(paper, scores.get(paper)) for paper in wanted[:MAX_CANDIDATES])


def count_votes(candidates: Sequence[Candidate], votes: Mapping[str, str]) -> Counter[str]:
    """Count the votes for each candidate. `votes` has the paper of each person."""
    papers = {candidate.paper for candidate in candidates}
    return Counter(paper for paper in votes.values() if paper in papers)


def choose_paper(
    candidates: Sequence[Candidate],
    votes: Mapping[str, str],
    queue: Iterable[QueuedPaper],
    *,
    discussed: Collection[str],
) -> str | None:
    """Return the paper of a meeting: the candidate with most votes.

    Of several the best score wins, then the most wanted. Candidates that have left the queue since do not
    count. Without any candidate left it is the first paper of the queue that is not in `discussed`, None if
    there is none.
    """
    wanted = [queued.paper for queued in queue if queued.paper not in discussed]
    remaining = [candidate for candidate in candidates if candidate.paper in wanted]
    if not remaining:
        return next(iter(wanted), None)
    counts = count_votes(candidates, votes)

    def rank(candidate: Candidate) -> tuple[int, float]:
        return counts[candidate.paper], -1.0 if candidate.score is None else candidate.score

    return max(remaining, key=rank).paper  # The first of several equal ones.
