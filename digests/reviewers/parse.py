"""Parsing of a model's answer: find the JSON object, validate it, and look up its quotes in the paper."""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from digests.limitations import shorten_point
from digests.model import QuotedLimitation, ReviewDepth
from digests.reviewers.rubric import DIMENSIONS, MAX_GRADE, MIN_GRADE
from digests.text import clip_text, limit_combining_marks, normalize_text

Form = TypeVar("Form", bound=BaseModel)

MAX_KEY_LIMITATIONS = 3
MAX_CHECKED_LIMITATIONS = 12
"""Limitations of an answer that are looked up in the paper. The model is asked for three."""
MAX_ASSESSMENT_CHARACTERS = 1500
MAX_TLDR_CHARACTERS = 600
MIN_QUOTE_CHARACTERS = 12
"""Letters and digits of a quote; a shorter one occurs in any text."""
MAX_QUOTE_CHARACTERS = 400
MAX_ANSWER_CHARACTERS = 400_000
"""Characters of an answer that are parsed."""
MAX_REPORTED_PROBLEMS = 4
MAX_JSON_STARTS = 60
"""Opening braces at which decoding is tried."""


class AnswerError(Exception):
    """An unusable answer. `str` is the reason, worded for the repair prompt."""


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """A validated answer, with at most `MAX_KEY_LIMITATIONS` key limitations.

    `dropped_quotes` counts quotes that are not in the paper, and a missing TL;DR quote. A limitation is
    dropped with its quote.
    """

    grades: Mapping[str, int]
    assessments: Mapping[str, str]
    tldr: str
    tldr_quote: str
    key_limitations: tuple[QuotedLimitation, ...]
    dropped_quotes: int


class _Dimension(BaseModel):
    model_config = ConfigDict(extra="ignore")

    assessment: str = ""
    evidence: str = ""
    grade: int = Field(ge=MIN_GRADE, le=MAX_GRADE)


class _AssessedDimension(_Dimension):
    assessment: str = Field(min_length=20)


class _Limitation(BaseModel):
    model_config = ConfigDict(extra="ignore")

    point: str
    quote: str = ""


class _ReviewForm(BaseModel):
    model_config = ConfigDict(extra="ignore")

    key_limitations: list[_Limitation] = []
    tldr: str = Field(min_length=10)
    tldr_quote: str = ""


def _build_form_type(name: str, dimension: type[_Dimension]) -> type[_ReviewForm]:
    fields: dict[str, Any] = dict.fromkeys(DIMENSIONS, (dimension, ...))
    return create_model(name, __base__=_ReviewForm, **fields)


_FORM_TYPES = {
    ReviewDepth.SCORE: _build_form_type("Scored", _Dimension),
    ReviewDepth.FULL: _build_form_type("Reviewed", _AssessedDimension),
}


def parse_answer(reply_text: str, review_depth: ReviewDepth, shown_text: str) -> ParsedAnswer:
    """Check a review's answer and return its contents, with texts on one line and cut to their limits.

    `shown_text` is the text that the model saw: quotes that are not in it are dropped. Raises AnswerError for
    an answer without a JSON object of the form for `review_depth`.
    """
    form = parse_form(reply_text, _FORM_TYPES[review_depth])
    comparable_text = _normalize_for_comparison(shown_text)
    key_points, dropped_quotes = [], 0
    for limitation in form.key_limitations[:MAX_CHECKED_LIMITATIONS]:
        quote = clip_text(normalize_text(limitation.quote), MAX_QUOTE_CHARACTERS)
        if not normalize_text(limitation.point):
            continue
        if is_quoted(limitation.quote, comparable_text):
            key_points.append(
                QuotedLimitation(shorten_point(normalize_text(limitation.point).rstrip(".")), quote)
            )
        else:
            dropped_quotes += 1
    tldr_quote = form.tldr_quote if is_quoted(form.tldr_quote, comparable_text) else ""
    dimensions: dict[str, _Dimension] = {name: getattr(form, name) for name in DIMENSIONS}
    return ParsedAnswer(
        grades={name: dimension.grade for name, dimension in dimensions.items()},
        assessments={
            name: clip_text(normalize_text(dimension.assessment), MAX_ASSESSMENT_CHARACTERS)
            for name, dimension in dimensions.items()
        },
        tldr=clip_text(normalize_text(form.tldr), MAX_TLDR_CHARACTERS),
        tldr_quote=clip_text(normalize_text(tldr_quote), MAX_QUOTE_CHARACTERS),
        key_limitations=tuple(key_points[:MAX_KEY_LIMITATIONS]),
        dropped_quotes=dropped_quotes + (not tldr_quote),
    )


