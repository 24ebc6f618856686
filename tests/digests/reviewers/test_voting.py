"""Further votes of a panel: asked where they matter, within the budget, without the members that are down."""

from dataclasses import replace

import pytest

from digests.blocking import BlockingRunner
from digests.model import Panel, PanelMember, Paper, Review, Trouble
from digests.panel import PanelPolicy
from digests.ports.budget import Spending
from digests.reviewers.budget import DailyBudget
from digests.reviewers.context import RoundOutcome
from digests.reviewers.full_text import FullText
from digests.reviewers.mend_report import load_mend_reports
from digests.reviewers.tasks import MAX_FAILED_VOTES
from digests.reviewers.voting import rank_by_need
from digests.store.library import SqlLibrary
from digests.subscription import Preferences
from tests.builders import NOW, TODAY, a_candidate
from tests.digests.reviewers.harness import ANY_PAPER, ReviewerHarness, has_full_review, store_with_papers
from tests.fakes.openai_server import MODEL, ModelFault

SECOND, THIRD = "second", "third"
TOP = ((Preferences(top=3),),)


def a_panel_reviewer(papers: int, *models: str, **options: object) -> ReviewerHarness:
    """A reviewer whose store knows the order of its models."""
    store = store_with_papers(papers)
    assert isinstance(store.library, SqlLibrary)
    library = replace(store.library, panel_policy=PanelPolicy((MODEL, *models)))
    seats = [(model, models[:place].count(model)) for place, model in enumerate(models)]
    return ReviewerHarness(replace(store, library=library), seats, **options)  # type: ignore[arg-type]


def members_of(review: Review) -> list[tuple[str, int]]:
    panel = review.panel
    return [(member.model, member.sample) for member in panel.members] if panel else []


def test_every_member_votes_on_the_papers_that_a_channel_is_shown() -> None:
    reviewer = a_panel_reviewer(3, SECOND, THIRD, full_reviews_per_day=0)
    outcome = reviewer.run_round()
    assert (outcome.score_count, outcome.vote_count, outcome.trouble) == (3, 6, None)
    for number in range(3):
        review = reviewer.get_paper(number).review
        assert members_of(review) == [(MODEL, 0), (SECOND, 0), (THIRD, 0)]
        assert review.scale == f"{MODEL}, rubric {review.assessment and review.assessment.rubric}"
    asked = len(reviewer.server.requests)
    assert reviewer.run_round() == RoundOutcome(), "no vote is asked for twice"
    assert len(reviewer.server.requests) == asked


def test_a_full_review_is_asked_of_every_member_and_counts_once_in_the_quota() -> None:
    reviewer = a_panel_reviewer(4, SECOND, full_reviews_per_day=2)
    outcome = reviewer.run_round()
    assert (outcome.full_review_count, outcome.vote_count) == (2, 4 + 2)
    assert reviewer.store.budget.count_full_reviews(TODAY) == 2
    full = [scored for number in range(4) if has_full_review(scored := reviewer.get_paper(number))]
    assert len(full) == 2
    for scored in full:
        assert scored.review.panel
        assert scored.review.panel.reader_count == 2
    assert reviewer.run_round() == RoundOutcome()


def test_the_members_review_a_paper_in_full_at_the_same_time_and_its_text_is_fetched_once() -> None:
    fetched: list[str] = []

    async def fetch(paper: Paper, run_reader: BlockingRunner) -> FullText:
        fetched.append(paper.id)
        return FullText(f"{paper.title}\nAbstract\n{'Words of the paper. ' * 200}")

    scoring = a_panel_reviewer(2, SECOND, THIRD, full_reviews_per_day=0)
    scoring.run_round()
    reviewer = ReviewerHarness(scoring.store, scoring.panel, fetch_full_text=fetch)
    reviewer.server.batch_size = 6  # Nobody is answered before all three were asked about both.
    outcome = reviewer.run_round()
    assert (outcome.full_review_count, outcome.vote_count, outcome.failure_count) == (2, 4, 0)
    assert sorted(fetched) == ["2611.00000", "2611.00001"]


def test_a_member_that_was_down_gets_the_text_of_a_full_review_when_it_is_back() -> None:
    reviewer = a_panel_reviewer(1, SECOND, THIRD)
    reviewer.down = [SECOND, THIRD]
    assert reviewer.run_round().full_review_count == 1
    reviewer.down = []
    fetched: list[str] = []

    async def fetch(paper: Paper, run_reader: BlockingRunner) -> None:
        fetched.append(paper.id)

    assert reviewer.run_round(fetch_full_text=fetch).vote_count == 2
    assert fetched == ["2611.00000"], "once for both members"
    assert reviewer.run_round() == RoundOutcome()


def test_a_members_further_votes_are_samples_of_its_own() -> None:
    reviewer = ReviewerHarness(store_with_papers(2), [(MODEL, 1), (MODEL, 2)], full_reviews_per_day=0)
    assert reviewer.run_round().vote_count == 4
    assert members_of(reviewer.get_paper(0).review) == [(MODEL, 0), (MODEL, 1), (MODEL, 2)]


