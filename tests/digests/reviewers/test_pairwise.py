"""Pairwise ranking: the order of verdicts, and the comparisons of a day."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from digests.model import Trouble, Verdict
from digests.pick import PickPolicy, pick
from digests.reviewers.budget import DailyBudget
from digests.reviewers.context import RoundOutcome
from digests.reviewers.pairwise import NO_BUDGET_FOR_PAIRS, pair_in_both_orders, rank_papers
from digests.subscription import Preferences
from tests.builders import NOW, TODAY
from tests.digests.reviewers.harness import AFTER_MIDNIGHT, ReviewerHarness, store_with_papers
from tests.fakes.openai_server import ModelFault

names = st.lists(st.text("abcdefgh", min_size=1, max_size=3), unique=True, max_size=9)
verdicts = st.sampled_from(Verdict)


@given(names)
def test_each_pair_is_compared_in_both_orders(papers: list[str]) -> None:
    pairs = pair_in_both_orders(papers)
    assert len(pairs) == len(set(pairs)) == len(papers) * max(0, len(papers) - 1)
    assert {(second, first) for first, second in pairs} == set(pairs)


@given(names)
def test_consistent_verdicts_give_their_order(papers: list[str]) -> None:
    order = sorted(papers)
    by_order = {
        (first, second): Verdict.FIRST if order.index(first) < order.index(second) else Verdict.SECOND
        for first, second in pair_in_both_orders(papers)
    }
    assert rank_papers(papers, by_order) == order


@given(names, verdicts)
def test_verdicts_by_position_change_no_order(papers: list[str], always: Verdict) -> None:
    assert rank_papers(papers, dict.fromkeys(pair_in_both_orders(papers), always)) == papers


@given(names, st.data())
def test_no_paper_is_lost_and_a_further_win_never_lowers_a_paper(
    papers: list[str], drawn: st.DataObject
) -> None:
    drawn_verdicts = {pair: drawn.draw(verdicts) for pair in pair_in_both_orders(papers)}
    before = rank_papers(papers, drawn_verdicts)
    assert before is not None
    assert sorted(before) == sorted(papers)
    if drawn_verdicts:
        pair = drawn.draw(st.sampled_from(sorted(drawn_verdicts)))
        after = rank_papers(papers, {**drawn_verdicts, pair: Verdict.FIRST})
        assert after
        assert after.index(pair[0]) <= before.index(pair[0])


@given(names.filter(lambda papers: len(papers) > 1), st.data())
def test_there_is_no_ranking_before_every_pair_has_a_verdict(papers: list[str], drawn: st.DataObject) -> None:
    drawn_verdicts = dict.fromkeys(pair_in_both_orders(papers), Verdict.FIRST)
    del drawn_verdicts[drawn.draw(st.sampled_from(sorted(drawn_verdicts)))]
    assert rank_papers(papers, drawn_verdicts) is None


def scores_by_paper(reviewer: ReviewerHarness, papers: int) -> dict[str, float | None]:
    return {
        reviewer.get_paper(number).paper.id: reviewer.get_paper(number).review.score
        for number in range(papers)
    }


def ranks_by_paper(reviewer: ReviewerHarness) -> dict[str, tuple[int, int]]:
    library = reviewer.store.library
    candidates = library.candidates(0, library.latest_sequence(), with_text=False)
    return {
        candidate.id: (candidate.pairwise_rank.rank, candidate.pairwise_rank.compared_count)
        for candidate in candidates
        if candidate.pairwise_rank
    }


def test_comparisons_change_the_order_of_the_best_and_no_score() -> None:
    reviewer = ReviewerHarness(store_with_papers(12), full_reviews_per_day=6)
    reviewer.run_round()
    before = scores_by_paper(reviewer, 12)
    outcome = reviewer.run_round(pairwise_limit=4)
    full = {name: before[name] for name in before if reviewer.get_paper(int(name[-2:])).review.methodology}
    best = sorted(full, key=lambda name: (-(full[name] or 0), name))[:4]
    assert outcome.comparison_count == 12
    assert ranks_by_paper(reviewer) == {
        name: (place, 4) for place, name in enumerate(sorted(best, reverse=True), start=1)
    }
    assert scores_by_paper(reviewer, 12) == before
    chosen = pick(
        reviewer.store.library.candidates(0, reviewer.store.library.latest_sequence(), with_text=False),
        Preferences(top=4),
        frozenset(),
        TODAY,
        PickPolicy(max_domain_share=1),
    ).choices
    assert [choice.id for choice in chosen] == sorted(best, reverse=True)
    assert chosen[1].reason == "#2 of 4 compared in pairs"


def test_a_bias_towards_the_first_paper_changes_no_order() -> None:
    reviewer = ReviewerHarness(store_with_papers(9), full_reviews_per_day=5, pairwise_limit=5)
    reviewer.server.preference = lambda first, second: "first"
    reviewer.run_round()
    by_score = sorted(
        ranks_by_paper(reviewer), key=lambda name: (-(scores_by_paper(reviewer, 9)[name] or 0), name)
    )
    assert sorted(ranks_by_paper(reviewer), key=lambda name: ranks_by_paper(reviewer)[name]) == by_score
    assert len(by_score) == 5


def test_only_pairs_without_a_verdict_are_compared() -> None:
    reviewer = ReviewerHarness(store_with_papers(12), pairwise_limit=9)
    assert reviewer.run_round(full_reviews_per_day=3).comparison_count == 6
    assert reviewer.run_round(full_reviews_per_day=3) == RoundOutcome()
    assert reviewer.run_round(full_reviews_per_day=4).comparison_count == 6
    assert set(reviewer.server.pair_counts.values()) == {1}
    assert len(ranks_by_paper(reviewer)) == 4


def test_comparisons_stop_at_the_budget_and_resume_later() -> None:
    reviewer = ReviewerHarness(store_with_papers(6), full_reviews_per_day=6)
    reviewer.run_round()
    spent = reviewer.store.budget.spending_on(TODAY).tokens
    short = DailyBudget(tokens=spent + 14_000)
    outcome = reviewer.run_round(pairwise_limit=6, budget=short)
    assert 0 < outcome.comparison_count < 30
    assert (outcome.trouble, outcome.detail) == (None, NO_BUDGET_FOR_PAIRS)
    assert spent < reviewer.store.budget.spending_on(TODAY).tokens <= spent + 14_000
    assert ranks_by_paper(reviewer) == {}
    settled = DailyBudget(tokens=spent + 80_000)  # A third of what all reservations together would be.
    assert (
        reviewer.run_round(pairwise_limit=6, budget=settled).comparison_count == 30 - outcome.comparison_count
    )
    assert set(reviewer.server.pair_counts.values()) == {1}
    assert len(ranks_by_paper(reviewer)) == 6


def test_a_server_fault_ends_the_comparisons_and_keeps_the_verdicts() -> None:
    reviewer = ReviewerHarness(store_with_papers(4), full_reviews_per_day=4)
    reviewer.run_round()
    reviewer.server.faults.extend(
        [None, None, ModelFault.RATE_LIMITED_LONG, *[ModelFault.RATE_LIMITED_LONG] * 9]
    )
    outcome = reviewer.run_round(pairwise_limit=4)
    assert outcome.trouble is Trouble.REVIEWER_DOWN
    assert ranks_by_paper(reviewer) == {}
    reviewer.server.faults.clear()
    assert outcome.comparison_count + reviewer.run_round(pairwise_limit=4).comparison_count == 12
    assert len(ranks_by_paper(reviewer)) == 4


def test_a_comparison_that_may_be_billed_is_not_repeated() -> None:
    reviewer = ReviewerHarness(store_with_papers(3), full_reviews_per_day=3)
    reviewer.run_round()
    reviewer.server.faults.append(ModelFault.NOT_JSON)
    assert reviewer.run_round(pairwise_limit=3).comparison_count == 6
    assert set(reviewer.server.pair_counts.values()) == {1}
    assert len(ranks_by_paper(reviewer)) == 3


def test_held_and_newly_reviewed_papers_have_no_pairwise_rank() -> None:
    reviewer = ReviewerHarness(store_with_papers(5), full_reviews_per_day=5)
    reviewer.run_round()
    reviewer.store.moderation.hold("2611.00002", "Suspect.", now=NOW)
    reviewer.run_round(pairwise_limit=5)
    assert ranks_by_paper(reviewer).keys() == {f"2611.0000{number}" for number in (0, 1, 3, 4)}
    new_review = replace(reviewer.get_paper(3).review, score=1.0, reviewed_at=AFTER_MIDNIGHT)
    reviewer.store.library.add([(reviewer.get_paper(3).paper, new_review)], now=AFTER_MIDNIGHT)
    assert ranks_by_paper(reviewer).keys() == {f"2611.0000{number}" for number in (0, 1, 4)}
