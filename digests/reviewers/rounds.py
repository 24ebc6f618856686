"""The reviewer's day: what waits is scored, the best are read in full, nothing is paid twice, and the budget holds."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from math import ceil

from digests.calendar import NEW_YORK
from digests.errors import SourceError
from digests.injections import add_flags, flag_paper
from digests.model import (
    REVIEWER,
    Candidate,
    Paper,
    ReadDepth,
    Review,
    ReviewDepth,
    ScoredPaper,
    Trouble,
    Verdict,
)
from digests.ports import Store
from digests.ports.budget import BudgetLimit, Spending
from digests.ports.review_queue import ReviewTask
from digests.reviewers.choose import choose_best_papers, compute_priorities, is_unusually_high
from digests.reviewers.comparison import COMPARISON_VERSION as PAIRS_VERSION
from digests.reviewers.comparison import compare_papers, max_tokens_of_comparison
from digests.reviewers.openai import ModelServer, ModelServerError
from digests.reviewers.pairwise import Pair, pair_in_both_orders, rank_papers
from digests.reviewers.prompt import anonymize_full_text, sanitize_text, truncate_middle
from digests.reviewers.reading import MIN_FULL_TEXT_CHARACTERS, FullText
from digests.reviewers.review import (
    ReviewError,
    ReviewOptions,
    TokenUsage,
    max_tokens_of_review,
    review_paper,
)
from digests.reviewers.rubric import RUBRIC_VERSION
from digests.subscription import Preferences

log = logging.getLogger(__name__)

REQUESTED_PRIORITY = 1_000_000.0
"""The promise of a paper that a person asked for: before everything that only channels want."""

MAX_PAPERS_PER_ROUND = 2000
"""Papers of one go; the rest is next."""

INITIAL_BACKOFF = timedelta(minutes=15)
"""Before a paper is tried again; four times as long after each further failure."""

MAX_ATTEMPTS = 5
"""Failures of one paper, after which it is left alone."""

MAX_CONSECUTIVE_FAULTS = 3
"""So many papers in a row that the server takes amiss mean that it is not the papers."""

SCORING_BUDGET_SHARE = 0.6
"""Of a day's budget, what the first look may use while full reviews are still to come."""

ANNOUNCEMENT_SCORED_AT = time(1, 30)
"""In New York, an hour after arXiv's feeds of the day can be read: what is to be scored of them has been scored."""

BACKLOG_BUDGET_SHARE = 0.5
"""Of a day's budget, what papers of an earlier day may use before that hour."""

SCALE_NOTE = "reviewer scale"
"""Which model and rubric read last: what one could not review another may."""

SUSPECT_COMPARISON_PERIOD = timedelta(days=30)
"""Scores of how long ago a suspect one is compared with."""

FullTextFetcher = Callable[[Paper], Awaitable[FullText | None]]
"""The full text of a paper, None where there is none. Raises SourceError when it may be there later."""


@dataclass(frozen=True, slots=True)
class DailyBudget:
    """What a day (UTC) may cost, in tokens and in money; None: no limit. Prices are for a million tokens."""

    tokens: int | None = None
    money: float | None = None
    price_in: float = 0.0
    price_out: float = 0.0

    def to_ceiling(self, share: float = 1.0) -> BudgetLimit:
        """The limit, or a share of it."""
        money = int(self.money * 1_000_000 * share) if self.money is not None else None
        return BudgetLimit(int(self.tokens * share) if self.tokens is not None else None, money)

    def cost_of(self, tokens: TokenUsage) -> Spending:
        """What these tokens cost: a price for a million is one in millionths for each."""
        return Spending(
            tokens.total, ceil(tokens.input_tokens * self.price_in + tokens.output_tokens * self.price_out)
        )