def test_a_further_member_that_is_down_is_left_out_and_named_and_votes_later() -> None:
    reviewer = a_panel_reviewer(3, SECOND, THIRD, full_reviews_per_day=0)
    reviewer.down = [SECOND]
    outcome = reviewer.run_round()
    assert (outcome.score_count, outcome.vote_count, outcome.trouble) == (3, 3, None)
    assert SECOND in outcome.detail
    assert reviewer.get_paper(0).absent_models == (SECOND,)
    assert load_mend_reports(reviewer.store.library, NOW)[SECOND].missed_count == 3
    (health,) = reviewer.store.health.latest_reports()
    assert (health.trouble, health.detail) == (None, outcome.detail)
    reviewer.down = []
    assert reviewer.run_round().vote_count == 3
    assert reviewer.get_paper(0).absent_models == ()
    assert members_of(reviewer.get_paper(0).review) == [(MODEL, 0), (SECOND, 0), (THIRD, 0)]


def test_the_next_member_scores_while_the_first_is_down() -> None:
    reviewer = a_panel_reviewer(3, SECOND, THIRD, full_reviews_per_day=1)
    reviewer.down = [MODEL]
    outcome = reviewer.run_round()
    assert (outcome.score_count, outcome.full_review_count, outcome.trouble) == (3, 1, None)
    assert outcome.detail == f"Left out of the panel, without an answer: {MODEL}."
    assert members_of(reviewer.get_paper(0).review) == [(SECOND, 0), (THIRD, 0)]
    assert reviewer.get_paper(0).absent_models == (MODEL,)


def test_a_panel_that_is_down_as_a_whole_is_the_rounds_trouble() -> None:
    reviewer = a_panel_reviewer(3, SECOND, full_reviews_per_day=1)
    assert reviewer.run_round(is_server_down=True).trouble is Trouble.REVIEWER_DOWN


def test_the_budget_holds_for_the_whole_panel() -> None:
    reviewer = a_panel_reviewer(8, SECOND, THIRD, full_reviews_per_day=3, budget=DailyBudget(tokens=60_000))
    for _ in range(3):
        reviewer.run_round()
        assert 0 < reviewer.store.budget.spending_on(TODAY).tokens <= 60_000


def test_a_member_uses_no_more_than_its_share_of_the_budget() -> None:
    reviewer = a_panel_reviewer(30, full_reviews_per_day=0, budget=DailyBudget(tokens=200_000))
    outcome = reviewer.run_round(TOP, budget_share=0.1)
    assert outcome.trouble is Trouble.BUDGET_SPENT
    assert Spending() != reviewer.store.budget.spending_on(TODAY)
    assert reviewer.store.budget.spending_on(TODAY).tokens <= 20_000
    reviewer.panel_state.reserved.clear()  # As after a restart.
    reviewer.run_round(TOP, budget_share=0.1)
    assert reviewer.store.budget.spending_on(TODAY).tokens <= 20_000
    assert reviewer.run_round(TOP).score_count > 0


def test_a_vote_that_fails_leaves_the_review_and_is_not_tried_for_ever() -> None:
    reviewer = a_panel_reviewer(2, SECOND, full_reviews_per_day=0)
    assert reviewer.run_round(budget=DailyBudget(tokens=0)).trouble is Trouble.BUDGET_SPENT
    reviewer.panel, panel = (), reviewer.panel
    assert reviewer.run_round().score_count == 2
    reviewer.panel = panel
    reviewer.server.fault_by_title["Paper 00001"] = ModelFault.SCHEMA_IGNORED
    for _ in range(MAX_FAILED_VOTES + 2):
        outcome = reviewer.run_round()
        assert (outcome.failure_count, outcome.trouble) == (0, None)
    assert reviewer.server.title_counts["Paper 00001"] == 1 + 2 * MAX_FAILED_VOTES
    assert reviewer.get_paper(1).review.score is not None
    assert len(members_of(reviewer.get_paper(0).review)) == 2


def test_a_member_that_refuses_every_call_is_left_out_and_named() -> None:
    reviewer = a_panel_reviewer(9, SECOND, full_reviews_per_day=0)
    reviewer.server.model_names = [MODEL]
    outcome = reviewer.run_round(TOP)
    assert (outcome.score_count, outcome.vote_count, outcome.failure_count) == (9, 0, 0)
    assert outcome.left_out == [SECOND]


def a_panel_with(low: float, high: float) -> Panel:
    return Panel(
        tuple(PanelMember("m", place, 1.0, score, score) for place, score in enumerate((low, high))), "m"
    )


def rank(scores: dict[str, float], *preferences: Preferences, **panels: Panel) -> list[str]:
    return rank_by_need([a_candidate(name, score) for name, score in scores.items()], panels, [preferences])


def test_votes_go_first_to_papers_near_the_border_of_the_best() -> None:
    scores = {"a": 9.9, "b": 7.1, "c": 6.9, "d": 6.0, "e": 2.0}
    assert rank(scores, Preferences(top=2)) == ["b", "c", "d", "a"]


def test_votes_go_first_to_papers_near_the_threshold() -> None:
    scores = {"a": 9.9, "b": 7.4, "c": 6.9, "d": 5.8, "e": 2.0}
    assert rank(scores, Preferences(top=9, min_score=7.0)) == ["c", "b", "d", "a"]


def test_a_divided_panel_comes_before_all_others() -> None:
    scores = {"a": 9.9, "b": 7.1, "c": 6.9}
    assert rank(scores, Preferences(top=2), a=a_panel_with(2.0, 9.9))[0] == "a"


@pytest.mark.parametrize("preferences", [Preferences(domains=("vision",)), Preferences(muted=("cs.LG",))])
def test_a_paper_that_no_channel_wants_gets_no_further_vote(preferences: Preferences) -> None:
    assert rank({"a": 9.0}, preferences) == []
    assert ANY_PAPER
