"""Text that people type or paste, without what a platform changed in it."""

import pytest

from bot.conversation.typed_text import clean_lookup_text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<https://arxiv.org/abs/2402.01306>", "https://arxiv.org/abs/2402.01306"),
        ("<https://arxiv.org/abs/2402.01306|arxiv.org/abs/2402.01306>", "https://arxiv.org/abs/2402.01306"),
        ("“direct preference”", '"direct preference"'),
        ("a\tb\n c\x00", "a b c"),
        ("R&amp;D &lt;x&gt;", "R&D <x>"),
        ("   ", ""),
        ("x" * 4000, "x" * 300),
    ],
)
def test_a_look_up_is_cleaned_of_platform_markup(text: str, words: str) -> None:
    assert clean_lookup_text(text) == words