@dataclass(frozen=True, slots=True)
class ReviewContext:
    """Everything a reviewer works with. `full_reviews` a day; papers known for longer than `look_back` are let be.

    So many of a day's best (`compare_best`) are compared in pairs. With `awaits_news` a day is planned around the hour at which arXiv's papers come.
    """

    store: Store
    server: ModelServer
    clock: Callable[[], datetime]
    fetch_full_text: FullTextFetcher | None = None
    options: ReviewOptions = field(default_factory=ReviewOptions)
    budget: DailyBudget = field(default_factory=DailyBudget)
    full_reviews_per_day: int = 30
    lookback: timedelta = timedelta(days=7)
    hold_suspects: bool = True
    has_daily_announcement: bool = False
    pairwise_limit: int = 0
    progress: Callable[[ReviewDepth, int, int], None] = lambda stage, done, of: None
    # One at a time, so that what is known later has the later instant: digests look for the number of an instant.
    save_lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def scale(self) -> str:
        """What this reviewer's scores can be compared within."""
        return f"{self.server.address.model}, rubric {RUBRIC_VERSION}"


@dataclass(slots=True)
class RoundOutcome:
    """What became of a round. `trouble` ended it before everything was done; `amiss` papers in a row met a fault."""

    score_count: int = 0
    full_review_count: int = 0
    failure_count: int = 0
    held_count: int = 0
    comparison_count: int = 0
    trouble: Trouble | None = None
    detail: str = ""
    consecutive_faults: int = 0

    def record_trouble(self, trouble: Trouble, detail: str) -> None:
        """The first trouble is the one that is told."""
        if self.trouble is None:
            self.trouble, self.detail = trouble, detail


async def run_round(
    context: ReviewContext, channel_preferences: Sequence[Preferences], stop: asyncio.Event
) -> RoundOutcome:
    """One round: score what waits, read the best in full, score what is left. Ends early when told to, or in trouble.

    Every result is stored as soon as it is there. Raises StoreError.
    """
    outcome = RoundOutcome()
    await asyncio.to_thread(fill_queue, context, channel_preferences)
    await _process_queue(context, ReviewDepth.SCORE, outcome, stop, SCORING_BUDGET_SHARE)
    if not _is_over(outcome, stop, excluding=Trouble.BUDGET_SPENT):
        outcome.trouble, outcome.detail = None, ""
        await asyncio.to_thread(enqueue_full_reviews, context, channel_preferences)
        await _process_queue(context, ReviewDepth.FULL, outcome, stop)
    if not _is_over(outcome, stop) and not _has_full_reviews_to_choose(context):
        await _process_queue(context, ReviewDepth.SCORE, outcome, stop)
    if context.pairwise_limit and not _is_over(outcome, stop):
        await _compare_best_papers(context, outcome, stop)
    await asyncio.to_thread(_report_health, context, outcome)
    return outcome


def _is_over(outcome: RoundOutcome, stop: asyncio.Event, excluding: Trouble | None = None) -> bool:
    return stop.is_set() or outcome.trouble not in (None, excluding)


def fill_queue(context: ReviewContext, channel_preferences: Sequence[Preferences]) -> None:
    """Put into the queue what channels want and what people asked for; what waits already gets its promise anew."""
    now, store = context.clock(), context.store
    store.reviewing.expire(
        ReviewDepth.SCORE, queued_before=now - context.lookback, below_priority=REQUESTED_PRIORITY
    )
    store.reviewing.expire(
        ReviewDepth.FULL, queued_before=_start_of_day(now), below_priority=REQUESTED_PRIORITY
    )  # Its digest is out.
    if store.notes.read(SCALE_NOTE) != context.scale:
        store.reviewing.requeue_failed()
        store.notes.write(SCALE_NOTE, context.scale)
    store.reviewing.enqueue(
        compute_priorities(load_recent_candidates(context, now), channel_preferences),
        ReviewDepth.SCORE,
        now=now,
    )
    requested = [scored.paper.id for scored in store.library.requested_unreviewed(MAX_PAPERS_PER_ROUND)]
    store.reviewing.enqueue(dict.fromkeys(requested, REQUESTED_PRIORITY), ReviewDepth.FULL, now=now)


