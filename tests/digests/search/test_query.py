"""Search queries: ids, words, quoted phrases, and the frames of questions."""

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digests.ids import paper_id_of_address
from digests.search.filters import Sort
from digests.search.query import (
    MAX_WORD_CHARACTERS,
    MAX_WORDS,
    EmptyQuery,
    IdQuery,
    WordQuery,
    parse_query,
    tokenize_text,
)
from tests.shared_data import bug_text, needs_shared_data

TODAY = date(2026, 7, 1)


def parse_words(typed: str) -> tuple[str, ...]:
    query = parse_query(typed, TODAY)
    assert isinstance(query, WordQuery)
    return query.words


@pytest.mark.parametrize(
    "typed",
    [
        "2402.01306",
        " 2402.01306v4 ",
        "arXiv:2402.01306",
        "https://arxiv.org/abs/2402.01306v2",
        "<https://arxiv.org/pdf/2402.01306>",
        "https://huggingface.co/papers/2402.01306",
        "https://doi.org/10.48550/arXiv.2402.01306",
    ],
)
def test_every_form_of_an_id_is_an_id_query(typed: str) -> None:
    assert parse_query(typed, TODAY) == IdQuery(("2402.01306",))


@needs_shared_data
def test_every_form_that_people_typed_is_an_id_query() -> None:
    lines = [line for line in bug_text("look_ups.txt").splitlines() if line and not line.startswith("#")]
    assert len(lines) >= 8
    assert {parse_query(line, TODAY) for line in lines} == {IdQuery(("2402.01306",))}


def test_an_address_and_its_id_give_the_same_query() -> None:
    named = paper_id_of_address("https://openreview.net/forum?id=Ab")
    assert parse_query("https://openreview.net/forum?id=Ab", TODAY) == IdQuery((named.id,))
    assert parse_query(named.id, TODAY) == IdQuery((named.id,))


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("KTO", ("kto",)),
        ("RLHF-V and GPT-4", ("rlhf", "v", "gpt", "4")),
        ("3D  Vision", ("3d", "vision")),
        ("Poincaré Łukasz Größe", ("poincare", "lukasz", "grosse")),
        ("Poincare\u0301", ("poincare",)),
        (r"Poincar\'e", ("poincare",)),
        (
            "C++ and C#, but not track#1 or a++",
            ("cpp", "csharp", "track", "1"),
        ),
        ("C++17", ("cpp", "17")),
        (
            "title:kto AND (body:* OR -x^2)~3 [a TO b]",
            ("kto", "body", "x", "2", "3", "b"),
        ),
        ("snake_case", ("snake", "case")),
        ("a\x00b \ud800c", ("ab", "c")),
        ("ｆｕｌｌ ﬁne ℝ", ("full", "fine", "r")),
        ("강화 학습", ("강화", "학습")),
    ],
)
def test_other_text_is_a_word_query(typed: str, words: tuple[str, ...]) -> None:
    found = parse_query(typed, TODAY)
    assert isinstance(found, WordQuery)
    assert (found.words, found.phrases, found.filters, found.guesses) == (words, (), (), ())


@pytest.mark.parametrize(
    "typed", ['"Direct Preference" loss', "loss “direct preference”", "``direct preference'' loss"]
)
def test_quoted_text_is_a_phrase(typed: str) -> None:
    found = parse_query(typed, TODAY)
    assert isinstance(found, WordQuery)
    assert (found.words, found.phrases) == (("loss",), ("direct preference",))


def test_an_unclosed_quote_is_plain_text() -> None:
    assert parse_words('"direct preference') == ("direct", "preference")


@pytest.mark.parametrize("typed", ["", "  ", '""', '"', "***", "\x00", "\ud800", "🔖", "$$", "\\"])
def test_text_without_words_is_an_empty_query(typed: str) -> None:
    assert parse_query(typed, TODAY) == EmptyQuery()


def test_an_invalid_address_is_a_word_query() -> None:
    assert parse_words("https://nowhere") == ("https", "nowhere")
    assert isinstance(parse_query("https://a.example/\ud800", TODAY), IdQuery)


def test_words_beyond_the_limit_are_left_out() -> None:
    found = parse_query('"' + "p " * 30 + '" ' + "w " * 5_000, TODAY)
    assert isinstance(found, WordQuery)
    assert (found.words, found.phrases) == (("w", "w"), (" ".join("p" * 30),))


