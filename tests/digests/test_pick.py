"""Picking papers: filters, order, share of a domain, and reasons."""

import math
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digests.errors import InputError
from digests.model import Candidate, LeftOut, Likeness, PairwiseRank, Selection
from digests.pick import PickPolicy, apply_pairwise_ranks, compile_word_pattern, pick
from digests.subscription import MatchMode, Preferences, UnscoredPapers
from tests.builders import TODAY, a_candidate


def pick_from(
    candidates: list[Candidate],
    *,
    shown: frozenset[str] = frozenset(),
    policy: PickPolicy | None = None,
    **preferences: Any,
) -> Selection:
    return pick(candidates, Preferences(**preferences), shown, TODAY, policy or PickPolicy())


def chosen_ids(selection: Selection) -> list[str]:
    return [choice.id for choice in selection.choices]


def test_papers_are_ordered_by_score_then_rank_then_unscored() -> None:
    candidates = [
        a_candidate("none", None),
        a_candidate("rank 2", None, rank=2),
        a_candidate("low", 3.0),
        a_candidate("rank 1", None, rank=1),
        a_candidate("high", 9.0),
    ]
    assert chosen_ids(pick_from(candidates, policy=PickPolicy(max_domain_share=1))) == [
        "high",
        "low",
        "rank 1",
        "rank 2",
        "none",
    ]


def test_ties_are_broken_by_keyword_then_date_then_id() -> None:
    candidates = [
        a_candidate("b", text="other"),
        a_candidate("a", text="other"),
        a_candidate("newer", text="other", published=TODAY),
        a_candidate("followed", text="on alignment", published=date(2026, 11, 1)),
    ]
    chosen = pick_from(
        candidates, domains=("cs.LG",), keywords=("alignment",), match=MatchMode.ANY,
        policy=PickPolicy(max_domain_share=1),
    )  # fmt: skip
    assert chosen_ids(chosen) == ["followed", "newer", "a", "b"]


def test_a_paper_matches_by_domain_cross_list_or_keyword() -> None:
    candidates = [
        a_candidate("primary", domain="cs.CV"),
        a_candidate("cross-listed", domain="cs.LG", categories=("cs.LG", "cs.CV")),
        a_candidate("followed", domain="cs.RO", text="Few-shot policies"),
        a_candidate("other", domain="cs.RO", text="nothing of it"),
    ]
    selection = pick_from(candidates, domains=("vision",), keywords=("few shot",), match=MatchMode.ANY)
    assert set(chosen_ids(selection)) == {"primary", "cross-listed", "followed"}
    assert selection.left_out == {LeftOut.OTHER_DOMAIN: 1}


def test_a_paper_must_match_domains_and_keywords_unless_one_of_them_is_enough() -> None:
    candidates = [
        a_candidate("both", domain="cs.CV", text="on diffusion"),
        a_candidate("domain", domain="cs.CV", text="on trees"),
        a_candidate("keyword", domain="cs.CL", text="on diffusion"),
    ]
    wish: dict[str, Any] = {"domains": ("vision",), "keywords": ("diffusion",)}
    assert chosen_ids(pick_from(candidates, **wish)) == ["both"]
    assert set(chosen_ids(pick_from(candidates, **wish, match=MatchMode.ANY))) == {
        "both",
        "domain",
        "keyword",
    }


def test_a_paper_by_a_followed_author_is_wanted_in_any_domain_and_says_so() -> None:
    candidates = [
        a_candidate("followed", 6.0, "cs.NE", authors=("Ada Byron", "Yoshua Bengio")),
        a_candidate("namesake", 9.0, "cs.NE", authors=("Samy Bengio",)),
        a_candidate("domain", 5.0, "cs.CV"),
    ]
    chosen = pick_from(candidates, domains=("vision",), authors=("Y. Bengio",)).choices
    assert [(choice.id, choice.reason) for choice in chosen] == [
        ("followed", "#1 of 2, follows Y. Bengio"),
        ("domain", "#2 of 2 in vision"),
    ]
    assert chosen_ids(pick_from(candidates, authors=("Y. Bengio",))) == ["followed"]


def test_unscored_papers_can_be_left_out() -> None:
    candidates = [a_candidate("scored", 2.0), a_candidate("ranked", None, rank=1)]
    selection = pick_from(candidates, unscored=UnscoredPapers.LEAVE_OUT)
    assert (chosen_ids(selection), selection.left_out) == (["scored"], {LeftOut.NOT_SCORED: 1})


