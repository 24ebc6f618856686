"""Sentences for people whose settings cannot be used: the key, the problem and its fix."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, get_args

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

MAX_QUOTED_CHARACTERS = 60
"""Longest quotation in a sentence, so that a problem fits on one line."""

KeyPath = tuple[int | str, ...]
"""Steps from the whole document to a value: keys, and numbers in lists, counted from 0."""


class SettingsError(Exception):
    """Settings or secrets that cannot be used.

    `str(error)` has one line per problem: place, problem and fix.
    """


def describe_problem(error: "ErrorDetails", model: "type[BaseModel]") -> str:
    """Return one line for one of pydantic's errors: the key, the problem and its fix.

    `model` is the model of the whole document. Its tables know their keys and the keys of earlier versions.
    """
    return f"{format_key_path(error['loc'])} {_describe_fault(error, model)}"


def _describe_fault(error: "ErrorDetails", model: "type[BaseModel]") -> str:
    match error["type"]:
        case "value_error":
            return str(error["ctx"]["error"])
        case "extra_forbidden":
            return _describe_unknown_key(error["loc"], model)
        case "missing":
            return f"is missing; add {error['loc'][-1]} = ... to it, as example.toml shows"
        case _:
            return f"is {quote_value(error['input'])}; write {_describe_fix(error)}"


def _describe_unknown_key(loc: KeyPath, model: "type[BaseModel]") -> str:
    table, key = _find_table(loc[:-1], model), str(loc[-1])
    former_keys: Mapping[str, str] = getattr(table, "former_keys", {})
    if key in former_keys:
        return former_keys[key]
    if table is model and (owner := _find_owner(key, model)):
        return f"belongs under {owner}; move it there"
    nearest = find_nearest(key, table.model_fields)
    if nearest:
        return f"is no key that Paperround knows; did you mean {nearest}?"
    known_keys = ", ".join(table.model_fields)
    return f"is no key that Paperround knows; remove it, or use one of {known_keys}"


def _find_owner(key: str, model: "type[BaseModel]") -> str:
    """Return the header of the first table of the document that has a key; empty if none has it."""
    from pydantic import BaseModel

    for name, info in model.model_fields.items():
        (inner, *_), is_list = (
            get_args(info.annotation) or (info.annotation,),
            bool(get_args(info.annotation)),
        )
        if isinstance(inner, type) and issubclass(inner, BaseModel) and key in inner.model_fields:
            return f"[[{name}]]" if is_list else f"[{name}]"
    return ""


def describe_renamed_key(new_name: str) -> str:
    """Return the sentence about a key that has another name now, without the key itself at its start."""
    return f"has another name now; rename it to {new_name}"


def describe_removed_key(value: str) -> str:
    """Return the sentence about a key that is no setting any more, without the key itself at its start.

    `value` is the constant that took its place, in words.
    """
    return f"is no longer a setting; remove it (Paperround uses {value})"


def _find_table(loc: KeyPath, model: "type[BaseModel]") -> "type[BaseModel]":
    """Return the model of the table at `loc`. Numbers in lists are passed over.

    Raises KeyError for no table.
    """
    table: Any = model
    for name in (step for step in loc if isinstance(step, str)):
        annotation = table.model_fields[name].annotation
        table = next(iter(get_args(annotation)), annotation)
    found: type[BaseModel] = table
    return found


def find_nearest(word: str, words: Iterable[str], cutoff: float = 0.7) -> str | None:
    """Return the word most like `word`, None if none is like enough. Upper and lower case differ.

    `cutoff` is the least likeness, from 0 to 1. Of a long `word` only the first `MAX_QUOTED_CHARACTERS`
    count.
    """
    from difflib import get_close_matches  # Needed only when something is wrong.

    return next(iter(get_close_matches(word[:MAX_QUOTED_CHARACTERS], words, n=1, cutoff=cutoff)), None)


def _describe_fix(error: "ErrorDetails") -> str:
    limits = error.get("ctx", {})
    match error["type"]:
        case "less_than_equal":
            return f"{limits['le']:g} or less"
        case "greater_than_equal":
            return f"{limits['ge']:g} or more"
        case "literal_error":
            return str(limits["expected"]).replace("'", '"')
        case "string_too_short":
            return "at least one character between the quotes, or remove it"
        case "string_too_long":
            return f"{limits['max_length']} characters or fewer"
        case "tuple_type" if error["loc"] in (("subscriptions",), ("sources",)):
            return f"[[{error['loc'][0]}]], in two pairs of brackets, above each one"
        case "model_type":
            return f"a table, which begins with {_format_table_header(error['loc'])}"
        case "tuple_type" if error["loc"][-1] == "days":
            return 'a list in brackets, such as ["mon", "fri"]'
        case kind:
            return _FIX_BY_ERROR_TYPE.get(kind, "what example.toml shows")


_FIX_BY_ERROR_TYPE = {
    "int_type": "a whole number without quotes",
    "float_type": "a number without quotes",
    "finite_number": "a number such as 0.5",
    "bool_type": "true or false, without quotes",
    "string_type": "it as text in quotes",
    "tuple_type": 'a list in brackets, such as ["one", "two"]',
}


def _format_table_header(loc: KeyPath) -> str:
    name = ".".join(step for step in loc if isinstance(step, str))
    return f"[[{name}]]" if isinstance(loc[-1], int) else f"[{name}]"


def format_key_path(loc: KeyPath) -> str:
    """Return the place of a value for people: "digest.max_age_days", "subscriptions, number 2: time_zone".

    Numbers in lists count from 1 there. Empty for the whole document.
    """
    path = joint = ""
    for step in loc:
        if isinstance(step, int):
            path, joint = f"{path}, number {step + 1}", ": "
        else:
            path, joint = f"{path}{joint}{_quote_key(step)}", "."
    return path


def _quote_key(key: str) -> str:
    is_bare = re.fullmatch("[A-Za-z0-9_-]+", key) and len(key) <= MAX_QUOTED_CHARACTERS
    return key if is_bare else quote_value(key)


def may_hold_secret(text: str) -> bool:
    """Return True for a text with the parts of an address that may be secret: a user, a query, a fragment."""
    is_address = "://" in text
    return (":" in text and "@" in text) or (is_address and ("?" in text or "#" in text))


def quote_value(value: object) -> str:
    """Return a value as TOML has it, on one line. A text is cut after `MAX_QUOTED_CHARACTERS`.

    A table, a list and a huge number are only named ("a table"), and so is an address that may hold a secret.
    """
    match value:
        case str() if may_hold_secret(value):
            return "an address with a user, a password or a query"
        case str() if len(value) > MAX_QUOTED_CHARACTERS:
            return json.dumps(value[:MAX_QUOTED_CHARACTERS] + "…", ensure_ascii=False)
        case bool() | str():
            return json.dumps(value, ensure_ascii=False)
        case dict():
            return "a table"
        case list():
            return "a list"
        case int() if abs(value) >= 10**MAX_QUOTED_CHARACTERS:
            return "a huge number"
        case _:
            return str(value)
