"""The forecast of a day: papers to score and review, comparisons, and their expected cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from statistics import NormalDist

from digests.model import ReviewDepth
from digests.ports.budget import Spending
from digests.reviewers.budget import count_affordable
from digests.reviewers.context import ReviewContext, start_of_day
from digests.reviewers.openai import TokenUsage
from digests.reviewers.pairwise import load_best_of_day
from digests.reviewers.queue import MAX_PAPERS_PER_ROUND, fill_queue, load_recent_candidates
from digests.reviewers.starter_questions import choose_papers_without_questions
from digests.reviewers.translation import forecast_translations
from digests.reviewers.voting import has_voted, rank_by_need
from digests.subscription import Preferences

TYPICAL_SCORING_USAGE = TokenUsage(1900, 350)
"""Usage of scoring one paper: rubric and schema, an abstract of 330 tokens, and a short answer."""

TYPICAL_COMPARISON_USAGE = TokenUsage(1500, 80)
"""Usage of one comparison: the rules, two abstracts, and the notes of both reviews."""

TYPICAL_TRANSLATION_USAGE = TokenUsage(600, 250)
"""Usage of one translation: the rules, and a TL;DR with three limitations in and out."""

TYPICAL_QUESTIONS_USAGE = TokenUsage(600, 150)
"""Usage of the questions about one paper: the rules, a TL;DR, three limitations in, three questions out."""

TYPICAL_REVIEW_PROMPT_TOKENS = 2200
"""Tokens of a full review's prompt without the full text."""

TYPICAL_REVIEW_ANSWER_TOKENS = 1500
TYPICAL_SCORES = NormalDist(5.0, 1.5)
"""Distribution of scores, by which papers near a border are forecast before they have any."""

CHARACTERS_PER_TOKEN = 4
"""Characters of English text that make one token, about."""


@dataclass(frozen=True, slots=True)
class ReviewPlan:
    """Forecast of a round: papers to score and to review in full, pairs to compare, translations, their cost.

    `current_spending` was spent on this day already. `expected_spending` comes on top and stays within the
    budget. Questions are written about `papers_for_meetings`. `deferred_papers` do not fit into the budget,
    and wait for tomorrow. `members` are the seats of the panel, each with its part, which the budget does not
    limit.
    """

    papers_to_score: int
    papers_to_review: int
    expected_spending: Spending
    current_spending: Spending
    deferred_papers: int
    pairs_to_compare: int = 0
    members: Mapping[str, "MemberPlan"] = field(default_factory=dict)
    translations: int = 0
    papers_for_meetings: int = 0


@dataclass(frozen=True, slots=True)
class MemberPlan:
    """Forecast of a seat of the panel: its first looks or votes on them, its full reviews and their cost."""

    first_looks: int
    full_reviews: int
    spending: Spending


