"""The order of the review queue: priorities of unscored papers, and the choice of papers for full reviews."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from digests.model import Candidate, ReviewDepth
from digests.pick import Matcher
from digests.reviewers.context import ReviewContext, start_of_day
from digests.subscription import Preferences

REQUESTED_PRIORITY = 1_000_000.0
"""Priority of a paper that a person asked for, above every paper that only channels want."""

MAX_PAPERS_PER_ROUND = 2000
"""Papers of each depth in one round; the next round takes the rest."""

SCALE_NOTE = "reviewer scale"
"""Key of the note that holds the scale of the last round. A new scale gives failed papers another chance."""


def fill_queue(context: ReviewContext, channel_preferences: Sequence[Preferences]) -> None:
    """Enqueue for scoring the papers that channels want, and for a full review those that people asked for.

    `channel_preferences` has an entry for each channel. Papers that wait already get their new priority.
    Papers that waited too long leave the queue: for scoring after `lookback`, for a full review at the end of
    the day, when the digest that it was for is out. Papers that people asked for stay. When model or rubric
    have changed since the last call, abandoned papers get another chance. Raises StoreError, and InputError
    for an unknown domain in the preferences.
    """
    now, store = context.clock(), context.store
    store.review_queue.expire(
        ReviewDepth.SCORE, queued_before=now - context.lookback, below_priority=REQUESTED_PRIORITY
    )
    store.review_queue.expire(
        ReviewDepth.FULL, queued_before=start_of_day(now), below_priority=REQUESTED_PRIORITY
    )
    if store.notes.read(SCALE_NOTE) != context.scale:
        store.review_queue.requeue_failed()
        store.notes.write(SCALE_NOTE, context.scale)
    store.review_queue.enqueue(
        compute_priorities(_load_recent_candidates(context, now), channel_preferences),
        ReviewDepth.SCORE,
        now=now,
    )
    requested = [
        request.paper
        for request in store.paper_requests.list_open(MAX_PAPERS_PER_ROUND, MAX_PAPERS_PER_ROUND)
    ]
    store.review_queue.enqueue(dict.fromkeys(requested, REQUESTED_PRIORITY), ReviewDepth.FULL, now=now)


def enqueue_full_reviews(context: ReviewContext, channel_preferences: Sequence[Preferences]) -> None:
    """Enqueue the best papers scored today (UTC) for full reviews, up to the day's remaining quota.

    Papers that wait for a full review count in the quota. Nothing is enqueued before the hour at which the
    day's announcement is scored: papers left over from yesterday would otherwise use up the quota at
    midnight. Raises StoreError, and InputError for an unknown domain in the preferences.
    """
    now, store = context.clock(), context.store
    remaining = (
        context.full_reviews_per_day
        - store.budget.count_full_reviews(now.date())
        - store.review_queue.count_waiting().get(ReviewDepth.FULL, 0)
    )
    if remaining <= 0 or context.is_before_announcement(now):
        return
    scored = set(store.review_queue.scored_since(context.scale, start_of_day(now)))
    candidates = [candidate for candidate in _load_recent_candidates(context, now) if candidate.id in scored]
    chosen = choose_best_papers(candidates, channel_preferences, remaining)
    store.review_queue.enqueue(
        {paper: float(remaining - place) for place, paper in enumerate(chosen)}, ReviewDepth.FULL, now=now
    )


def _load_recent_candidates(context: ReviewContext, now: datetime) -> Sequence[Candidate]:
    library = context.store.library
    return library.candidates(
        library.sequence_at(now - context.lookback), library.latest_sequence(), with_text=True
    )


def compute_priorities(
    candidates: Iterable[Candidate], channel_preferences: Sequence[Preferences]
) -> dict[str, float]:
    """Return a priority for each paper that a channel wants and that has no review.

    The priority is the number of channels that want the paper; upvotes break ties. Withdrawn papers are left
    out. Raises InputError for an unknown domain in the preferences.
    """
    matchers = _count_matchers(channel_preferences)
    priorities: dict[str, float] = {}
    for candidate in candidates:
        if candidate.score is None and candidate.rank is None and not candidate.withdrawn:
            channel_count = sum(count for matcher, count in matchers if _is_match(matcher, candidate))
            if channel_count:
                priorities[candidate.id] = channel_count + min(candidate.upvotes, 999) / 1000
    return priorities


def choose_best_papers(
    candidates: Sequence[Candidate], channel_preferences: Sequence[Preferences], limit: int
) -> list[str]:
    """Return the ids of up to `limit` papers for full reviews, best score first.

    Distinct preferences take turns, so that no research field uses up the whole quota. Papers that no channel
    wants are left out. Raises InputError for an unknown domain in the preferences.
    """
    best_first = sorted(
        candidates, key=lambda candidate: (-(candidate.score or 0.0), -candidate.upvotes, candidate.id)
    )
    matchers = [matcher for matcher, _ in _count_matchers(channel_preferences)]
    return list(_take_round_robin([_ids_of_matches(matcher, best_first) for matcher in matchers], limit))


def _count_matchers(channel_preferences: Sequence[Preferences]) -> list[tuple[Matcher, int]]:
    """Return each distinct matcher with the number of channels that share it, the most common first.

    The size and the minimum score of a digest do not count. Raises InputError for an unknown domain.
    """
    counts = Counter(replace(preferences, top=1, min_score=None) for preferences in channel_preferences)
    return [(Matcher.from_preferences(preferences), count) for preferences, count in counts.most_common()]


def _is_match(matcher: Matcher, candidate: Candidate) -> bool:
    return matcher.is_wanted(candidate) and not matcher.is_muted(candidate)


def _ids_of_matches(matcher: Matcher, candidates: Sequence[Candidate]) -> Iterator[str]:
    return (candidate.id for candidate in candidates if _is_match(matcher, candidate))


def _take_round_robin(rankings: Sequence[Iterator[str]], limit: int) -> Iterator[str]:
    taken: set[str] = set()
    while rankings and len(taken) < limit:
        unfinished = []
        for ranking in rankings:
            chosen = next((paper for paper in ranking if paper not in taken), None)
            if chosen is None:
                continue
            unfinished.append(ranking)
            taken.add(chosen)
            yield chosen
            if len(taken) == limit:
                return
        rankings = unfinished