def load_recent_candidates(context: ReviewContext, now: datetime) -> Sequence[Candidate]:
    """What became known of late."""
    papers = context.store.library
    return papers.candidates(
        papers.sequence_at(now - context.lookback), papers.latest_sequence(), with_text=True
    )


def enqueue_full_reviews(context: ReviewContext, channel_preferences: Sequence[Preferences]) -> None:
    """Put the best of those first looked at today into the queue for a full review, as many as the day has left.

    A day's full reviews are for the papers that its digests are chosen from: what was left over from yesterday is there
    at midnight, and waits until the day's own papers can compete with it.
    """
    now, reviewing = context.clock(), context.store.reviewing
    remaining = (
        context.full_reviews_per_day
        - reviewing.count_full_reviews(now.date())
        - reviewing.count_waiting().get(ReviewDepth.FULL, 0)
    )
    if remaining <= 0 or _is_before_announcement(context, now):
        return
    scored = set(reviewing.scored_since(context.scale, _start_of_day(now)))
    candidates = [candidate for candidate in load_recent_candidates(context, now) if candidate.id in scored]
    chosen = choose_best_papers(candidates, channel_preferences, remaining)
    reviewing.enqueue(
        {name: float(remaining - place) for place, name in enumerate(chosen)}, ReviewDepth.FULL, now=now
    )


def _start_of_day(now: datetime) -> datetime:
    return datetime.combine(now.date(), time(), UTC)


def _is_before_announcement(context: ReviewContext, now: datetime) -> bool:
    """Whether the papers that arXiv shows on this day (UTC) are still to come."""
    return context.has_daily_announcement and now < datetime.combine(
        now.date(), ANNOUNCEMENT_SCORED_AT, NEW_YORK
    )


def _has_full_reviews_to_choose(context: ReviewContext) -> bool:
    """Whether this day's full reviews, for which a share of the budget is kept, are still to be chosen."""
    return context.full_reviews_per_day > 0 and _is_before_announcement(context, context.clock())


async def _process_queue(
    context: ReviewContext,
    review_depth: ReviewDepth,
    outcome: RoundOutcome,
    stop: asyncio.Event,
    budget_share: float = 1.0,
) -> None:
    """As many papers at a time as the server has slots."""
    review_tasks = list(
        await asyncio.to_thread(
            context.store.reviewing.next, review_depth, MAX_PAPERS_PER_ROUND, now=context.clock()
        )
    )
    total, remaining = len(review_tasks), iter(review_tasks)
    context.progress(review_depth, 0, total)
    done_count = 0

    async def review_papers() -> None:
        nonlocal done_count
        for review_task in remaining:
            if _is_over(outcome, stop):
                return
            await _PaperReview(context, review_task, outcome, budget_share).process_paper()
            done_count += 1
            context.progress(review_depth, done_count, total)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(context.server.address.concurrency, total)):
            group.create_task(review_papers())


