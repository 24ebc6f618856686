"""The order of the review queue, expiry, and the choice of papers for full reviews."""

from datetime import timedelta

from digests.model import NOT_REVIEWED, ReviewDepth
from digests.reviewers.context import RoundOutcome
from digests.reviewers.queue import choose_best_papers, compute_priorities
from digests.subscription import Preferences
from tests.builders import NOW, a_candidate, a_paper, a_review, a_store
from tests.digests.reviewers.harness import (
    ABSTRACT,
    AFTER_MIDNIGHT,
    ANNOUNCEMENT_IS_SCORED,
    ReviewerHarness,
    has_full_review,
    store_with_papers,
)


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
    priorities = compute_priorities(candidates, channel_preferences)
    assert sorted(priorities, key=lambda paper: -priorities[paper]) == ["both", "upvoted", "one"]
    assert priorities["both"] == 3


def test_without_channels_no_paper_is_wanted() -> None:
    assert compute_priorities([a_candidate("a", None)], []) == {}


def test_distinct_preferences_take_turns_in_the_choice() -> None:
    vision = [a_candidate(f"v{number}", 9.0 - number / 10, "cs.CV") for number in range(5)]
    robots = [a_candidate(f"r{number}", 3.0 - number / 10, "cs.RO") for number in range(5)]
    preferences = [Preferences(domains=("cs.CV",)), Preferences(domains=("cs.RO",))]
    assert choose_best_papers([*vision, *robots], preferences, 5) == ["v0", "r0", "v1", "r1", "v2"]
    assert choose_best_papers(vision, preferences, 3) == ["v0", "v1", "v2"]
    assert choose_best_papers([], preferences, 3) == []
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
    assert reviewer.run_round((Preferences(domains=("cs.CV",)),)).score_count == 1
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