def check_answer(
    reply_text: str, review_depth: ReviewDepth, shown_text: str
) -> tuple[ParsedAnswer | None, str]:
    """Check an answer as `parse_answer` does. For an unusable one, return None and the reason."""
    try:
        return parse_answer(reply_text, review_depth, shown_text), ""
    except AnswerError as error:
        return None, str(error)


def parse_form(reply_text: str, form_type: type[Form]) -> Form:
    """Return the first JSON object of an answer that fits `form_type`; ignore the text around it.

    A model's thinking before it is ignored too. Raises AnswerError if no object fits.
    """
    return _parse_first_form(_strip_thinking(reply_text[:MAX_ANSWER_CHARACTERS]), form_type)


_THINKING_TAG = re.compile(r"<(/?)(?:think(?:ing)?|reasoning)>", re.IGNORECASE)


def _strip_thinking(reply_text: str) -> str:
    """Return the text after a model's thinking, whose opening tag some servers leave out.

    Raises AnswerError for an answer that ends while thinking.
    """
    kept: list[str] = []
    start, opened = 0, None
    for tag in _THINKING_TAG.finditer(reply_text):
        if not tag[1]:
            opened = opened or tag
            continue
        # A closing tag without an opening one: all before it is thinking.
        if opened:
            kept.append(reply_text[start : opened.start()])
        else:
            kept.clear()
        start, opened = tag.end(), None
    answer_text = " ".join([*kept, reply_text[start:]])
    if opened and _THINKING_TAG.match(answer_text.lstrip()):
        raise AnswerError("it is cut off while still thinking")
    return answer_text


def _parse_first_form(answer_text: str, form_type: type[Form]) -> Form:
    reason = ""
    for start, json_object in _find_json_objects(answer_text):
        try:
            return form_type.model_validate(json_object)
        except ValidationError as error:
            if start == answer_text.find("{"):  # Later objects may be fragments of a truncated one.
                reason = _describe_problems(error)
    if reason:
        raise AnswerError(reason)
    if not answer_text.strip():
        raise AnswerError("it is empty")
    problem = "it is no whole JSON object" if "{" in answer_text else "there is no JSON object in it"
    raise AnswerError(problem)


def _find_json_objects(answer_text: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the outermost JSON objects of a text with their positions, also inside prose or lists.

    Looks at the first `MAX_JSON_STARTS` opening braces.
    """
    decoder, position = json.JSONDecoder(strict=False), 0
    for _ in range(MAX_JSON_STARTS):
        position = answer_text.find("{", position)
        if position < 0:
            return
        start = position
        try:
            decoded, position = decoder.raw_decode(answer_text, start)
        except (ValueError, RecursionError):
            position += 1
            continue
        if isinstance(decoded, dict):
            yield start, decoded


def _describe_problems(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    sentences = [f"{'.'.join(map(str, problem['loc']))}: {problem['msg'].lower()}" for problem in problems]
    return "; ".join(sentences[:MAX_REPORTED_PROBLEMS])


_CHARACTER_VARIANTS = str.maketrans(
    {"“": '"', "”": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "−": "-", "\u00ad": ""}
)
_ELLIPSIS = re.compile(r"\[?(?:\.\.\.|…)\]?")


def _normalize_for_comparison(text: str) -> str:
    """Return the letters and digits of a text, in lower case, for looking up quotes.

    White space, punctuation and hyphenation differ between a text and its quotes.
    """
    folded = unicodedata.normalize(
        "NFKC", limit_combining_marks(text.translate(_CHARACTER_VARIANTS))
    ).casefold()
    return "".join(letter for letter in folded if letter.isalnum())


def is_quoted(quote: str, comparable_text: str) -> bool:
    """Return True if the parts of a quote between its ellipses occur in the normalized text, in order.

    `comparable_text` is a result of `_normalize_for_comparison`. False for a quote with fewer than
    `MIN_QUOTE_CHARACTERS` letters and digits.
    """
    parts = [bare for part in _ELLIPSIS.split(quote) if (bare := _normalize_for_comparison(part))]
    if sum(map(len, parts)) < MIN_QUOTE_CHARACTERS:
        return False
    end = 0
    for part in parts:
        start = comparable_text.find(part, end)
        if start < 0:
            return False
        end = start + len(part)
    return True
