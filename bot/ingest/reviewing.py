"""Our own reviewer at work: once, by hand, or for as long as `paperround run` runs."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from rich.console import Console

from bot.chat.findings import Finding, Severity
from bot.services import OpenReviewContext
from digests.errors import InputError, PaperroundError
from digests.model import Paper, ReadDepth, ReviewDepth
from digests.ports import Store
from digests.ports.budget import Spending
from digests.reviewers.context import ReviewContext, RoundOutcome
from digests.reviewers.openai import ModelServerError
from digests.reviewers.plan import ReviewPlan, plan_round
from digests.reviewers.review import ReviewError, review_paper
from digests.reviewers.round import run_round
from digests.subscription import Preferences

log = logging.getLogger(__name__)

LEADER_ROLE = "reviewer"

POLL_SECONDS = 60.0
"""Seconds between two looks at what has come in."""

TROUBLE_RETRY_SECONDS = 300.0
"""Seconds after a server was found down or the budget spent."""

SHUTDOWN_GRACE_SECONDS = 8.0
"""Seconds that calls under way have to come back when the process is told to stop; containers are killed after ten."""

_BAR_LABELS = {ReviewDepth.SCORE: "first look", ReviewDepth.FULL: "full review"}


def load_channel_preferences(
    store: Store, settings_preferences: Sequence[Preferences] = ()
) -> list[Preferences]:
    """What the channels want that get digests; those of the settings where the store has none yet."""
    stored = [one.preferences for one in store.subscriptions.list_active() if one.is_running]
    return stored or list(settings_preferences)


# By hand.


async def review_once(
    open_context: OpenReviewContext,
    store: Store,
    channel_preferences: Sequence[Preferences],
    console: Console,
) -> RoundOutcome:
    """One round with bars on a terminal. Raises InputError while another process reviews."""
    leader_lock = await asyncio.to_thread(store.leadership.acquire, LEADER_ROLE)
    if leader_lock is None:
        raise InputError(
            "Another process reviews now, such as “paperround run”: it does the same, so there is nothing to do here."
        )
    try:
        with _show_progress_bars(console) as progress:
            async with open_context() as context:
                return await run_round(
                    replace(context, progress=progress, has_daily_announcement=False),
                    channel_preferences,
                    asyncio.Event(),
                )
    finally:
        await asyncio.to_thread(leader_lock.release)


@contextmanager
def _show_progress_bars(console: Console) -> Iterator[Callable[[ReviewDepth, int, int], None]]:
    if not console.is_terminal:
        yield lambda stage, done, of: None
        return
    from rich.progress import Progress as Bar

    with Bar(console=console, transient=True) as bar:
        tasks = {stage: bar.add_task(name, total=None, visible=False) for stage, name in _BAR_LABELS.items()}

        def update_bar(review_depth: ReviewDepth, done: int, total: int) -> None:
            bar.update(tasks[review_depth], completed=done, total=total, visible=total > 0)

        yield update_bar


def describe_outcome(outcome: RoundOutcome, waiting_count: int) -> str:
    """What became of a round, in words."""
    parts = [f"{outcome.score_count:,} scored", f"{outcome.full_review_count:,} reviewed in full"]
    parts += [f"{outcome.comparison_count:,} comparisons of two"] if outcome.comparison_count else []
    parts += [f"{outcome.failure_count:,} failed"] if outcome.failure_count else []
    parts += [f"{outcome.held_count:,} held for a person (paperround held)"] if outcome.held_count else []
    parts += [f"{waiting_count:,} waiting"] if waiting_count else []
    return f"{', '.join(parts)}. {outcome.detail}".strip()


async def plan_today(
    open_context: OpenReviewContext, channel_preferences: Sequence[Preferences]
) -> tuple[ReviewPlan, ReviewContext]:
    """What today would cost."""
    async with open_context() as context:
        return await asyncio.to_thread(plan_round, context, channel_preferences), context


def describe_plan(review_plan: ReviewPlan, context: ReviewContext) -> list[str]:
    """The plan in words."""
    budget = context.budget
    has_prices = bool(budget.price_in or budget.price_out)
    limits = [f"{budget.tokens:,} tokens"] if budget.tokens is not None else []
    limits += [f"{budget.money:g} in money"] if budget.money is not None else []
    lines = [
        f"Model: {context.server.address.model} at {context.server.address.base_url}",
        f"First look: {review_plan.papers_to_score:,} papers. Full review: {review_plan.papers_to_review:,} of the best.",
        *(
            [f"Comparisons of two of them: {review_plan.pairs_to_compare:,}."]
            if review_plan.pairs_to_compare
            else []
        ),
        f"Expected today: {_describe_spending(review_plan.expected_spending, has_prices)}.",
        f"Spent today so far: {_describe_spending(review_plan.current_spending, has_prices)}.",
        f"Budget a day: {' and '.join(limits) if limits else 'none is set; see tokens_per_day and cost_per_day'}.",
    ]
    if review_plan.deferred_papers:
        lines.append(
            f"{review_plan.deferred_papers:,} of these would wait for tomorrow, those with the lowest priority."
        )
    return lines


def _describe_spending(spending: Spending, has_prices: bool) -> str:
    money = f", {spending.millionths / 1_000_000:,.2f} in money" if has_prices else ""
    return f"about {spending.tokens:,} tokens{money}"


# For as long as the process runs.


async def review_until_stopped(open_context: OpenReviewContext, store: Store, stop: asyncio.Event) -> None:
    """Review what comes in until told to stop. A failure is a line in the log, and is tried again."""
    async with open_context() as context:
        last_sentence = ""
        while not stop.is_set():
            outcome = await _try_round(context, store, stop)
            if outcome and (sentence := _summarize_outcome(outcome, store)) != last_sentence and sentence:
                last_sentence = sentence
                log.info("reviewer: %s", sentence)
            with suppress(TimeoutError):
                await asyncio.wait_for(
                    stop.wait(), TROUBLE_RETRY_SECONDS if outcome is None or outcome.trouble else POLL_SECONDS
                )


def _summarize_outcome(outcome: RoundOutcome, store: Store) -> str:
    if outcome == RoundOutcome():
        return ""
    return describe_outcome(outcome, sum(store.reviewing.count_waiting().values()))


async def _try_round(context: ReviewContext, store: Store, stop: asyncio.Event) -> RoundOutcome | None:
    try:
        channel_preferences = await asyncio.to_thread(load_channel_preferences, store)
        return await _run_until_stopped(stop, run_round(context, channel_preferences, stop))
    except PaperroundError as error:
        log.error("reviewer: %s Trying again.", error)
    except asyncio.CancelledError:
        raise
    except Exception:
        log.exception("A round of reviews failed; trying again.")
    return None


async def _run_until_stopped(
    stop: asyncio.Event, round_work: Coroutine[Any, Any, RoundOutcome]
) -> RoundOutcome | None:
    """The outcome; None when calls under way did not come back in time after the stop."""
    round_task, stop_task = asyncio.ensure_future(round_work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((round_task, stop_task), return_when=asyncio.FIRST_COMPLETED)
        if not round_task.done():
            await asyncio.wait((round_task,), timeout=SHUTDOWN_GRACE_SECONDS)
        return round_task.result() if round_task.done() else None
    finally:
        stop_task.cancel()
        round_task.cancel()
        await asyncio.gather(round_task, stop_task, return_exceptions=True)


# Whether it works.

SAMPLE_PAPER = Paper(
    "sample",
    "A Small Model for Long Texts",
    "",
    abstract="We train a small model on two public data sets of long texts. It reaches the accuracy of models that are twice as "
    "large, at a third of the cost. It was tested in English only. Code and weights are public.",
)


async def check_reviewer(context: ReviewContext) -> Finding:
    """Whether the server has the model, and the model answers by the schema. It costs one first look."""
    address = context.server.address
    try:
        names = await context.server.list_models()
    except ModelServerError:
        names = []  # Not every server lists its models; the answer below decides.
    try:
        sample_review, tokens_used = await review_paper(
            SAMPLE_PAPER,
            SAMPLE_PAPER.abstract,
            ReviewDepth.SCORE,
            read_depth=ReadDepth.ABSTRACT,
            server=context.server,
            options=context.options,
            now=context.clock(),
        )
    except ReviewError as error:
        available = f" It has: {', '.join(names[:5])}." if names and address.model not in names else ""
        return Finding(Severity.FAULT, "reviewer", f"{error}{available}")
    return Finding(
        Severity.OK,
        "reviewer",
        f"{address.model} answers by the schema; a sample got {sample_review.score}, for {tokens_used.total:,} tokens.",
    )
