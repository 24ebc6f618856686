"""Rounds of the reviewer, once by hand or continuously, and the doctor's check of its server."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import replace
from typing import Any

from rich.console import Console

from bot.chat.findings import Finding, Severity
from bot.ingest.reporting import show_progress_bars
from bot.periodic import every
from bot.present.wording import format_count
from bot.storage import run_ingest, run_leadership
from digests.errors import InputError
from digests.model import ReadDepth, ReviewDepth
from digests.pick import Matcher
from digests.ports import Store
from digests.ports.budget import Spending
from digests.ports.sources import ProgressCallback
from digests.ports.workspaces import WorkspaceState
from digests.reviewers.context import PanelSeat, ReviewContext, RoundOutcome
from digests.reviewers.context import ProgressCallback as ReviewProgress
from digests.reviewers.mend_report import (
    REPORTED_DAYS,
    MendReport,
    advise_on_answer,
    advise_on_failure,
)
from digests.reviewers.openai import ModelServerError
from digests.reviewers.plan import ReviewPlan, plan_round
from digests.reviewers.probe import SAMPLE_PAPER
from digests.reviewers.review import ReviewError, review_paper
from digests.reviewers.round import run_round
from digests.sources.http.addresses import describe_address
from digests.subscription import Preferences, Subscription

log = logging.getLogger(__name__)

OpenReviewContext = Callable[[], AbstractAsyncContextManager[ReviewContext]]
"""Opens the reviewer with its connection to the model's server."""

LEADER_ROLE = "reviewer"
"""Name of the lock under which one process reviews at a time."""

POLL_SECONDS = 60.0
"""Seconds between two rounds."""

TROUBLE_RETRY_SECONDS = 300.0
"""Seconds between two rounds after the server was down, the budget spent, or a round failed."""

SHUTDOWN_GRACE_SECONDS = 8.0
"""Seconds that a round may go on after a stop request. Containers are killed after ten."""

_BAR_LABELS: Mapping[ReviewDepth, str] = {
    ReviewDepth.SCORE: "first look",
    ReviewDepth.FULL: "full review",
}


def load_preferences_by_workspace(
    store: Store, settings_subscriptions: Sequence[Subscription] = ()
) -> list[list[Preferences]]:
    """Return the preferences of all running channels, else those of the settings, in a list a workspace.

    Channels in the store count before `settings_subscriptions`, which may be empty too. Workspaces that are
    denied are left out, and channels with an unknown domain. Raises StoreError.
    """
    denied = {
        (entry.platform, entry.id)
        for entry in store.workspaces.list_all()
        if entry.state is WorkspaceState.DENIED
    }
    running = [subscription for subscription in store.subscriptions.list_active() if subscription.is_running]
    readable = filter(_has_known_domains, running or settings_subscriptions)
    return [
        [subscription.preferences for subscription in subscriptions]
        for workspace, subscriptions in _group_by_workspace(readable).items()
        if workspace not in denied
    ]


def _has_known_domains(subscription: Subscription) -> bool:
    """Return False for preferences of another version, with a warning: others must not wait for them."""
    try:
        Matcher.from_preferences(subscription.preferences)
    except InputError as error:
        log.warning("no papers are reviewed for %s: %s", subscription.channel, error)
        return False
    return True


def _group_by_workspace(
    subscriptions: Iterable[Subscription],
) -> dict[tuple[str, str], list[Subscription]]:
    """Return the subscriptions by platform and workspace, in the order of these.

    Channels whose workspace is not known belong to the platform's only workspace, if there is only one.
    """
    groups: dict[tuple[str, str], list[Subscription]] = {}
    for subscription in subscriptions:
        channel = subscription.channel
        groups.setdefault((channel.platform, channel.workspace), []).append(subscription)
    for platform in {platform for platform, _ in groups}:
        named = [key for key in groups if key[0] == platform and key[1]]
        if len(named) == 1:
            groups[named[0]] += groups.pop((platform, ""), [])
    return dict(sorted(groups.items()))


async def review_once(
    open_context: OpenReviewContext,
    store: Store,
    preferences_by_workspace: Sequence[Sequence[Preferences]],
    console: Console,
) -> RoundOutcome:
    """Run one round, with progress bars on a terminal, and return its outcome.

    Raises InputError while another process reviews, and StoreError.
    """
    leader_lock = await run_leadership(store.leadership.acquire, LEADER_ROLE)
    if leader_lock is None:
        raise InputError(
            "Another process reviews now, such as “paperround run”: it does the same, "
            "so there is nothing to do here."
        )
    try:
        with _show_review_progress(console) as progress:
            async with open_context() as context:
                return await run_round(
                    replace(context, progress=progress, has_daily_announcement=False),
                    preferences_by_workspace,
                    asyncio.Event(),
                )
    finally:
        await run_leadership(leader_lock.release)


