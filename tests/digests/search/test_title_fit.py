"""Fit of titles: the one that a person would expect first fits best."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digests.search.title_fit import BEGINNING, NEIGHBOURS, SHARE, is_near, measure_fit

WHOLE = BEGINNING + NEIGHBOURS + SHARE


@pytest.mark.parametrize(
    ("typed", "title", "points"),
    [
        ("chain of thought", "chain of thought prompt elicit reason", WHOLE),
        ("llama 3", "the llama 3 herd of model", WHOLE),
        ("chain of thought", "fair chain of thought reason", NEIGHBOURS + SHARE),
        ("text to image", "free form text imag", SHARE / 3),
        ("residu network", "deep residu learn for imag recognit", SHARE / 2),
        ("diffus", "diffus polici", SHARE),
        ("diffus", "attent is all you need", 0.0),
        ("", "attent", 0.0),
        ("diffus", "", 0.0),
        ("the", "the", 0.0),
    ],
)
def test_a_title_fits_by_its_beginning_by_neighbours_and_by_its_words(
    typed: str, title: str, points: float
) -> None:
    assert measure_fit(typed.split(), title.split()) == points


def test_a_misspelt_word_fits_only_where_typing_errors_are_looked_for() -> None:
    words, title = ["retriev", "augmentd", "generat"], ["retriev", "augment", "generat"]
    assert measure_fit(words, title) == pytest.approx(SHARE * 2 / 3)
    assert measure_fit(words, title, allows_typos=True) == WHOLE


def test_the_last_word_of_an_unfinished_text_fits_as_a_beginning() -> None:
    words, title = ["diffus", "pol"], ["diffus", "polici"]
    assert measure_fit(words, title) == SHARE / 2
    assert measure_fit(words, title, is_unfinished=True) == WHOLE


@pytest.mark.parametrize(
    ("word", "other", "expected"),
    [
        ("guassian", "gaussian", True),
        ("recogniton", "recognition", True),
        ("learnin", "learning", True),
        ("cat", "car", False),
        ("text", "test", True),
        ("word", "sword", True),
        ("video", "audio", False),
        ("vision", "language", False),
        ("speech", "", False),
    ],
)
def test_words_are_near_that_differ_in_one_place(word: str, other: str, expected: bool) -> None:
    assert is_near(word, other) is expected
    assert is_near(other, word) is expected


@given(st.lists(st.text(max_size=8), max_size=8), st.lists(st.text(max_size=8), max_size=60), st.booleans())
def test_every_fit_is_within_its_bounds(words: list[str], title: list[str], flag: bool) -> None:
    assert 0 <= measure_fit(words, title, allows_typos=flag, is_unfinished=not flag) <= WHOLE
