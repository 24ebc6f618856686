"""The order of the review queue, expiry, and the choice of papers for full reviews."""

from datetime import datetime, timedelta

import pytest

from digests.model import NOT_REVIEWED, ReviewDepth, ScoredPaper, Trouble
from digests.ports import Store
from digests.ports.paper_requests import REQUEST_RETENTION
from digests.reviewers.budget import DailyBudget
from digests.reviewers.context import RoundOutcome
from digests.reviewers.queue import choose_best_papers, compute_priorities
from digests.reviewers.tasks import MAX_ATTEMPTS
from digests.subscription import Preferences
from tests.builders import NOW, TODAY, a_candidate, a_paper, a_review, a_store
from tests.digests.reviewers.harness import (
    ABSTRACT,
    AFTER_MIDNIGHT,
    ANNOUNCEMENT_IS_SCORED,
    ReviewerHarness,
    has_full_review,
    store_with_papers,
)
from tests.fakes.openai_server import ModelFault


def test_priority_is_the_number_of_channels_and_upvotes_break_ties() -> None:
    candidates = [
        a_candidate("both", None, "cs.CV"),
        a_candidate("one", None, "cs.CL"),
        a_candidate("upvoted", None, "cs.CL", upvotes=50),
        a_candidate("nobody", None, "cs.RO"),
        a_candidate("scored", 5.0, "cs.CV"),
        a_candidate("ranked", None, "cs.CV", rank=1),
        a_candidate("withdrawn", None, "cs.CV", withdrawn=True),
    ]
    channel_preferences = [
        Preferences(domains=("cs.CV",)),
        Preferences(domains=("cs.CV", "cs.CL"), top=9),
        Preferences(domains=("cs.CV",), top=3),
    ]
    priorities = compute_priorities(candidates, [channel_preferences])
    assert sorted(priorities, key=lambda paper: -priorities[paper]) == ["both", "upvoted", "one"]
    assert priorities["both"] == 3


def test_without_channels_no_paper_is_wanted() -> None:
    assert compute_priorities([a_candidate("a", None)], []) == {}


def test_distinct_preferences_take_turns_in_the_choice() -> None:
    vision = [a_candidate(f"v{number}", 9.0 - number / 10, "cs.CV") for number in range(5)]
    robots = [a_candidate(f"r{number}", 3.0 - number / 10, "cs.RO") for number in range(5)]
    preferences = [Preferences(domains=("cs.CV",)), Preferences(domains=("cs.RO",))]
    assert choose_best_papers([*vision, *robots], [preferences], 5) == ["v0", "r0", "v1", "r1", "v2"]
    assert choose_best_papers(vision, [preferences], 3) == ["v0", "v1", "v2"]
    assert choose_best_papers([], [preferences], 3) == []
    assert choose_best_papers(vision, [], 3) == []


def test_only_wanted_papers_without_a_review_are_scored() -> None:
    store = a_store()
    store.library.add(
        [
            (a_paper("a", primary_category="cs.CV"), NOT_REVIEWED),
            (a_paper("b", primary_category="cs.RO"), NOT_REVIEWED),
            (a_paper("c", primary_category="cs.CV"), a_review()),
        ],
        now=NOW,
    )
    reviewer = ReviewerHarness(store, full_reviews_per_day=0)
    assert reviewer.run_round([[Preferences(domains=("cs.CV",))]]).score_count == 1
    assert store.library.get(["a"])["a"].review.score is not None


def test_a_requested_paper_is_reviewed_in_full_although_no_channel_wants_it() -> None:
    reviewer = ReviewerHarness(store_with_papers(2))
    reviewer.store.paper_requests.add("2611.00001", now=NOW)
    outcome = reviewer.run_round(())
    assert (outcome.score_count, outcome.full_review_count) == (0, 1)
    assert reviewer.get_paper(1).review.assessment


def test_full_reviews_are_kept_for_the_papers_of_the_day() -> None:
    """Papers left over from yesterday wait at midnight. They must not use up the quota."""
    reviewer = ReviewerHarness(store_with_papers(6), full_reviews_per_day=2, has_daily_announcement=True)
    reviewer.run_round(is_server_down=True)
    reviewer.now = AFTER_MIDNIGHT
    outcome = reviewer.run_round()
    assert (outcome.score_count, outcome.full_review_count) == (6, 0)
    reviewer.now = ANNOUNCEMENT_IS_SCORED
    assert reviewer.run_round().full_review_count == 2
    reviewer.now = AFTER_MIDNIGHT + timedelta(days=1, hours=9)
    assert reviewer.run_round() == RoundOutcome()