@contextmanager
def _show_review_progress(console: Console) -> Iterator[ReviewProgress]:
    with show_progress_bars(console) as add_bar:
        bars: dict[ReviewDepth, ProgressCallback] = {}

        def update_bar(review_depth: ReviewDepth, done: int, total: int) -> None:
            if total:
                if review_depth not in bars:
                    bars[review_depth] = add_bar(_BAR_LABELS[review_depth])
                bars[review_depth](done, total)

        yield update_bar


def describe_outcome(outcome: RoundOutcome, waiting_count: int) -> str:
    """Return the counts of a round and its trouble as words. Counts of 0 are left out, except the first two.

    `waiting_count` papers are still in the review queue.
    """
    parts = [f"{outcome.score_count:,} scored", f"{outcome.full_review_count:,} reviewed in full"]
    comparisons = format_count(outcome.comparison_count, "comparison")
    parts += [f"{comparisons} of two"] if outcome.comparison_count else []
    parts += [format_count(outcome.vote_count, "further vote")] if outcome.vote_count else []
    parts += [f"{outcome.translation_count:,} translated"] if outcome.translation_count else []
    questions = format_count(outcome.question_count, "question")
    parts += [f"{questions} for meetings"] if outcome.question_count else []
    parts += [f"{outcome.failure_count:,} failed"] if outcome.failure_count else []
    parts += [f"{outcome.held_count:,} held for a person (paperround held)"] if outcome.held_count else []
    parts += [f"{waiting_count:,} waiting"] if waiting_count else []
    return f"{', '.join(parts)}. {outcome.detail}".strip()


async def plan_today(
    open_context: OpenReviewContext, preferences_by_workspace: Sequence[Sequence[Preferences]]
) -> tuple[ReviewPlan, ReviewContext]:
    """Return the forecast of today and the context that it was made with. Reviews nothing.

    The context's connection to the server is closed. Raises StoreError.
    """
    async with open_context() as context:
        return await run_ingest(plan_round, context, preferences_by_workspace), context


def describe_plan(review_plan: ReviewPlan, context: ReviewContext) -> list[str]:
    """Return the lines of a plan: models, papers, expected cost, spending and budget.

    Of a panel, each member's part is forecast. Members after the first look only at papers near a border.
    """
    budget = context.budget
    has_prices = bool(budget.price_in or budget.price_out)
    limits = budget.describe_limits() or "none is set; see tokens_per_day and cost_per_day"
    lines = [
        *(
            f"Model: {seat.name} at {describe_address(seat.server.address.base_url)}"
            f"{_describe_member(review_plan, seat, has_prices) if context.further_seats else ''}"
            for seat in (context.seat, *context.further_seats)
        ),
        f"First look: {format_count(review_plan.papers_to_score, 'paper')}. "
        f"Full review: {review_plan.papers_to_review:,} of the best.",
    ]
    if review_plan.pairs_to_compare:
        lines.append(f"Comparisons of two of them: {review_plan.pairs_to_compare:,}.")
    if review_plan.papers_for_meetings:
        papers = format_count(review_plan.papers_for_meetings, "paper")
        lines.append(f"Questions for meetings: about {papers}.")
    if review_plan.translations:
        lines.append(f"Translations for channels with a language: {review_plan.translations:,}.")
    lines += [
        f"Expected today: {_describe_spending(review_plan.expected_spending, has_prices)}.",
        f"Spent today so far: {_describe_spending(review_plan.current_spending, has_prices)}.",
        f"Budget a day: {limits}.",
    ]
    if review_plan.deferred_papers:
        lines.append(
            f"{review_plan.deferred_papers:,} of these would wait for tomorrow, "
            "those with the lowest priority."
        )
    return lines


def _describe_member(review_plan: ReviewPlan, seat: PanelSeat, has_prices: bool) -> str:
    member = review_plan.members[seat.name]
    first_looks = format_count(member.first_looks, "first look")
    full_reviews = format_count(member.full_reviews, "full review")
    return f": {first_looks}, {full_reviews}, {_describe_spending(member.spending, has_prices)}"


