"""Quick checks of a text, and the looser patterns of those that come first."""

import pytest

from digests.quick_check import compile_quick_check, loosen_pattern


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"ignore (?:\w+ ){0,2}?rules", "ignore all of the old rules"),
        (r"give[ -]{1,3}this", "give - - this"),
        (r"give(?: \w){0,}this", "givethis"),
        (r"(?:score: \d,){3}", "score: 9,"),
        (r"(?:^|[.!?] )score [^.]{0,4}10", "a score of 10"),
    ],
)
def test_a_loosened_pattern_matches_beyond_bounds_and_beginnings(pattern: str, text: str) -> None:
    assert compile_quick_check(loosen_pattern(pattern))(text)


def test_a_loosened_pattern_still_needs_its_words() -> None:
    assert not compile_quick_check(loosen_pattern(r"ignore (?:[^.]{0,9} )?rules"))(
        "rules to ignore. All rules"
    )