def test_a_long_word_is_cut_as_in_the_index() -> None:
    assert parse_words("x" * 10_000) == tuple(tokenize_text("x" * 10_000))
    assert len(tokenize_text("x" * 10_000)[0]) == MAX_WORD_CHARACTERS


@given(st.text(st.characters(codec=None), max_size=300))
@example('"' * 10_000)
@example("(" * 10_000)
@example("https://[::1")
def test_every_text_can_be_parsed(typed: str) -> None:
    match parse_query(typed, TODAY):
        case WordQuery(words, phrases) as query:
            everything = [*words, *" ".join(phrases).split()]
            assert len(everything) <= MAX_WORDS
            assert everything or query.all_filters or query.sort
            assert len(query.without_guesses().words) <= MAX_WORDS
            assert all(tokenize_text(word) for word in everything)
        case IdQuery(name):
            assert name
        case EmptyQuery():
            return


@given(st.text(max_size=60))
def test_tokenizing_words_again_changes_nothing(text: str) -> None:
    once = " ".join(tokenize_text(text))
    assert " ".join(tokenize_text(once)) == once


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("have you seen the segment anything paper?", ("segment", "anything")),
        ("papers about sign language", ("sign", "language")),
        ("what's new in robot learning", ("robot", "learning")),
        ("can you find me the paper on chain of thought please", ("chain", "thought")),
        ("DPO's objective", ("dpo", "objective")),
        ("what is this about", ("what", "is", "this", "about")),
        ("the", ("the",)),
        ("how to read a paper", ("read", "paper")),
        ("Ethayarajh et al.", ("ethayarajh",)),
        ("is KTO any good?", ("kto",)),
        ("the deepseek one", ("deepseek",)),
    ],
)
def test_the_frame_of_a_question_is_left_out(typed: str, words: tuple[str, ...]) -> None:
    assert parse_words(typed) == words


@pytest.mark.parametrize(
    "typed",
    [
        "what are the limitations of DPO?",
        "DPO limitations",
        "limitations of dpo",
        "DPO's weaknesses",
        "does DPO have any drawbacks",
        "DPO limitations please",
        "shortcomings of DPO please",
        "what are the main limitations of DPO?",
        "what's wrong with DPO",
        "are there known problems with DPO?",
        "cons of DPO",
        "where does DPO fail?",
    ],
)
def test_a_question_for_limitations_leaves_the_name(typed: str) -> None:
    query = parse_query(typed, TODAY)
    assert isinstance(query, WordQuery)
    assert (query.words, query.wants_limitations) == (("dpo",), True)


@pytest.mark.parametrize(
    "typed", ["inverse problems in imaging", "where transformers fail to", "limit theorems"]
)
def test_other_words_are_no_question_for_limitations(typed: str) -> None:
    query = parse_query(typed, TODAY)
    assert isinstance(query, WordQuery)
    assert not query.wants_limitations


def test_limitations_of_an_id_are_asked_for() -> None:
    assert parse_query("limitations of arXiv:2402.01306?", TODAY) == IdQuery(("2402.01306",), True)
    assert parse_query("what's wrong with 2402.01306", TODAY) == IdQuery(("2402.01306",), True)
    assert parse_query("2402.01306 or 2305.18290", TODAY) == IdQuery(("2402.01306", "2305.18290"))


@pytest.mark.parametrize(("typed", "sort"), [("what's new", Sort.NEW), ("top 5 papers", Sort.SCORE)])
def test_a_question_for_what_is_new_or_best_lists_it(typed: str, sort: Sort) -> None:
    query = parse_query(typed, TODAY)
    assert isinstance(query, WordQuery)
    assert (query.words, query.sort) == ((), sort)


@pytest.mark.parametrize(
    ("typed", "sort"),
    [("latest deepseek paper", Sort.NEW), ("new deepseek paper", None), ("best of deepseek", None)],
)
def test_the_latest_of_something_is_asked_for_by_date(typed: str, sort: Sort | None) -> None:
    query = parse_query(typed, TODAY)
    assert isinstance(query, WordQuery)
    assert (query.words, query.sort) == (("deepseek",), sort)
