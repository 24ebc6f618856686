"""Agreement of scores with what a team wanted."""

from collections.abc import Sequence
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digests.team_agreement import COMPARED_PAPERS, JudgedPaper, TeamAgreement, measure_team_agreement

Digests = Sequence[Sequence[JudgedPaper]]

scores = st.none() | st.integers(0, 20).map(lambda half: half / 2)
papers = st.builds(JudgedPaper, st.integers(0, 99).map(str), scores, st.booleans())
digests = st.lists(st.lists(papers, max_size=6, unique_by=lambda each: each.paper), max_size=30)


def a_digest(wanted: float | None, *others: float | None, paper: str = "w") -> list[JudgedPaper]:
    return [
        JudgedPaper(paper, wanted, True),
        *(JudgedPaper(f"{paper}{number}", score, False) for number, score in enumerate(others)),
    ]


@pytest.mark.parametrize(
    ("digest", "expected"),
    [
        (a_digest(8.0, 7.0, 6.0), TeamAgreement(1, 1)),
        (a_digest(7.0, 9.0, 6.5, 6.0), TeamAgreement(1, 1)),
        (a_digest(5.0, 7.0, 6.0), TeamAgreement(0, 1)),
        (a_digest(7.0, 7.0), TeamAgreement(0, 1)),
        (a_digest(8.0, None, None), TeamAgreement(0, 0)),
        (a_digest(None, 7.0), TeamAgreement(0, 0)),
        (a_digest(8.0), TeamAgreement(0, 0)),
        ([], TeamAgreement(0, 0)),
    ],
)
def test_a_wanted_paper_agrees_if_it_scored_over_the_median_of_the_unwanted_ones(
    digest: Sequence[JudgedPaper], expected: TeamAgreement
) -> None:
    assert measure_team_agreement([digest]) == expected


def test_the_newest_papers_count_each_once() -> None:
    agreeing = [a_digest(9.0, 1.0, paper=f"new{number}") for number in range(COMPARED_PAPERS)]
    old = [a_digest(0.0, 1.0, paper="old")]
    assert measure_team_agreement(agreeing + old) == TeamAgreement(COMPARED_PAPERS, COMPARED_PAPERS)
    assert measure_team_agreement(agreeing[:1] * 3 + old) == TeamAgreement(1, 2)


def test_a_few_papers_are_not_enough() -> None:
    assert [TeamAgreement(3, compared).is_enough for compared in (4, 5)] == [False, True]


@given(digests)
def test_figures_are_within_their_bounds_and_do_not_depend_on_the_order_in_a_digest(found: Digests) -> None:
    measured = measure_team_agreement(found, limit=10_000)
    wanted = {each.paper for papers in found for each in papers if each.is_wanted}
    assert 0 <= measured.agreed <= measured.compared <= len(wanted)
    assert measure_team_agreement([papers[::-1] for papers in found], limit=10_000) == measured
    assert measure_team_agreement(found).compared == min(COMPARED_PAPERS, measured.compared)


@given(digests, st.integers(1, 9), st.integers(-50, 50))
def test_only_the_order_of_scores_counts(found: Digests, factor: int, shift: int) -> None:
    moved = [
        [
            JudgedPaper(
                each.paper, None if each.score is None else each.score * factor + shift, each.is_wanted
            )
            for each in papers
        ]
        for papers in found
    ]
    assert measure_team_agreement(moved) == measure_team_agreement(found)


@given(digests)
def test_scores_of_wanted_papers_that_rise_agree_no_less(found: Digests) -> None:
    risen = [
        [
            JudgedPaper(
                each.paper,
                None if each.score is None else each.score + (100 if each.is_wanted else 0),
                each.is_wanted,
            )
            for each in papers
        ]
        for papers in found
    ]
    measured = measure_team_agreement(risen)
    assert measured.agreed == measured.compared == measure_team_agreement(found).compared


def test_the_median_is_the_one_of_statistics() -> None:
    others = (9.0, 6.0, 6.5, 1.0)
    middle = median(others)
    for wanted, agreed in ((middle - 0.1, 0), (middle, 0), (middle + 0.1, 1)):
        assert measure_team_agreement([a_digest(wanted, *others)]).agreed == agreed
