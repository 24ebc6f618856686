"""Parsing of a review's answer: validate each of its parts, and look up its quotes in the paper."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from digests.limitations import shorten_point
from digests.model import QuotedLimitation, ReviewDepth
from digests.reviewers.forms import AnswerError, Mends, read_form, rename_keys, squash_key
from digests.reviewers.loose_json import Mend
from digests.reviewers.quotes import is_quoted, normalize_for_quotes
from digests.reviewers.rubric import DIMENSIONS, MAX_GRADE, MIN_GRADE
from digests.text import clip_text, normalize_text, to_plain_text

MAX_KEY_LIMITATIONS = 3
MAX_CHECKED_LIMITATIONS = 12
"""Limitations of an answer that are looked up in the paper. The model is asked for three."""
MAX_MISSING_ASSESSMENTS = 1
"""Assessments that a full review may lack."""
MIN_ASSESSMENT_CHARACTERS = 20
MAX_ASSESSMENT_CHARACTERS = 1500
MAX_TLDR_CHARACTERS = 600
MAX_POINT_CHARACTERS = 1000
"""Characters of a point before it is shortened."""
MAX_QUOTE_CHARACTERS = 400
MAX_MARKUP_FACTOR = 4
"""Multiple of a text's limit that is read of it: markup may take the rest."""


@dataclass(frozen=True, slots=True)
class ParsedAnswer:
    """A validated answer, with at most `MAX_KEY_LIMITATIONS` key limitations.

    `dropped_quotes` counts quotes that are not in the paper, and a missing TL;DR quote. A limitation is
    dropped with its quote. `mends` counts what was repaired or lost by its kind.
    """

    grades: Mapping[str, int]
    assessments: Mapping[str, str]
    tldr: str
    tldr_quote: str
    key_limitations: tuple[QuotedLimitation, ...]
    dropped_quotes: int
    mends: Mapping[str, int] = field(default_factory=dict)


class _Dimension(BaseModel):
    model_config = ConfigDict(extra="ignore")

    assessment: str = ""
    grade: int = Field(ge=MIN_GRADE, le=MAX_GRADE)


class _AssessedDimension(_Dimension):
    assessment: str = Field(min_length=MIN_ASSESSMENT_CHARACTERS)


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


_SCORE_FORM = _build_form_type("Scored", _Dimension)
_FULL_FORM = _build_form_type("Reviewed", _AssessedDimension)


def parse_answer(reply_text: str, review_depth: ReviewDepth, shown_text: str) -> ParsedAnswer:
    """Check a review's answer and return its contents, with texts on one line and cut to their limits.

    `shown_text` is the text that the model saw: quotes that are not in it are dropped. A part that is odd is
    repaired, or dropped if the others do without it. Raises AnswerError for an answer without a form for
    `review_depth`, without a grade, or without a TL;DR.
    """
    form_type = _SCORE_FORM if review_depth is ReviewDepth.SCORE else _FULL_FORM
    form, mends = read_form(reply_text, form_type, partial(_clean_review, review_depth=review_depth))
    comparable_text = normalize_for_quotes(shown_text)
    key_points, dropped_quotes = [], 0
    for limitation in form.key_limitations:
        if is_quoted(limitation.quote, comparable_text):
            quote = clip_text(normalize_text(limitation.quote), MAX_QUOTE_CHARACTERS)
            key_points.append(QuotedLimitation(shorten_point(limitation.point.rstrip(".")), quote))
        else:
            dropped_quotes += 1
    tldr_quote = form.tldr_quote if is_quoted(form.tldr_quote, comparable_text) else ""
    dimensions: dict[str, _Dimension] = {name: getattr(form, name) for name in DIMENSIONS}
    return ParsedAnswer(
        grades={name: dimension.grade for name, dimension in dimensions.items()},
        assessments={
            name: dimension.assessment if dimension.assessment != _MISSING else ""
            for name, dimension in dimensions.items()
        },
        tldr=form.tldr,
        tldr_quote=clip_text(normalize_text(tldr_quote), MAX_QUOTE_CHARACTERS),
        key_limitations=tuple(key_points[:MAX_KEY_LIMITATIONS]),
        dropped_quotes=dropped_quotes + (not tldr_quote),
        mends={str(kind): count for kind, count in mends.items() if count},
    )


def check_answer(
    reply_text: str, review_depth: ReviewDepth, shown_text: str
) -> tuple[ParsedAnswer | None, str]:
    """Check an answer as `parse_answer` does. For an unusable one, return None and the reason."""
    try:
        return parse_answer(reply_text, review_depth, shown_text), ""
    except AnswerError as error:
        return None, str(error)


_MISSING = "\ue000" * MIN_ASSESSMENT_CHARACTERS
"""Private text of an assessment that is missing and may be."""


