"""The form in a model's answer: found behind thoughts, inside wrappers, fences and prose. Pure.

The last whole form of an answer is its result: a draft in the model's thoughts is none.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from digests.reviewers.loose_json import FoundObject, Mend, find_objects

Form = TypeVar("Form", bound=BaseModel)

MAX_ANSWER_CHARACTERS = 400_000
"""Characters of an answer that are read, from its end: the form is the last part."""
MAX_REPORTED_PROBLEMS = 4
MAX_WRAPPERS = 4
"""Levels of objects, lists and texts around a form."""

MAX_SWALLOWED_FORMS = 3
"""Readings of an answer in which something before the form may have swallowed a part of it."""

Mends = Counter[str]
"""Counts of repairs and losses by their kind, a value of `Mend`."""

CleanFields = Callable[[dict[str, Any]], tuple[dict[str, Any], Mends]]
"""Brings the fields of an object to the types of a form."""


class AnswerError(Exception):
    """An unusable answer. `str` is the reason, worded for the repair prompt."""


def keep_fields(fields: dict[str, Any]) -> tuple[dict[str, Any], Mends]:
    """Return the fields as they are."""
    return fields, Counter()


def parse_form(reply_text: str, form_type: type[Form]) -> Form:
    """Return the last whole form of an answer, as `read_form` does."""
    return read_form(reply_text, form_type, keep_fields)[0]


def read_form(reply_text: str, form_type: type[Form], clean: CleanFields) -> tuple[Form, Mends]:
    """Return the last whole form of an answer, and what was mended in it.

    A form that the answer cuts off counts if it has all that is needed. Raises AnswerError if there is none,
    if its fields do not fit, and if it stands in thoughts that something else follows.
    """
    text = reply_text[-MAX_ANSWER_CHARACTERS:]
    reason: AnswerError | None = None
    for _ in range(MAX_SWALLOWED_FORMS):
        objects = list(find_objects(text))
        try:
            return _read_last_form(text, objects, form_type, clean)
        except AnswerError as error:
            reason = reason or error
        # Something like an object before the form may have swallowed its beginning.
        mended = [found for found in objects if Mend.JSON in found.mends and not found.is_cut_off]
        if not mended:
            break
        text = text[: mended[-1].start] + " " + text[mended[-1].start + 1 :]
    assert reason  # noqa: S101
    raise reason


def _read_last_form(
    text: str, objects: Sequence[FoundObject], form_type: type[Form], clean: CleanFields
) -> tuple[Form, Mends]:
    fields = {squash_key(name): name for name in form_type.model_fields}
    whole = [found for found in objects if not found.is_cut_off]
    found, candidate = _find_last_candidate(whole, fields)
    end = found.end if found else 0
    for late in objects:
        if late.is_cut_off and late.start >= end and (form := _read_cut_off(late, fields, form_type, clean)):
            return form
    if not found or candidate is None:
        raise AnswerError(_describe_missing_form(text, objects, fields, form_type))
    _check_thoughts(text, whole, found)
    cleaned, mends = clean(candidate)
    mends.update(found.mends)
    if rename_keys(found.value, fields) != candidate:
        mends[Mend.WRAPPER] += 1
    try:
        return form_type.model_validate(cleaned), mends
    except ValidationError as error:
        raise AnswerError(_describe_problems(error)) from None


def _find_last_candidate(
    objects: Sequence[FoundObject], fields: dict[str, str]
) -> tuple[FoundObject | None, dict[str, Any] | None]:
    for found in reversed(objects):
        candidates = list(_list_candidates(found.value, fields, MAX_WRAPPERS))
        if candidates:
            return found, candidates[-1]
    return None, None


def _read_cut_off(
    found: FoundObject, fields: dict[str, str], form_type: type[Form], clean: CleanFields
) -> tuple[Form, Mends] | None:
    """Return a form that is cut off and has all that is needed, None for an object of another kind.

    Raises AnswerError for a form that lacks something.
    """
    candidate = rename_keys(found.value, fields)
    if not set(candidate) & set(fields.values()):
        candidates = list(_list_candidates(found.value, fields, MAX_WRAPPERS))
        if not candidates:
            return None
        candidate = candidates[-1]
    cleaned, mends = clean(candidate)
    mends.update((*found.mends, Mend.CUT_OFF))
    try:
        return form_type.model_validate(cleaned), mends
    except ValidationError:
        raise AnswerError("it is no whole JSON object") from None


def squash_key(key: str) -> str:
    """Return the letters and digits of a key in lower case: models write "TL;DR" and "keyLimitations"."""
    return "".join(filter(str.isalnum, key.lower()))


def rename_keys(value: dict[str, Any], fields: dict[str, str]) -> dict[str, Any]:
    """Return an object with the form's own names of its fields. `fields` are the names by squashed key."""
    return {fields.get(squash_key(key), key): part for key, part in value.items()}


