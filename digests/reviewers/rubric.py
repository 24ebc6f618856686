"""The rubric: five dimensions with anchors, the JSON schemas of a review, and the score.

The model only grades. The score is computed here, from the grades and configurable weights:
equal grades always give equal scores, and no model can choose its score.
"""

from collections.abc import Mapping
from typing import Any

from digests.model import ReviewDepth

RUBRIC_VERSION = "1"
"""Version of anchors and schemas, part of every score's scale.

Increase it with every change that is made to move grades: scores then begin a new scale, and papers that
failed are tried again. Other changes of the prompt leave the scale and the reviews as they are; each review
has the code of its own prompt.
"""

MIN_GRADE, MAX_GRADE = 1, 5
"""Range of a grade in one dimension."""

ANCHORS: Mapping[str, Mapping[int, str]] = {
    "methodology": {
        1: "The method is wrong, or cannot be made out.",
        2: "A known method, or one with a gap that the text does not close.",
        3: "Sound and in parts new; some choices are not justified.",
        4: "Sound, new, and its choices are justified.",
        5: "A new idea that others will build on, worked out without a gap.",
    },
    "experiments": {
        1: "None, or none that bears on the claims.",
        2: "Few, with weak or missing baselines.",
        3: "Fair baselines; ablations, variance or scale are lacking.",
        4: "Strong baselines, ablations, several data sets.",
        5: "Every claim is tested, with variance, at scale, also where the method might fail.",
    },
    "reproducibility": {
        1: "Neither code nor data nor the settings are told.",
        2: "Some settings are told; data or code cannot be had.",
        3: "The settings suffice for an expert; code or data is promised.",
        4: "Code and data are public; some details are missing.",
        5: "Code, data, settings, seeds and cost are there.",
    },
    "limitations": {
        1: "None are named, or claims go far beyond the evidence.",
        2: "Only in passing.",
        3: "Some are named, the ones that matter least among them.",
        4: "The main ones are named plainly.",
        5: "Named, measured, and the claims stay inside them.",
    },
    "impact": {
        1: "Hardly anybody will use it.",
        2: "Of use to a few who work on the very same problem.",
        3: "Of use within its field.",
        4: "Changes how its field works, or is of use to several.",
        5: "Changes what people in many fields do.",
    },
}
"""Meaning of each grade by dimension. Most papers deserve a 2 or a 3."""

DIMENSIONS = tuple(ANCHORS)

DEFAULT_WEIGHTS: Mapping[str, float] = {
    "methodology": 0.25, "experiments": 0.25, "reproducibility": 0.15, "limitations": 0.10, "impact": 0.25,
}  # fmt: skip
"""Weights of the dimensions in a score, unless the settings have others."""


def compute_score(grades: Mapping[str, int], weights: Mapping[str, float]) -> float:
    """Return the score: 0 (every grade 1) to 10 (every grade 5), with one decimal.

    Weights are relative; at least one must be over 0. Both mappings have every dimension.
    """
    total = sum(weights[name] for name in DIMENSIONS)
    weighted_sum = sum(
        weights[name] * (grades[name] - MIN_GRADE) / (MAX_GRADE - MIN_GRADE) for name in DIMENSIONS
    )
    return round(10 * weighted_sum / total, 1)


def build_review_schema(review_depth: ReviewDepth) -> dict[str, Any]:
    """Return the JSON Schema of an answer, with evidence before each grade.

    A full review also has an assessment of each dimension and key limitations. Uses only plain types, which
    every server's grammar supports.
    """
    fields: dict[str, Any] = {name: _build_dimension_schema(review_depth) for name in DIMENSIONS}
    if review_depth is ReviewDepth.FULL:
        point = _build_object_schema({"point": _build_text_schema(), "quote": _build_text_schema()})
        fields["key_limitations"] = {"type": "array", "items": point}
    return _build_object_schema(fields | {"tldr": _build_text_schema(), "tldr_quote": _build_text_schema()})


def _build_dimension_schema(review_depth: ReviewDepth) -> dict[str, Any]:
    assessment = {"assessment": _build_text_schema()} if review_depth is ReviewDepth.FULL else {}
    return _build_object_schema(
        {**assessment, "evidence": _build_text_schema(), "grade": {"type": "integer"}}
    )


def _build_object_schema(fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def _build_text_schema() -> dict[str, Any]:
    return {"type": "string"}