def test_full_reviews_left_from_yesterday_expire() -> None:
    """Their digest is already posted, with their scores."""
    reviewer = ReviewerHarness(store_with_papers(6), full_reviews_per_day=2, has_daily_announcement=True)
    reviewer.now = ANNOUNCEMENT_IS_SCORED
    reviewer.run_round()
    left = [number for number in range(6) if not has_full_review(reviewer.get_paper(number))]
    reviewer.store.review_queue.enqueue(
        {f"2611.{number:05}": 1.0 for number in left}, ReviewDepth.FULL, now=reviewer.now
    )
    reviewer.now += timedelta(days=1)
    reviewer.store.library.add([(a_paper("2611.99999", abstract=ABSTRACT), NOT_REVIEWED)], now=reviewer.now)
    assert reviewer.run_round().full_review_count == 1
    assert has_full_review(reviewer.get_paper(99999))


def test_a_paper_expires_after_a_week_in_the_queue_unless_requested() -> None:
    reviewer = ReviewerHarness(store_with_papers(3), full_reviews_per_day=1)
    reviewer.store.paper_requests.add("2611.00002", now=NOW)
    reviewer.run_round(is_server_down=True)
    assert reviewer.store.review_queue.count_waiting() == {ReviewDepth.SCORE: 2, ReviewDepth.FULL: 1}
    reviewer.now += timedelta(days=8)
    reviewer.run_round(is_server_down=True)
    assert reviewer.store.review_queue.count_waiting() == {ReviewDepth.FULL: 1}


def ids_of(prefix: str, count: int) -> list[str]:
    return [f"{prefix}.{number:05}" for number in range(count)]


def add_papers(store: Store, ids: list[str], *, now: datetime) -> None:
    papers = [a_paper(paper, title=f"Paper {paper}", abstract=ABSTRACT, version=1) for paper in ids]
    store.library.add([(paper, NOT_REVIEWED) for paper in papers], now=now)


def count_full_reviews(reviewer: ReviewerHarness, papers: list[str]) -> int:
    return sum(has_full_review(scored) for scored in reviewer.store.library.get(papers).values())


def test_requested_papers_leave_nine_tenths_of_the_full_reviews_to_those_of_the_day() -> None:
    """One person asks for 40 papers, then 20 more do so, on a day of 60 new papers."""
    reviewer = ReviewerHarness(a_store(), full_reviews_per_day=30)
    old, fresh, tomorrow = ids_of("2401", 60), ids_of("2611", 60), ids_of("2612", 60)
    add_papers(reviewer.store, old, now=NOW - timedelta(days=90))
    add_papers(reviewer.store, fresh, now=NOW)
    for paper in old[:40]:
        reviewer.store.paper_requests.add(paper, now=NOW, platform="slack", workspace="T1", person="UADA")
    outcome = reviewer.run_round()
    assert (outcome.score_count, outcome.full_review_count) == (60, 30)
    assert (count_full_reviews(reviewer, fresh), count_full_reviews(reviewer, old)) == (28, 2)
    for number, paper in enumerate(old[40:]):
        reviewer.store.paper_requests.add(
            paper, now=NOW, platform="slack", workspace="T1", person=f"U{number}"
        )
    for _ in range(2):
        reviewer.run_round()
        assert count_full_reviews(reviewer, fresh) == 28
        assert count_full_reviews(reviewer, old) <= 3
    reviewer.now += timedelta(days=1)
    add_papers(reviewer.store, tomorrow, now=reviewer.now)
    reviewer.run_round()
    assert count_full_reviews(reviewer, tomorrow) == 27
    assert count_full_reviews(reviewer, old) == 6


def test_requests_for_reviewed_papers_and_old_requests_are_deleted() -> None:
    reviewer = ReviewerHarness(store_with_papers(2))
    requests = reviewer.store.paper_requests
    requests.add("2611.00000", now=NOW)
    requests.add("2401.99999", now=NOW)
    reviewer.run_round()
    assert [request.paper for request in requests.list_granted(TODAY)] == ["2611.00000"]
    reviewer.now += timedelta(days=1)
    reviewer.run_round()
    assert requests.list_granted(TODAY) == []
    assert requests.list_unknown(9) == ["2401.99999"]
    reviewer.now += REQUEST_RETENTION
    reviewer.run_round()
    assert requests.list_unknown(9) == []


