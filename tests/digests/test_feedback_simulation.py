"""Feedback over months: it helps a team, and one person cannot lead it astray."""

import pytest

from tests.digests.feedback_simulation import compare

TEAMS = range(5)


def test_a_team_that_gives_feedback_gets_better_papers_and_fewer_that_it_dislikes() -> None:
    without, having = compare(5, 0, TEAMS)
    assert having.worth > without.worth + 0.1
    assert having.disliked < 0.85 * without.disliked


@pytest.mark.parametrize(("honest", "least_gain"), [(1, -0.05), (5, 0.05)])
def test_one_person_who_says_the_contrary_of_everybody_does_not_lead_a_team_astray(
    honest: int, least_gain: float
) -> None:
    without, having = compare(honest, 1, TEAMS)
    assert having.worth > without.worth + least_gain
