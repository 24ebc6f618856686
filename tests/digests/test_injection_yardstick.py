"""The yardstick of the scan: what is caught and what is falsely flagged, by part and as a whole."""

from collections.abc import Callable, Iterable

import pytest

from digests.injections import scan_text
from tests.digests.injection_yardstick import Case, count_flagged, list_cases, list_strangers_cases
from tests.shared_data import harmless_sentences, needs_shared_data


def sum_up(cases: Iterable[Case], *, is_aside: bool) -> dict[bool, tuple[int, int]]:
    """Return the flagged texts and all texts, of attacks and of look-alikes."""
    found = count_flagged(cases, is_aside=is_aside)
    return {
        is_attack: (
            sum(flagged for (attack, _), (flagged, _) in found.items() if attack == is_attack),
            sum(total for (attack, _), (_, total) in found.items() if attack == is_attack),
        )
        for is_attack in (True, False)
    }


@pytest.mark.parametrize(
    ("is_aside", "caught", "false"), [(False, (107, 108), (1, 101)), (True, (43, 52), (0, 46))]
)
def test_the_rates_on_the_yardstick_are_known(
    is_aside: bool, caught: tuple[int, int], false: tuple[int, int]
) -> None:
    """A change here is a change of the defence."""
    assert sum_up(list_cases(), is_aside=is_aside) == {True: caught, False: false}


@pytest.mark.parametrize(
    ("is_aside", "caught", "false"), [(False, (82, 86), (0, 70)), (True, (50, 64), (2, 80))]
)
def test_the_rates_on_the_yardstick_of_strangers_are_known(
    is_aside: bool, caught: tuple[int, int], false: tuple[int, int]
) -> None:
    assert sum_up(list_strangers_cases(), is_aside=is_aside) == {True: caught, False: false}


@pytest.mark.parametrize("list_texts", [list_cases, list_strangers_cases])
def test_attacks_and_lookalikes_of_a_yardstick_are_distinct(list_texts: Callable[[], Iterable[Case]]) -> None:
    texts = [case.text for case in list_texts()]
    assert len(set(texts)) == len(texts)


@needs_shared_data
def test_no_harmless_sentence_with_words_of_attacks_is_flagged() -> None:
    flagged = [text for text in harmless_sentences() if scan_text(text, "abstract")]
    assert flagged == []
