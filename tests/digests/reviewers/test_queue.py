"""Which papers are read first, which get a full review, and whose score stands out."""

from digests.reviewers.holding import is_unusually_high
from digests.reviewers.queue import choose_best_papers, compute_priorities
from digests.subscription import Preferences
from tests.builders import a_candidate


def test_a_paper_that_more_channels_want_promises_more_and_upvotes_decide_between_equals() -> None:
    waiting = [
        a_candidate("both", None, "cs.CV"),
        a_candidate("one", None, "cs.CL"),
        a_candidate("loved", None, "cs.CL", upvotes=50),
        a_candidate("nobody", None, "cs.RO"),
        a_candidate("scored", 5.0, "cs.CV"),
        a_candidate("ranked", None, "cs.CV", rank=1),
        a_candidate("withdrawn", None, "cs.CV", withdrawn=True),
    ]
    wishes = [
        Preferences(domains=("cs.CV",)),
        Preferences(domains=("cs.CV", "cs.CL"), top=9),
        Preferences(domains=("cs.CV",), top=3),
    ]
    promised = compute_priorities(waiting, wishes)
    assert sorted(promised, key=lambda name: -promised[name]) == ["both", "loved", "one"]
    assert promised["both"] == 3


def test_without_channels_nothing_is_wanted() -> None:
    assert compute_priorities([a_candidate("a", None)], []) == {}


def test_each_kind_of_wish_gets_its_best_in_turn() -> None:
    vision = [a_candidate(f"v{number}", 9.0 - number / 10, "cs.CV") for number in range(5)]
    robots = [a_candidate(f"r{number}", 3.0 - number / 10, "cs.RO") for number in range(5)]
    wishes = [Preferences(domains=("cs.CV",)), Preferences(domains=("cs.RO",))]
    assert choose_best_papers([*vision, *robots], wishes, 5) == ["v0", "r0", "v1", "r1", "v2"]
    assert choose_best_papers(vision, wishes, 3) == ["v0", "v1", "v2"]
    assert choose_best_papers([], wishes, 3) == []
    assert choose_best_papers(vision, [], 3) == []


def test_a_score_of_the_highest_tenth_stands_out() -> None:
    others = [number / 10 for number in range(100)]
    assert is_unusually_high(9.5, others, None)
    assert not is_unusually_high(6.0, others, None)


def test_with_few_scores_a_high_one_stands_out() -> None:
    assert is_unusually_high(8.0, [9.0, 9.0], None)
    assert not is_unusually_high(7.9, [], None)


def test_a_score_far_over_the_first_look_stands_out() -> None:
    others = [number / 10 for number in range(100)]
    assert is_unusually_high(6.0, others, 4.0)
    assert not is_unusually_high(6.0, others, 5.0)
