"""Pairwise ranking of a day's best papers: every paper is compared with every other one, in both orders."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import permutations

from digests.model import ScoredPaper, Verdict
from digests.ports.budget import Spending
from digests.reviewers.comparison import COMPARISON_VERSION, compare_papers, max_usage_of_comparison
from digests.reviewers.context import (
    MAX_CONSECUTIVE_FAULTS,
    ReviewContext,
    RoundOutcome,
    start_of_day,
)
from digests.reviewers.review import ReviewError

NO_BUDGET_FOR_PAIRS = "Today's budget has no room for all comparisons in pairs, so the order is by score."
"""Sentence of a round's outcome when a reservation was refused."""

Pair = tuple[str, str]
"""Two papers in the order in which the model is shown them."""


async def rank_best_papers(context: ReviewContext, outcome: RoundOutcome, stop: asyncio.Event) -> None:
    """Compare the best papers of the day and save their ranking once every pair has a verdict.

    Verdicts are saved one by one; pairs that are left wait for the next round. Ends early on `stop`, on the
    round's trouble, and without budget. An exhausted budget is no trouble, as every paper has its score: only
    `outcome.detail` says so. A server that is down is recorded in `outcome`. Raises StoreError.
    """
    best_papers, verdicts = await context.run_blocking(load_best_of_day, context)
    names = list(best_papers)
    remaining = iter([pair for pair in pair_in_both_orders(names) if pair not in verdicts])
    comparison = _PairwiseComparison(context, outcome, best_papers, verdicts)

    async def compare_pairs() -> None:
        for pair in remaining:
            if outcome.is_over(stop) or not comparison.has_budget:
                return
            await comparison.compare_pair(pair)

    async with asyncio.TaskGroup() as group:
        for _ in range(context.server.address.concurrency):
            group.create_task(compare_pairs())
    if ranking := rank_papers(names, verdicts):
        day, papers = context.clock().date(), [best_papers[name].paper.id for name in ranking]
        await context.run_blocking(context.store.pairwise_ranking.save_ranking, day, papers)


def load_best_of_day(context: ReviewContext) -> tuple[dict[str, ScoredPaper], dict[Pair, Verdict]]:
    """Return the best papers that were fully reviewed today (UTC), best first, and their saved verdicts.

    At most `pairwise_limit` papers. They are keyed by a text of id and version, verdicts by pairs of these.
    Held and withdrawn papers are left out. Raises StoreError.
    """
    store, library, now = context.store, context.store.library, context.clock()
    midnight = start_of_day(now)
    only_scored = set(store.review_queue.scored_since(context.scale, midnight))
    today = library.candidates(library.sequence_at(midnight), library.latest_sequence(), with_text=False)
    fully_reviewed = [
        candidate
        for candidate in today
        if candidate.scale == context.scale and candidate.id not in only_scored
    ]
    eligible = [
        candidate
        for candidate in fully_reviewed
        if candidate.score is not None and not (candidate.held or candidate.withdrawn)
    ]
    best_first = sorted(eligible, key=lambda candidate: (-(candidate.score or 0.0), candidate.id))
    best_ids = [candidate.id for candidate in best_first[: context.pairwise_limit]]
    scored_papers = library.get(best_ids)
    papers_by_name = {
        f"{paper_id} v{scored_papers[paper_id].paper.version or 0}": scored_papers[paper_id]
        for paper_id in best_ids
    }
    return papers_by_name, dict(store.pairwise_ranking.verdicts(_comparison_scale(context), papers_by_name))


def _comparison_scale(context: ReviewContext) -> str:
    return f"{context.scale}, pairs {COMPARISON_VERSION}"


@dataclass(slots=True)
class _PairwiseComparison:
    """The comparisons of one day's best papers. `has_budget` turns false once a reservation is refused."""

    context: ReviewContext
    outcome: RoundOutcome
    best_papers: Mapping[str, ScoredPaper]
    verdicts: dict[Pair, Verdict]
    has_budget: bool = True

    async def compare_pair(self, pair: Pair) -> None:
        """Compare two papers, save the verdict, and settle the cost. Raises StoreError.

        Without budget, or without an answer that may have been billed, the pair waits for the next round.
        """
        context, day = self.context, self.context.clock().date()
        max_answer_tokens = context.options.score_max_tokens
        first, second = self.best_papers[pair[0]], self.best_papers[pair[1]]
        max_cost = context.budget.cost_of(max_usage_of_comparison(first, second, max_answer_tokens))
        limit = context.budget.to_limit()
        if not await context.run_blocking(context.store.budget.reserve, day, max_cost, limit):
            self.has_budget, self.outcome.detail = False, NO_BUDGET_FOR_PAIRS
            return
        verdict: Verdict | None
        try:
            verdict, usage = await compare_papers(
                first,
                second,
                server=context.server,
                max_answer_tokens=max_answer_tokens,
                run_reader=context.run_reader,
            )
        except ReviewError as error:
            verdict, spent = self._handle_missing_answer(error, max_cost)
        else:
            spent, self.outcome.consecutive_faults = context.budget.cost_of(usage), 0
        await self.context.run_blocking(self._save_verdict, pair, verdict, day, max_cost, spent)

    def _handle_missing_answer(
        self, error: ReviewError, reserved: Spending
    ) -> tuple[Verdict | None, Spending]:
        """Return the verdict and the cost of a failed call, and record a server that is down.

        The verdict is NEITHER if the call may have been billed, so that it is not made again; else None.
        """
        self.outcome.consecutive_faults += 1
        if error.server_error and (
            error.server_error.is_down or self.outcome.consecutive_faults >= MAX_CONSECUTIVE_FAULTS
        ):
            self.outcome.record_server_down(error.server_error)
        verdict = Verdict.NEITHER if error.may_be_billed else None
        return verdict, self.context.budget.cost_of_failure(error, reserved)

    def _save_verdict(
        self, pair: Pair, verdict: Verdict | None, day: date, reserved: Spending, spent: Spending
    ) -> None:
        # The verdict is saved before the budget is settled: a crash between the two costs no second call.
        store, scale = self.context.store, _comparison_scale(self.context)
        if verdict:
            store.pairwise_ranking.save_verdict(scale, *pair, verdict, now=self.context.clock())
            self.verdicts[pair] = verdict
            self.outcome.comparison_count += 1
        store.budget.settle(day, reserved, spent)


def pair_in_both_orders(papers: Sequence[str]) -> list[Pair]:
    """Return every ordered pair of distinct papers. Both orders cancel a model's bias towards a position."""
    return list(permutations(papers, 2))


def rank_papers(papers: Sequence[str], verdicts: Mapping[Pair, Verdict]) -> list[str] | None:
    """Return the papers by number of wins, ties in their given order; None until every pair has a verdict.

    NEITHER is half a win for both. When every pair is compared equally often, this is the order of a
    Bradley-Terry model.
    """
    pairs = pair_in_both_orders(papers)
    if not all(pair in verdicts for pair in pairs):
        return None
    points = dict.fromkeys(papers, 0)
    for first, second in pairs:
        match verdicts[first, second]:
            case Verdict.FIRST:
                points[first] += 2
            case Verdict.SECOND:
                points[second] += 2
            case Verdict.NEITHER:
                points[first] += 1
                points[second] += 1
    return sorted(papers, key=lambda paper: -points[paper])
