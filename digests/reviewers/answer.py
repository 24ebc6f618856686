"""What a model answered: found among its other words, checked, and its quotes looked up in the text. Pure."""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from digests.limitations import shorten
from digests.model import KeyPoint, Stage
from digests.reviewers.rubric import DIMENSIONS, LEAST, MOST
from digests.text import clip, tidy

Form = TypeVar("Form", bound=BaseModel)

MOST_POINTS = 3
ASSESSMENT_CHARACTERS = 1500
TLDR_CHARACTERS = 600
QUOTE_LEAST = 12
"""Characters of a quote; a shorter one stands in any text."""
QUOTE_CHARACTERS = 400
MOST_ANSWER = 400_000
"""Characters of an answer that are looked at."""
MOST_PROBLEMS = 4
MOST_STARTS = 60
"""Braces at which a JSON object is looked for."""


class AnswerError(Exception):
    """The answer cannot be used; `str` is the reason, fit for the model that is asked again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A filled-in form. `dropped` quotes stand nowhere in the text; limitations went with theirs."""

    grades: Mapping[str, int]
    assessments: Mapping[str, str]
    tldr: str
    tldr_quote: str
    key_limitations: tuple[KeyPoint, ...]
    dropped: int


class _Dimension(BaseModel):
    model_config = ConfigDict(extra="ignore")

    assessment: str = ""
    evidence: str = ""
    grade: int = Field(ge=LEAST, le=MOST)


class _AssessedDimension(_Dimension):
    assessment: str = Field(min_length=20)


class _Limitation(BaseModel):
    model_config = ConfigDict(extra="ignore")

    point: str
    quote: str = ""


class _Filled(BaseModel):
    model_config = ConfigDict(extra="ignore")

    key_limitations: list[_Limitation] = []
    tldr: str = Field(min_length=10)
    tldr_quote: str = ""


def _filled_form(name: str, dimension: type[_Dimension]) -> type[_Filled]:
    fields: dict[str, Any] = dict.fromkeys(DIMENSIONS, (dimension, ...))
    return create_model(name, __base__=_Filled, **fields)


_FORMS = {
    Stage.SCORE: _filled_form("Scored", _Dimension),
    Stage.FULL: _filled_form("Reviewed", _AssessedDimension),
}


def parse(said: str, stage: Stage, text: str) -> Answer:
    """The form out of an answer. `text` is what the model was shown. Raises AnswerError."""
    form = filled(said, _FORMS[stage])
    shown = _comparable(text)
    points, dropped = [], 0
    for limitation in form.key_limitations:
        quote = clip(tidy(limitation.quote), QUOTE_CHARACTERS)
        if not tidy(limitation.point):
            continue
        if is_quoted(limitation.quote, shown):
            points.append(KeyPoint(shorten(tidy(limitation.point).rstrip(".")), quote))
        else:
            dropped += 1
    tldr_quote = form.tldr_quote if is_quoted(form.tldr_quote, shown) else ""
    dimensions: dict[str, _Dimension] = {name: getattr(form, name) for name in DIMENSIONS}
    return Answer(
        grades={name: each.grade for name, each in dimensions.items()},
        assessments={
            name: clip(tidy(each.assessment), ASSESSMENT_CHARACTERS) for name, each in dimensions.items()
        },
        tldr=clip(tidy(form.tldr), TLDR_CHARACTERS),
        tldr_quote=clip(tidy(tldr_quote), QUOTE_CHARACTERS),
        key_limitations=tuple(points[:MOST_POINTS]),
        dropped=dropped + (not tldr_quote),
    )


def filled(said: str, form: type[Form]) -> Form:
    """The form out of an answer, whatever stands around it. Raises AnswerError."""
    return _first_filled(_without_thinking(said[:MOST_ANSWER]), form)


_THOUGHT = re.compile(r"<(think(?:ing)?|reasoning)>.*?</\1>", re.DOTALL | re.IGNORECASE)


def _without_thinking(said: str) -> str:
    """What stands behind a model's thinking; some servers leave out the tag that opens it."""
    rest = _THOUGHT.sub(" ", said)
    closed = re.split(r"</(?:think(?:ing)?|reasoning)>", rest, flags=re.IGNORECASE)[-1]
    if re.match(r"\s*<(?:think(?:ing)?|reasoning)>", closed, re.IGNORECASE):
        raise AnswerError("it is cut off while still thinking")
    return closed


def _first_filled(said: str, form: type[Form]) -> Form:
    reason = ""
    for place, found in _objects(said):
        try:
            return form.model_validate(found)
        except ValidationError as error:
            if place == said.find("{"):  # Others are pieces of one that is cut off.
                reason = _problems(error)
    if reason:
        raise AnswerError(reason)
    if not said.strip():
        raise AnswerError("it is empty")
    cut = "it is no whole JSON object" if "{" in said else "there is no JSON object in it"
    raise AnswerError(cut)


def _objects(said: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The outermost JSON objects of a text, those in prose and fences too; also one that is a list's only item."""
    decoder, place = json.JSONDecoder(strict=False), 0
    for _ in range(MOST_STARTS):
        place = said.find("{", place)
        if place < 0:
            return
        start = place
        try:
            found, place = decoder.raw_decode(said, start)
        except (ValueError, RecursionError):
            place += 1
            continue
        if isinstance(found, dict):
            yield start, found


def _problems(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    said = [f"{'.'.join(map(str, one['loc']))}: {one['msg'].lower()}" for one in problems]
    return "; ".join(said[:MOST_PROBLEMS])


# Quotes.

_ALIKE = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "−": "-", "\u00ad": ""})
_OMISSION = re.compile(r"\s*(?:\[?(?:\.\.\.|…)\]?)\s*")


def _comparable(text: str) -> str:
    """Letters and digits alone, in small: white space, marks and hyphenation differ between a text and its quote."""
    folded = unicodedata.normalize("NFKC", text.translate(_ALIKE)).casefold()
    return "".join(letter for letter in folded if letter.isalnum())


def is_quoted(quote: str, comparable_text: str) -> bool:
    """Whether each part of a quote between omissions stands in the text, in order."""
    parts = [bare for part in _OMISSION.split(quote) if (bare := _comparable(part))]
    if sum(map(len, parts)) < QUOTE_LEAST:
        return False
    end = 0
    for part in parts:
        start = comparable_text.find(part, end)
        if start < 0:
            return False
        end = start + len(part)
    return True
