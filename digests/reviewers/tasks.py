"""Processing of review tasks: load the paper, prepare its text, reserve budget, ask the model, save.

Scoring and full reviews share these steps; they differ in the text that the model is shown.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from digests.errors import SourceError
from digests.injections import flag_paper
from digests.model import Paper, ReadDepth, Review, ReviewDepth, ScoredPaper, Trouble
from digests.ports.budget import Spending
from digests.ports.review_queue import ReviewTask
from digests.reviewers.budget import BACKLOG_BUDGET_SHARE
from digests.reviewers.context import (
    MAX_CONSECUTIVE_FAULTS,
    ReviewContext,
    RoundOutcome,
    start_of_day,
)
from digests.reviewers.holding import find_hold_reason
from digests.reviewers.openai import TokenUsage
from digests.reviewers.probe import does_server_answer
from digests.reviewers.queue import MAX_PAPERS_PER_ROUND
from digests.reviewers.review import ReviewError, max_usage_of_review, review_paper
from digests.reviewers.rubric import RUBRIC_VERSION
from digests.text import normalize_text

log = logging.getLogger(__name__)

INITIAL_BACKOFF = timedelta(minutes=15)
"""Wait after a paper's first failure."""
BACKOFF_FACTOR = 4
"""Factor by which the backoff grows with each further failure of a paper."""

MAX_ATTEMPTS = 5
"""Failed attempts at a task after which its paper is abandoned: five tries in all.

Unusable answers, answers that do not come in time and texts that cannot be fetched count. Faults of the whole
server do not. The count starts again when a scoring task becomes a full review, and for an abandoned paper
with a new model or rubric.
"""


@dataclass(frozen=True, slots=True)
class PreparedText:
    """The text that the model is shown. `paper` has the flags of everything that was read to prepare it."""

    paper: Paper
    text: str
    read_depth: ReadDepth


TextPreparer = Callable[[ReviewContext, ReviewTask, Paper], Awaitable[PreparedText]]
"""Prepares the text of a paper for a review depth. Raises SourceError if it may be available later."""


async def process_queue(
    context: ReviewContext,
    review_depth: ReviewDepth,
    prepare_text: TextPreparer,
    outcome: RoundOutcome,
    stop: asyncio.Event,
    budget_share: float = 1.0,
) -> None:
    """Review the papers that wait for `review_depth`, as many at a time as the server has slots.

    Counts in `outcome` and ends when it is over. `budget_share` is the share of the day's budget that may be
    used. Every result is saved at once. A failure of one paper is recorded, and the others go on; a spent
    budget and a server that is down end the round. Raises StoreError.
    """
    tasks = list(
        await context.run_blocking(
            context.store.review_queue.next, review_depth, MAX_PAPERS_PER_ROUND, now=context.clock()
        )
    )
    total, remaining = len(tasks), iter(tasks)
    context.progress(review_depth, 0, total)
    done_count = 0

    async def review_papers() -> None:
        nonlocal done_count
        for task in remaining:
            async with context.probe_lock:  # While the server is tested, nobody sends it a paper.
                pass
            if outcome.is_over(stop):
                return
            await _TaskRun(context, task, prepare_text, outcome, budget_share).process()
            done_count += 1
            context.progress(review_depth, done_count, total)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(context.server.address.concurrency, total)):
            group.create_task(review_papers())


