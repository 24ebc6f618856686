"""Words about doubted reviews: what a re-review changed, and what readers say."""

from datetime import date

import pytest

from bot.present.card import format_update_line
from digests.limitations import digest_limitation, find_withdrawn
from digests.model import PaperUpdate

DAY = date(2026, 11, 29)


@pytest.mark.parametrize(
    ("score", "previous", "withdrawn", "line"),
    [
        (6.4, 7.9, (2,), "reviewed again on 29 November 2026: 6.4 (was 7.9), limitation 2 withdrawn"),
        (6.4, 6.41, (), "reviewed again on 29 November 2026: 6.4 again"),
        (6.4, None, (1, 3), "reviewed again on 29 November 2026: 6.4, limitations 1 and 3 withdrawn"),
        (None, 7.9, (), "reviewed again on 29 November 2026"),
    ],
)
def test_a_card_says_what_a_re_review_changed(
    score: float | None, previous: float | None, withdrawn: tuple[int, ...], line: str
) -> None:
    update = PaperUpdate(
        has_new_review=True, score=score, had_review=True, previous_score=previous,
        reviewed_again=DAY, withdrawn_limitations=withdrawn,
    )  # fmt: skip
    assert format_update_line(update) == f"Update: {line}"


def test_a_limitation_is_withdrawn_when_no_later_one_says_it_in_other_words() -> None:
    before = ["Tested in English only.", "There is no ablation of the loss.", "The code is not released."]
    after = ["THE CODE IS NOT RELEASED", "Only English was tested (Section 4)."]
    assert find_withdrawn(before, after) == (2,)
    assert find_withdrawn(before, []) == (1, 2, 3)
    assert find_withdrawn([], after) == ()


def test_the_digest_of_a_limitation_is_that_of_its_letters_whatever_its_place() -> None:
    assert digest_limitation("The code is not released.") == digest_limitation("the code is NOT released ")
    assert digest_limitation("The code is released.") != digest_limitation("The code is not released.")
    assert len(digest_limitation("x" * 10_000)) == 16