def _list_candidates(value: object, fields: dict[str, str], levels: int) -> Iterator[dict[str, Any]]:
    """Yield the objects that look like the form, in their order, also inside a wrapper."""
    if isinstance(value, dict):
        renamed = rename_keys(value, fields)
        known = [renamed[name] for name in fields.values() if name in renamed]
        if 2 * len(known) >= len(fields) and not all(map(_is_schema, known)):
            yield renamed
            return
    if not levels:
        return
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _list_candidates(part, fields, levels - 1)
    elif isinstance(value, str) and "{" in value:
        for found in find_objects(value):
            if not found.is_cut_off:
                yield from _list_candidates(found.value, fields, levels - 1)


def _is_schema(value: object) -> bool:
    """Return True for the description of a field: some models repeat the schema."""
    return isinstance(value, dict) and isinstance(value.get("type"), str)


_THOUGHT_TAG = re.compile(
    r"[<\[◁](?P<close>/?)(?:seed:)?(?:think(?:ing)?|thoughts?|reason(?:ing)?|reflection|scratchpad|analysis|"
    r"monologue)[>\]▷]|<\|(?:begin|(?P<end>end))_of_(?:thought|thinking|reasoning)\|>|"
    r"<\|channel\|>(?:analysis|commentary|(?P<final>final))",
    re.IGNORECASE,
)


def _find_open_thought(text: str, objects: Sequence[FoundObject], end: int) -> tuple[bool, int]:
    """Return True if thoughts are open at `end`, and the end of the last closing tag of the text, or 0.

    Thoughts whose opening tag is left out are open until their closing one. Tags inside objects are texts.
    """
    is_open, closed_at, has_opening_after = False, 0, False
    position = 0
    for found in (*objects, None):
        for tag in _THOUGHT_TAG.finditer(text, position, found.start if found else len(text)):
            is_closing = bool(tag["close"] or tag["end"] or tag["final"])
            closed_at = tag.end() if is_closing else closed_at
            if tag.start() < end:
                is_open = not is_closing
            elif is_closing and not has_opening_after:
                is_open = True
            has_opening_after |= tag.start() >= end
        position = found.end if found else 0
    return is_open, closed_at


_WORD = re.compile(r"[^\W_]")
_FENCE = re.compile(r"```\w*|</?\w[\w:-]{0,30}>|<\|\w{1,30}\|>")


def _check_thoughts(text: str, objects: Sequence[FoundObject], found: FoundObject) -> None:
    """Raise AnswerError for a form inside thoughts after which something else comes, or nothing any more."""
    is_open, closed_at = _find_open_thought(text, objects, found.end)
    if is_open and _WORD.search(_FENCE.sub(" ", text[max(found.end, closed_at) :])):
        raise AnswerError(
            "the form stands in its thoughts, not in its answer"
            if closed_at > found.end
            else "it is cut off while still thinking"
        )


def _describe_missing_form(
    text: str, objects: Sequence[FoundObject], fields: dict[str, str], form_type: type[Form]
) -> str:
    if not text.strip():
        return "it is empty"
    whole = [found for found in objects if not found.is_cut_off]
    is_open, _ = _find_open_thought(text, whole, len(text))
    if is_open:
        return "it is cut off while still thinking"
    is_broken = any(found.is_cut_off and rename_keys(found.value, fields) for found in objects)
    if whole and not is_broken:
        likest = max(
            whole, key=lambda found: len(set(rename_keys(found.value, fields)) & set(fields.values()))
        )
        try:
            form_type.model_validate(rename_keys(likest.value, fields))
        except ValidationError as error:
            return _describe_problems(error)
    return "it is no whole JSON object" if "{" in text else "there is no JSON object in it"


def _describe_problems(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    sentences = [f"{'.'.join(map(str, problem['loc']))}: {problem['msg'].lower()}" for problem in problems]
    return "; ".join(sentences[:MAX_REPORTED_PROBLEMS])