def test_a_muted_domain_excludes_primary_papers_and_a_muted_word_its_users() -> None:
    candidates = [
        a_candidate("audio", domain="cs.SD"),
        a_candidate("audio too", domain="cs.CV", categories=("cs.CV", "cs.SD")),
        a_candidate("survey", text="Surveys of things"),
    ]
    selection = pick_from(candidates, muted=("audio", "survey"))
    assert chosen_ids(selection) == ["audio too"]
    assert selection.left_out == {LeftOut.MUTED: 2}


def test_a_minimum_score_excludes_lower_and_missing_scores() -> None:
    candidates = [a_candidate("at", 7.0), a_candidate("under", 6.9), a_candidate("none", None, rank=1)]
    selection = pick_from(candidates, min_score=7.0)
    assert chosen_ids(selection) == ["at"]
    assert selection.left_out == {LeftOut.UNDER_SCORE: 1, LeftOut.NOT_SCORED: 1}


def test_shown_and_old_papers_are_excluded_and_undated_ones_are_not() -> None:
    candidates = [
        a_candidate("shown"),
        a_candidate("old", published=TODAY - timedelta(days=31)),
        a_candidate("at the limit", published=TODAY - timedelta(days=30)),
        a_candidate("unknown", published=None),
    ]
    selection = pick_from(candidates, shown=frozenset({"shown"}), policy=PickPolicy(timedelta(days=30)))
    assert set(chosen_ids(selection)) == {"at the limit", "unknown"}
    assert selection.left_out == {LeftOut.SHOWN_BEFORE: 1, LeftOut.TOO_OLD: 1}


def test_the_policy_decides_about_flagged_papers() -> None:
    flagged = [a_candidate("flagged", flagged=True)]
    assert chosen_ids(pick_from(flagged)) == ["flagged"]
    assert pick_from(flagged, policy=PickPolicy(may_pick_flagged=False)).left_out == {LeftOut.FLAGGED: 1}


def test_a_domain_is_limited_to_its_share_while_others_qualify() -> None:
    candidates = [a_candidate(f"l{n}", 9 - n / 10, "cs.LG") for n in range(6)] + [
        a_candidate("v", 8.3, "cs.CV"),
        a_candidate("r", 8.2, "cs.RO"),
    ]
    assert chosen_ids(pick_from(candidates)) == ["l0", "l1", "l2", "v", "r"]


def test_variety_lets_no_clearly_worse_and_no_unscored_paper_pass() -> None:
    candidates = [a_candidate(f"l{n}", 9 - n / 10, "cs.LG") for n in range(6)] + [
        a_candidate("near", 8.2, "cs.CV"),
        a_candidate("far", 8.1, "cs.RO"),
        a_candidate("unscored", None, "cs.CL"),
    ]
    assert chosen_ids(pick_from(candidates)) == ["l0", "l1", "l2", "l3", "near"]
    assert chosen_ids(pick_from(candidates[:6] + candidates[8:])) == ["l0", "l1", "l2", "l3", "l4"]
    wide = PickPolicy(variety_distance=0.6)
    assert chosen_ids(pick_from(candidates, policy=wide)) == ["l0", "l1", "l2", "near", "far"]


def test_among_unscored_papers_variety_acts_and_never_before_a_score_of_zero() -> None:
    candidates = [
        a_candidate("l0", 0.0, "cs.LG"),
        a_candidate("l1", 0.0, "cs.LG"),
        a_candidate("m0", None, "cs.CL", upvotes=9),
        a_candidate("m1", None, "cs.CL", upvotes=8),
        a_candidate("r0", None, "cs.RO"),
    ]
    policy = PickPolicy(max_domain_share=0.1)
    assert chosen_ids(pick_from(candidates, policy=policy, top=2)) == ["l0", "l1"]
    assert chosen_ids(pick_from(candidates, policy=policy, top=4)) == ["l0", "l1", "m0", "r0"]


def test_variety_does_not_bind_in_the_domains_that_somebody_asked_for() -> None:
    candidates = [
        *(a_candidate(f"v{n}", 9 - n / 10, "cs.CV") for n in range(4)),
        a_candidate("keyword", 8.7, "cs.LG", text="diffusion"),
    ]
    both = [*candidates, a_candidate("l", 8.6, "cs.LG")]
    assert chosen_ids(pick_from(both, domains=("vision", "cs.LG"), top=5)) == [
        "v0", "v1", "v2", "keyword", "v3",
    ]  # fmt: skip
    assert chosen_ids(pick_from(both[:4] + both[5:], domains=("vision", "cs.LG"), top=4))[3] == "v3"
    wish = pick_from(candidates, domains=("vision",), keywords=("diffusion",), match=MatchMode.ANY, top=4)
    assert chosen_ids(wish) == ["v0", "v1", "v2", "keyword"]


