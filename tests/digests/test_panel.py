"""A panel: one review out of those of several models or samples."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digests.limitations import key_limitations_of
from digests.model import Assessment, QuotedLimitation, Review, ReviewDepth
from digests.panel import (
    MAX_AGE,
    MIN_SCORES,
    Distribution,
    PanelPolicy,
    choose_members,
    combine_reviews,
    place_score,
)
from tests.builders import NOW, a_review

POLICY = PanelPolicy()
ENGLISH = "Only English text was evaluated, so other languages are unknown."
ENGLISH_AGAIN = "The evaluation covers English text alone; other languages remain untested."
COST = "Inference takes forty GPU hours per video."


def an_assessment(
    depth: ReviewDepth = ReviewDepth.FULL, *points: tuple[str, str], version: int = 1
) -> Assessment:
    limitations = tuple(QuotedLimitation(text, quote) for text, quote in points)
    return Assessment("1", depth, (("impact", 3),), version, limitations, tokens=100)


scores = st.one_of(st.none(), st.floats(0, 10).map(lambda score: round(score, 1)))
members = st.builds(
    a_review,
    score=scores,
    model=st.sampled_from(["a", "b", "c"]),
    sample=st.integers(0, 3),
    rank=st.one_of(st.none(), st.integers(1, 9)),
    tldr=st.sampled_from(["", "One.", "Two."]),
    limitations=st.sampled_from(["", ENGLISH, ENGLISH_AGAIN, f"(1) {COST} (2) {ENGLISH}"]),
    assessment=st.sampled_from(
        [None, an_assessment(ReviewDepth.SCORE), an_assessment(ReviewDepth.FULL, (COST, "forty hours"))]
    ),
)
panels = st.lists(members, min_size=1, max_size=6, unique_by=lambda review: (review.model, review.sample))
policies = st.builds(
    PanelPolicy,
    st.sampled_from([(), ("c", "a")]),
    st.dictionaries(st.sampled_from(["a", "b", "c"]), st.floats(0.1, 5)),
)
distributions = st.dictionaries(
    st.sampled_from(["a", "b", "c"]), st.builds(Distribution, st.floats(0, 10), st.floats(0, 4))
)


@settings(max_examples=200)
@given(panels, policies, distributions, st.randoms())
def test_the_order_of_the_members_does_not_matter(
    panel: list[Review],
    policy: PanelPolicy,
    known: dict[str, Distribution],
    shuffle: random.Random,
) -> None:
    shuffled = shuffle.sample(panel, len(panel))
    assert combine_reviews(shuffled, policy, known) == combine_reviews(panel, policy, known)


@settings(max_examples=200)
@given(panels, policies, distributions)
def test_a_score_is_between_those_of_the_members_and_a_member_without_one_is_left_out(
    panel: list[Review], policy: PanelPolicy, known: dict[str, Distribution]
) -> None:
    combined = combine_reviews(panel, policy, known)
    if len(panel) == 1:
        assert combined is panel[0]
        return
    assert combined.panel
    placed = combined.panel.placed_scores
    assert len(placed) == sum(review.score is not None for review in panel)
    if combined.score is None:
        assert not placed
    else:
        assert 0 <= placed[0] <= combined.score <= placed[-1] <= 10


def test_raw_scores_are_averaged_with_the_weights_of_their_models() -> None:
    panel = [a_review(8.0, model="a"), a_review(5.0, model="b")]
    assert combine_reviews(panel, POLICY, {}).score == 6.5
    assert combine_reviews(panel, PanelPolicy(weights={"a": 2.0}), {}).score == 7.0


def test_a_known_distribution_places_a_score_on_the_scale_of_the_first_member() -> None:
    known = {"a": Distribution(5.0, 2.0), "b": Distribution(8.0, 0.5)}
    combined = combine_reviews([a_review(8.5, model="b"), a_review(6.0, model="a")], POLICY, known)
    assert combined.panel
    assert [(member.score, member.placed_score) for member in combined.panel.members] == [
        (6.0, 6.0),
        (8.5, 7.0),
    ]
    assert (combined.score, combined.scale) == (6.5, "a")


@pytest.mark.parametrize(
    ("own", "common"), [(None, Distribution(5, 1)), (Distribution(5, 1), None), (Distribution(5, 0),) * 2]
)
def test_a_score_stays_while_a_distribution_is_unknown_or_has_no_deviation(
    own: Distribution | None, common: Distribution | None
) -> None:
    assert place_score(7.3, own, common) == 7.3


def test_a_distribution_is_known_from_fifty_scores() -> None:
    assert Distribution.from_scores([5.0] * (MIN_SCORES - 1)) is None
    assert Distribution.from_scores([4.0, 6.0] * (MIN_SCORES // 2)) == Distribution(5.0, 1.0)


def test_limitations_that_several_found_come_first_once_with_every_quote() -> None:
    one = a_review(
        model="a", assessment=an_assessment(ReviewDepth.FULL, (COST, "40 h"), (ENGLISH, "in English"))
    )
    two = a_review(model="b", assessment=an_assessment(ReviewDepth.FULL, (ENGLISH_AGAIN, "English only")))
    combined = combine_reviews([one, two, a_review(model="c", limitations="None.")], POLICY, {})
    assert combined.panel
    first, second = combined.panel.limitations
    assert (first.text, first.quotes, first.found_count) == (ENGLISH, ("in English", "English only"), 2)
    assert (second.text, second.quotes, second.found_count) == (COST, ("40 h",), 1)
    assert combined.panel.reader_count == 2
    assert key_limitations_of(combined).points[0] == ENGLISH


def test_texts_are_those_of_the_weightiest_member_that_has_them_and_read_the_paper() -> None:
    scored_only = a_review(model="a", tldr="Quick.", assessment=an_assessment(ReviewDepth.SCORE))
    full = a_review(model="b", tldr="", methodology="Sound.", assessment=an_assessment())
    combined = combine_reviews([scored_only, full], PanelPolicy(weights={"a": 3}), {})
    assert (combined.tldr, combined.methodology) == ("Quick.", "Sound.")
    assert combined.assessment
    assert (combined.assessment.review_depth, combined.assessment.tokens) == (ReviewDepth.FULL, 200)


def test_the_newest_review_of_each_model_and_sample_is_a_member() -> None:
    old, new = (a_review(score, model="a", reviewed_at=NOW + timedelta(hours=score)) for score in (1, 2))
    vote, other = a_review(3.0, model="a", sample=1), a_review(4.0, model="b")
    assert choose_members([new, old, vote, other], POLICY) == [new, vote, other]


@pytest.mark.parametrize(
    "left_out",
    [
        a_review(1.0, model=""),
        a_review(1.0, model="a", reviewed_at=NOW - MAX_AGE - timedelta(days=1)),
        a_review(1.0, model="a", assessment=an_assessment(version=1)),
        a_review(1.0, model="zero"),
        a_review(1.0, model="former", assessment=an_assessment(version=2)),
    ],
)
def test_a_review_that_no_longer_counts_is_no_member(left_out: Review) -> None:
    member = a_review(8.0, model="b", reviewed_at=NOW, assessment=an_assessment(version=2))
    policy = PanelPolicy(("a", "b"), {"zero": 0.0})
    assert choose_members([left_out, member], policy) == [member]


def test_a_newest_review_without_a_model_counts_alone_as_before() -> None:
    unnamed = a_review(2.0, model="")
    assert choose_members([a_review(model="a"), a_review(model="b"), unnamed], POLICY) == [unnamed]


def test_a_review_is_chosen_even_if_none_may_be_a_member() -> None:
    only = a_review(model="zero")
    assert choose_members([only], PanelPolicy(weights={"zero": 0.0})) == [only]
    assert choose_members([], POLICY) == []
    assert replace(only, sample=1) != only
