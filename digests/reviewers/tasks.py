"""Processing of review tasks: load the paper, prepare its text, reserve budget, ask the model, save.

Scoring and full reviews share these steps; they differ in the text that the model is shown.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TypeVar

from digests.errors import SourceError
from digests.injections import add_flags, flag_paper
from digests.model import Flag, Paper, ReadDepth, Review, ReviewDepth, ScoredPaper, Trouble
from digests.ports.budget import BudgetLimit, Spending
from digests.ports.re_reviews import ReReview
from digests.ports.review_queue import ReviewTask
from digests.reviewers.budget import BACKLOG_BUDGET_SHARE
from digests.reviewers.context import (
    MAX_CONSECUTIVE_FAULTS,
    ReviewContext,
    RoundOutcome,
    Voter,
    start_of_day,
)
from digests.reviewers.holding import find_hold_reason
from digests.reviewers.openai import TokenUsage
from digests.reviewers.probe import does_server_answer
from digests.reviewers.queue import MAX_PAPERS_PER_ROUND
from digests.reviewers.review import ReviewError, max_usage_of_review, review_paper
from digests.reviewers.rubric import RUBRIC_VERSION
from digests.reviewers.second_look import confirm_passages, list_passages_of_abstract
from digests.reviewers.shares import reserve_cost, settle_share
from digests.text import normalize_text

log = logging.getLogger(__name__)

Item = TypeVar("Item")

INITIAL_BACKOFF = timedelta(minutes=15)
"""Wait after a paper's first failure."""
BACKOFF_FACTOR = 4
"""Factor by which the backoff grows with each further failure of a paper."""

MAX_FAILED_VOTES = 2
"""Failed votes of a seat about a paper after which it is not asked again before a restart."""

PAPERS_PER_SLOT = 2
"""Papers under way for each slot of a server: while it reads one, another is prepared or saved."""

MAX_ATTEMPTS = 5
"""Failed attempts at a task after which its paper is abandoned: five tries in all.

Unusable answers, answers that do not come in time and texts that cannot be fetched count. Faults of the whole
server do not. The count starts again when a scoring task becomes a full review, and for an abandoned paper
with a new model or rubric.
"""


@dataclass(frozen=True, slots=True)
class PreparedText:
    """The text that the model is shown. `paper` has the flags of everything that was read to prepare it.

    `suspicious` are the passages that may get a flag, if the model says that they address the reviewer.
    """

    paper: Paper
    text: str
    read_depth: ReadDepth
    suspicious: tuple[Flag, ...] = ()


TextPreparer = Callable[[ReviewContext, ReviewTask, Paper], Awaitable[PreparedText]]
"""Prepares the text of a paper for a review depth. Raises SourceError if it may be available later."""


async def process_queue(
    context: ReviewContext,
    review_depth: ReviewDepth,
    prepare_text: TextPreparer,
    outcome: RoundOutcome,
    stop: asyncio.Event,
    budget_share: float = 1.0,
    voters: Sequence[Voter] = (),
) -> None:
    """Review the papers that wait for `review_depth`, as many at a time as the server has slots.

    The `voters` are asked about each paper at the same time, with the same text. Counts in `outcome` and ends
    when it is over. `budget_share` is the share of the day's budget that may be used. Every result is saved
    at once. A failure of one paper is recorded, and the others go on; a spent budget and a server that is
    down end the round. Raises StoreError.
    """
    tasks = list(
        await context.run_blocking(
            context.store.review_queue.next, review_depth, MAX_PAPERS_PER_ROUND, now=context.clock()
        )
    )
    total, done_count = len(tasks), 0
    context.progress(review_depth, 0, total)

    async def review(task: ReviewTask) -> None:
        nonlocal done_count
        if outcome.is_over(stop):
            return
        run = TaskRun(context, task, prepare_text, outcome, stop, budget_share)
        votes = [
            TaskRun(voter.context, task, prepare_text, voter.outcome, stop, budget_share, is_vote=True)
            for voter in voters
        ]
        await review_together([run, *votes])
        done_count += 1
        context.progress(review_depth, done_count, total)

    await run_each(tasks, review, [context, *(voter.context for voter in voters)])


async def run_each(
    items: Sequence[Item], work: Callable[[Item], Awaitable[None]], contexts: Sequence[ReviewContext]
) -> None:
    """Do the work on each item, on `PAPERS_PER_SLOT` at a time for each slot of the largest server."""
    remaining = iter(items)
    slots = max(context.server.address.concurrency for context in contexts)

    async def work_on() -> None:
        for item in remaining:
            await work(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(PAPERS_PER_SLOT * slots, len(items))):
            group.create_task(work_on())


async def review_together(runs: Sequence["TaskRun"]) -> None:
    """Prepare a paper's text once, for the first run that needs it, and make all runs at the same time.

    Each is for another seat of the panel. Raises StoreError.
    """
    for place, run in enumerate(runs):
        loaded = await run.load()
        if loaded is None:
            continue
        scored, question = loaded
        prepared = await run.prepare(scored)
        if prepared:
            async with asyncio.TaskGroup() as group:
                group.create_task(run.ask(scored, prepared, question))
                for other in runs[place + 1 :]:
                    group.create_task(other.ask_too(prepared))
        return


