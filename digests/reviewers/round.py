"""One round of the reviewer: score the queue, review the best papers in full, rank and translate the best.

Questions about the papers of coming meetings come before the translations.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from digests.model import REVIEWER, ReviewDepth, Trouble
from digests.reviewers.budget import SCORING_BUDGET_SHARE
from digests.reviewers.context import OpenCalls, ReviewContext, RoundOutcome
from digests.reviewers.full_review import prepare_full_text, review_papers_in_full
from digests.reviewers.pairwise import rank_best_papers
from digests.reviewers.queue import enqueue_full_reviews, fill_queue
from digests.reviewers.scoring import prepare_scoring_text, score_papers
from digests.reviewers.starter_questions import write_starter_questions
from digests.reviewers.translation import translate_best_papers
from digests.reviewers.voting import collect_votes, seat_voters
from digests.subscription import Preferences


async def run_round(
    context: ReviewContext, preferences_by_workspace: Sequence[Sequence[Preferences]], stop: asyncio.Event
) -> RoundOutcome:
    """Fill the queue, score, review in full, rank in pairs, ask questions, translate, and report the health.

    Scoring first uses its share of the day's budget. The rest is for full reviews; what they leave is for
    scoring again, once the day's full reviews are chosen. Ends early on `stop` or trouble, which the outcome
    names. Every result is saved at once, so that no call is paid twice. Raises StoreError, and InputError for
    an unknown domain in the preferences; the health is not reported then.
    """
    outcome, context = RoundOutcome(), replace(context, open_calls=OpenCalls())
    await context.run_blocking(fill_queue, context, preferences_by_workspace)
    context = await _score_with_first_that_answers(context, outcome, stop)
    if not outcome.is_over(stop, excluding=Trouble.BUDGET_SPENT):
        outcome.trouble, outcome.detail = None, outcome.describe_left_out()
        await collect_votes(
            context,
            preferences_by_workspace,
            ReviewDepth.SCORE,
            prepare_scoring_text,
            outcome,
            stop,
            SCORING_BUDGET_SHARE,
        )
        # Decided before the choice: the announcement may become due during this round.
        must_keep_budget = _has_full_reviews_to_choose(context)
        await context.run_blocking(enqueue_full_reviews, context, preferences_by_workspace)
        async with seat_voters(context, outcome) as voters:
            await review_papers_in_full(context, outcome, stop, voters)
        if not outcome.is_over(stop, excluding=Trouble.BUDGET_SPENT):
            await collect_votes(
                context, preferences_by_workspace, ReviewDepth.FULL, prepare_full_text, outcome, stop
            )
        if not outcome.is_over(stop) and not must_keep_budget:
            await score_papers(context, outcome, stop)
    if context.pairwise_limit and not outcome.is_over(stop):
        await rank_best_papers(context, outcome, stop)
    if not outcome.is_over(stop) and not _has_full_reviews_to_choose(context):
        await write_starter_questions(context, outcome, stop)
        await translate_best_papers(context, preferences_by_workspace, outcome, stop)
    await context.run_blocking(_report_health, context, outcome)
    return outcome


async def _score_with_first_that_answers(
    context: ReviewContext, outcome: RoundOutcome, stop: asyncio.Event
) -> ReviewContext:
    """Score the queue by the first seat of the panel that is not down, and return the context of that seat.

    The seats before it are left out of this round. If all are down, that is the outcome's trouble.
    """
    await score_papers(context, outcome, stop, SCORING_BUDGET_SHARE)
    while outcome.trouble is Trouble.REVIEWER_DOWN and context.further_seats:
        outcome.trouble, outcome.detail = None, outcome.describe_left_out()
        outcome.leave_out(context.seat)
        seat, *others = context.further_seats
        context = context.take_seat(seat, tuple(others))
        outcome.consecutive_faults, outcome.has_server_answered = 0, False
        await score_papers(context, outcome, stop, SCORING_BUDGET_SHARE)
    return context


def _has_full_reviews_to_choose(context: ReviewContext) -> bool:
    """Return True while the day's full reviews are not yet chosen and their share of the budget is kept."""
    return context.full_reviews_per_day > 0 and context.is_before_announcement(context.clock())


def _report_health(context: ReviewContext, outcome: RoundOutcome) -> None:
    waiting_count = sum(context.store.review_queue.count_waiting().values())
    context.store.health.report(
        REVIEWER, outcome.trouble, detail=outcome.detail, waiting_count=waiting_count, now=context.clock()
    )