@dataclass(frozen=True, slots=True)
class _TaskRun:
    """One attempt at one review task."""

    context: ReviewContext
    task: ReviewTask
    prepare_text: TextPreparer
    outcome: RoundOutcome
    budget_share: float

    async def process(self) -> None:
        """Review the paper and save the review, or record the failure. Raises StoreError.

        Without budget the task stays as it is, and the outcome's trouble is `BUDGET_SPENT`.
        """
        scored = await self.context.run_blocking(self._load_unreviewed)
        if scored is None:
            return
        try:
            prepared = await self.prepare_text(self.context, self.task, flag_paper(scored.paper))
        except SourceError as error:
            await self.context.run_blocking(self._record_failure, str(error))
            return
        await self._request_review(replace(scored, paper=prepared.paper), prepared)

    def _load_unreviewed(self) -> ScoredPaper | None:
        """Return the paper. Completes the task and returns None if there is nothing to review.

        That is so for a paper that is gone, withdrawn or already reviewed on this scale and depth. A worker
        may have died after it saved the review and before it completed the task.
        """
        store = self.context.store
        scored = store.library.get([self.task.paper]).get(self.task.paper)
        if scored and not scored.paper.withdrawn and not self._is_reviewed(scored):
            return scored
        store.review_queue.complete(self.task.paper)
        return None

    def _is_reviewed(self, scored: ScoredPaper) -> bool:
        reviews = (
            self.context.store.library.reviews_of(scored.paper.id) if scored.review.score is not None else ()
        )
        return any(self._is_current_review(review, scored.paper) for review in reviews)

    def _is_current_review(self, review: Review, paper: Paper) -> bool:
        """Return True for a review of this version by this model and rubric; a full one counts as a score."""
        assessment = review.assessment
        return bool(
            assessment
            and review.model == self.context.server.address.model
            and assessment.rubric == RUBRIC_VERSION
            and assessment.paper_version == paper.version
            and assessment.review_depth in (self.task.review_depth, ReviewDepth.FULL)
        )

    async def _request_review(self, scored: ScoredPaper, prepared: PreparedText) -> None:
        context, review_depth, day = self.context, self.task.review_depth, self.context.clock().date()
        max_cost = context.budget.cost_of(
            max_usage_of_review(scored.paper, prepared.text, review_depth, context.options)
        )
        limit = context.budget.to_limit(min(self.budget_share, self._backlog_budget_share()))
        if not await context.run_blocking(context.store.budget.reserve, day, max_cost, limit):
            self.outcome.record_trouble(Trouble.BUDGET_SPENT, context.budget.describe_exhausted())
            return
        try:
            new_review, usage = await review_paper(
                scored.paper,
                prepared.text,
                review_depth,
                read_depth=prepared.read_depth,
                server=context.server,
                options=context.options,
                now=context.clock(),
                run_reader=context.run_reader,
            )
        except ReviewError as error:
            spent = context.budget.cost_of_failure(error, max_cost)
            await context.run_blocking(context.store.budget.settle, day, max_cost, spent)
            await self._handle_review_error(error)
            return
        async with context.save_lock:
            await self.context.run_blocking(self._save_review, scored, new_review, day, max_cost, usage)

    def _backlog_budget_share(self) -> float:
        """Return the share of the budget that this task may use.

        A backlog waits from midnight on. It must not use up the budget before the day's announcement.
        """
        now = self.context.clock()
        is_backlog = self.task.queued_at < start_of_day(now)
        return BACKLOG_BUDGET_SHARE if is_backlog and self.context.is_before_announcement(now) else 1.0

    def _save_review(
        self, scored: ScoredPaper, new_review: Review, day: date, reserved: Spending, usage: TokenUsage
    ) -> None:
        # The review is saved before the task is completed: a crash between the two costs no second call.
        store, paper, now = self.context.store, scored.paper, self.context.clock()
        if reason := find_hold_reason(self.context, scored, new_review):
            store.moderation.hold(paper.id, reason, now=now)
            self.outcome.held_count += 1
        store.library.add([(paper, new_review)], now=now)
        is_full = self.task.review_depth is ReviewDepth.FULL
        store.budget.settle(day, reserved, self.context.budget.cost_of(usage), is_full_review=is_full)
        store.review_queue.complete(paper.id)
        self.outcome.consecutive_faults = 0
        self.outcome.full_review_count += is_full
        self.outcome.score_count += not is_full

    async def _handle_review_error(self, error: ReviewError) -> None:
        """Record the failure of the paper, or of the server if that does not answer.

        After `MAX_CONSECUTIVE_FAULTS` papers with a server fault, an answer to a harmless paper shows that
        the fault is theirs: papers that a server always refuses must not stop the reviewer for the others.
        """
        fault = error.server_error
        if fault and fault.is_down:
            self.outcome.record_server_down(fault)
            return
        if fault:
            self.outcome.consecutive_faults += 1
        if fault and self.outcome.consecutive_faults >= MAX_CONSECUTIVE_FAULTS:
            self.outcome.consecutive_faults = 0
            async with self.context.probe_lock:
                self.outcome.has_server_answered = await does_server_answer(self.context)
            if not self.outcome.has_server_answered:
                self.outcome.record_server_down(fault)
        elif fault:
            async with self.context.probe_lock:  # A probe that is running tells whose fault this one is.
                pass
        counts_as_attempt = not (fault and fault.is_server_wide) or self.outcome.has_server_answered
        await self.context.run_blocking(self._record_failure, str(error), counts_as_attempt=counts_as_attempt)

    def _record_failure(self, reason: str, *, counts_as_attempt: bool = True) -> None:
        """Record and log a failure; schedule a retry with backoff, or abandon the paper after `MAX_ATTEMPTS`.

        `counts_as_attempt` is False for a fault of the whole server, so that no paper is abandoned for it.
        """
        reason = normalize_text(reason)
        attempts = self.task.attempts + counts_as_attempt
        backoff = INITIAL_BACKOFF * BACKOFF_FACTOR ** max(0, attempts - 1)
        next_try_at = self.context.clock() + backoff if attempts < MAX_ATTEMPTS else None
        self.context.store.review_queue.fail(
            self.task.paper, reason, next_try_at=next_try_at, counts_as_attempt=counts_as_attempt
        )
        self.outcome.failure_count += 1
        log.warning("%s was not reviewed: %s", self.task.paper, reason)
