"""The forecast of a day: papers to score and review, comparisons, and their expected cost."""

from collections.abc import Sequence
from dataclasses import dataclass

from digests.model import ReviewDepth
from digests.ports.budget import Spending
from digests.reviewers.budget import count_affordable
from digests.reviewers.context import ReviewContext, start_of_day
from digests.reviewers.openai import TokenUsage
from digests.reviewers.pairwise import load_best_of_day
from digests.reviewers.queue import fill_queue
from digests.reviewers.review import ReviewOptions
from digests.subscription import Preferences

TYPICAL_SCORING_USAGE = TokenUsage(1900, 350)
"""Usage of scoring one paper: rubric and schema, an abstract of 330 tokens, and a short answer."""

TYPICAL_COMPARISON_USAGE = TokenUsage(1500, 80)
"""Usage of one comparison: the rules, two abstracts, and the notes of both reviews."""

TYPICAL_REVIEW_PROMPT_TOKENS = 2200
"""Tokens of a full review's prompt without the full text."""

TYPICAL_REVIEW_ANSWER_TOKENS = 1500
CHARACTERS_PER_TOKEN = 4
"""Characters of English text that make one token, about."""


@dataclass(frozen=True, slots=True)
class ReviewPlan:
    """Forecast of a round: papers to score and to review in full, pairs to compare, and their cost.

    `current_spending` was spent on this day already. `expected_spending` comes on top and stays within the
    budget. `deferred_papers` do not fit into it and wait for tomorrow.
    """

    papers_to_score: int
    papers_to_review: int
    expected_spending: Spending
    current_spending: Spending
    deferred_papers: int
    pairs_to_compare: int = 0


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
    costs = [
        *[budget.cost_of(TYPICAL_SCORING_USAGE)] * papers_to_score,
        *[budget.cost_of(_typical_review_usage(context.options))] * papers_to_review,
        *[budget.cost_of(TYPICAL_COMPARISON_USAGE)] * pairs_to_compare,
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
    )


def _count_pairs_to_compare(context: ReviewContext, papers_to_review: int) -> int:
    """Return the number of pairs without a verdict once `papers_to_review` more papers are fully reviewed.

    Raises StoreError.
    """
    best_papers, verdicts = load_best_of_day(context)
    paper_count = min(context.pairwise_limit, len(best_papers) + papers_to_review)
    return max(0, paper_count * (paper_count - 1) - len(verdicts))


def _typical_review_usage(options: ReviewOptions) -> TokenUsage:
    return TokenUsage(
        TYPICAL_REVIEW_PROMPT_TOKENS + options.max_text_characters // CHARACTERS_PER_TOKEN,
        min(TYPICAL_REVIEW_ANSWER_TOKENS, options.review_max_tokens),
    )