def test_a_requested_paper_that_always_fails_is_given_up_with_its_request() -> None:
    reviewer = ReviewerHarness(store_with_papers(3), full_reviews_per_day=1)
    reviewer.server.fault_by_title["Paper 00000"] = ModelFault.SCHEMA_IGNORED
    reviewer.store.paper_requests.add("2611.00000", now=NOW)
    reviewer.store.paper_requests.add("2611.00001", now=NOW + timedelta(minutes=1))
    for _ in range(20):
        reviewer.run_round(())
        reviewer.now += timedelta(hours=18)
    assert not has_full_review(reviewer.get_paper(0))
    assert has_full_review(reviewer.get_paper(1))
    # Two calls an attempt: the answer is repaired once.
    assert reviewer.server.title_counts["Paper 00000"] == 2 * MAX_ATTEMPTS


EVERYTHING = [Preferences()]
NINE_CHANNELS = [Preferences(muted=("cs.RO", f"word{number}")) for number in range(9)]
"""A workspace whose channels want everything but robots, each for reasons of its own."""
ROBOTS = [Preferences(domains=("cs.RO",))]
BOTH_ORDERS = [[EVERYTHING, ROBOTS], [ROBOTS, EVERYTHING], [NINE_CHANNELS, ROBOTS], [ROBOTS, NINE_CHANNELS]]


def store_with_a_narrow_domain(broad: int, narrow: int) -> Store:
    store = a_store()
    papers = [
        *(a_paper(f"2611.{number:05}", title=f"Broad {number}", version=1) for number in range(broad)),
        *(
            a_paper(f"2612.{number:05}", title=f"Narrow {number}", primary_category="cs.RO", version=1)
            for number in range(narrow)
        ),
    ]
    store.library.add([(paper, NOT_REVIEWED) for paper in papers], now=NOW)
    return store


def narrow_papers(reviewer: ReviewerHarness) -> list[ScoredPaper]:
    return list(reviewer.store.library.get([f"2612.{number:05}" for number in range(10)]).values())


@pytest.mark.parametrize("workspaces", BOTH_ORDERS)
def test_a_workspace_that_wants_everything_leaves_budget_for_the_few_papers_of_another(
    workspaces: list[list[Preferences]],
) -> None:
    """The budget has room for some 30 of 542 papers."""
    reviewer = ReviewerHarness(store_with_a_narrow_domain(532, 10), full_reviews_per_day=0)
    outcome = reviewer.run_round(workspaces, budget=DailyBudget(tokens=80_000))
    assert outcome.trouble is Trouble.BUDGET_SPENT
    assert outcome.score_count < 100
    assert all(scored.review.score is not None for scored in narrow_papers(reviewer))


@pytest.mark.parametrize("workspaces", BOTH_ORDERS)
def test_a_workspace_that_wants_everything_leaves_another_its_full_reviews(
    workspaces: list[list[Preferences]],
) -> None:
    reviewer = ReviewerHarness(store_with_a_narrow_domain(50, 10), full_reviews_per_day=30)
    assert reviewer.run_round(workspaces).full_review_count == 30
    assert all(has_full_review(scored) for scored in narrow_papers(reviewer))


def test_papers_that_no_channel_wants_any_more_come_last() -> None:
    reviewer = ReviewerHarness(store_with_a_narrow_domain(30, 3), full_reviews_per_day=0)
    reviewer.run_round([EVERYTHING * 9], is_server_down=True)
    reviewer.run_round([ROBOTS], is_server_down=True)
    first = reviewer.store.review_queue.next(ReviewDepth.SCORE, 3, now=NOW)
    assert {task.paper for task in first} == {"2612.00000", "2612.00001", "2612.00002"}


def test_workspaces_take_turns_with_their_most_wanted_papers_first() -> None:
    candidates = [
        a_candidate("v-old", None, "cs.CV"),
        a_candidate("v-new", None, "cs.CV"),
        a_candidate("v-best", None, "cs.CV", upvotes=9),
        a_candidate("r", None, "cs.RO"),
        a_candidate("r-best", None, "cs.RO", upvotes=5),
    ]
    vision = [Preferences(domains=("cs.CV",))]
    assert compute_priorities(candidates, [vision, ROBOTS]) == {
        "v-best": 3,
        "r-best": 3,
        "v-new": 2,
        "r": 2,
        "v-old": 1,
    }


def test_the_first_turn_goes_round_the_workspaces() -> None:
    vision = [a_candidate(f"v{number}", 9.0 - number / 10, "cs.CV") for number in range(3)]
    robots = [a_candidate(f"r{number}", 3.0 - number / 10, "cs.RO") for number in range(3)]
    workspaces = [[Preferences(domains=("cs.CV",))], ROBOTS]
    firsts = [choose_best_papers([*vision, *robots], workspaces, 3, first_workspace=day) for day in (0, 1, 2)]
    assert firsts == [["v0", "r0", "v1"], ["r0", "v0", "r1"], ["v0", "r0", "v1"]]
