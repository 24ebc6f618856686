"""Fair shares of the reviewer: turns between workspaces, and papers that people asked for. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence

from digests.ports.paper_requests import PaperRequest

REQUESTS_PER_PERSON = 2
"""Full reviews a day (UTC) of papers that one person asked for."""


def take_turns(rankings: Sequence[Iterable[str]], limit: int | None = None) -> dict[str, int]:
    """Return papers in the order in which they are taken, each with the number of its turn, from 0.

    In each turn every ranking gives the best of its papers that are not taken yet. A paper of several
    rankings counts once. Of `limit` papers, each of N rankings has its best `limit // N`, or all if it has
    fewer. Without a limit every paper is taken.
    """
    unfinished = [iter(ranking) for ranking in rankings]
    turns: dict[str, int] = {}
    turn = 0
    while unfinished:
        remaining = []
        for ranking in unfinished:
            if limit is not None and len(turns) >= limit:
                return turns
            paper = next((paper for paper in ranking if paper not in turns), None)
            if paper is not None:
                turns[paper] = turn
                remaining.append(ranking)
        unfinished = remaining
        turn += 1
    return turns


def count_requested_reviews(full_reviews_per_day: int, requested_share: float) -> int:
    """Return the number of a day's full reviews for requested papers: a share, rounded down.

    At least 1, but 0 if there are no full reviews or no share.
    """
    if not full_reviews_per_day or not requested_share:
        return 0
    # Binary fractions: 0.29 of 100 is less than 29.
    return max(1, int(full_reviews_per_day * requested_share + 1e-9))


def choose_requested_papers(
    open_requests: Iterable[PaperRequest], granted_today: Iterable[PaperRequest], limit: int
) -> list[str]:
    """Return further papers for a day that has `limit` full reviews for requested papers.

    Papers that were granted on an earlier day and are not reviewed come first. Then the workspace that had
    least today has its turn, in it the person who had least, with the request that waits longest. A person
    has at most `REQUESTS_PER_PERSON` a day. A paper that several people asked for counts once for the day,
    and once for each of them.
    """
    had: Counter[tuple[str, ...]] = Counter()
    taken: set[str] = set()
    for request in granted_today:
        had.update(_claimants_of(request))
        taken.add(request.paper)
    waiting = [request for request in open_requests if request.paper not in taken]
    chosen: list[str] = []
    while len(taken) < limit:
        allowed = [request for request in waiting if had[_person_of(request)] < REQUESTS_PER_PERSON]
        if not allowed:
            break
        paper = min(allowed, key=lambda request: _place_in_line(request, had)).paper
        chosen.append(paper)
        taken.add(paper)
        for request in waiting:
            if request.paper == paper:
                had.update(_claimants_of(request))
        waiting = [request for request in waiting if request.paper != paper]
    return chosen


def _place_in_line(request: PaperRequest, had: Counter[tuple[str, ...]]) -> tuple[object, ...]:
    workspace, person = _claimants_of(request)
    is_new = request.granted_on is None
    return is_new, had[workspace], had[person], request.requested_at, request.paper, person


def _claimants_of(request: PaperRequest) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return ("workspace", request.platform, request.workspace), _person_of(request)


def _person_of(request: PaperRequest) -> tuple[str, ...]:
    # Without the workspace: a person of Discord is the same in every server.
    return "person", request.platform, request.person