def describe_mends(reports: Mapping[str, MendReport]) -> list[str]:
    """Return the lines of a report of repaired answers, a paragraph for each model."""
    if not reports:
        return [f"No paper was reviewed in the last {REPORTED_DAYS} days."]
    lines = []
    for model, report in reports.items():
        lines.append(
            f"{model}: {format_count(report.review_count, 'review')} in the last {REPORTED_DAYS} days, "
            f"{report.mended_count:,} from an answer with something to repair."
        )
        lines += [f"  {kind}: {count:,}" for kind, count in report.counts.most_common()]
        if report.dropped_quotes:
            lines.append(f"  quotes that are not in the paper, dropped: {report.dropped_quotes:,}")
        if len(report.prompts) > len({depth for depth, _ in report.prompts}):
            by_prompt = (
                f"{_BAR_LABELS[ReviewDepth(depth)]} {code or 'unknown'} ({count:,})"
                for (depth, code), count in sorted(report.prompts.items())
            )
            lines.append(f"  by several prompts: {', '.join(by_prompt)}")
        if report.missed_count:
            lines.append(
                f"  left out of the panel, without an answer: {format_count(report.missed_count, 'paper')}"
            )
    return lines


def _describe_spending(spending: Spending, has_prices: bool) -> str:
    money = f", {spending.millionths / 1_000_000:,.2f} in money" if has_prices else ""
    return f"about {_round_number(spending.tokens)} tokens{money}"


def _round_number(number: int) -> str:
    """Format a number of tokens with two digits that count: 1.2 million, 46,000."""
    if number < 1000:
        return f"{number:,}"
    if number < 995_000:
        return f"{round(number, 1 - (len(str(number)) - 1)):,}"
    return f"{number / 1_000_000:.{1 if number < 9_950_000 else 0}f} million".replace(".0 ", " ")


async def review_until_stopped(open_context: OpenReviewContext, store: Store, stop: asyncio.Event) -> None:
    """Run rounds until `stop`, `POLL_SECONDS` apart.

    After a failed round, which is logged, and after one with trouble, the next comes in
    `TROUBLE_RETRY_SECONDS`. A result is logged unless it is the same as the one before, and trouble as a
    warning. A round in progress at `stop` may go on for `SHUTDOWN_GRACE_SECONDS`. Errors at the opening of
    the reviewer are raised.
    """
    async with open_context() as context:
        last_sentence = ""

        async def review() -> float | None:
            nonlocal last_sentence
            preferences_by_workspace = await run_ingest(load_preferences_by_workspace, store)
            outcome = await _run_until_stopped(stop, run_round(context, preferences_by_workspace, stop))
            if outcome and outcome != RoundOutcome():
                waiting = await run_ingest(store.review_queue.count_waiting)
                sentence = describe_outcome(outcome, sum(waiting.values()))
                if sentence != last_sentence:
                    last_sentence = sentence
                    log.log(logging.WARNING if outcome.trouble else logging.INFO, "reviewer: %s", sentence)
            return POLL_SECONDS if outcome and not outcome.trouble else None

        await every(TROUBLE_RETRY_SECONDS, review, stop, name="reviewer")


async def _run_until_stopped(
    stop: asyncio.Event, round_work: Coroutine[Any, Any, RoundOutcome]
) -> RoundOutcome | None:
    """Run a round to its end and return its outcome. Errors of the round are raised.

    A round that has not ended `SHUTDOWN_GRACE_SECONDS` after `stop` is cancelled, and None is returned.
    """
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


async def check_reviewer(context: ReviewContext, *, is_member: bool = False) -> Finding:
    """Check that the model answers by the schema, with one real form. Costs as much as scoring one paper.

    Returns one finding: a failure of the server or a wrong answer is a fault and not raised. An answer that
    was read in spite of its form is a warning, with the setting to change. A fault of a panel's member,
    `is_member`, names its model.
    """
    address = context.server.address
    try:
        names = await context.server.list_models()
    except ModelServerError:
        names = []  # Some servers do not list their models.
    try:
        sample_review, usage = await review_paper(
            SAMPLE_PAPER,
            SAMPLE_PAPER.abstract,
            ReviewDepth.SCORE,
            read_depth=ReadDepth.ABSTRACT,
            server=context.server,
            options=context.options,
            now=context.clock(),
            run_reader=context.run_reader,
        )
    except ReviewError as error:
        available = f" It has: {', '.join(names[:5])}." if names and address.model not in names else ""
        advice = "" if error.server_error else f" {advise_on_failure(str(error), address.response_format)}"
        member = f"{context.seat.name}: " if is_member else ""
        return Finding(Severity.FAULT, "reviewer", f"{member}{error}{advice}{available}")
    mends = dict(sample_review.assessment.mends) if sample_review.assessment else {}
    if advice := advise_on_answer(mends, address.response_format):
        return Finding(
            Severity.WARNING,
            "reviewer",
            f"{address.model} answers, a sample got {sample_review.score}, for {usage.total:,} tokens; "
            f"but {advice}.",
        )
    return Finding(
        Severity.OK,
        "reviewer",
        f"{address.model} answers by the schema; a sample got {sample_review.score}, "
        f"for {usage.total:,} tokens.",
    )