@pytest.mark.parametrize(("top", "count"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (10, 6)])
def test_the_share_of_a_category_is_rounded_up(top: int, count: int) -> None:
    candidates = [a_candidate(f"l{n}", 9.0, "cs.LG") for n in range(10)]
    candidates += [a_candidate(f"x{n}", 8.9, f"cs.X{n}") for n in range(10)]
    chosen = chosen_ids(pick_from(candidates, top=top))
    assert sum(name.startswith("l") for name in chosen) == count


def test_of_equal_scores_a_cross_listed_paper_stands_after_those_of_the_domain() -> None:
    candidates = [
        a_candidate("a crossed", 8.0, "cs.LG", categories=("cs.LG", "cs.CV"), rank=1),
        a_candidate("b primary", 8.0, "cs.CV"),
        a_candidate("c better", 8.1, "cs.RO", categories=("cs.RO", "cs.CV")),
    ]
    assert chosen_ids(pick_from(candidates, domains=("vision",))) == ["c better", "b primary", "a crossed"]


def test_a_domain_fills_the_digest_when_nothing_else_qualifies() -> None:
    candidates = [a_candidate(f"l{n}", 9 - n / 10, "cs.LG") for n in range(6)]
    assert chosen_ids(pick_from(candidates)) == ["l0", "l1", "l2", "l3", "l4"]


def test_each_pick_has_its_reason_in_words() -> None:
    candidates = [
        a_candidate("a", 9.0, "cs.CV", text="On Alignments"),
        a_candidate("b", None, "cs.CV", rank=4),
    ]
    chosen = pick_from(
        candidates, domains=("vision", "cs.CL"), keywords=("alignment",), match=MatchMode.ANY
    ).choices
    assert [choice.reason for choice in chosen] == [
        "#1 of 2 in vision, mentions “Alignments”",
        "#2 of 2 in vision",
    ]


def test_unscored_papers_are_ordered_by_upvotes_and_keywords() -> None:
    candidates = [
        a_candidate("neither", None, published=TODAY),
        a_candidate("followed", None, text="On diffusion"),
        a_candidate("liked", None, upvotes=31),
        a_candidate("liked a little", None, upvotes=1),
        a_candidate("both", None, upvotes=31, text="Diffusion again"),
    ]
    selection = pick_from(
        candidates, domains=("cs.LG",), keywords=("diffusion",), match=MatchMode.ANY,
        policy=PickPolicy(max_domain_share=1),
    )  # fmt: skip
    in_field = "in machine learning (cs.LG)"
    assert [(choice.id, choice.reason) for choice in selection.choices] == [
        ("both", f"31 upvotes on Hugging Face, {in_field}, mentions “Diffusion”"),
        ("liked", f"31 upvotes on Hugging Face, {in_field}"),
        ("followed", f"{in_field}, mentions “diffusion”"),
        ("liked a little", f"1 upvote on Hugging Face, {in_field}"),
        ("neither", in_field),
    ]


def test_likeness_to_a_marked_paper_orders_unscored_papers_and_is_a_reason() -> None:
    candidates = [
        a_candidate("new", None, published=TODAY),
        a_candidate("like", None),
        a_candidate("a little", None),
        a_candidate("scored", 2.0),
    ]
    likeness = {"like": Likeness("2402.01306", "KTO", 0.5), "a little": Likeness("2402.01306", "KTO", 0.3)}
    chosen = pick(candidates, Preferences(), frozenset(), TODAY, PickPolicy(), likeness).choices
    assert [choice.id for choice in chosen] == ["scored", "like", "a little", "new"]
    assert chosen[1].reason == "like “KTO”, which you marked"


def test_upvotes_never_outweigh_a_score() -> None:
    candidates = [a_candidate("liked", None, upvotes=900), a_candidate("scored", 2.0)]
    assert chosen_ids(pick_from(candidates)) == ["scored", "liked"]


def test_an_unknown_domain_is_an_error_with_the_nearest_name() -> None:
    with pytest.raises(InputError, match="vision"):
        pick_from([], domains=("visoin",))


@pytest.mark.parametrize(
    ("word", "text", "found"),
    [
        ("LLM", "many llms here", True),
        ("LLM", "LLMX", False),
        ("few shot", "few-shot", True),
        ("graph", "graphical", False),
        ("C++", "in C++ code", True),
        ("a.b", "axb", False),
    ],
)
def test_a_keyword_is_a_whole_word_in_any_case_or_its_plural(word: str, text: str, found: bool) -> None:
    pattern = compile_word_pattern([word])
    assert pattern
    assert bool(pattern.search(text)) is found


