"""Fair shares: turns between workspaces, and the choice among papers that people asked for."""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digests.ports.paper_requests import PaperRequest
from digests.reviewers.fairness import (
    REQUESTS_PER_PERSON,
    choose_requested_papers,
    count_requested_reviews,
    take_turns,
)
from tests.builders import NOW, TODAY

YESTERDAY = TODAY - timedelta(days=1)

papers = st.text("abcdefgh", min_size=1, max_size=2)
rankings = st.lists(st.lists(papers, unique=True, max_size=20), max_size=6)
limits = st.integers(0, 40)
requests = st.lists(
    st.builds(
        PaperRequest,
        papers,
        st.integers(0, 9).map(lambda hours: NOW + timedelta(hours=hours)),
        st.just("slack"),
        st.sampled_from(["T1", "T2", "T3"]),
        st.sampled_from(["UADA", "UBOB", "UCYD", "UDEE"]),
        st.sampled_from([None, YESTERDAY]),
    ),
    max_size=30,
    unique_by=lambda request: (request.paper, request.person),
)


@given(rankings, limits)
def test_every_paper_is_taken_once_up_to_the_limit(wanted: list[list[str]], limit: int) -> None:
    everything = {paper for ranking in wanted for paper in ranking}
    taken = list(take_turns(wanted, limit))
    assert len(taken) == len(set(taken)) == min(limit, len(everything))
    assert set(taken) <= everything
    assert set(take_turns(wanted)) == everything


@given(rankings.filter(bool), limits)
def test_each_ranking_has_its_best_papers_up_to_an_equal_part_of_the_limit(
    wanted: list[list[str]], limit: int
) -> None:
    taken = take_turns(wanted, limit)
    for ranking in wanted:
        assert set(ranking[: limit // len(wanted)]) <= set(taken)


@given(st.lists(papers, unique=True), limits)
def test_one_ranking_is_taken_in_its_own_order(ranking: list[str], limit: int) -> None:
    assert list(take_turns([ranking], limit)) == ranking[:limit]


@given(rankings)
def test_turns_never_go_back_and_a_turn_takes_no_more_than_one_paper_a_ranking(
    wanted: list[list[str]],
) -> None:
    turns = list(take_turns(wanted).values())
    assert turns == sorted(turns)
    assert max(Counter(turns).values(), default=0) <= len(wanted)


@given(rankings.filter(bool), limits, st.lists(papers, unique=True, max_size=20))
def test_a_ranking_that_wants_more_takes_nothing_from_the_equal_part_of_the_others(
    wanted: list[list[str]], limit: int, more: list[str]
) -> None:
    greedy = [list(dict.fromkeys([*more, *wanted[0]])), *wanted[1:]]
    taken = take_turns(greedy, limit)
    for ranking in wanted[1:]:
        assert set(ranking[: limit // len(wanted)]) <= set(taken)


@pytest.mark.parametrize(
    ("per_day", "share", "expected"),
    [(30, 0.1, 3), (30, 0.0, 0), (0, 0.5, 0), (5, 0.1, 1), (100, 0.29, 29), (30, 1.0, 30), (39, 0.1, 3)],
)
def test_the_share_of_requested_papers_is_rounded_down_to_at_least_one(
    per_day: int, share: float, expected: int
) -> None:
    assert count_requested_reviews(per_day, share) == expected


@given(requests, limits)
def test_neither_the_day_nor_a_person_has_more_requested_papers_than_allowed(
    open_requests: list[PaperRequest], limit: int
) -> None:
    chosen = choose_requested_papers(open_requests, [], limit)
    assert len(chosen) == len(set(chosen)) <= limit
    askers = {
        paper: {request.person for request in open_requests if request.paper == paper} for paper in chosen
    }
    for person in ("UADA", "UBOB", "UCYD", "UDEE"):
        alone = [paper for paper in chosen if askers[paper] == {person}]
        assert len(alone) <= REQUESTS_PER_PERSON


@given(requests, limits)
def test_what_was_granted_on_a_day_counts_for_the_rest_of_it(
    open_requests: list[PaperRequest], limit: int
) -> None:
    first = set(choose_requested_papers(open_requests, [], limit))
    granted = [request for request in open_requests if request.paper in first]
    assert choose_requested_papers(open_requests, granted, limit) == []


def a_request(paper: str, person: str, workspace: str = "T1", hours: int = 0) -> PaperRequest:
    return PaperRequest(paper, NOW + timedelta(hours=hours), "slack", workspace, person)


def test_workspaces_take_turns_and_in_each_its_people() -> None:
    open_requests = [
        *(a_request(f"a{number}", "UADA") for number in range(9)),
        a_request("b", "UBOB", hours=1),
        a_request("c", "UCYD", "T2", hours=2),
        a_request("d", "UCYD", "T2", hours=3),
    ]
    assert choose_requested_papers(open_requests, [], 9) == ["a0", "c", "b", "d", "a1"]


def test_a_person_of_several_workspaces_has_no_more_than_another() -> None:
    open_requests = [a_request(f"a{number}", "UADA", f"T{number}") for number in range(9)]
    assert len(choose_requested_papers(open_requests, [], 9)) == REQUESTS_PER_PERSON


def test_a_granted_paper_that_was_not_reviewed_yesterday_comes_first() -> None:
    left = PaperRequest("left", NOW, "slack", "T1", "UADA", YESTERDAY)
    earlier = a_request("earlier", "UBOB", "T2", hours=-9)
    assert choose_requested_papers([earlier, left], [], 1) == ["left"]
