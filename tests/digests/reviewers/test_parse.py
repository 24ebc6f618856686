"""Parsing of answers: the JSON object, its validation, and the look-up of quotes. Also the score."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digests.model import ReviewDepth
from digests.reviewers.forms import AnswerError
from digests.reviewers.parse import parse_answer
from digests.reviewers.rubric import DEFAULT_WEIGHTS, DIMENSIONS, build_review_schema, compute_score

TEXT = (
    "We train a small model on “two” data sets. "
    "It needs half of the compute, but is tested in English\n only."
)


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


def a_reply(**other: Any) -> str:
    return json.dumps(a_form(**other))


def test_a_complete_form_is_parsed() -> None:
    answer = parse_answer(a_reply(), ReviewDepth.FULL, TEXT)
    assert answer.grades == dict.fromkeys(DIMENSIONS, 3)
    assert [point.text for point in answer.key_limitations] == ["Only English is tested"]
    assert answer.tldr_quote
    assert answer.dropped_quotes == 0


@pytest.mark.parametrize(
    "around",
    [
        "{}", "```json\n{}\n```", "Here it is: {}\nI hope it helps.", "<think>{{\"a\": 1}} or not</think>{}",
        "thinking\n</think>\n{}", "An empty {{}} first, then {}", "<THINKING>x</THINKING> {}",
    ],
)  # fmt: skip
def test_thinking_fences_and_prose_around_the_object_are_ignored(around: str) -> None:
    assert parse_answer(around.format(a_reply()), ReviewDepth.FULL, TEXT).grades["impact"] == 3


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("", "empty"),
        ("I cannot do that.", "no JSON object"),
        (a_reply()[:200], "no whole JSON object"),
        ("<think>Let me see", "still thinking"),
        (
            a_reply(impact={"evidence": "x", "assessment": "Long enough to be one.", "grade": 11}),
            "impact.grade",
        ),
        (
            a_reply(impact={"evidence": "x", "assessment": "Long enough to be one.", "grade": "8/10"}),
            "impact.grade",
        ),
        (
            a_reply(impact={"evidence": "x", "grade": 3}, methodology={"evidence": "x", "grade": 3}),
            "impact.assessment",
        ),
        (a_reply(tldr=""), "tldr"),
        ('{"score": 10}', "methodology"),
        ("[" * 100_000, "no JSON object"),
        ("{" * 100_000, "no whole JSON object"),
    ],
)
def test_an_unusable_answer_gives_a_reason_for_the_repair(broken: str, reason: str) -> None:
    with pytest.raises(AnswerError, match=reason):
        parse_answer(broken, ReviewDepth.FULL, TEXT)


def test_scoring_needs_no_assessments() -> None:
    grades = {name: {"evidence": "x", "grade": 2} for name in DIMENSIONS}
    form = {**grades, "tldr": "A small model is trained.", "tldr_quote": "It needs half of the compute"}
    assert parse_answer(json.dumps(form), ReviewDepth.SCORE, TEXT).grades["methodology"] == 2


@pytest.mark.parametrize(
    "quote", ["is tested in French only", "the compute", "", "English only. We train a small"]
)
def test_a_limitation_with_an_invented_quote_is_dropped_and_counted(quote: str) -> None:
    answer = parse_answer(
        a_reply(key_limitations=[{"point": "Only French.", "quote": quote}]), ReviewDepth.FULL, TEXT
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
def test_a_quote_matches_despite_punctuation_case_and_ellipses(quote: str) -> None:
    answer = parse_answer(
        a_reply(key_limitations=[{"point": "Point.", "quote": quote}]), ReviewDepth.FULL, TEXT
    )
    assert len(answer.key_limitations) == 1


def test_a_tldr_loses_its_invented_quote_and_stays() -> None:
    answer = parse_answer(a_reply(tldr_quote="an invented passage"), ReviewDepth.FULL, TEXT)
    assert answer.tldr
    assert (answer.tldr_quote, answer.dropped_quotes) == ("", 1)


def test_limitations_are_limited_to_three_short_points() -> None:
    points = [{"point": "word " * 100, "quote": "is tested in English only"}] * 9
    answer = parse_answer(a_reply(key_limitations=points, tldr="word " * 1000), ReviewDepth.FULL, TEXT)
    assert len(answer.key_limitations) == 3
    assert all(len(point.text) <= 161 for point in answer.key_limitations)
    assert len(answer.tldr) <= 600


@pytest.mark.parametrize(
    ("tldr", "begun"),
    [
        ("This paper shows that small models suffice.", "Small models suffice."),
        ("In this work, we find that k-means is enough.", "k-means is enough."),
        ("The authors demonstrate that GPT is not needed.", "GPT is not needed."),
        ("This paper claims that small models suffice.", "This paper claims that small models suffice."),
        ("This paper introduces a small model.", "This paper introduces a small model."),
        ("We show how to train a small model.", "We show how to train a small model."),
    ],
)
def test_a_tldr_begins_with_its_finding(tldr: str, begun: str) -> None:
    assert parse_answer(a_reply(tldr=tldr), ReviewDepth.FULL, TEXT).tldr == begun


@given(st.text(max_size=300))
def test_any_text_without_a_form_gives_a_reason(text: str) -> None:
    with pytest.raises(AnswerError, match=r"\w"):
        parse_answer(text, ReviewDepth.SCORE, TEXT)


def test_the_score_is_computed_from_grades_and_weights() -> None:
    assert compute_score(dict.fromkeys(DIMENSIONS, 1), DEFAULT_WEIGHTS) == 0.0
    assert compute_score(dict.fromkeys(DIMENSIONS, 5), DEFAULT_WEIGHTS) == 10.0
    assert compute_score(dict.fromkeys(DIMENSIONS, 3), {**DEFAULT_WEIGHTS, "impact": 9.0}) == 5.0
    grades = {**dict.fromkeys(DIMENSIONS, 1), "impact": 5}
    assert compute_score(grades, {**dict.fromkeys(DIMENSIONS, 1.0), "impact": 4.0}) == 5.0


@pytest.mark.parametrize("review_depth", list(ReviewDepth))
def test_the_schema_has_evidence_before_grades_and_only_plain_types(
    review_depth: ReviewDepth,
) -> None:
    schema = build_review_schema(review_depth)
    fields = list(schema["properties"]["impact"]["properties"])
    assert fields.index("evidence") < fields.index("grade")
    assert not any(word in json.dumps(schema) for word in ("$ref", "minimum", "maximum", "pattern", "anyOf"))
