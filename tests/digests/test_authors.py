"""Matching of authors' names."""

import pytest

from digests.authors import AuthorMatcher, straighten_name


@pytest.mark.parametrize(
    ("followed", "author"),
    [
        ("Yoshua Bengio", "Yoshua Bengio"),
        ("Y. Bengio", "Yoshua Bengio"),
        ("Yoshua Bengio", "Y. Bengio"),
        ("Bengio, Yoshua", "Y. Bengio"),
        ("bengio, y.", "YOSHUA BENGIO"),
        ("Bengio Y", "Yoshua Bengio"),
        ("Bengio", "Yoshua Bengio"),
        ("Wang Xiaolong", "Xiaolong Wang"),
        ("Michael Jordan", "Michael I. Jordan"),
        ("Michael I. Jordan", "Michael Jordan"),
        ("M.I. Jordan", "Michael I. Jordan"),
        ("Bernhard Schölkopf", "Bernhard Scholkopf"),
        ("B. Scholkopf", "Bernhard Scho\u0308lkopf"),
        ("Lukasz Kaiser", "Łukasz Kaiser"),
        ("J.-B. Alayrac", "Jean-Baptiste Alayrac"),
        ("Jean Baptiste Alayrac", "Jean-Baptiste Alayrac"),
        ("L. van der Maaten", "Laurens van der Maaten"),
        ("van der Maaten, Laurens", "L. van der Maaten"),
        ("Robert Sutton", "Robert Sutton Jr."),
        ("DeepSeek-AI", "DeepSeek-AI"),
        ("李飞飞", "李飞飞"),
    ],
)
def test_a_followed_name_is_found_through_accents_order_and_initials(followed: str, author: str) -> None:
    matcher = AuthorMatcher.from_names([followed])
    assert matcher.find_followed(["Ada Byron", author]) == followed


@pytest.mark.parametrize(
    ("followed", "author"),
    [
        ("Y. Bengio", "Samy Bengio"),
        ("Yoshua Bengio", "Yann Bengio"),
        ("Yoshua Bengio", "Bengio"),
        ("Michael I. Jordan", "Michael J. Jordan"),
        ("Ada Byron", "Ada Lovelace"),
        ("A. B.", "Ada Byron"),
        ("...", "Ada Byron"),
        ("", ""),
    ],
)
def test_another_person_is_not_followed(followed: str, author: str) -> None:
    assert AuthorMatcher.from_names([followed]).find_followed([author]) is None


def test_a_name_with_a_comma_is_written_in_order() -> None:
    assert straighten_name("van der Maaten, Laurens") == "Laurens van der Maaten"
    assert straighten_name("Yoshua Bengio") == "Yoshua Bengio"


def test_a_long_name_is_read_in_part() -> None:
    assert AuthorMatcher.from_names(["Ada Byron"]).find_followed(["a " * 10**6 + "Byron"]) is None