@dataclass(frozen=True, slots=True)
class _PaperReview:
    """One paper on the desk."""

    context: ReviewContext
    task: ReviewTask
    outcome: RoundOutcome
    budget_share: float

    async def process_paper(self) -> None:
        """Review it, or write down why not."""
        scored = await asyncio.to_thread(self._load_unreviewed)
        if scored is None:
            return
        try:
            paper, text, depth = await self._prepare_text(flag_paper(scored.paper))
        except SourceError as error:
            await asyncio.to_thread(self._record_failure, str(error))
            return
        await self._request_review(replace(scored, paper=paper), text, depth)

    def _load_unreviewed(self) -> ScoredPaper | None:
        """None, and off the queue, where it is gone or was reviewed before: nothing is paid twice."""
        store = self.context.store
        scored = store.library.get([self.task.paper]).get(self.task.paper)
        if scored and not scored.paper.withdrawn and not self._is_reviewed(scored):
            return scored
        store.reviewing.complete(self.task.paper)
        return None

    def _is_reviewed(self, scored: ScoredPaper) -> bool:
        reviews = (
            self.context.store.library.reviews_of(scored.paper.id) if scored.review.score is not None else ()
        )
        return any(self._is_current_review(review, scored.paper) for review in reviews)

    def _is_current_review(self, review: Review, paper: Paper) -> bool:
        """A review of this version by this model and rubric; a full one stands for a first look."""
        assessment = review.assessment
        return bool(
            assessment
            and review.model == self.context.server.address.model
            and assessment.rubric == RUBRIC_VERSION
            and assessment.paper_version == paper.version
            and assessment.stage in (self.task.review_depth, ReviewDepth.FULL)
        )

    async def _prepare_text(self, paper: Paper) -> tuple[Paper, str, ReadDepth]:
        """What the model is shown: the full text where this stage wants one and there is one, else the abstract."""
        if self.task.review_depth is ReviewDepth.FULL and self.context.fetch_full_text:
            full_text = await self._fetch_full_text(paper, self.context.fetch_full_text)
            if full_text and len(full_text.text) >= MIN_FULL_TEXT_CHARACTERS:
                text = await asyncio.to_thread(self._compose_shown_text, paper, full_text.text)
                return add_flags(paper, full_text.flags), text, ReadDepth.FULL_TEXT
        return paper, sanitize_text(paper.abstract), ReadDepth.ABSTRACT

    def _compose_shown_text(self, paper: Paper, full_text: str) -> str:
        """What the model sees of a full text: a tenth of a second's work for a long one."""
        excerpt = truncate_middle(
            sanitize_text(anonymize_full_text(full_text, paper.authors)),
            self.context.options.max_text_characters,
        )
        return f"{sanitize_text(paper.abstract)}\n\n{excerpt}"

    async def _fetch_full_text(self, paper: Paper, fetch_full_text: FullTextFetcher) -> FullText | None:
        try:
            return await fetch_full_text(paper)
        except SourceError:
            if self.task.attempts < 2:
                raise
            return None  # The source had its chances: the abstract alone is better than nothing.

    async def _request_review(self, scored: ScoredPaper, text: str, read_depth: ReadDepth) -> None:
        context, review_depth, day = self.context, self.task.review_depth, self.context.clock().date()
        max_cost = context.budget.cost_of(
            max_tokens_of_review(scored.paper, text, review_depth, context.options)
        )
        ceiling = context.budget.to_ceiling(min(self.budget_share, self._backlog_budget_share()))
        if not await asyncio.to_thread(context.store.reviewing.reserve, day, max_cost, ceiling):
            self.outcome.record_trouble(Trouble.BUDGET_SPENT, _describe_spent_budget(context.budget))
            return
        try:
            new_review, tokens_used = await review_paper(
                scored.paper,
                text,
                review_depth,
                read_depth=read_depth,
                server=context.server,
                options=context.options,
                now=context.clock(),
            )
        except ReviewError as error:
            await asyncio.to_thread(self._handle_review_error, error, day, max_cost)
            return
        async with context.save_lock:
            await asyncio.to_thread(self._save_review, scored, new_review, day, max_cost, tokens_used)

    def _backlog_budget_share(self) -> float:
        """So that a backlog, which is there at midnight, does not use up the budget before the day's papers come."""
        now = self.context.clock()
        is_backlog = self.task.queued_at < _start_of_day(now)
        return BACKLOG_BUDGET_SHARE if is_backlog and _is_before_announcement(self.context, now) else 1.0

    def _save_review(
        self, scored: ScoredPaper, new_review: Review, day: date, reserved: Spending, tokens_used: TokenUsage
    ) -> None:
        """The result first: whatever happens next, it is not paid again."""
        store, paper, now = self.context.store, scored.paper, self.context.clock()
        if reason := self._reason_to_hold(scored, new_review):
            store.reviewing.hold(paper.id, reason, now=now)
            self.outcome.held_count += 1
        store.library.add([(paper, new_review)], now=now)
        is_full = self.task.review_depth is ReviewDepth.FULL
        store.reviewing.settle(
            day, reserved, self.context.budget.cost_of(tokens_used), is_full_review=is_full
        )
        store.reviewing.complete(paper.id)
        self.outcome.consecutive_faults = 0
        self.outcome.full_review_count += is_full
        self.outcome.score_count += not is_full

    def _reason_to_hold(self, scored: ScoredPaper, new_review: Review) -> str:
        """A sentence where a suspect paper got a score that stands out."""
        suspect_flag = next((flag for flag in scored.paper.flags if flag.is_suspect), None)
        if not self.context.hold_suspects or not suspect_flag or new_review.score is None:
            return ""
        papers, own_scale = self.context.store.library, self.context.scale
        after = papers.sequence_at(self.context.clock() - SUSPECT_COMPARISON_PERIOD)
        comparable = papers.candidates(after, papers.latest_sequence(), with_text=False)
        other_scores = [one.score for one in comparable if one.scale == own_scale and one.score is not None]
        first_look_score = scored.review.score if scored.review.assessment else None
        if not is_unusually_high(new_review.score, other_scores, first_look_score):
            return ""
        return f"It holds what reads like an order to its reviewer ({suspect_flag.category}), and its score of {new_review.score} stands out."

    def _handle_review_error(self, error: ReviewError, day: date, reserved: Spending) -> None:
        self.context.store.reviewing.settle(day, reserved, _cost_of_failure(self.context, error, reserved))
        if error.server_error is None:
            self._record_failure(str(error))
            return
        if not error.server_error.is_down:
            self._record_failure(str(error), counts_as_attempt=not error.server_error.is_server_wide)
            self.outcome.consecutive_faults += 1
        if error.server_error.is_down or self.outcome.consecutive_faults >= MAX_CONSECUTIVE_FAULTS:
            self.outcome.record_trouble(Trouble.REVIEWER_DOWN, _shorten_error(error.server_error))

    def _record_failure(self, reason: str, *, counts_as_attempt: bool = True) -> None:
        """A fault of the server is not the paper's: it waits, and is never given up for that."""
        attempts = self.task.attempts + counts_as_attempt
        backoff = INITIAL_BACKOFF * 4 ** max(0, attempts - 1)
        next_try_at = self.context.clock() + backoff if attempts < MAX_ATTEMPTS else None
        self.context.store.reviewing.fail(
            self.task.paper, reason, next_try_at=next_try_at, counts_as_attempt=counts_as_attempt
        )
        self.outcome.failure_count += 1
        log.warning("%s was not reviewed: %s", self.task.paper, reason)


