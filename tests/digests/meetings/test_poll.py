"""The papers of a poll, and the one that wins."""

from hypothesis import given
from hypothesis import strategies as st

from digests.meetings.model import Candidate
from digests.meetings.poll import MAX_CANDIDATES, choose_candidates, choose_paper, count_votes
from digests.model import QueuedPaper
from tests.builders import NOW


def a_queue(*papers: str) -> list[QueuedPaper]:
    return [QueuedPaper(paper, 1, NOW) for paper in papers]


KTO, DPO, PPO = Candidate("kto", 7.0), Candidate("dpo", 9.0), Candidate("ppo")
QUEUE = a_queue("kto", "dpo", "ppo")


def test_a_poll_offers_the_first_papers_of_the_queue() -> None:
    queue = a_queue(*(f"p{number}" for number in range(9)))
    candidates = choose_candidates(queue, {"p0": 7.5}, discussed=["p1"])
    assert candidates[0] == Candidate("p0", 7.5)
    assert [candidate.paper for candidate in candidates] == ["p0", "p2", "p3", "p4", "p5"]


def test_most_votes_win_whatever_the_score() -> None:
    votes = {"ada": "ppo", "grace": "ppo", "alan": "dpo"}
    assert choose_paper([KTO, DPO, PPO], votes, QUEUE, discussed=()) == "ppo"


def test_of_equal_votes_the_best_score_wins_and_then_the_most_wanted() -> None:
    assert choose_paper([KTO, DPO, PPO], {"ada": "kto", "grace": "dpo"}, QUEUE, discussed=()) == "dpo"
    unscored = [Candidate("kto"), Candidate("ppo")]
    assert choose_paper(unscored, {"ada": "ppo", "grace": "kto"}, QUEUE, discussed=()) == "kto"


def test_without_any_vote_the_best_score_wins() -> None:
    assert choose_paper([KTO, DPO, PPO], {}, QUEUE, discussed=()) == "dpo"


def test_a_paper_that_left_the_queue_meanwhile_does_not_win() -> None:
    assert choose_paper([KTO, DPO], {"ada": "dpo"}, a_queue("kto"), discussed=()) == "kto"
    assert choose_paper([KTO, DPO], {"ada": "dpo"}, QUEUE, discussed=["dpo"]) == "kto"


def test_without_a_candidate_left_the_first_of_the_queue_is_taken() -> None:
    assert choose_paper([], {}, QUEUE, discussed=["kto"]) == "dpo"
    assert choose_paper([KTO], {"ada": "kto"}, a_queue("new"), discussed=()) == "new"


def test_an_empty_queue_gives_no_paper() -> None:
    assert choose_paper([KTO], {"ada": "kto"}, [], discussed=()) is None
    assert choose_candidates([], {}, discussed=()) == ()


papers = st.sampled_from("abcdefgh")


@given(
    st.lists(papers, unique=True),
    st.dictionaries(st.integers(0, 30).map(str), papers),
    st.dictionaries(papers, st.one_of(st.none(), st.floats(0, 10))),
)
def test_the_winner_is_a_candidate_that_no_other_one_beats(
    queue: list[str], votes: dict[str, str], scores: dict[str, float | None]
) -> None:
    candidates = choose_candidates(a_queue(*queue), scores, discussed=())
    assert len(candidates) == min(len(queue), MAX_CANDIDATES)
    winner, counts = (
        choose_paper(candidates, votes, a_queue(*queue), discussed=()),
        count_votes(candidates, votes),
    )
    assert (winner is None) == (not queue)
    assert sum(counts.values()) <= len(votes), "each person has one vote"
    for other in candidates:
        assert winner is not None
        assert counts[winner] >= counts[other.paper]
        if counts[winner] == counts[other.paper]:
            assert (scores.get(winner) or 0) >= (scores.get(other.paper) or 0)
