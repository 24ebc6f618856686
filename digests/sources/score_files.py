"""Files of scores: people's scores of papers, and models' scores of the same papers, as JSON Lines."""

import json
import math
from collections.abc import Iterator
from typing import Any, BinaryIO

from digests.agreement import Judgement
from digests.errors import InputError
from digests.sources.stream import STANDARD_INPUT, describe_location, open_text

MAX_CHARACTERS = 256 * 1024 * 1024
"""Characters of a file of scores: a million records fit."""

MAX_SCORES = 1_000
"""People who scored one paper."""


def read_judgements(location: str, standard_input: BinaryIO | None = None) -> dict[str, Judgement]:
    """Read people's scores, by paper: lines such as {"id": "p1", "scores": [6, 8], "decision": "Accept"}.

    Raises InputError, which names the line, at the first record that cannot be used.
    """
    judgements: dict[str, Judgement] = {}
    for place, record in _read_records(location, standard_input):
        paper = _read_name(record, "id", place)
        scores = record.get("scores")
        if not isinstance(scores, list) or not scores:
            raise InputError(f'{place}: "scores" must be a list of numbers, one a person.')
        if len(scores) > MAX_SCORES:
            raise InputError(f'{place}: "scores" has more than {MAX_SCORES} numbers.')
        if paper in judgements:
            raise InputError(f"{place}: the paper {_quote(paper)} is there twice: leave one line.")
        numbers = tuple(_read_number(score, "scores", place) for score in scores)
        judgements[paper] = Judgement(numbers, _read_decision(record.get("decision"), place))
    return judgements


def read_model_scores(location: str, standard_input: BinaryIO | None = None) -> dict[str, dict[str, float]]:
    """Read models' scores, by model and paper: lines such as {"model": "m", "id": "p1", "overall": 7}.

    A record whose "overall" is null is left out. Raises InputError, which names the line, at the first record
    that cannot be used.
    """
    scores: dict[str, dict[str, float]] = {}
    for place, record in _read_records(location, standard_input):
        model, paper = _read_name(record, "model", place), _read_name(record, "id", place)
        if "overall" in record and record["overall"] is None:
            continue
        score = _read_number(record.get("overall"), "overall", place)
        if paper in scores.setdefault(model, {}):
            twice = f"the paper {_quote(paper)} is there twice for the model {_quote(model)}"
            raise InputError(f"{place}: {twice}: leave one line.")
        scores[model][paper] = score
    return scores


def _read_records(location: str, standard_input: BinaryIO | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each line's object with its place for people. Empty lines are skipped."""
    is_input = location == STANDARD_INPUT and standard_input is not None
    name = "standard input" if is_input else describe_location(location)
    for number, line in enumerate(_read_lines(location, name, standard_input), 1):
        if not line.strip():
            continue
        place = f"{name}, line {number}"
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            raise InputError(f"{place}: it is not JSON: each line must be one object.") from None
        if not isinstance(record, dict):
            raise InputError(f"{place}: it is not an object in braces: each line must be one.")
        yield place, record


def _read_lines(location: str, name: str, standard_input: BinaryIO | None) -> list[str]:
    pieces, size = [], 0
    with open_text(location, standard_input=standard_input, progress=lambda done, total: None) as text:
        for piece in text:
            pieces.append(piece)
            size += len(piece)
            if size > MAX_CHARACTERS:
                raise InputError(f"{name} is longer than {MAX_CHARACTERS:,} characters: split it.")
    return "".join(pieces).split("\n")


def _read_name(record: dict[str, Any], key: str, place: str) -> str:
    value = record.get(key)
    if not isinstance(value, str) or not value.strip():
        raise InputError(f'{place}: "{key}" must be a text.')
    return value.strip()


def _read_number(value: object, key: str, place: str) -> float:
    try:
        number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        shown = "it is missing" if value is None else f"found {_quote(json.dumps(value))}"
        raise InputError(f'{place}: "{key}" must hold plain numbers; {shown}.')
    return number


def _read_decision(value: object, place: str) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else ""
    if word.startswith("accept"):
        return True
    if any(part in word for part in ("reject", "withdraw")):
        return False
    raise InputError(
        f'{place}: "decision" must begin with “Accept” or “Reject”; found {_quote(json.dumps(value))}.'
    )


def _quote(text: str) -> str:
    return f"“{text[:60]}”"
