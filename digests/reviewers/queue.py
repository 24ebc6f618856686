"""The order of the review queue: priorities of unscored papers, and the choice of papers for full reviews."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from digests.model import Candidate, ReviewDepth
from digests.pick import Matcher
from digests.ports.paper_requests import REQUEST_RETENTION, PaperRequest
from digests.reviewers.context import ReviewContext, start_of_day
from digests.reviewers.fairness import (
    REQUESTS_PER_PERSON,
    choose_requested_papers,
    count_requested_reviews,
    take_turns,
)
from digests.subscription import Preferences

REQUESTED_PRIORITY = 1_000_000.0
"""Priority of a paper that a person asked for, above every paper that only channels want."""

MAX_PAPERS_PER_ROUND = 2000
"""Papers of each depth in one round; the next round takes the rest."""

MAX_OPEN_REQUESTS = 500
"""Requests that a round chooses from. The next round takes the rest."""

SCALE_NOTE = "reviewer scale"
"""Key of the note that holds the scale of the last round. A new scale gives failed papers another chance."""


def fill_queue(context: ReviewContext, preferences_by_workspace: Sequence[Sequence[Preferences]]) -> None:
    """Enqueue for scoring the papers that channels want, and for a full review those that people asked for.

    `preferences_by_workspace` has a list for each workspace, with an entry for each of its channels. Papers
    that wait already get their new priority; those that no channel wants any more come last. Papers that
    waited too long leave the queue: for scoring after `lookback`, for a full review at the end of the day,
    when the digest that it was for is out. When model or rubric have changed since the last call, abandoned
    papers get another chance. Raises StoreError, and InputError for an unknown domain in the preferences.
    """
    now, store = context.clock(), context.store
    requested = _grant_requests(context, now)
    store.review_queue.expire(ReviewDepth.SCORE, queued_before=now - context.lookback)
    store.review_queue.expire(ReviewDepth.FULL, queued_before=start_of_day(now), keeping=requested)
    if store.notes.read(SCALE_NOTE) != context.scale:
        store.review_queue.requeue_failed()
        store.notes.write(SCALE_NOTE, context.scale)
    priorities = compute_priorities(load_recent_candidates(context, now), preferences_by_workspace)
    store.review_queue.clear_priorities(ReviewDepth.SCORE)
    store.review_queue.enqueue(priorities, ReviewDepth.SCORE, now=now)
    store.review_queue.enqueue(dict.fromkeys(requested, REQUESTED_PRIORITY), ReviewDepth.FULL, now=now)


def _grant_requests(context: ReviewContext, now: datetime) -> list[str]:
    """Give requested papers their share of the day's full reviews. Return those that still wait for it.

    Re-reviews are among them: each is the request of the person who decided on it.
    """
    requests, re_reviews, today = context.store.paper_requests, context.store.re_reviews, now.date()
    requests.prune(requested_before=now - REQUEST_RETENTION, granted_before=today)
    granted = [each.to_request() for each in re_reviews.list_granted(today)]
    chosen = choose_requested_papers(
        _list_open_requests(context, now),
        [*requests.list_granted(today), *granted],
        count_requested_reviews(context.full_reviews_per_day, context.requested_share),
    )
    if chosen:
        requests.grant(chosen, today)
        re_reviews.grant(chosen, today)
    still_open = _list_open_requests(context, now)
    return list(dict.fromkeys(request.paper for request in still_open if request.granted_on == today))


def _list_open_requests(context: ReviewContext, now: datetime) -> list[PaperRequest]:
    waiting = context.store.re_reviews.list_open(MAX_OPEN_REQUESTS, now=now)
    asked = context.store.paper_requests.list_open(MAX_OPEN_REQUESTS, REQUESTS_PER_PERSON)
    return [*asked, *(each.to_request() for each in waiting)]


def enqueue_full_reviews(
    context: ReviewContext, preferences_by_workspace: Sequence[Sequence[Preferences]]
) -> None:
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
    candidates = [candidate for candidate in load_recent_candidates(context, now) if candidate.id in scored]
    chosen = choose_best_papers(
        candidates, preferences_by_workspace, remaining, first_workspace=now.toordinal()
    )
    store.review_queue.enqueue(
        {paper: float(remaining - place) for place, paper in enumerate(chosen)}, ReviewDepth.FULL, now=now
    )


def load_recent_candidates(context: ReviewContext, now: datetime) -> Sequence[Candidate]:
    """Return the papers that became known within `lookback`. Raises StoreError."""
    library = context.store.library
    return library.candidates(
        library.sequence_at(now - context.lookback),
        library.latest_sequence(),
        with_text=True,
        with_authors=True,
    )


def compute_priorities(
    candidates: Iterable[Candidate], preferences_by_workspace: Sequence[Sequence[Preferences]]
) -> dict[str, float]:
    """Return a priority for each paper that a channel wants and that has no review.

    With one workspace, the priority is the number of channels that want the paper; upvotes break ties. With
    several, each ranks its papers so, and all take turns: the priority is higher for an earlier turn.
    Withdrawn papers are left out. Raises InputError for an unknown domain in the preferences.
    """
    unscored = {
        candidate.id: candidate
        for candidate in candidates
        if candidate.score is None and candidate.rank is None and not candidate.withdrawn
    }
    matches = _match_candidates(unscored.values(), preferences_by_workspace)
    by_workspace = []
    for preferences in preferences_by_workspace:
        channel_counts: Counter[str] = Counter()
        for interest, channel_count in _count_interests(preferences).items():
            channel_counts.update(dict.fromkeys(matches[interest], channel_count))
        by_workspace.append(
            {
                paper: channel_count + min(unscored[paper].upvotes, 999) / 1000
                for paper, channel_count in channel_counts.items()
            }
        )
    if len(by_workspace) == 1:
        return by_workspace[0]
    # Of equal priority the newest paper comes first, as in the queue.
    ages = {paper: age for age, paper in enumerate(reversed(unscored))}
    turns = take_turns([sorted(own, key=lambda paper: (-own[paper], ages[paper])) for own in by_workspace])
    turn_count = max(turns.values(), default=0) + 1
    return {paper: float(turn_count - turn) for paper, turn in turns.items()}


def choose_best_papers(
    candidates: Sequence[Candidate],
    preferences_by_workspace: Sequence[Sequence[Preferences]],
    limit: int,
    *,
    first_workspace: int = 0,
) -> list[str]:
    """Return the ids of up to `limit` papers for full reviews, best score first.

    Workspaces take turns, and in each its distinct preferences, so that neither a workspace nor a research
    field uses up the whole quota. The first turn is that of the workspace at `first_workspace`, counted round
    the list. Papers that no channel wants are left out. Raises InputError for an unknown domain in the
    preferences.
    """
    best_first = sorted(
        candidates, key=lambda candidate: (-(candidate.score or 0.0), -candidate.upvotes, candidate.id)
    )
    matches = _match_candidates(best_first, preferences_by_workspace)
    rankings = [
        take_turns([matches[interest] for interest, _ in _count_interests(preferences).most_common()], limit)
        for preferences in preferences_by_workspace
    ]
    start = first_workspace % len(rankings) if rankings else 0
    return list(take_turns([*rankings[start:], *rankings[:start]], limit))


def _count_interests(channel_preferences: Iterable[Preferences]) -> Counter[Preferences]:
    """Count the channels by their distinct preferences. Size, minimum score and language do not count."""
    return Counter(
        replace(preferences, top=1, min_score=None, language="") for preferences in channel_preferences
    )


def _match_candidates(
    candidates: Iterable[Candidate], preferences_by_workspace: Iterable[Iterable[Preferences]]
) -> dict[Preferences, list[str]]:
    """Return the ids of the candidates that match, in their order, by distinct preferences.

    Raises InputError for an unknown domain.
    """
    candidates = list(candidates)
    interests = {
        interest for preferences in preferences_by_workspace for interest in _count_interests(preferences)
    }
    matchers = {interest: Matcher.from_preferences(interest) for interest in interests}
    return {
        interest: [candidate.id for candidate in candidates if _is_match(matcher, candidate)]
        for interest, matcher in matchers.items()
    }


def _is_match(matcher: Matcher, candidate: Candidate) -> bool:
    return matcher.is_wanted(candidate) and not matcher.is_muted(candidate)
