"""Scoring: grades, a score and a TL;DR from title and abstract alone."""

import asyncio

from digests.model import Paper, ReadDepth, ReviewDepth
from digests.ports.review_queue import ReviewTask
from digests.reviewers.context import ReviewContext, RoundOutcome
from digests.reviewers.prompt import prepare_abstract
from digests.reviewers.tasks import PreparedText, process_queue


async def score_papers(
    context: ReviewContext, outcome: RoundOutcome, stop: asyncio.Event, budget_share: float = 1.0
) -> None:
    """Score the papers that wait for it, within a share of the day's budget, as `process_queue` says.

    Raises StoreError.
    """
    await process_queue(context, ReviewDepth.SCORE, prepare_scoring_text, outcome, stop, budget_share)


async def prepare_scoring_text(context: ReviewContext, task: ReviewTask, paper: Paper) -> PreparedText:
    return PreparedText(paper, prepare_abstract(paper.abstract), ReadDepth.ABSTRACT)
