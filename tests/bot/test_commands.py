"""What people type after /paper and /digest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands import (
    DigestCommand,
    DigestHelp,
    Discussed,
    Pause,
    Resume,
    ShowHeld,
    ShowQueue,
    ShowSettings,
    Subscribe,
    Today,
    TopPapers,
    Unsubscribe,
    digest_command,
    look_up_words,
)
from digests.errors import InputError


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("", DigestHelp()),
        ("  help ", DigestHelp()),
        ("today", Today()),
        ("TODAY!", Today()),
        ("top", TopPapers()),
        ("top 3", TopPapers(3)),
        ("top 3 in vision", TopPapers(3, "vision")),
        ("top in machine learning this week", TopPapers(None, "machine learning", 7)),
        ("Top 10 In cs.CL This Month", TopPapers(10, "cs.CL", 30)),
        ("top this week", TopPapers(None, "", 7)),
        ("subscribe", Subscribe()),
        ("subscribe vision at 08:30 top 3", Subscribe("vision at 08:30 top 3")),
        ("subscribe about “rag”", Subscribe('about "rag"')),
        ("settings", ShowSettings()),
        ("pause", Pause()),
        ("stop", Pause()),
        ("resume", Resume()),
        ("unsubscribe", Unsubscribe()),
        ("queue", ShowQueue()),
        ("held", ShowHeld()),
        ("queue done 2", Discussed("2")),
        ("queue done #2402.01306", Discussed("2402.01306")),
    ],
)
def test_each_command_is_understood(text: str, command: DigestCommand) -> None:
    assert digest_command(text) == command


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("subcribe vision", "Did you mean /papers subscribe"),
        ("quue", "Did you mean /papers queue"),
        ("xyzzy", "/papers help"),
        ("top 0", "1 to 20"),
        ("top 99", "1 to 20"),
        ("top 3 in visoin", "did you mean 'vision'"),
        ("top three", "/papers top 3 in vision"),
        ("queue gone 2", "/papers queue done 1"),
    ],
)
def test_what_is_no_command_is_answered_with_the_nearest_under_the_name_it_has_here(
    text: str, said: str
) -> None:
    with pytest.raises(InputError) as refused:
        digest_command(text, "/papers")
    assert said in str(refused.value)


@given(st.text(max_size=4000))
def test_any_text_is_a_command_or_a_short_sentence(text: str) -> None:
    try:
        digest_command(text)
    except InputError as error:
        short = len(str(error)) < 400
        assert short


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
def test_a_look_up_is_for_what_was_typed(text: str, words: str) -> None:
    assert look_up_words(text) == words
