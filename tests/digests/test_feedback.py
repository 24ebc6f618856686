"""Feedback of a channel: agreements, nudges, and what they do to the picks."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digests.feedback import (
    MAX_LIKENESS_SEEDS,
    MAX_NUDGE,
    NO_FEEDBACK,
    Agreement,
    ChannelFeedback,
    Opinion,
    choose_seeds,
    compute_nudge,
    summarize_opinions,
)
from digests.model import Candidate, FeedbackEffect, Likeness, PairwiseRank, Selection
from digests.pick import PickPolicy, pick
from digests.subscription import Preferences
from tests.builders import TODAY, a_candidate

POLICY = PickPolicy(max_domain_share=1.0)
AUDIO, VISION = "cs.SD", "cs.CV"


def opinions(people: int, is_more: bool, paper: str = "p", category: str = AUDIO) -> list[Opinion]:
    return [Opinion(paper, f"{is_more} {number}", is_more, category) for number in range(people)]


def choose(
    candidates: Sequence[Candidate],
    feedback: ChannelFeedback,
    *,
    top: int = 2,
    likeness: dict[str, Likeness] | None = None,
    policy: PickPolicy = POLICY,
) -> Selection:
    return pick(candidates, Preferences(top=top), frozenset(), TODAY, policy, likeness, feedback)


def ids_of(selection: Selection) -> list[str]:
    return [choice.id for choice in selection.choices]


def test_one_person_alone_moves_nothing_in_a_channel_but_in_their_own_digest() -> None:
    alone = [Opinion(f"p{number}", "ada", False, AUDIO) for number in range(9)]
    assert summarize_opinions(alone) == NO_FEEDBACK
    assert summarize_opinions(alone, is_direct=True).domains == {"audio": Agreement(False, 1, 1.0)}


def test_a_person_counts_once_for_a_domain_and_those_who_disagree_count_against_each_other() -> None:
    many = [Opinion(f"p{number}", "ada", False, AUDIO) for number in range(9)]
    assert summarize_opinions([*many, *opinions(2, True)]) == ChannelFeedback(
        {}, {"p": Agreement(True, 2, 0.5)}
    ), "two against one are ahead by one in the domain, and nobody else speaks of the paper p"
    assert summarize_opinions([*many, *opinions(3, False)]).domains == {"audio": Agreement(False, 4, 1.0)}


def test_new_papers_are_compared_with_the_marked_ones_and_those_of_an_agreement() -> None:
    feedback = summarize_opinions([each for name in "abcdefghijkl" for each in opinions(2, True, name)])
    seeds = choose_seeds(("marked", "a"), feedback)
    assert seeds[:2] == ("marked", "a")
    assert len(seeds) == 2 + MAX_LIKENESS_SEEDS
    assert len(set(seeds)) == len(seeds)


def test_fewer_papers_of_a_domain_come_after_three_said_not_for_us_and_the_digest_says_so() -> None:
    candidates = [a_candidate("a", 7.2, AUDIO), a_candidate("b", 7.1, VISION), a_candidate("c", 7.0, VISION)]
    before = choose(candidates, NO_FEEDBACK)
    after = choose(candidates, summarize_opinions(opinions(3, False)))
    assert (ids_of(before), before.effects) == (["a", "b"], ())
    assert (ids_of(after), after.effects) == (["b", "c"], (FeedbackEffect("audio", False, 3),))


def test_a_paper_like_one_of_which_people_want_more_comes_first_and_says_why() -> None:
    candidates = [a_candidate("a", 7.2), a_candidate("b", 7.1), a_candidate("c", 7.0, VISION)]
    feedback = summarize_opinions(opinions(4, True, "liked", category=""))
    after = choose(candidates, feedback, likeness={"c": Likeness("liked", "KTO", 0.4)})
    assert ids_of(after) == ["c", "a"]
    assert after.choices[0].reason == "#1 of 3, 4 here want more of papers like “KTO”"
    assert after.effects == (FeedbackEffect("papers like “KTO”", True, 4),)


def test_likeness_to_a_marked_paper_is_no_feedback() -> None:
    candidates = [a_candidate("a", 7.2), a_candidate("b", 7.1)]
    feedback = summarize_opinions(opinions(4, True, "liked", category=""))
    after = choose(candidates, feedback, top=1, likeness={"b": Likeness("marked", "DPO", 0.9)})
    assert ids_of(after) == ["a"]
    marked = choose(candidates, feedback, likeness={"b": Likeness("marked", "DPO", 0.9)})
    assert marked.choices[1].reason == "#2 of 2, like “DPO”, which you marked"


def test_papers_without_a_score_are_ordered_by_feedback_too() -> None:
    candidates = [a_candidate("a", None, AUDIO, upvotes=3), a_candidate("b", None, VISION, upvotes=2)]
    assert ids_of(choose(candidates, NO_FEEDBACK)) == ["a", "b"]
    assert ids_of(choose(candidates, summarize_opinions(opinions(4, False)))) == ["b", "a"]


@pytest.mark.parametrize(("score", "expected"), [(8.5, ["a", "b"]), (8.4, ["b", "a"])])
def test_a_paper_from_the_must_show_score_on_is_not_moved(score: float, expected: list[str]) -> None:
    candidates = [a_candidate("a", score, AUDIO), a_candidate("b", score - 0.2, VISION)]
    assert ids_of(choose(candidates, summarize_opinions(opinions(9, False)))) == expected


def test_the_must_show_score_lies_over_the_minimum_score_of_the_channel() -> None:
    assert POLICY.find_must_show_score(Preferences()) == 8.5
    assert POLICY.find_must_show_score(Preferences(min_score=9.0)) == 9.5


# Properties.

CATEGORIES = (AUDIO, VISION, "cs.CL", "cs.RO")
PAPERS = tuple("abcdefghijkl")

some_opinions = st.lists(
    st.builds(
        Opinion,
        st.sampled_from(("old 1", "old 2", "old 3")),
        st.sampled_from(("ada", "bob", "eve", "dan", "zoe")),
        st.booleans(),
        st.sampled_from(CATEGORIES),
    ),
    max_size=30,
    unique_by=lambda each: (each.paper, each.person),
)

some_likeness = st.dictionaries(
    st.sampled_from(PAPERS),
    st.builds(Likeness, st.sampled_from(("old 1", "old 2", "marked")), st.just("Old"), st.floats(0.25, 1.0)),
)


@st.composite
def some_candidates(draw: st.DrawFn) -> list[Candidate]:
    count = draw(st.integers(1, len(PAPERS)))
    return [
        a_candidate(
            name,
            draw(st.one_of(st.none(), st.integers(50, 95).map(lambda tenths: tenths / 10))),
            draw(st.sampled_from(CATEGORIES)),
            scale=draw(st.sampled_from(("one", "two"))),
            pairwise_rank=draw(
                st.one_of(st.none(), st.builds(PairwiseRank, st.just(TODAY), st.integers(1, 5), st.just(5)))
            ),
        )
        for name in PAPERS[:count]
    ]


@given(some_candidates(), some_opinions, some_likeness, st.integers(1, 6), st.sampled_from((0.5, 1.0)))
def test_no_must_show_paper_loses_its_pick_and_no_paper_is_left_out_for_feedback(
    candidates: list[Candidate],
    said: list[Opinion],
    likeness: dict[str, Likeness],
    top: int,
    share: float,
) -> None:
    policy, feedback = PickPolicy(max_domain_share=share), summarize_opinions(said)
    before = choose(candidates, NO_FEEDBACK, top=top, policy=policy)
    after = choose(candidates, feedback, top=top, likeness=likeness, policy=policy)
    scores = {candidate.id: candidate.score or 0.0 for candidate in candidates}
    must_show = {paper for paper in ids_of(before) if scores[paper] >= policy.must_show_score}
    assert must_show <= set(ids_of(after))
    assert (len(after.choices), after.left_out) == (len(before.choices), before.left_out)
    assert bool(after.effects) <= (set(ids_of(before)) != set(ids_of(after)))


@given(some_candidates(), some_opinions, some_likeness)
def test_a_paper_passes_only_papers_that_score_nearly_the_same(
    candidates: list[Candidate], said: list[Opinion], likeness: dict[str, Likeness]
) -> None:
    of_one_scale = [each._replace(scale="", pairwise_rank=None) for each in candidates if each.score]
    after = choose(of_one_scale, summarize_opinions(said), top=len(PAPERS), likeness=likeness)
    scores = {candidate.id: candidate.score or 0.0 for candidate in of_one_scale}
    in_order = [scores[paper] for paper in ids_of(after)]
    for place, score in enumerate(in_order):
        assert all(later <= score + 2 * MAX_NUDGE + 1e-9 for later in in_order[place:])


@given(some_opinions, st.sampled_from(CATEGORIES), st.sampled_from(("old 1", "old 2")), st.floats(0.25, 1.0))
def test_a_nudge_is_bounded_and_one_person_turns_no_agreement_around(
    said: list[Opinion], category: str, seed: str, strength: float
) -> None:
    likeness = Likeness(seed, "Old", strength)
    nudge = compute_nudge(category, likeness, summarize_opinions(said))
    assert abs(nudge.points) <= MAX_NUDGE
    assert all(effect.is_more == (nudge.points > 0) and effect.people >= 2 for effect in nudge.effects)
    of_ada = [opinion for opinion in said if opinion.person == "ada"]
    assert summarize_opinions(of_ada) == NO_FEEDBACK
    flipped = [each._replace(is_more=each.is_more != (each.person == "ada")) for each in said]
    one, other = summarize_opinions(said), summarize_opinions(flipped)
    for ours, theirs in ((one.domains, other.domains), (one.papers, other.papers)):
        assert all(
            ours[subject].is_more == theirs[subject].is_more for subject in ours.keys() & theirs.keys()
        )


def test_an_age_of_opinions_is_that_of_marks() -> None:
    from digests.feedback import OPINION_AGE
    from digests.ports.likeness import MARK_AGE

    assert OPINION_AGE == MARK_AGE == timedelta(days=90)