@pytest.mark.parametrize(
    ("candidates", "domains", "reasons"),
    [
        ([a_candidate("a")], (), [""]),
        ([a_candidate("a", domain="cs.CL")], ("cs.CL",), ["in language (cs.CL)"]),
        ([a_candidate("a", domain="cs.AI")], ("cs.AI",), ["in AI (cs.AI)"]),
        ([a_candidate("a", domain="cs.CL")], ("nlp",), ["in language"]),
        ([a_candidate("a", None, upvotes=1)], (), ["1 upvote on Hugging Face"]),
        ([a_candidate("a", 9.0), a_candidate("b", None)], (), ["#1 of 2", ""]),
    ],
)
def test_a_reason_says_only_what_is_known(
    candidates: list[Candidate], domains: tuple[str, ...], reasons: list[str]
) -> None:
    assert [choice.reason for choice in pick_from(candidates, domains=domains).choices] == reasons


scores = st.one_of(st.none(), st.sampled_from([0.0, 3.0, 7.0, 7.0, 10.0]))
any_candidates = st.lists(
    st.builds(
        Candidate,
        id=st.uuids().map(str),
        score=scores,
        rank=st.one_of(st.none(), st.integers(1, 5)),
        primary_category=st.sampled_from(["", "cs.LG", "cs.CV", "cs.CL", "q-bio.BM"]),
        published=st.one_of(st.none(), st.dates(date(2026, 9, 1), TODAY)),
        flagged=st.booleans(),
        upvotes=st.sampled_from([0, 0, 3, 200]),
        withdrawn=st.booleans(),
        text=st.sampled_from(["", "alignment", "a survey"]),
        authors=st.sampled_from([(), ("Bengio, Yoshua",), ("A. Byron",)]),
    ),
    max_size=40,
    unique_by=lambda candidate: candidate.id,  # As in the store: two papers with one id cannot be told apart.
)
any_preferences = st.builds(
    Preferences,
    domains=st.sampled_from([(), ("vision",), ("language", "cs.LG")]),
    keywords=st.sampled_from([(), ("alignment",)]),
    muted=st.sampled_from([(), ("survey",), ("cs.CL",)]),
    top=st.integers(1, 8),
    min_score=st.sampled_from([None, 3.0, 7.0]),
    authors=st.sampled_from([(), ("Y. Bengio",)]),
    match=st.sampled_from(MatchMode),
    unscored=st.sampled_from(UnscoredPapers),
)


@given(any_candidates, any_preferences, st.data())
def test_every_candidate_is_chosen_or_counted_as_left_out(
    candidates: list[Candidate], preferences: Preferences, data: st.DataObject
) -> None:
    shown = frozenset(data.draw(st.lists(st.sampled_from([c.id for c in candidates] or ["none"]))))
    selection = pick(candidates, preferences, shown, TODAY, PickPolicy())
    chosen = chosen_ids(selection)
    assert len(chosen) == len(set(chosen)) <= preferences.top
    assert not shown & set(chosen)
    assert len(chosen) + sum(selection.left_out.values()) == selection.considered == len(candidates)
    if LeftOut.BEYOND_TOP in selection.left_out:
        assert len(chosen) == preferences.top


@given(any_candidates, any_preferences)
def test_the_order_of_candidates_does_not_matter(
    candidates: list[Candidate], preferences: Preferences
) -> None:
    forward = pick(candidates, preferences, frozenset(), TODAY, PickPolicy())
    backward = pick(candidates[::-1], preferences, frozenset(), TODAY, PickPolicy())
    assert forward.choices == backward.choices


UNSCORED_BESIDE_ZERO = [
    a_candidate("l0", 0.0, "cs.LG"),
    a_candidate("l1", 0.0, "cs.LG"),
    a_candidate("l2", None, "cs.LG", rank=1),
    a_candidate("l3", None, "cs.LG"),
    a_candidate("v0", 0.0, "cs.CV"),
    a_candidate("r0", None, "cs.RO"),
]