def plan_round(
    context: ReviewContext, preferences_by_workspace: Sequence[Sequence[Preferences]]
) -> ReviewPlan:
    """Forecast a round that starts now. Changes the queue by `fill_queue`; sends nothing to the model.

    Raises StoreError, and InputError for an unknown domain in the preferences.
    """
    fill_queue(context, preferences_by_workspace)
    store, budget, day = context.store, context.budget, context.clock().date()
    waiting = store.review_queue.count_waiting()
    papers_to_score = waiting.get(ReviewDepth.SCORE, 0)
    remaining_quota = max(0, context.full_reviews_per_day - store.budget.count_full_reviews(day))
    scored_count = len(store.review_queue.scored_since(context.scale, start_of_day(context.clock())))
    papers_to_review = min(remaining_quota, waiting.get(ReviewDepth.FULL, 0) + scored_count + papers_to_score)
    pairs_to_compare = _count_pairs_to_compare(context, papers_to_review)
    expected_scores = _forecast_scores(context)
    first_looks = {context.seat.name: papers_to_score}
    first_looks |= _forecast_votes(context, preferences_by_workspace, expected_scores)
    in_full = store.review_queue.next(ReviewDepth.FULL, papers_to_review, now=context.clock())
    waiting_papers = {*expected_scores, *(task.paper for task in in_full)}
    translations = forecast_translations(context, preferences_by_workspace, expected_scores, waiting_papers)
    papers_for_meetings = len(choose_papers_without_questions(context))
    scoring_cost, review_cost = (
        budget.cost_of(TYPICAL_SCORING_USAGE),
        budget.cost_of(_typical_review_usage(context)),
    )
    costs = [
        *[scoring_cost] * papers_to_score,
        *[sum([review_cost] * len(first_looks), Spending())] * papers_to_review,
        *[budget.cost_of(TYPICAL_COMPARISON_USAGE)] * pairs_to_compare,
        *[scoring_cost] * (sum(first_looks.values()) - papers_to_score),
        *[budget.cost_of(TYPICAL_QUESTIONS_USAGE)] * papers_for_meetings,
        *[budget.cost_of(TYPICAL_TRANSLATION_USAGE)] * translations,
    ]
    spent = store.budget.spending_on(day)
    affordable = count_affordable(costs, spent, budget.to_limit())
    return ReviewPlan(
        papers_to_score,
        papers_to_review,
        sum(costs[:affordable], Spending()),
        spent,
        max(0, papers_to_score + papers_to_review - affordable),
        pairs_to_compare,
        {
            name: MemberPlan(
                count,
                papers_to_review,
                sum([scoring_cost] * count + [review_cost] * papers_to_review, Spending()),
            )
            for name, count in first_looks.items()
        },
        translations,
        papers_for_meetings,
    )


def _forecast_scores(context: ReviewContext) -> dict[str, float]:
    """Return a score for each paper that waits for one: the quantiles of `TYPICAL_SCORES`.

    Their order has no meaning. Raises StoreError.
    """
    tasks = context.store.review_queue.next(ReviewDepth.SCORE, MAX_PAPERS_PER_ROUND, now=context.clock())
    papers = sorted((task.paper for task in tasks), key=_shuffle)
    return {paper: TYPICAL_SCORES.inv_cdf((place + 0.5) / len(papers)) for place, paper in enumerate(papers)}


def _forecast_votes(
    context: ReviewContext,
    preferences_by_workspace: Sequence[Sequence[Preferences]],
    expected_scores: Mapping[str, float],
) -> dict[str, int]:
    """Return the number of papers of the day on whose first look each further seat will vote.

    `expected_scores` are those of papers that wait for one. Raises StoreError, and InputError for an unknown
    domain in the preferences.
    """
    if not context.further_seats:
        return {}
    store, now = context.store, context.clock()
    scored = set(store.review_queue.scored_since(context.scale, start_of_day(now)))
    recent = load_recent_candidates(context, now)
    known = [candidate for candidate in recent if candidate.id in scored]
    forecast = [
        candidate._replace(score=expected_scores[candidate.id])
        for candidate in recent
        if candidate.id in expected_scores
    ]
    chosen = rank_by_need([*known, *forecast], {}, preferences_by_workspace)
    reviews = {paper: found.review for paper, found in store.library.get(scored).items()}
    return {
        seat.name: sum(paper in expected_scores or not has_voted(reviews[paper], seat) for paper in chosen)
        for seat in context.further_seats
    }


def _shuffle(paper: str) -> bytes:
    return blake2b(paper.encode(), digest_size=8).digest()


def _count_pairs_to_compare(context: ReviewContext, papers_to_review: int) -> int:
    """Return the number of pairs without a verdict once `papers_to_review` more papers are fully reviewed.

    Raises StoreError.
    """
    best_papers, verdicts = load_best_of_day(context)
    paper_count = min(context.pairwise_limit, len(best_papers) + papers_to_review)
    return max(0, paper_count * (paper_count - 1) - len(verdicts))


def _typical_review_usage(context: ReviewContext) -> TokenUsage:
    """Return the usage of a full review by one seat."""
    options = context.options
    return TokenUsage(
        TYPICAL_REVIEW_PROMPT_TOKENS + options.max_text_characters // CHARACTERS_PER_TOKEN,
        min(TYPICAL_REVIEW_ANSWER_TOKENS, options.review_max_tokens),
    )
