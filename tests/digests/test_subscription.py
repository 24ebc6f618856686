"""Names of digests."""

import pytest

from digests.errors import InputError
from digests.subscription import MAX_NAME_CHARACTERS, Channel, Subscription, normalize_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Friday  Agents", "friday agents"), (" vision ", "vision"), ("cs.CL", "cs.cl"), ("top-3", "top-3"),
        ("Größe", "grösse"), ("論文", "論文"), ("", ""),
        ("x" * MAX_NAME_CHARACTERS, "x" * MAX_NAME_CHARACTERS),
    ],
)  # fmt: skip
def test_names_are_the_same_in_any_case_and_spacing(text: str, name: str) -> None:
    assert normalize_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "#x",
        "a#b",
        "<!channel>",
        "@here",
        "a_b",
        '"a"',
        "a:b",
        "-a",
        "a\nb" * 20,
        "x" * 31,
        "ß" * 16,
        "x" * 99999,
    ],
)
def test_a_name_that_could_stand_for_something_else_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is no name of a digest"):
        normalize_name(text)


def test_the_full_name_of_the_main_digest_is_that_of_its_channel() -> None:
    channel = Channel("slack", "C1", "T1")
    assert Subscription(channel).full_name == "slack:T1:C1"
    assert Subscription(channel, name="friday agents").full_name == "slack:T1:C1#friday agents"
