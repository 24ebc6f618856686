"""Suspect papers: scores that stand out, and holding them."""

from digests.model import NOT_REVIEWED
from digests.ports import Store
from digests.reviewers.holding import is_unusually_high
from tests.builders import NOW, a_paper
from tests.digests.reviewers.harness import ABSTRACT, INJECTED_ORDER, ReviewerHarness, store_with_papers
from tests.fakes.openai_server import ModelFault


def add_suspect_paper(store: Store) -> None:
    paper = a_paper("2611.99999", title="Suspect", abstract=ABSTRACT.format(0) + INJECTED_ORDER)
    store.library.add([(paper, NOT_REVIEWED)], now=NOW)


def test_a_suspect_paper_whose_score_stands_out_is_held() -> None:
    reviewer = ReviewerHarness(store_with_papers(25), full_reviews_per_day=0)
    add_suspect_paper(reviewer.store)
    reviewer.server.fault_by_title["Suspect"] = ModelFault.OBEDIENT
    assert reviewer.run_round().held_count == 1
    [held] = reviewer.store.moderation.list_held()
    assert held.scored_paper.paper.id == "2611.99999"
    assert "stands out" in held.reason
    assert held.scored_paper.paper.flags


def test_a_suspect_paper_with_an_ordinary_score_is_flagged_and_not_held() -> None:
    reviewer = ReviewerHarness(store_with_papers(25), full_reviews_per_day=0)
    add_suspect_paper(reviewer.store)
    assert reviewer.run_round().held_count == 0
    suspect = reviewer.store.library.get(["2611.99999"])["2611.99999"]
    assert suspect.paper.flags
    assert suspect.review.score is not None


def test_holding_can_be_switched_off() -> None:
    reviewer = ReviewerHarness(store_with_papers(25), full_reviews_per_day=0, hold_suspects=False)
    add_suspect_paper(reviewer.store)
    reviewer.server.fault_by_title["Suspect"] = ModelFault.OBEDIENT
    assert reviewer.run_round().held_count == 0


def test_a_score_in_the_top_tenth_stands_out() -> None:
    others = [number / 10 for number in range(100)]
    assert is_unusually_high(9.5, others, None)
    assert not is_unusually_high(6.0, others, None)


def test_a_high_score_stands_out_among_few() -> None:
    assert is_unusually_high(8.0, [9.0, 9.0], None)
    assert not is_unusually_high(7.9, [], None)


def test_a_score_far_above_the_previous_one_stands_out() -> None:
    others = [number / 10 for number in range(100)]
    assert is_unusually_high(6.0, others, 4.0)
    assert not is_unusually_high(6.0, others, 5.0)