# Pairs.


async def _compare_best_papers(context: ReviewContext, outcome: RoundOutcome, stop: asyncio.Event) -> None:
    """The best of the day against one another; the order that comes out of it holds once every pair is known."""
    best_papers, verdicts = await asyncio.to_thread(_load_best_of_day, context)
    names = list(best_papers)
    remaining = iter([pair for pair in pair_in_both_orders(names) if pair not in verdicts])
    comparison = _PairwiseComparison(context, outcome, best_papers, verdicts)

    async def compare_pairs() -> None:
        for pair in remaining:
            if _is_over(outcome, stop) or not comparison.has_budget:
                return
            await comparison.compare_pair(pair)

    async with asyncio.TaskGroup() as group:
        for _ in range(context.server.address.concurrency):
            group.create_task(compare_pairs())
    if ranking := rank_papers(names, verdicts):
        day, papers = context.clock().date(), [best_papers[name].paper.id for name in ranking]
        await asyncio.to_thread(context.store.reviewing.save_ranking, day, papers)


NO_BUDGET_FOR_PAIRS = "Today's budget has no room for all comparisons in pairs, so the order is by score."


@dataclass(slots=True)
class _PairwiseComparison:
    """The best of a day on the desk, two at a time. No room for it is no trouble: every paper has its score."""

    context: ReviewContext
    outcome: RoundOutcome
    best_papers: Mapping[str, ScoredPaper]
    verdicts: dict[Pair, Verdict]
    has_budget: bool = True

    async def compare_pair(self, pair: Pair) -> None:
        """Which one is better; without an answer the pair waits for the next round."""
        context, day, max_answer_tokens = (
            self.context,
            self.context.clock().date(),
            self.context.options.score_max_tokens,
        )
        first, second = self.best_papers[pair[0]], self.best_papers[pair[1]]
        max_cost = context.budget.cost_of(max_tokens_of_comparison(first, second, max_answer_tokens))
        if not await asyncio.to_thread(
            context.store.reviewing.reserve, day, max_cost, context.budget.to_ceiling()
        ):
            self.has_budget, self.outcome.detail = False, NO_BUDGET_FOR_PAIRS
            return
        verdict: Verdict | None
        try:
            verdict, tokens_used = await compare_papers(
                first, second, server=context.server, max_answer_tokens=max_answer_tokens
            )
        except ReviewError as error:
            verdict, spent = self._handle_missing_answer(error, max_cost)
        else:
            spent, self.outcome.consecutive_faults = context.budget.cost_of(tokens_used), 0
        await asyncio.to_thread(self._save_verdict, pair, verdict, day, max_cost, spent)

    def _handle_missing_answer(
        self, error: ReviewError, reserved: Spending
    ) -> tuple[Verdict | None, Spending]:
        """What may have been paid is not asked again."""
        self.outcome.consecutive_faults += 1
        if error.server_error and (
            error.server_error.is_down or self.outcome.consecutive_faults >= MAX_CONSECUTIVE_FAULTS
        ):
            self.outcome.record_trouble(Trouble.REVIEWER_DOWN, _shorten_error(error.server_error))
        may_be_paid = error.server_error is not None and error.server_error.may_be_billed
        return Verdict.NEITHER if may_be_paid else None, _cost_of_failure(self.context, error, reserved)

    def _save_verdict(
        self, pair: Pair, verdict: Verdict | None, day: date, reserved: Spending, spent: Spending
    ) -> None:
        """The result first: whatever happens next, it is not paid again."""
        reviewing, scale = self.context.store.reviewing, _scale_of_pairs(self.context)
        if verdict:
            reviewing.save_verdict(scale, *pair, verdict, now=self.context.clock())
            self.verdicts[pair] = verdict
            self.outcome.comparison_count += 1
        reviewing.settle(day, reserved, spent)