def _clean_review(fields: dict[str, Any], review_depth: ReviewDepth) -> tuple[dict[str, Any], Mends]:
    """Return the fields of a review with their types mended, and the counts of what was mended or dropped."""
    mends: Mends = Counter()
    cleaned: dict[str, Any] = {}
    missing: list[str] = []
    for name in DIMENSIONS:
        if name not in fields:
            continue
        dimension = _clean_dimension(fields[name], mends)
        cleaned[name] = dimension
        if len(dimension.get("assessment", "")) < MIN_ASSESSMENT_CHARACTERS:
            missing.append(name)
    if review_depth is ReviewDepth.FULL and len(missing) <= MAX_MISSING_ASSESSMENTS:
        for name in missing:
            cleaned[name]["assessment"] = _MISSING
            mends[Mend.ASSESSMENT] += 1
    cleaned["key_limitations"] = list(
        islice(_clean_limitations(fields.get("key_limitations"), mends), MAX_CHECKED_LIMITATIONS)
    )
    if "tldr" in fields:
        cleaned["tldr"] = strip_preamble(_read_prose(fields["tldr"], MAX_TLDR_CHARACTERS, mends))
    cleaned["tldr_quote"] = _read_text(fields.get("tldr_quote"), mends)
    return cleaned, mends


def _clean_dimension(value: object, mends: Mends) -> dict[str, Any]:
    if not isinstance(value, dict):
        value = {"grade": value}
    names = {"assessment": "assessment", "grade": "grade", "score": "grade", "rating": "grade"}
    renamed = rename_keys(value, names)
    cleaned: dict[str, Any] = {}
    if renamed.get("assessment") is not None:
        cleaned["assessment"] = _read_prose(renamed["assessment"], MAX_ASSESSMENT_CHARACTERS, mends)
    if renamed.get("grade") is not None:
        cleaned["grade"] = _read_grade(renamed["grade"], mends)
    return cleaned


_GRADE = re.compile(
    r"\s{0,9}(?:grade|score|rating)?[\s:=]{0,9}(?P<number>[0-9](?:\.\d{1,9})?)"
    r"(?:\s{0,9}(?:/|out of|of)\s{0,9}(?P<most>\d{1,9}(?:\.0)?))?"
    r"(?![\d.]*\d|\.?[eE]\d|%)(?!\s{0,9}(?:[-–/]|to\b))",
    re.IGNORECASE,
)
_GRADE_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5}


def _read_grade(value: object, mends: Mends) -> object:
    """Return a grade as a whole number; halves are rounded up. A value that is none is returned unchanged."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return value if not isinstance(value, bool) else str(value)
    if isinstance(value, int):
        return value
    number = value if isinstance(value, float) else _read_grade_words(value)
    if number is None or not MIN_GRADE <= number <= MAX_GRADE:
        return value if isinstance(value, str) else str(value)
    mends[Mend.GRADE] += 1
    return math.floor(number + 0.5)


def _read_grade_words(words: str) -> float | None:
    if (number := _GRADE_WORDS.get(words.strip(" .").lower())) is not None:
        return number
    found = _GRADE.match(words)
    if not found or (found["most"] and float(found["most"]) != MAX_GRADE):
        return None
    return float(found["number"])


def _clean_limitations(value: object, mends: Mends) -> Iterator[dict[str, str]]:
    """Yield the limitations that have a point. A text's own words in quotation marks are its quote."""
    names = {
        "point": "point", "limitation": "point", "text": "point", "description": "point",
        "quote": "quote", "evidence": "quote", "quotation": "quote",
    }  # fmt: skip
    if isinstance(value, dict):
        is_one = any(squash_key(key) in names for key in value)
        value = [value] if is_one else list(value.values())
    elif isinstance(value, str):
        value = [value]
    for item in value if isinstance(value, list) else ():
        if isinstance(item, str):
            quoted = _QUOTED_WORDS.search(item)
            renamed: dict[str, Any] = {"point": item, "quote": quoted[1] if quoted else ""}
            mends[Mend.LIMITATION] += not quoted
        else:
            renamed = rename_keys(item, names) if isinstance(item, dict) else {}
            mends[Mend.LIMITATION] += not (renamed.get("point") and renamed.get("quote"))
        point = _read_prose(renamed.get("point"), MAX_POINT_CHARACTERS, mends)
        if point:
            yield {"point": point, "quote": _read_text(renamed.get("quote"), mends)}


_QUOTED_WORDS = re.compile('["“]([^"“”]{12,400})["”]')


_PREAMBLE = re.compile(
    r"(?:in this (?:paper|work|study), )?(?:(?:this|the) (?:paper|work|study|article)|the authors|we) "
    r"(?:shows?|finds?|proves?|demonstrates?) that (?=\w)",
    re.IGNORECASE,
)
"""Words before a finding whose loss changes nothing. A claim and a proposal keep their words."""
_PLAIN_WORD = re.compile(r"[a-z]+(?=[ ,])")


def strip_preamble(tldr: str) -> str:
    """Return a TL;DR that begins with its finding: without words such as "This paper shows that"."""
    preamble = _PREAMBLE.match(tldr)
    if not preamble:
        return tldr
    finding = tldr[preamble.end() :]
    return finding[0].upper() + finding[1:] if _PLAIN_WORD.match(finding) else finding


def _read_prose(value: object, limit: int, mends: Mends) -> str:
    """Return a text for people: LaTeX and HTML as plain text, on one line, clipped to `limit`."""
    return clip_text(to_plain_text(_read_text(value, mends)[: MAX_MARKUP_FACTOR * limit]), limit)


def _read_text(value: object, mends: Mends) -> str:
    """Return a text as it is, a list of texts as one, and "" for anything else."""
    if isinstance(value, str):
        return value
    if value is not None:
        mends[Mend.TEXT_FIELD] += 1
    if isinstance(value, list):
        return " ".join(part for part in value if isinstance(part, str))
    return ""
