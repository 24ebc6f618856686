"""A model's answer: found among its other words, checked, its quotes looked up."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digests.model import ReviewDepth
from digests.reviewers.parse import AnswerError, parse_answer
from digests.reviewers.rubric import DEFAULT_WEIGHTS, DIMENSIONS, build_review_schema, compute_score

TEXT = "We train a small model on “two” data sets. It needs half of the compute, but is tested in English\n only."


def a_form(**other: Any) -> dict[str, Any]:
    assessed = {
        "assessment": "A sound method with one gap.",
        "evidence": "We train a small model",
        "grade": 3,
    }
    return {
        **dict.fromkeys(DIMENSIONS, assessed),
        "key_limitations": [{"point": "Only English is tested.", "quote": "is tested in English only"}],
        "tldr": "A small model for half of the compute.",
        "tldr_quote": 'We train a small model on "two" data sets',
        **other,
    }


def said(**other: Any) -> str:
    return json.dumps(a_form(**other))


def test_a_filled_in_form_is_an_answer() -> None:
    answer = parse_answer(said(), ReviewDepth.FULL, TEXT)
    assert answer.grades == dict.fromkeys(DIMENSIONS, 3)
    assert [point.text for point in answer.key_limitations] == ["Only English is tested"]
    assert answer.tldr_quote
    assert answer.dropped_quotes == 0


@pytest.mark.parametrize(
    "around",
    [
        "{}", "```json\n{}\n```", "Here it is: {}\nI hope it helps.", "<think>{{\"a\": 1}} or not</think>{}", "thinking\n</think>\n{}",
        "An empty {{}} first, then {}", "<THINKING>x</THINKING> {}",
    ],
)  # fmt: skip
def test_thinking_fences_and_prose_around_it_are_passed_over(around: str) -> None:
    assert parse_answer(around.format(said()), ReviewDepth.FULL, TEXT).grades["impact"] == 3


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("", "empty"),
        ("I cannot do that.", "no JSON object"),
        (said()[:200], "no whole JSON object"),
        ("<think>Let me see", "still thinking"),
        (said(impact={"evidence": "x", "assessment": "Long enough to be one.", "grade": 11}), "impact.grade"),
        (
            said(impact={"evidence": "x", "assessment": "Long enough to be one.", "grade": 3.5}),
            "impact.grade",
        ),
        (said(impact={"evidence": "x", "grade": 3}), "impact.assessment"),
        (said(tldr=""), "tldr"),
        ('{"score": 10}', "methodology"),
        ("[" * 100_000, "no JSON object"),
        ("{" * 100_000, "no whole JSON object"),
    ],
)
def test_what_is_wrong_is_said_in_words_for_the_repair(broken: str, reason: str) -> None:
    with pytest.raises(AnswerError, match=reason):
        parse_answer(broken, ReviewDepth.FULL, TEXT)


def test_a_first_look_needs_no_assessments() -> None:
    grades = {name: {"evidence": "x", "grade": 2} for name in DIMENSIONS}
    form = {**grades, "tldr": "A small model is trained.", "tldr_quote": "It needs half of the compute"}
    assert parse_answer(json.dumps(form), ReviewDepth.SCORE, TEXT).grades["methodology"] == 2


@pytest.mark.parametrize(
    "quote", ["is tested in French only", "the compute", "", "English only. We train a small"]
)
def test_a_limitation_whose_quote_is_not_in_the_text_is_dropped_and_counted(quote: str) -> None:
    answer = parse_answer(
        said(key_limitations=[{"point": "Only French.", "quote": quote}]), ReviewDepth.FULL, TEXT
    )
    assert answer.key_limitations == ()
    assert answer.dropped_quotes == 1


@pytest.mark.parametrize(
    "quote",
    [
        "is tested in English only",
        "IS TESTED IN ENGLISH ONLY",
        "It needs half ... tested in English",
        "“two” data sets. It needs",
    ],
)
def test_a_quote_is_found_whatever_its_marks_spaces_and_omissions(quote: str) -> None:
    answer = parse_answer(said(key_limitations=[{"point": "Point.", "quote": quote}]), ReviewDepth.FULL, TEXT)
    assert len(answer.key_limitations) == 1


def test_a_tldr_stays_without_its_invented_quote() -> None:
    answer = parse_answer(said(tldr_quote="an invented passage"), ReviewDepth.FULL, TEXT)
    assert answer.tldr
    assert (answer.tldr_quote, answer.dropped_quotes) == ("", 1)


def test_no_more_than_three_points_and_none_that_is_long() -> None:
    points = [{"point": "word " * 100, "quote": "is tested in English only"}] * 9
    answer = parse_answer(said(key_limitations=points, tldr="word " * 1000), ReviewDepth.FULL, TEXT)
    assert len(answer.key_limitations) == 3
    assert all(len(point.text) <= 161 for point in answer.key_limitations)
    assert len(answer.tldr) <= 600


@given(st.text(max_size=300))
def test_any_text_that_is_no_form_gives_a_reason(text: str) -> None:
    with pytest.raises(AnswerError, match=r"\w"):
        parse_answer(text, ReviewDepth.SCORE, TEXT)


def test_the_score_is_ours_from_weights_and_grades() -> None:
    assert compute_score(dict.fromkeys(DIMENSIONS, 1), DEFAULT_WEIGHTS) == 0.0
    assert compute_score(dict.fromkeys(DIMENSIONS, 5), DEFAULT_WEIGHTS) == 10.0
    assert compute_score(dict.fromkeys(DIMENSIONS, 3), {**DEFAULT_WEIGHTS, "impact": 9.0}) == 5.0
    grades = {**dict.fromkeys(DIMENSIONS, 1), "impact": 5}
    assert compute_score(grades, {**dict.fromkeys(DIMENSIONS, 1.0), "impact": 4.0}) == 5.0


@pytest.mark.parametrize("stage", list(ReviewDepth))
def test_the_schema_asks_for_evidence_before_the_number_and_uses_plain_words_alone(
    stage: ReviewDepth,
) -> None:
    made = build_review_schema(stage)
    fields = list(made["properties"]["impact"]["properties"])
    assert fields.index("evidence") < fields.index("grade")
    assert not any(word in json.dumps(made) for word in ("$ref", "minimum", "maximum", "pattern", "anyOf"))