def find_current_re_review(context: ReviewContext, paper: str) -> ReReview | None:
    """Return the re-review of a paper that waits for a review, or was finished today (UTC): votes follow it.

    Raises StoreError.
    """
    re_review = context.store.re_reviews.find(paper)
    if not re_review or re_review.is_open:
        return re_review
    is_of_today = re_review.finished_at and re_review.finished_at >= start_of_day(context.clock())
    return re_review if is_of_today else None


def is_since(review: Review, asked_at: datetime | None) -> bool:
    """Return True for a review that was made after an instant, and for any without one."""
    return asked_at is None or bool(review.reviewed_at and review.reviewed_at >= asked_at)


@dataclass(frozen=True, slots=True)
class TaskRun:
    """One attempt at one review task by one seat. A vote is a task that is not in the queue."""

    context: ReviewContext
    task: ReviewTask
    prepare_text: TextPreparer
    outcome: RoundOutcome
    stop: asyncio.Event
    budget_share: float = 1.0
    is_vote: bool = False

    async def load(self) -> tuple[ScoredPaper, str] | None:
        """Return the paper and the question of its re-review, None if there is nothing to ask.

        That is so when the round is over, for a vote that failed `MAX_FAILED_VOTES` times, and for a paper
        that is gone, withdrawn or already reviewed. The task of such a paper is completed. Raises StoreError.
        """
        if self._is_over() or (
            self.is_vote and self.context.panel_state.failures[self._seat_key] >= MAX_FAILED_VOTES
        ):
            return None
        return await self.context.run_blocking(self._load_unreviewed)

    async def prepare(self, scored: ScoredPaper) -> PreparedText | None:
        """Return the text for the model, None if it may be available later. Raises StoreError."""
        try:
            prepared = await self.prepare_text(self.context, self.task, flag_paper(scored.paper))
        except SourceError as error:
            await self.context.run_blocking(self._record_failure, str(error))
            return None
        suspicious = [*prepared.suspicious, *list_passages_of_abstract(prepared.paper)]
        confirmed = await confirm_passages(self.context, prepared.paper, suspicious, self._find_limit())
        return replace(prepared, paper=add_flags(prepared.paper, confirmed)) if confirmed else prepared

    async def ask_too(self, prepared: PreparedText) -> None:
        """Ask about a paper whose text was prepared for another seat. Raises StoreError."""
        loaded = await self.load()
        if loaded:
            scored, question = loaded
            await self.ask(scored, prepared, question)

    async def ask(self, scored: ScoredPaper, prepared: PreparedText, question: str) -> None:
        """Review the paper and save the review, or record the failure. Raises StoreError.

        Without budget the task stays as it is, and the outcome's trouble is `BUDGET_SPENT`.
        """
        await self._request_review(replace(scored, paper=prepared.paper), prepared, question)

    def _is_over(self) -> bool:
        """Return True if nothing is asked any more. A paper that a member down would review is noted."""
        if self.is_vote and self.outcome.trouble is Trouble.REVIEWER_DOWN:
            self._note_missed()
        return self.outcome.is_over(self.stop)

    def _note_missed(self) -> None:
        self.outcome.missed.append(self.task.paper)

    @property
    def _seat_key(self) -> tuple[str, str, ReviewDepth]:
        return self.context.seat.name, self.task.paper, self.task.review_depth

    def _load_unreviewed(self) -> tuple[ScoredPaper, str] | None:
        """Return the paper, and the question of its re-review, "" without one.

        Completes the task and returns None if there is nothing to review: for a paper that is gone, withdrawn
        or already reviewed on this scale and depth, since the re-review was asked for. A worker may have died
        after it saved the review and before it completed the task.
        """
        store, now = self.context.store, self.context.clock()
        scored = store.library.get([self.task.paper]).get(self.task.paper)
        is_full = self.task.review_depth is ReviewDepth.FULL
        re_review = find_current_re_review(self.context, self.task.paper) if is_full else None
        made = self._find_review(scored, re_review.asked_at if re_review else None) if scored else None
        if scored and not scored.paper.withdrawn and not made:
            return scored, re_review.question if re_review else ""
        self._complete_task(made.reviewed_at or now if made else now)
        return None

    def _complete_task(self, began_at: datetime) -> None:
        """Remove the task from the queue, and close the re-review that was asked for before it began."""
        if self.is_vote:
            return
        if self.task.review_depth is ReviewDepth.FULL:
            now = self.context.clock()
            self.context.store.re_reviews.finish(self.task.paper, began_at=began_at, now=now)
        self.context.store.review_queue.complete(self.task.paper)

    def _find_review(self, scored: ScoredPaper, asked_at: datetime | None) -> Review | None:
        """Return the review that this task asks for, made since `asked_at`, None without one."""
        reviews = (
            self.context.store.library.reviews_of(scored.paper.id) if scored.review.score is not None else ()
        )
        found = (
            review
            for review in reviews
            if not review.panel
            and self._is_current_review(review, scored.paper)
            and is_since(review, asked_at)
        )
        return next(found, None)

    def _is_current_review(self, review: Review, paper: Paper) -> bool:
        """Return True for a review of this version by this seat and rubric; a full one counts as a score."""
        assessment = review.assessment
        return bool(
            assessment
            and (review.model, review.sample) == (self.context.server.address.model, self.context.sample)
            and assessment.rubric == RUBRIC_VERSION
            and assessment.paper_version == paper.version
            and assessment.review_depth in (self.task.review_depth, ReviewDepth.FULL)
        )

    async def _request_review(self, scored: ScoredPaper, prepared: PreparedText, question: str) -> None:
        context, review_depth, day = self.context, self.task.review_depth, self.context.clock().date()
        max_cost = context.budget.cost_of(
            max_usage_of_review(scored.paper, prepared.text, review_depth, context.options, question)
        )
        async with context.server.slots.papers:
            async with context.probe_lock:  # While the server is tested, nobody sends it a paper.
                pass
            if self._is_over():
                return
            if not await reserve_cost(context, day, max_cost, self._find_limit()):
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
                    question=question,
                )
            except ReviewError as error:
                spent = context.budget.cost_of_failure(error, max_cost)
                await context.run_blocking(context.store.budget.settle, day, max_cost, spent)
                await settle_share(context, day, max_cost, spent)
                await self._handle_review_error(error)
                return
        new_review = replace(new_review, sample=context.sample)
        async with context.save_lock:
            await self.context.run_blocking(self._save_review, scored, new_review, day, max_cost, usage)
        await settle_share(context, day, max_cost, context.budget.cost_of(usage))

    def _find_limit(self) -> BudgetLimit:
        """Return the part of the day's budget that this task may use.

        A backlog waits from midnight on. It must not use up the budget before the day's announcement.
        """
        now = self.context.clock()
        is_backlog = self.task.queued_at < start_of_day(now)
        has_to_leave_half = is_backlog and self.context.is_before_announcement(now)
        share = min(self.budget_share, BACKLOG_BUDGET_SHARE) if has_to_leave_half else self.budget_share
        return self.context.budget.to_limit(share)

    def _save_review(
        self, scored: ScoredPaper, new_review: Review, day: date, reserved: Spending, usage: TokenUsage
    ) -> None:
        # The review is saved before the task is completed: a crash between the two costs no second call.
        store, paper, now = self.context.store, scored.paper, self.context.clock()
        if reason := find_hold_reason(self.context, scored, new_review):
            store.moderation.hold(paper.id, reason, now=now)
            self.outcome.held_count += 1
        store.library.add([(paper, new_review)], now=now)
        if not self.is_vote and tuple(self.outcome.models_down) != scored.models_left_out:
            store.library.note_left_out({paper.id: self.outcome.models_down})
        is_full = self.task.review_depth is ReviewDepth.FULL and not self.is_vote
        store.budget.settle(day, reserved, self.context.budget.cost_of(usage), is_full_review=is_full)
        self._complete_task(new_review.reviewed_at or now)
        self.outcome.consecutive_faults = 0
        self.outcome.vote_count += self.is_vote
        self.outcome.full_review_count += is_full
        self.outcome.score_count += not is_full and not self.is_vote

    async def _handle_review_error(self, error: ReviewError) -> None:
        """Record the failure of the paper, or of the server if that does not answer.

        After `MAX_CONSECUTIVE_FAULTS` papers with a server fault, an answer to a harmless paper shows that
        the fault is theirs: papers that a server always refuses must not stop the reviewer for the others.
        """
        fault = error.server_error
        if fault and fault.is_down:
            self.outcome.record_server_down(fault)
            self._note_missed()
            return
        if fault and fault.is_server_wide and self.is_vote:
            # Nobody waits for a vote: the member is asked again in the next round.
            self.outcome.record_server_down(fault)
            self._note_missed()
            await self.context.run_blocking(self._record_failure, str(error))
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
        if self.is_vote:
            # A vote that fails is no fault of the paper, which has a review: it is tried again, and left out.
            self.context.panel_state.failures[self._seat_key] += 1
            log.warning("%s got no vote of %s: %s", self.task.paper, self.context.seat.name, reason)
            return
        attempts = self.task.attempts + counts_as_attempt
        backoff = INITIAL_BACKOFF * BACKOFF_FACTOR ** max(0, attempts - 1)
        next_try_at = self.context.clock() + backoff if attempts < MAX_ATTEMPTS else None
        self.context.store.review_queue.fail(
            self.task.paper, reason, next_try_at=next_try_at, counts_as_attempt=counts_as_attempt
        )
        self.outcome.failure_count += 1
        log.warning("%s was not reviewed: %s", self.task.paper, reason)