def _scale_of_pairs(context: ReviewContext) -> str:
    return f"{context.scale}, pairs {PAIRS_VERSION}"


def _load_best_of_day(context: ReviewContext) -> tuple[dict[str, ScoredPaper], dict[Pair, Verdict]]:
    """Those of today's full reviews that score best, by name and version, and what was found of them before."""
    papers, reviewing, now = context.store.library, context.store.reviewing, context.clock()
    midnight = _start_of_day(now)
    first_looks = set(reviewing.scored_since(context.scale, midnight))
    today = papers.candidates(papers.sequence_at(midnight), papers.latest_sequence(), with_text=False)
    fully_reviewed = [one for one in today if one.scale == context.scale and one.id not in first_looks]
    eligible = [one for one in fully_reviewed if one.score is not None and not (one.held or one.withdrawn)]
    best_candidates = sorted(eligible, key=lambda one: (-(one.score or 0.0), one.id))[
        : context.pairwise_limit
    ]
    scored_papers = papers.get([one.id for one in best_candidates])
    papers_by_name = {
        f"{one.id} v{scored_papers[one.id].paper.version or 0}": scored_papers[one.id]
        for one in best_candidates
    }
    return papers_by_name, dict(reviewing.verdicts(_scale_of_pairs(context), papers_by_name))


def _cost_of_failure(context: ReviewContext, error: ReviewError, reserved: Spending) -> Spending:
    """What a call without a result has cost: the most of it where nobody can know."""
    may_be_paid = error.server_error is not None and error.server_error.may_be_billed
    return reserved if may_be_paid else context.budget.cost_of(error.tokens)


def _shorten_error(error: ModelServerError) -> str:
    return " ".join(str(error).split())[:300]