@example(UNSCORED_BESIDE_ZERO, 3, 0.1)
@example(UNSCORED_BESIDE_ZERO, 5, 0.1)
@given(any_candidates, st.integers(1, 8), st.floats(0.1, 1))
def test_a_domain_exceeds_its_share_only_if_nothing_else_is_nearly_as_good(
    candidates: list[Candidate], top: int, share: float
) -> None:
    policy = PickPolicy(max_age=None, max_domain_share=share)
    chosen = set(chosen_ids(pick(candidates, Preferences(top=top), frozenset(), TODAY, policy)))
    counted = Counter(c.primary_category for c in candidates if c.id in chosen and c.primary_category)
    for domain, count in counted.items():
        if count > math.ceil(share * top):
            worst = min(c.score or 0.0 for c in candidates if c.id in chosen and c.primary_category == domain)
            standing = [c for c in candidates if c.id not in chosen and not (c.withdrawn or c.held)]
            left = [c for c in standing if c.primary_category not in counted and (c.score or 0.0) >= worst]
            assert all(c.score is None for c in left), domain


@given(any_candidates, any_preferences)
def test_no_paper_is_passed_by_a_clearly_worse_one(
    candidates: list[Candidate], preferences: Preferences
) -> None:
    policy = PickPolicy(max_age=None)
    selection = pick(candidates, preferences, frozenset(), TODAY, policy)
    everything = pick(candidates, replace(preferences, top=50), frozenset(), TODAY, policy)
    score_of = {candidate.id: candidate.score for candidate in candidates}
    chosen = chosen_ids(selection)
    for passed in set(chosen_ids(everything)) - set(chosen):
        passed_score = score_of[passed]
        if passed_score is not None:
            assert all((score_of[name] or -1.0) >= passed_score - 0.5 for name in chosen)


def test_a_withdrawn_paper_is_not_picked() -> None:
    selection = pick_from([a_candidate("a", withdrawn=True), a_candidate("b")])
    assert chosen_ids(selection) == ["b"]
    assert selection.left_out == {LeftOut.WITHDRAWN: 1}


def test_papers_of_several_scales_are_ordered_by_percentile() -> None:
    """A generous model does not crowd a strict one out of the digest."""
    generous = [a_candidate(f"g{n}", 9.0 + n / 10, "cs.CV", scale="generous") for n in range(5)]
    stingy = [a_candidate(f"s{n}", 1.0 + n / 10, "cs.CL", scale="stingy") for n in range(5)]
    chosen = chosen_ids(
        pick([*generous, *stingy], Preferences(top=4), frozenset(), TODAY, PickPolicy(max_domain_share=1))
    )
    assert list(chosen) == ["g4", "s4", "g3", "s3"]


def test_the_minimum_score_applies_to_the_score_on_every_scale() -> None:
    papers = [a_candidate("high", 9.0, scale="a"), a_candidate("low", 5.0, scale="b")]
    selection = pick(papers, Preferences(min_score=7.0), frozenset(), TODAY, PickPolicy())
    assert list(chosen_ids(selection)) == ["high"]


def test_a_held_paper_is_not_picked() -> None:
    selection = pick([a_candidate("held", 9.9, held=True)], Preferences(), frozenset(), TODAY, PickPolicy())
    assert selection.left_out == {LeftOut.HELD: 1}


ranked_candidates = st.builds(
    lambda score, day, place: a_candidate(
        "x", score, pairwise_rank=PairwiseRank(TODAY - timedelta(days=day), place, 30) if day < 2 else None
    ),
    st.sampled_from([1.0, 5.0, 9.0]),
    st.integers(0, 2),
    st.integers(1, 30),
)


@given(st.lists(ranked_candidates, max_size=12))
def test_pairwise_ranks_reorder_only_the_compared_papers(drawn: list[Candidate]) -> None:
    before = [candidate._replace(id=str(number)) for number, candidate in enumerate(drawn)]
    after = apply_pairwise_ranks(before)
    assert Counter(candidate.id for candidate in after) == Counter(candidate.id for candidate in before)
    for was, now in zip(before, after, strict=True):
        day = was.pairwise_rank.day if was.pairwise_rank else None
        assert now.pairwise_rank.day == day if now.pairwise_rank else was == now
    for day in (TODAY, TODAY - timedelta(days=1)):
        places = [
            candidate.pairwise_rank.rank
            for candidate in after
            if candidate.pairwise_rank and candidate.pairwise_rank.day == day
        ]
        assert places == sorted(places)


def test_a_pairwise_rank_never_overrides_the_minimum_score() -> None:
    candidates = [
        a_candidate("high", 9.0, pairwise_rank=PairwiseRank(TODAY, 2, 2)),
        a_candidate("low", 5.0, pairwise_rank=PairwiseRank(TODAY, 1, 2)),
    ]
    assert chosen_ids(pick_from(candidates, min_score=7.0)) == ["high"]
    assert chosen_ids(pick_from(candidates)) == ["low", "high"]
    assert pick_from(candidates).choices[0].reason == "#1 of 2 compared in pairs"