def _describe_spent_budget(budget: DailyBudget) -> str:
    limits = [f"{budget.tokens:,} tokens"] if budget.tokens is not None else []
    limits += [f"{budget.money:g} in money"] if budget.money is not None else []
    return f"Today's budget of {' and '.join(limits)} has no room for another paper; what is left waits for tomorrow."


def _report_health(context: ReviewContext, outcome: RoundOutcome) -> None:
    waiting = sum(context.store.reviewing.count_waiting().values())
    context.store.health.report(
        REVIEWER, outcome.trouble, detail=outcome.detail, waiting_count=waiting, now=context.clock()
    )


@dataclass(frozen=True, slots=True)
class ReviewPlan:
    """What today would cost, the most at that: papers by stage, comparisons, tokens and money, and what the budget leaves."""

    papers_to_score: int
    papers_to_review: int
    expected_spending: Spending
    current_spending: Spending
    deferred_papers: int
    pairs_to_compare: int = 0


def plan_round(context: ReviewContext, channel_preferences: Sequence[Preferences]) -> ReviewPlan:
    """What a round would do now; it fills the queue, and asks nobody."""
    fill_queue(context, channel_preferences)
    reviewing, day = context.store.reviewing, context.clock().date()
    waiting = reviewing.count_waiting()
    papers_to_score = waiting.get(ReviewDepth.SCORE, 0)
    free_reviews = max(0, context.full_reviews_per_day - reviewing.count_full_reviews(day))
    scored_count = len(reviewing.scored_since(context.scale, _start_of_day(context.clock())))
    papers_to_review = min(free_reviews, waiting.get(ReviewDepth.FULL, 0) + scored_count + papers_to_score)
    spent = reviewing.spending_on(day)
    costs = [
        context.budget.cost_of(_estimate_token_usage(context.options, ReviewDepth.SCORE))
    ] * papers_to_score
    costs += [
        context.budget.cost_of(_estimate_token_usage(context.options, ReviewDepth.FULL))
    ] * papers_to_review
    pairs_to_compare = _count_pairs_to_compare(context, papers_to_review)
    costs += [context.budget.cost_of(TYPICAL_COMPARISON_USAGE)] * pairs_to_compare
    affordable = _count_affordable(costs, spent, context.budget.to_ceiling())
    deferred = max(0, papers_to_score + papers_to_review - affordable)
    return ReviewPlan(
        papers_to_score,
        papers_to_review,
        sum(costs[:affordable], Spending()),
        spent,
        deferred,
        pairs_to_compare,
    )


def _count_pairs_to_compare(context: ReviewContext, papers_to_review: int) -> int:
    """Pairs that are still to be compared when so many more papers were read."""
    best_papers, verdicts = _load_best_of_day(context)
    paper_count = min(context.pairwise_limit, len(best_papers) + papers_to_review)
    return max(0, paper_count * (paper_count - 1) - len(verdicts))


TYPICAL_COMPARISON_USAGE = TokenUsage(1500, 80)
"""What a comparison takes: the rules, two abstracts, and what the reviews say of methods, experiments and limitations."""


TYPICAL_SCORING_USAGE = TokenUsage(1900, 350)
"""What a first look takes: the rubric and the form, an abstract of 330 tokens, and a short answer."""
TYPICAL_REVIEW_ANSWER_TOKENS = 1500
CHARACTERS_PER_TOKEN = 4


def _estimate_token_usage(options: ReviewOptions, review_depth: ReviewDepth) -> TokenUsage:
    if review_depth is ReviewDepth.SCORE:
        return TYPICAL_SCORING_USAGE
    return TokenUsage(
        2200 + options.max_text_characters // CHARACTERS_PER_TOKEN,
        min(TYPICAL_REVIEW_ANSWER_TOKENS, options.review_max_tokens),
    )


def _count_affordable(costs: Iterable[Spending], spent: Spending, ceiling: BudgetLimit) -> int:
    count, total = 0, spent
    for cost in costs:
        total = total + cost
        if not ceiling.allows(total):
            break
        count += 1
    return count
